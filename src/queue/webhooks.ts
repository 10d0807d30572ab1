import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkObject, checkText, refuse } from "../internal/check.ts";
import {
  allOf,
  checkScope,
  decodeRecord,
  encodeRecord,
  isDamage,
  runScript,
  toFields,
  type ScopedRedis,
  readRecord,
  type Unreadable,
} from "../redis/index.ts";
import { createAddressGuard, newSecret, signWebhook, type AddressOptions } from "../webhooks/index.ts";
import { queueKeyOf, tenantPart } from "./keys.ts";
import { checkPartitions } from "./options.ts";
import { putEndpoint, redriveDeliveries } from "./scripts.gen.ts";

/** Options of `createWebhooks`. */
export interface WebhooksOptions extends AddressOptions {
  /** Name of the queue whose jobs are reported. */
  readonly name: string;
  /** As passed to `createQueue`. @default 1 */
  readonly partitions?: number | undefined;
  /** Endpoints of one tenant, 1 to 1,000. @default 50 */
  readonly endpointsMax?: number | undefined;
}

/** An endpoint that receives a tenant's webhooks. */
export interface Endpoint {
  readonly id: string;
  readonly url: string;
  /** `["*"]`, or names as `job.completed`, `response.failed`. */
  readonly events: readonly string[];
  /** Delivers one event after the other, in order: a failing delivery delays the rest. */
  readonly ordered: boolean;
  readonly enabled: boolean;
  /** Reason for being disabled; `gone` if it responded with 410. */
  readonly disabledReason: "user" | "gone" | undefined;
  /** Events that were dropped because 100,000 deliveries were waiting. */
  readonly dropped: number;
  readonly createdAtMs: number;
  /** In lists: why it cannot be read; its other fields are then unknown. Its events wait until it is removed. */
  readonly unreadable?: Unreadable | undefined;
}

/** Delivery of one event to one endpoint. */
export interface Delivery {
  /** The `webhook-id`, the same at every attempt. */
  readonly id: string;
  readonly event: string;
  readonly jobId: string;
  readonly state: "pending" | "delivered" | "failed";
  readonly attempts: number;
  /** HTTP status of the last response; 0 without a response, with the reason in `error`: `timeout`, `dns_timeout`, `address_refused`, or the code of a network error. */
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly createdAtMs: number;
  readonly lastAtMs: number | undefined;
}

/** Settable fields of an endpoint. Others keep their value, or default to `["*"]`, unordered, enabled. */
type Chosen = { readonly [Name in "url" | "events" | "ordered" | "enabled"]?: Endpoint[Name] | undefined };

/** A tenant's endpoints at a queue. */
export interface Webhooks {
  /** Adds an endpoint. Its secret is only returned now. @throws MarrowError `invalid_input`, `too_large` over `endpointsMax` */
  create(
    endpoint: Chosen & { readonly url: string; readonly secret?: string | undefined },
  ): Promise<Endpoint & { secret: string }>;
  /** @throws MarrowError `not_found` */
  get(id: string): Promise<Endpoint>;
  list(): Promise<readonly Endpoint[]>;
  /**
   * Changes the given fields. Events for a disabled endpoint are kept and sent once it is enabled again.
   * @throws MarrowError `not_found`, `invalid_input`
   */
  update(id: string, changes: Chosen): Promise<Endpoint>;
  /** Deletes an endpoint and its pending deliveries. Returns whether it existed. */
  remove(id: string): Promise<boolean>;
  /** Makes a new secret; the old one also signs for `overlapMs`, 0 to 30 days. @default 86_400_000 @throws MarrowError `not_found` */
  rotate(id: string, options?: { readonly overlapMs?: number | undefined }): Promise<{ readonly secret: string }>;
  /** Sends an event `test` and returns the delivery's id. @throws MarrowError `not_found`, `too_large` while 100,000 deliveries wait */
  test(id: string): Promise<string>;
  /** Lists the last 1,000 deliveries of seven days, newest first; with `job`, the latest 20 for this job among the last `limit`. */
  deliveries(
    id: string,
    options?: { readonly limit?: number | undefined; readonly job?: string | undefined },
  ): Promise<readonly Delivery[]>;
  /** Sends the named deliveries again, or all that failed in a period. Returns their ids. @throws MarrowError `not_found` */
  redrive(
    id: string,
    options?: { readonly ids?: readonly string[]; readonly fromMs?: number; readonly toMs?: number },
  ): Promise<readonly string[]>;
}

/** A stored endpoint. */
export interface StoredEndpoint {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly ordered: boolean;
  readonly enabled: boolean;
  readonly createdAtMs: number;
  /** Newest first; older ones are valid until their time. */
  readonly secrets: readonly { readonly secret: string; readonly untilMs?: number | undefined }[];
}

