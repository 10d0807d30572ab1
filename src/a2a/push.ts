import { TaskPushNotificationConfig, type StreamResponse, type Task } from "@a2a-js/sdk";
import type {
  PushNotificationSender,
  PushNotificationStore,
  ServerCallContext,
  StoredPushNotificationConfig,
} from "@a2a-js/sdk/server";
import { V1PushNotificationSerializer } from "@a2a-js/sdk/server";
import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import { createQueue, createWorker, type Work, type Worker } from "../queue/index.ts";
import { decodeRecord, encodeKeyPart, encodeRecord, type Redis, type ScopedRedis } from "../redis/index.ts";
import { ATTEMPTS_MAX, createAddressGuard, createPoster, judgeDelivery, type AddressGuard } from "../webhooks/index.ts";
import type { ResolvedA2AOptions } from "./options.ts";
import { toldAsInvalidParams } from "./refusals.ts";
import { ownerOf } from "./tasks.ts";

/** A notification on its way. */
interface Notification {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const CONFIGS_MAX = 32;
const CONFIG_ID_CHARS_MAX = 256;
const HEADER_CHARS_MAX = 4_096;
/** Valid header text. It excludes line breaks, so that a token cannot add headers. */
const HEADER_TEXT = /^[\t\x20-\x7e]*$/;

/** Where notifications of tasks go, in Redis. Addresses in private networks are refused when they are set, and again when they are called. */
export function createPushStore(
  redis: ScopedRedis,
  { start, taskTtlMs, push }: ResolvedA2AOptions,
): PushNotificationStore & Required<Pick<PushNotificationStore, "loadWithMetadata">> {
  const guard = createAddressGuard(push);
  const keyOf = (task: string, context: ServerCallContext) =>
    `${start}:push:${ownerOf(context)}/${encodeKeyPart("task", task)}`;

  async function loadWithMetadata(task: string, context: ServerCallContext): Promise<StoredPushNotificationConfig[]> {
    const records = (await redis.send(["HVALS", keyOf(task, context)], { reply: "bytes" })) as readonly Buffer[];
    return records.map((record) => {
      const { config, wireVersion } = decodeRecord(record) as {
        readonly config: unknown;
        readonly wireVersion: string;
      };
      return { config: TaskPushNotificationConfig.fromJSON(config), wireVersion };
    });
  }

  return {
    loadWithMetadata,
    load: async (task, context) => (await loadWithMetadata(task, context)).map(({ config }) => config),
    save: (task, context, config) =>
      toldAsInvalidParams(async () => {
        const checked = checkConfig(config, task, guard);
        const key = keyOf(task, context);
        const known = await redis.pipeline([
          ["HLEN", key],
          ["HEXISTS", key, checked.id],
        ]);
        if (Number(known[0]) >= CONFIGS_MAX && known[1] === 0)
          throw new MarrowError("too_large", `a task has at most ${CONFIGS_MAX} push notification configs`);
        const stored = { config: TaskPushNotificationConfig.toJSON(checked), wireVersion: context.requestedVersion };
        await redis.pipeline([
          ["HSET", key, checked.id, encodeRecord(stored)],
          ["PEXPIRE", key, String(taskTtlMs)],
        ]);
      }),
    async delete(task, context, configId = task) {
      await redis.send(["HDEL", keyOf(task, context), configId], { retry: "safe" });
    },
  };
}

/** A config as it is stored: with the URL as it will be called, and nothing in its headers that could end a line. */
function checkConfig(
  config: TaskPushNotificationConfig,
  task: string,
  guard: AddressGuard,
): TaskPushNotificationConfig {
  const id = config.id === "" ? task : config.id;
  if (id.length > CONFIG_ID_CHARS_MAX) refuse("id", `at most ${CONFIG_ID_CHARS_MAX} characters`, id, "invalid_input");
  const { scheme = "", credentials = "" } = config.authentication ?? {};
  for (const [path, text] of Object.entries({ token: config.token, scheme, credentials }))
    if (text.length > HEADER_CHARS_MAX || !HEADER_TEXT.test(text))
      refuse(path, `printable ASCII of at most ${HEADER_CHARS_MAX} characters`, text, "invalid_input");
  return { ...config, id, url: guard.check(config.url).href };
}

/**
 * Sends notifications as jobs of a queue, so that they survive the process and are retried like webhooks. Delivery is at least once and
 * unordered; each notification has the time of its status.
 */
export function createPushSender(
  redis: ScopedRedis,
  store: ReturnType<typeof createPushStore>,
  { queue }: ResolvedA2AOptions,
): PushNotificationSender {
  const jobs = createQueue<Notification>(redis, { name: queue });
  const serializer = new V1PushNotificationSerializer();
  return {
    async send(response: StreamResponse, context: ServerCallContext, task?: Task) {
      const id = taskIdOf(response);
      if (id === "") return;
      const configs = await store.load(id, context);
      if (configs.length === 0) return;
      const { body, contentType } = serializer.serialize(response, task);
      await jobs.pushMany(
        configs.map(({ url, token, authentication }) => ({
          payload: { url, body, headers: toHeaders(contentType, token, authentication) },
          attempts: ATTEMPTS_MAX,
          kind: "none",
        })),
      );
    },
  };
}

/** Delivers the notifications of an agent, in all scopes. */
export function startPushWorker(redis: Redis, { queue, push, onError }: ResolvedA2AOptions): Worker {
  const poster = createPoster(push);
  const worker = createWorker<Notification>(
    redis,
    { name: queue, onError },
    async ({ payload, attemptsLeft, scope }: Work<Notification>) => {
      const posted = await poster.post(payload.url, payload.body, payload.headers, scope);
      const verdict = judgeDelivery(posted, ATTEMPTS_MAX - attemptsLeft + 1, Math.random());
      if (verdict.outcome === "delivered") return { status: posted.status };
      if (verdict.outcome === "gone") throw new MarrowError("not_found", "the receiver refuses further notifications");
      const details = verdict.outcome === "retry" ? { retryAfterMs: verdict.delayMs } : {};
      throw new MarrowError("unavailable", `the receiver answered ${posted.status || posted.error}`, { details });
    },
  );
  return {
    get abandoned() {
      return worker.abandoned;
    },
    get running() {
      return worker.running;
    },
    async close() {
      await worker.close();
      await poster.close();
    },
  };
}

function taskIdOf({ payload }: StreamResponse): string {
  if (payload === undefined) return "";
  return payload.$case === "task" ? payload.value.id : payload.value.taskId;
}

function toHeaders(
  contentType: string,
  token: string,
  auth: TaskPushNotificationConfig["authentication"],
): Record<string, string> {
  return {
    "content-type": contentType,
    ...(token !== "" && { "x-a2a-notification-token": token }),
    ...(auth !== undefined && auth.credentials !== "" && { authorization: `${auth.scheme} ${auth.credentials}` }),
  };
}
