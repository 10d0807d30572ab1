import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  Role,
  Task,
  TaskState,
  type AgentCard,
  type ListTasksRequest,
  type Message,
  type Part,
  type StreamResponse,
} from "@a2a-js/sdk";
import { DefaultRequestHandler, ServerCallContext } from "@a2a-js/sdk/server";
import { describe, expect, inject } from "vitest";
import { liveTest } from "../../test/live.ts";
import { teller, text } from "../../test/teller.ts";
import { connect, MarrowError } from "../index.ts";
import type { Redis } from "../redis/index.ts";
import { createA2A, startA2APush, type A2AOptions } from "./index.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const card: AgentCard = {
  name: "teller",
  description: "",
  version: "1",
  supportedInterfaces: [],
  provider: undefined,
  capabilities: { streaming: true, pushNotifications: true, extensions: [] },
  securitySchemes: {},
  securityRequirements: [],
  defaultInputModes: [],
  defaultOutputModes: [],
  skills: [],
  signatures: [],
};

function messageOf(words: string, taskId = ""): Message {
  return {
    messageId: crypto.randomUUID(),
    contextId: "",
    taskId,
    role: Role.ROLE_USER,
    parts: [text(words)],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  };
}

const sending = (words: string, taskId = "", push?: string) => ({
  tenant: "",
  message: messageOf(words, taskId),
  configuration: {
    acceptedOutputModes: [],
    returnImmediately: false,
    taskPushNotificationConfig:
      push === undefined
        ? undefined
        : { tenant: "", id: "", taskId: "", url: push, token: "secret", authentication: undefined },
  },
  metadata: undefined,
});

/** One process of an agent. */
function serve(redis: Redis, pauseMs = 5, options: Partial<A2AOptions> = {}) {
  const a2a = createA2A(redis.scope("acme"), { name: "teller", leaseMs: 1_000, ...options });
  const executor = teller(pauseMs);
  const handler = new DefaultRequestHandler(
    card,
    a2a.taskStore,
    a2a.executor(executor),
    a2a.eventBusManager,
    a2a.pushNotificationStore,
    a2a.pushNotificationSender,
  );
  return { a2a, executor, handler };
}

const call = (tenant?: string) =>
  new ServerCallContext({ requestedVersion: "1.0", ...(tenant !== undefined && { tenant }) });
const wordsOf = (count: number) => Array.from({ length: count }, (_, n) => `w${n} `).join("");
const saidIn = (parts: readonly Part[] = []) =>
  parts.map(({ content }) => (content?.$case === "text" ? content.value : "")).join("");

/** What a client that follows makes of a stream: the answer, and the states. */
async function gather(events: AsyncIterable<StreamResponse>, begun: string[] = []) {
  const answer = begun;
  const states: (TaskState | undefined)[] = [];
  let id = "";
  for await (const { payload } of events) {
    if (payload?.$case === "task") {
      id = payload.value.id;
      answer.splice(0, answer.length, saidIn(payload.value.artifacts[0]?.parts));
      states.push(payload.value.status?.state);
    } else if (payload?.$case === "artifactUpdate") {
      if (!payload.value.append) answer.length = 0;
      answer.push(saidIn(payload.value.artifact?.parts));
    } else if (payload?.$case === "statusUpdate") states.push(payload.value.status?.state);
  }
  return { id, said: answer.join(""), states };
}

async function startedAt(
  handler: DefaultRequestHandler,
  count: number,
): Promise<{ id: string; done: Promise<unknown> }> {
  const id = Promise.withResolvers<string>();
  const done = (async () => {
    for await (const { payload } of handler.sendMessageStream(sending(String(count)), call()))
      if (payload?.$case === "task") id.resolve(payload.value.id);
  })().catch(() => {});
  return { id: await id.promise, done };
}

const NOTHING_ASKED: ListTasksRequest = {
  tenant: "",
  contextId: "",
  status: TaskState.TASK_STATE_UNSPECIFIED,
  pageToken: "",
  statusTimestampAfter: undefined,
};
const FORGET_INFO = `for _, key in ipairs(redis.call("KEYS", ARGV[1])) do redis.call("DEL", key) end`;