const TRIES = 8;
/** Most listed deliveries of one job at one endpoint: one for each end of the job and for each redrive. */
const OF_JOB_MAX = 20;
const SECRETS_MAX = 4;
const EVENT = /^[a-z]{1,32}\.[a-z_]{1,32}$/;

/**
 * Opens a tenant's webhooks of a queue. The script that ends a job also stores its deliveries; `createSender` sends them.
 * @throws MarrowError `invalid_option`
 */
export function createWebhooks(redis: ScopedRedis, options: WebhooksOptions): Webhooks {
  const scoped = checkScope(redis);
  const name = checkText("name", options.name, 128);
  const endpointsMax = checkInteger("endpointsMax", options.endpointsMax ?? 50, { min: 1, max: 1_000 });
  const queue = queueKeyOf(scoped.app, { name, partitions: checkPartitions(options.partitions) }, scoped.scope);
  const tenant = tenantPart(scoped.scope);
  const guard = createAddressGuard(options);
  const endpoints = `${queue}:endpoints:${tenant}`;
  const circuitOf = (id: string) => ["HMGET", `${queue}:circuit:${id}`, "off", "dropped"];

  function check({ url, events = ["*"], ordered = false, enabled = true }: Chosen & { readonly url: string }) {
    const named = Array.isArray(events) && events.length > 0 && events.length <= 64;
    if (!named || !(events.every((event) => EVENT.test(event)) || (events.length === 1 && events[0] === "*")))
      refuse("events", 'names of events such as job.completed, or ["*"]', events, "invalid_input");
    for (const [path, flag] of Object.entries({ ordered, enabled }))
      if (typeof flag !== "boolean") refuse(path, "true or false", flag, "invalid_input");
    return { url: guard.check(url).href, events, ordered, enabled };
  }

  async function put(record: Buffer | "", before: Buffer | string, endpoint: StoredEndpoint): Promise<number> {
    const { id, events, ordered, enabled } = endpoint;
    const heard = events[0] === "*" ? "*" : `,${events.join(",")},`;
    const flags = { enabled: enabled ? 1 : 0, ordered: ordered ? 1 : 0 };
    const values = { tenant, id, before, record, events: heard, ...flags, room: endpointsMax };
    return (await runScript(scoped, putEndpoint, { queue }, values)) as number;
  }

  async function find(id: string): Promise<readonly [Buffer, StoredEndpoint, Circuit]> {
    const checked = checkId(id);
    const commands = [["HGET", endpoints, checked], circuitOf(checked)];
    const [record, circuit] = allOf(await scoped.pipeline(commands, { reply: "bytes" })) as [Buffer | null, Circuit];
    if (record === null) throw absent();
    return [record, decodeRecord(record) as StoredEndpoint, circuit];
  }

  async function change(id: string, edit: (stored: StoredEndpoint) => StoredEndpoint): Promise<Endpoint> {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const [before, stored, [, dropped]] = await find(id);
      const changed = edit(stored);
      if ((await put(encodeRecord(changed), before, changed)) === 1) return toEndpoint(changed, [null, dropped]);
    }
    throw new MarrowError("conflict", "concurrent changes to the endpoint kept conflicting with this one", {
      details: { tries: TRIES },
    });
  }

  async function send(id: string, test: string, from: number, to: number, only: readonly string[]) {
    const values = { tenant, endpoint: checkId(id), test, from_ms: from, to_ms: to, only };
    const sent = (await runScript(scoped, redriveDeliveries, { queue }, values)) as readonly string[] | null;
    if (sent === null) throw absent();
    return sent;
  }

  return {
    async create(endpoint) {
      const { secret = newSecret(), ...chosen } = checkObject("endpoint", endpoint);
      const checked = check(chosen);
      signWebhook([secret], { id: "", atMs: 0, body: "" });
      const id = `we_${randomUUID().replaceAll("-", "")}`;
      const stored: StoredEndpoint = { id, ...checked, createdAtMs: Date.now(), secrets: [{ secret }] };
      if ((await put(encodeRecord(stored), "", stored)) === -1)
        throw new MarrowError("too_large", `a tenant has at most ${endpointsMax} endpoints`, {
          details: { endpointsMax },
        });
      return { ...toEndpoint(stored, [null, null]), secret };
    },

    async get(id) {
      const [, stored, circuit] = await find(id);
      return toEndpoint(stored, circuit);
    },

    async list() {
      const records = toFields((await scoped.send(["HGETALL", endpoints], { reply: "bytes" })) as readonly Buffer[]);
      if (records.size === 0) return [];
      const all = [...records].map(([id, record]) => toListed(id, record));
      const circuits = await scoped.pipeline(all.map(({ id }) => circuitOf(id)));
      const listed = all.map((stored, at): Endpoint => {
        const circuit = circuits[at] ?? null;
        if (!isDamage(circuit)) return toEndpoint(stored, allOf([circuit])[0] as unknown as Circuit);
        return { ...toEndpoint(stored, [null, null]), unreadable: "corrupt_record" };
      });
      return listed.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
    },

    update: (id, changes) =>
      change(id, (stored) => {
        const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
        return { ...stored, ...check({ ...stored, ...given }) };
      }),

    async remove(id) {
      const gone = { id: checkId(id), events: [], ordered: false, enabled: false } as unknown as StoredEndpoint;
      return (await put("", "*", gone)) === 1;
    },

    async rotate(id, { overlapMs = 86_400_000 } = {}) {
      const untilMs =
        Date.now() + checkInteger("overlapMs", overlapMs, { min: 0, max: 30 * 86_400_000 }, "invalid_input");
      const secret = newSecret();
      await change(id, (stored) => {
        const kept = stored.secrets.map((old) => ({ ...old, untilMs: Math.min(old.untilMs ?? untilMs, untilMs) }));
        return { ...stored, secrets: [{ secret }, ...kept].slice(0, SECRETS_MAX) };
      });
      return { secret };
    },

    async test(id) {
      const [sent] = await send(id, "test", 0, 0, []);
      if (sent === undefined) throw new MarrowError("too_large", "too many deliveries wait for this endpoint");
      return sent;
    },

    redrive: (id, { ids = [], fromMs = 0, toMs = Number.MAX_SAFE_INTEGER } = {}) => send(id, "", fromMs, toMs, ids),

    async deliveries(id, { limit = 100, job } = {}) {
      const checked = checkId(id);
      const most = checkInteger("limit", limit, { min: 1, max: 1_000 }, "invalid_input");
      const owned = (await scoped.send(["HEXISTS", endpoints, checked])) === 1;
      if (!owned) throw absent();
      const range = ["ZREVRANGE", `${queue}:deliveries:${checked}`, "0", String(most - 1)];
      const logged = (await scoped.send(range)) as readonly string[];
      const messages =
        job === undefined ? logged : logged.filter((message) => isOfJob(message, job)).slice(0, OF_JOB_MAX);
      if (messages.length === 0) return [];
      const commands = messages.map((message) => ["HGETALL", `${queue}:delivery:${checked}:${message}`]);
      const replies = allOf(await scoped.pipeline(commands)) as readonly (readonly string[])[];
      return messages.flatMap((message, at) => toDelivery(message, replies[at] ?? []));
    },
  };
}

