import { setTimeout as pause } from "node:timers/promises";
import { createBus, type Agent, type Bus, type Letter, type Reader } from "../../src/bus/index.ts";
import type { ApiKeys } from "../../src/gateway/index.ts";
import type { Redis } from "../../src/index.ts";
import { createQueue, createWorker, type Worker } from "../../src/queue/index.ts";
import { createRandom, type Random } from "./random.ts";
import { addCollections } from "./vectors.ts";
import { DIALOGUES, DOCUMENTS, FACTS, JOBS, QUESTIONS, RARE, TENANTS } from "./words.ts";

/** Which gateway gets the traffic, and how much of it. */
export interface TrafficOptions {
  /** `http://host:port` of a gateway that works in the background. */
  readonly origin: string;
  /** The Redis of that gateway. */
  readonly redis: Redis;
  readonly keys: ApiKeys;
  /** Models that are asked, the usual one first. */
  readonly models: readonly string[];
  /** @default 1 */
  readonly seed?: number | undefined;
}

/** Traffic of three tenants: all six roles have something to do, and some of it fails. */
export interface Traffic {
  /** Whatever stands before any request: plans, sessions, facts, documents, jobs of each state, agents, topics, a batch, a collection. Once. */
  prepare(): Promise<void>;
  /** Questions of users: many are usual, some never came before, a user comes to a limit. Answers how each status came. */
  chat(count: number, atOnce?: number): Promise<ReadonlyMap<number, number>>;
  /** A few jobs, and a message to the agents. */
  work(): Promise<void>;
  close(): Promise<void>;
}

interface Job {
  readonly kind: string;
  readonly number: number;
}

const PLAN = { requestsPerMinute: 12, tokensPerDay: 60_000 };
/** Asks more than its plan allows. */
const BUSY = "ben";
const ATTEMPTS = 2;