describe("an A2A server over Redis", () => {
  liveTest("answers in one process, and tells of its tasks in another", async ({ redis }) => {
    const [one, two] = [serve(redis), serve(redis)];
    const streamed = await gather(one.handler.sendMessageStream(sending("20"), call()));
    expect(streamed).toMatchObject({ said: wordsOf(20) });
    expect(streamed.states.at(-1)).toBe(TaskState.TASK_STATE_COMPLETED);
    const task = await two.handler.getTask({ tenant: "", id: streamed.id }, call());
    expect(saidIn(task.artifacts[0]?.parts)).toBe(wordsOf(20));
    const whole = (await two.handler.sendMessage(sending("3"), call())) as Task;
    expect(whole.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
    for (let n = 0; n < 4; n += 1) await one.handler.sendMessage(sending("1"), call());
    const list = {
      tenant: "",
      contextId: "",
      status: TaskState.TASK_STATE_COMPLETED,
      pageSize: 4,
      pageToken: "",
      statusTimestampAfter: undefined,
    };
    const first = await two.handler.listTasks(list, call());
    const second = await two.handler.listTasks({ ...list, pageToken: first.nextPageToken }, call());
    expect([first.tasks.length, second.tasks.length, first.totalSize, second.nextPageToken]).toEqual([4, 2, 6, ""]);
    expect(new Set([...first.tasks, ...second.tasks].map(({ id }) => id)).size).toBe(6);
    await expect(two.handler.getTask({ tenant: "", id: streamed.id }, call("other"))).rejects.toThrow(/not found/i);
    await Promise.all([one.a2a.close(), two.a2a.close()]);
  });

  liveTest("lists the tasks of a state and a context page by page, and says how many there are", async ({ redis }) => {
    const { a2a } = serve(redis);
    const at = Date.now() - 10_000;
    const put = (nth: number, state: TaskState, contextId: string) =>
      a2a.taskStore.save(
        Task.fromJSON({
          id: `t/${nth}`,
          contextId,
          status: { state, timestamp: new Date(at + Math.floor(nth / 4)).toISOString() },
          artifacts: [{ artifactId: "a" }],
        }),
        call(),
      );
    const { TASK_STATE_COMPLETED: completed, TASK_STATE_WORKING: working } = TaskState;
    for (let nth = 0; nth < 40; nth += 1) await put(nth, nth % 2 ? working : completed, nth % 4 < 2 ? "c d" : "other");
    // Versions before kept nothing of a task beside its record.
    await redis.send(["EVAL", FORGET_INFO, "0", `{${redis.app}:*:a2a:info:*`]);
    for (let nth = 4; nth < 40; nth += 1) await put(nth, nth % 2 ? working : completed, nth % 4 < 2 ? "c d" : "other");
    const pagesOf = async (asked: Partial<ListTasksRequest>) => {
      const ids: string[] = [];
      let [pageToken, pages, total] = ["", 0, 0];
      do {
        const page = await a2a.taskStore.list({ ...NOTHING_ASKED, pageSize: 3, ...asked, pageToken }, call());
        expect(page.tasks.every(({ artifacts }) => artifacts.length === 0)).toBe(true);
        ids.push(...page.tasks.map(({ id }) => id));
        [pageToken, pages, total] = [page.nextPageToken, pages + 1, page.totalSize];
      } while (pageToken !== "" && pages < 50);
      expect(new Set(ids).size).toBe(ids.length);
      return { count: ids.length, pages, total, first: Math.max(...ids.slice(0, 3).map((id) => Number(id.slice(2)))) };
    };
    expect(await pagesOf({})).toEqual({ count: 40, pages: 14, total: 40, first: 39 });
    expect(await pagesOf({ status: working, pageSize: 20 })).toMatchObject({ count: 20, first: 39 });
    expect(await pagesOf({ status: completed, contextId: "c d", pageSize: 4 })).toMatchObject({ count: 10, first: 36 });
    expect(await pagesOf({ contextId: "none" })).toMatchObject({ count: 0 });
    const later = new Date(at + 7).toISOString();
    expect(await pagesOf({ statusTimestampAfter: later })).toMatchObject({ count: 8, total: 8, pages: 3 });
    expect(await pagesOf({ statusTimestampAfter: later, status: working })).toMatchObject({ count: 4, total: 4 });
    for (const wrong of [{ pageToken: "none" }, { statusTimestampAfter: "yesterday" }])
      await expect(a2a.taskStore.list({ ...NOTHING_ASKED, ...wrong }, call())).rejects.toThrow(/must be/);
    await a2a.close();
  });

  liveTest(
    "is followed from another process, from the middle on, without a word lost or doubled",
    async ({ redis }) => {
      const [one, two] = [serve(redis, 10), serve(redis)];
      const { id, done } = await startedAt(one.handler, 80);
      await pause(150);
      const followed = await gather(two.handler.resubscribe({ tenant: "", id }, call()));
      expect(followed).toMatchObject({ said: wordsOf(80) });
      expect(followed.states.at(-1)).toBe(TaskState.TASK_STATE_COMPLETED);
      await done;
      expect(one.executor.runs).toBe(1);
      await Promise.all([one.a2a.close(), two.a2a.close()]);
    },
  );

  liveTest("is saved to its end, and pushed, when the client that sent it leaves", async ({ redis }) => {
    const got: string[] = [];
    const receiver = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        got.push(body);
        response.end();
      });
    });
    await new Promise<void>((resolve) => void receiver.listen(0, "127.0.0.1", () => resolve()));
    const push = { allowHttp: true, allowNetworks: ["127.0.0.0/8"], allowPorts: "any" as const };
    const [one, two] = [serve(redis, 10, { push }), serve(redis)];
    const worker = startA2APush(redis, { name: "teller", push });
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    let id = "";
    let heard = 0;
    for await (const { payload } of one.handler.sendMessageStream(sending("60", "", url), call())) {
      if (payload?.$case === "task") id = payload.value.id;
      if (++heard === 10) break;
    }
    const followed = await gather(two.handler.resubscribe({ tenant: "", id }, call()));
    expect(followed).toMatchObject({ said: wordsOf(60) });
    await expect
      .poll(async () => (await two.handler.getTask({ tenant: "", id }, call())).status?.state, { timeout: 5_000 })
      .toBe(TaskState.TASK_STATE_COMPLETED);
    const task = await two.handler.getTask({ tenant: "", id }, call());
    expect(saidIn(task.artifacts[0]?.parts)).toBe(wordsOf(60));
    await expect.poll(() => got.some((body) => body.includes("TASK_STATE_COMPLETED")), { timeout: 10_000 }).toBe(true);
    for (const word of ["w0 ", "w9 ", "w10 ", "w11 ", "w59 "])
      expect(got.filter((body) => body.includes(`"${word}"`)).length).toBe(1);
    await Promise.all([one.a2a.close(), two.a2a.close(), worker.close()]);
    receiver.close();
  });

  liveTest("has each word once, whichever event its client leaves at", async ({ redis }) => {
    // Quicker than it is saved: it has ended before its last events are.
    const [one, two] = [serve(redis, 1), serve(redis)];
    await Promise.all(
      Array.from({ length: 44 }, async (_, at) => {
        let [id, heard] = ["", 0];
        for await (const { payload } of one.handler.sendMessageStream(sending("20"), call())) {
          if (payload?.$case === "task") id = payload.value.id;
          if (++heard === 1 + (at % 22)) break;
        }
        const task = () => two.handler.getTask({ tenant: "", id }, call());
        await expect
          .poll(async () => (await task()).status?.state, { timeout: 8_000 })
          .toBe(TaskState.TASK_STATE_COMPLETED);
        expect(saidIn((await task()).artifacts[0]?.parts)).toBe(wordsOf(20));
      }),
    );
    await Promise.all([one.a2a.close(), two.a2a.close()]);
  });

  liveTest("is saved whole though Redis is away for moments after its client left", async ({ redis }) => {
    // Each way that failures can meet what a task writes: its lease, its events, what is saved of it.
    const ways = [3, 4, 5].flatMap((every) => [0, 1, 2].map((first) => ({ every, first })));
    await Promise.all(ways.map(({ every, first }) => savesWhole(redis, every, first)));
  });

  /** A task whose client leaves at once, while each so-manieth script fails, is saved whole. */
  async function savesWhole(redis: Redis, every: number, first: number): Promise<void> {
    let [scripts, left] = [first, false];
    const scope = redis.scope("acme");
    const flaky: typeof scope = {
      ...scope,
      send: (command, options) => {
        const fails = String(command[0]).startsWith("EVAL") && left && ++scripts % every === 0;
        return fails ? Promise.reject(new MarrowError("unavailable", "away")) : scope.send(command, options);
      },
    };
    const [one, two] = [serve({ ...redis, scope: () => flaky }, 2), serve(redis)];
    let id = "";
    for await (const { payload } of one.handler.sendMessageStream(sending("30"), call())) {
      if (payload?.$case === "task") id = payload.value.id;
      break;
    }
    left = true;
    const task = () => two.handler.getTask({ tenant: "", id }, call());
    await expect
      .poll(async () => (await task()).status?.state, { timeout: 15_000 })
      .toBe(TaskState.TASK_STATE_COMPLETED);
    expect(saidIn((await task()).artifacts[0]?.parts)).toBe(wordsOf(30));
    await Promise.all([one.a2a.close(), two.a2a.close()]);
  }

  liveTest("goes on without an event that Redis refuses for good, and says so once", async ({ redis }) => {
    const scope = redis.scope("acme");
    const refused = new MarrowError("redis_rejected", "Redis rejected a command (ERR)");
    const errors: unknown[] = [];
    const picky: typeof scope = {
      ...scope,
      send: (command, options) => {
        const takes = !command.some((word) => /^\{"artifactUpdate.*"w5 "/.test(String(word)));
        return takes ? scope.send(command, options) : Promise.reject(refused);
      },
    };
    const one = serve({ ...redis, scope: () => picky }, 10, { onError: (error) => errors.push(error) });
    const two = serve(redis);
    const { id, done } = await startedAt(one.handler, 30);
    const followed = await gather(two.handler.resubscribe({ tenant: "", id }, call()));
    expect(followed.states.at(-1)).toBe(TaskState.TASK_STATE_COMPLETED);
    await done;
    const task = await two.handler.getTask({ tenant: "", id }, call());
    // Whoever follows lacks the event; what is saved of the task has it.
    expect([wordsOf(30).replace("w5 ", ""), wordsOf(30)]).toContain(followed.said);
    expect(saidIn(task.artifacts[0]?.parts)).toBe(wordsOf(30));
    expect(errors).toEqual([refused]);
    await Promise.all([one.a2a.close(), two.a2a.close()]);
  });

  liveTest("refuses ids that none of its tasks can have as the SDK does", async ({ redis }) => {
    const { a2a, handler } = serve(redis);
    for (const id of ["\ud800", "x".repeat(10_000)]) {
      const refused = { name: "RequestMalformedError", message: expect.stringContaining("task must be") as string };
      await expect(handler.getTask({ tenant: "", id }, call())).rejects.toMatchObject(refused);
      await expect(handler.cancelTask({ tenant: "", id, metadata: undefined }, call())).rejects.toMatchObject(refused);
      await expect(gather(handler.resubscribe({ tenant: "", id }, call()))).rejects.toMatchObject(refused);
    }
    await a2a.close();
  });

  liveTest("is cancelled in a process that does not run the task", async ({ redis }) => {
    const [one, two] = [serve(redis, 20), serve(redis)];
    const { id, done } = await startedAt(one.handler, 1_000);
    await pause(100);
    const task = await two.handler.cancelTask({ tenant: "", id, metadata: undefined }, call());
    expect(task.status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    await done;
    expect((await one.handler.getTask({ tenant: "", id }, call())).status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    await Promise.all([one.a2a.close(), two.a2a.close()]);
  });

  liveTest.for([{ resume: true }, { resume: false }])(
    "ends a task whose process died: resumed $resume",
    async ({ resume }, { redis, unique }) => {
      const dying = await connect(inject("redisUrl"), { app: unique });
      const [one, two] = [serve(dying, 20, { resume }), serve(redis, 5, { resume })];
      const { id } = await startedAt(one.handler, 60);
      await pause(200);
      // A process whose connection is gone says nothing any more.
      await dying.close();
      const followed = await gather(two.handler.resubscribe({ tenant: "", id }, call()));
      expect(followed.states.at(-1)).toBe(resume ? TaskState.TASK_STATE_COMPLETED : TaskState.TASK_STATE_FAILED);
      if (resume) expect(followed.said).toBe(wordsOf(60));
      await expect
        .poll(async () => (await two.handler.getTask({ tenant: "", id }, call())).status?.state)
        .toBe(resume ? TaskState.TASK_STATE_COMPLETED : TaskState.TASK_STATE_FAILED);
      const task = await two.handler.getTask({ tenant: "", id }, call());
      if (resume) expect(saidIn(task.artifacts[0]?.parts)).toBe(wordsOf(60));
      await Promise.all([one.a2a.close(), two.a2a.close()]);
    },
  );

  liveTest(
    "sends push notifications that are tried again, and to no private address unless allowed",
    async ({ redis }) => {
      const received: { token: unknown; body: string }[] = [];
      const server = createServer((request, response) => {
        let body = "";
        request.on("data", (piece: Buffer) => (body += piece.toString()));
        request.on("end", () => {
          received.push({ token: request.headers["x-a2a-notification-token"], body });
          response.writeHead(204).end();
        });
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/push`;
      const push = { allowHttp: true, allowNetworks: ["127.0.0.0/8"] };
      const one = serve(redis, 1, { push });
      const worker = startA2APush(redis, { name: "teller", push });
      await one.handler.sendMessage(sending("2", "", url), call());
      await expect.poll(() => received.some(({ body }) => body.includes("COMPLETED")), { timeout: 5_000 }).toBe(true);
      expect(new Set(received.map(({ token }) => token))).toEqual(new Set(["secret"]));
      const closed = serve(redis, 1);
      await expect(closed.handler.sendMessage(sending("1", "", "https://169.254.169.254/"), call())).rejects.toThrow(
        /address/,
      );
      await worker.close();
      await Promise.all([one.a2a.close(), closed.a2a.close()]);
      server.closeAllConnections();
      server.close();
    },
  );
});