function toListed(id: string, record: Buffer): StoredEndpoint & Pick<Endpoint, "unreadable"> {
  const read = readRecord(record);
  if (read.unreadable === undefined) return read.value as StoredEndpoint;
  const { unreadable } = read;
  return { id, url: "", events: [], ordered: false, enabled: false, createdAtMs: 0, secrets: [], unreadable };
}

/** Returns the secrets that are valid now. */
export function currentSecrets({ secrets }: StoredEndpoint, nowMs: number): readonly string[] {
  return secrets.filter(({ untilMs = Infinity }) => untilMs > nowMs).map(({ secret }) => secret);
}

/** Why an endpoint is off, if it is, and how many events it did not get. */
type Circuit = readonly [off: Buffer | string | null, dropped: Buffer | string | null];

function toEndpoint({ secrets: _, enabled, ...stored }: StoredEndpoint, [off, dropped]: Circuit): Endpoint {
  const reason = String(off) === "gone" ? "gone" : enabled ? undefined : "user";
  return { ...stored, enabled: reason === undefined, disabledReason: reason, dropped: Number(dropped) };
}

/** Whether the id of a message, `evt_<job>_<number>`, is of a job. Pure. */
function isOfJob(message: string, job: string): boolean {
  const start = `evt_${job}_`;
  return message.startsWith(start) && /^\d+$/.test(message.slice(start.length));
}

function toDelivery(id: string, flat: readonly string[]): readonly Delivery[] {
  if (flat.length === 0) return [];
  const stored = toFields(flat);
  const number = (name: string) => (stored.has(name) ? Number(stored.get(name)) : undefined);
  return [
    {
      id,
      event: stored.get("event") ?? "",
      jobId: stored.get("job") ?? "",
      state: stored.get("state") as Delivery["state"],
      attempts: number("attempts") ?? 0,
      status: number("status"),
      error: stored.get("error") || undefined,
      createdAtMs: number("made") ?? 0,
      lastAtMs: number("last"),
    },
  ];
}

function checkId(id: string): string {
  const checked = checkText("id", id, 64, "invalid_input");
  if (!/^we_\w+$/.test(checked)) refuse("id", "the id of an endpoint", id, "invalid_input");
  return checked;
}

function absent(): MarrowError {
  return new MarrowError("not_found", "there is no endpoint of this id", { details: { path: "id" } });
}