/** Makes the traffic of a seed. Nothing but the gateway and its Redis is asked. */
export async function createTraffic(options: TrafficOptions): Promise<Traffic> {
  const { origin, redis, keys, models, seed = 1 } = options;
  const random = createRandom(seed);
  const tenants = await Promise.all(
    TENANTS.map(async (tenant) => ({
      ...tenant,
      key: await keys.create({ scope: tenant.scope, user: "app", name: `${tenant.scope} web app`, actsFor: "any" }),
      bus: createBus(redis.scope(tenant.scope)),
      tasks: createQueue<Job>(redis.scope(tenant.scope), { name: "tasks" }),
    })),
  );
  type Tenant = (typeof tenants)[number];
  const [first] = tenants as [Tenant, ...Tenant[]];
  const crowd = tenants.flatMap((tenant) => Array.from({ length: tenant.share }, () => tenant));
  const admin = await keys.create({ scope: first.scope, user: "root", name: "demo traffic", role: "admin" });
  const agents: Agent[] = [];
  const readers: Reader[] = [];
  const worker: Worker = createWorker<Job>(redis, { name: "tasks", concurrency: 4 }, async (work) => {
    const { kind, number } = work.payload;
    work.write(`${kind} ${number}: begun\n`);
    await pause(5 + (number % 7) * 20, undefined, { signal: work.signal });
    const { failing = 0 } = JOBS.find((one) => one.kind === kind) ?? {};
    // The same job fails whenever it is tried; others fail once.
    if (createRandom(number).next() < failing) throw new Error(`the ${kind} service answered 503`);
    if (number % 11 === 0 && work.attemptsLeft === ATTEMPTS) throw new Error("the connection was reset");
    work.progress({ part: 1 });
    return { kind, pages: 1 + (number % 9) };
  });
  let jobs = 0;
  let questions = 0;

  async function send(method: string, path: string, body: unknown, key: string, user = ""): Promise<Response> {
    const isForm = body instanceof FormData;
    const response = await fetch(`${origin}/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(user !== "" && { "x-marrow-user": user }),
        ...(!isForm && { "content-type": "application/json" }),
      },
      body: isForm ? body : JSON.stringify(body),
    });
    return response;
  }

  /** The same where a refusal is a mistake of this program. */
  async function must<T>(method: string, path: string, body: unknown, key: string, user = ""): Promise<T> {
    const response = await send(method, path, body, key, user);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async function ask(
    { key }: Tenant,
    user: string,
    content: string,
    { session, model = models[0] }: { readonly session?: string; readonly model?: string } = {},
  ): Promise<number> {
    const response = await fetch(`${origin}/v1/chat/completions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        "x-marrow-user": user,
        ...(session !== undefined && { "x-marrow-session": session }),
      },
      body: JSON.stringify({
        model,
        messages: [{ role: "user", content }],
        ...(questions % 5 === 0 && { stream: true }),
      }),
    });
    await response.arrayBuffer();
    return response.status;
  }

  function toQuestion(from: Random): string {
    questions += 1;
    if (from.chance(0.22)) return `${from.pick(RARE)} ${1 + Math.floor(from.next() * 90)}`;
    return from.pick(from.usual(QUESTIONS));
  }

  async function prepare(): Promise<void> {
    await must("PUT", "/admin/plans/starter", PLAN, admin);
    await must("PUT", `/admin/users/${BUSY}?scope=${first.scope}`, { plan: "starter" }, admin);
    for (const [at, dialogue] of DIALOGUES.entries()) {
      const user = first.users[at] as string;
      for (const line of dialogue) await ask(first, user, line, { session: `talk-${at + 1}` });
      const facts = FACTS.filter((_, nth) => nth % DIALOGUES.length === at % DIALOGUES.length);
      for (const [text, kind, key] of facts)
        await must(
          "POST",
          "/memories",
          { text, kind, key, source: { role: "user", session: `talk-${at + 1}` } },
          first.key,
          user,
        );
    }
    await addDocuments();
    await addAgents();
    await addTopic();
    await addCollections(redis.scope(first.scope), random);
    await addBatch();
    for (const tenant of tenants) for (let nth = 0; nth < tenant.share * 3; nth += 1) await push(tenant);
    const { tasks } = first;
    await tasks.push({ kind: "digest", number: 1 }, { delayMs: 6 * 3_600_000, kind: "digest" });
    await tasks.push({ kind: "invoice", number: 2 }, { delayMs: 86_400_000, kind: "invoice" });
    await tasks.cancel(await tasks.push({ kind: "import", number: 3 }, { delayMs: 60_000, kind: "import" }));
    await tasks.schedule("nightly-digest", { cron: "0 3 * * *" }, { kind: "digest", number: 4 });
    await tasks.schedule("hourly-import", { everyMs: 3_600_000 }, { kind: "import", number: 5 });
  }

  async function push({ tasks }: Tenant): Promise<void> {
    jobs += 1;
    const { kind } = random.pick(JOBS);
    // Failures end soon enough to be seen: with one attempt there is nothing to wait for.
    const attempts = jobs % 11 === 0 ? ATTEMPTS : 1;
    await tasks.push({ kind, number: jobs }, { kind, attempts, priority: 30 + (jobs % 3) * 20 });
  }

  async function addDocuments(): Promise<void> {
    const ids = await Promise.all(
      DOCUMENTS.map(async ([name, , text]) => {
        const form = new FormData();
        form.set("purpose", "assistants");
        form.set("file", new Blob([text], { type: "text/markdown" }), name);
        return (await must<{ readonly id: string }>("POST", "/files", form, first.key)).id;
      }),
    );
    const help = { name: "Help centre", metadata: { team: "support" } };
    const { id } = await must<{ readonly id: string }>("POST", "/vector_stores", help, first.key);
    await must("POST", "/vector_stores", { name: "Contracts (empty)" }, first.key);
    for (const [at, file] of ids.entries()) {
      const attributes = { topic: DOCUMENTS[at]?.[1] ?? "", year: 2024 + (at % 3) };
      await must("POST", `/vector_stores/${id}/files`, { file_id: file, attributes }, first.key);
    }
  }

  /** Questions in a file, answered in the background, and one response that is. */
  async function addBatch(): Promise<void> {
    const [model] = models;
    const url = "/v1/chat/completions";
    const lines = Array.from({ length: 12 }, (_, nth) => {
      const body = { model, messages: [{ role: "user", content: toQuestion(random) }] };
      return JSON.stringify({ custom_id: `line-${nth}`, method: "POST", url, body });
    });
    const form = new FormData();
    form.set("purpose", "batch");
    form.set("file", new Blob([lines.join("\n")]), "questions.jsonl");
    const { id } = await must<{ readonly id: string }>("POST", "/files", form, first.key);
    const batch = { input_file_id: id, endpoint: url, completion_window: "24h", metadata: { team: "research" } };
    await must("POST", "/batches", batch, first.key);
    await must("POST", "/responses", { model, input: toQuestion(random), background: true }, first.key);
  }

  async function addAgents(): Promise<void> {
    const { bus } = first;
    const add = async (name: string, skills: readonly string[], handle: (letter: Letter) => unknown) =>
      agents.push(await bus.register({ name, version: "1.4.0", skills: skills.map((id) => ({ id })) }, handle));
    await add("researcher", ["search", "read"], async ({ body, use }) => {
      use({ tokens: 120 });
      if (/contract/.test(JSON.stringify(body))) throw new Error("no source was found");
      return { notes: 3 };
    });
    await add("writer", ["write"], async (letter) => {
      letter.use({ tokens: 340 });
      return { text: "The report." };
    });
    await add("planner", ["plan"], async (letter) => {
      for (const about of ["prices", "contracts"])
        await letter.request("researcher", { about }, { gives: { tokens: 500 } });
      return letter.request("writer", { notes: 3 }, { gives: { tokens: 1_000 } });
    });
    await report();
  }

  /** A request whose handling sends others. */
  async function report(): Promise<void> {
    await first.bus.request("planner", { report: "market" }, { limits: { tokens: 4_000, fanOutMax: 12 } });
  }

  async function addTopic(): Promise<void> {
    const topic = first.bus.topic<{ readonly order: number }>("orders");
    readers.push(
      topic.read("billing", async () => {}, { from: "start" }),
      topic.read(
        "warehouse",
        async ({ body }) => {
          if (body.order % 9 === 0) throw new Error("no such article");
        },
        { from: "start", deliveriesMax: 1 },
      ),
    );
    for (let order = 1; order <= 24; order += 1) await topic.publish({ order }, { key: `customer-${order % 5}` });
    // A group that has not begun to read: its lag is all that is there.
    const clicks = first.bus.topic<{ readonly page: number }>("clicks");
    await clicks.publishMany(Array.from({ length: 60 }, (_, page) => ({ body: { page } })));
    await clicks.seek("reports", "start");
  }

  return {
    prepare,
    async chat(count, atOnce = 4) {
      const statuses = new Map<number, number>();
      let left = count;
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          while (left > 0) {
            left -= 1;
            const tenant = random.pick(crowd);
            const user = tenant === first && random.chance(0.25) ? BUSY : random.usual(tenant.users);
            const status = await ask(tenant, user, toQuestion(random), { model: random.usual(models) });
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
          }
        }),
      );
      return statuses;
    },
    async work() {
      for (let nth = 0; nth < 3; nth += 1) await push(random.pick(crowd));
      await report();
    },
    async close() {
      await Promise.all([
        worker.close(),
        ...agents.map((agent) => agent.close()),
        ...readers.map((reader) => reader.close()),
      ]);
      await Promise.all(tenants.map(({ bus }: { bus: Bus }) => bus.close()));
    },
  };
}
