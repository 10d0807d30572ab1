import { toListener } from "../internal/listener.ts";
import { carriesContext, signalling } from "../internal/signals.ts";
import { runScript, decodeRecord, type Redis, readTrace } from "../redis/index.ts";
import { createPoster, judgeDelivery, signWebhook, type PosterOptions } from "../webhooks/index.ts";
import { checkInteger, checkText } from "../internal/check.ts";
import { queueKeys } from "./keys.ts";
import { checkPartitions } from "./options.ts";
import { claimDeliveries, settleDeliveries } from "./scripts.gen.ts";
import { currentSecrets, type StoredEndpoint } from "./webhooks.ts";

/** Options of `createSender`. */
export interface SenderOptions extends PosterOptions {
  /** Name of the queue whose webhooks are sent. */
  readonly name: string;
  /** As passed to `createQueue`. @default 1 */
  readonly partitions?: number | undefined;
  /** Called with errors outside of deliveries, such as an unavailable Redis. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Sends a queue's webhooks until it is closed. */
export interface Sender {
  /** Stops taking deliveries, and waits for those in flight until their timeout. */
  close(): Promise<void>;
}

/** Endpoints that one look takes, and deliveries of each. */
const ENDPOINTS = 16;
const BATCH = 16;
const LOOK_MS = 1_000;
/** An endpoint is given to another sender when its own was silent for so long beyond the longest time of a delivery. */
const GRACE_MS = 5_000;

/**
 * Sends the webhooks of all tenants of a queue, in any number of processes. Delivery is at least once: if a sender dies after the
 * receiver's response, another sends the event again with the same `webhook-id`.
 * @throws MarrowError `invalid_option`
 */
export function createSender(redis: Redis, options: SenderOptions): Sender {
  const { onError: listener = () => {}, ...rest } = options;
  const onError = toListener(listener);
  const name = checkText("name", options.name, 128);
  const keys = queueKeys(redis.app, { name, partitions: checkPartitions(options.partitions) });
  const { timeoutMs = 20_000 } = rest;
  const leaseMs = checkInteger("timeoutMs", timeoutMs, { min: 1_000, max: 30_000 }) + GRACE_MS;
  const poster = createPoster(rest);
  const running = new Set<Promise<void>>();
  let closing = false;
  let looking = false;
  let again = false;

  async function deliver(queue: string, [member, turn, record, list]: ClaimedEndpoint): Promise<void> {
    const endpoint = decodeRecord(record) as StoredEndpoint;
    const settled: (string | number)[] = [];
    const all = Array.from({ length: list.length / 5 }, async (_, at) => {
      const [message, event, job, made, attempts] = list.slice(5 * at, 5 * at + 5).map(String) as FiveWords;
      const body = toBody(message, event, job, Number(made));
      const headers = signWebhook(currentSecrets(endpoint, Date.now()), { id: message, atMs: Date.now(), body });
      const carrier = carriesContext() ? await readTrace(redis, queue, job) : {};
      const toSignal = () => ({ id: message, event, job, attempt: Number(attempts) + 1, headers: {}, carrier });
      const {
        tookMs,
        error = "",
        ...posted
      } = await signalling("queue:webhook", toSignal, (told) =>
        poster.post(endpoint.url, body, told === undefined ? headers : { ...told.headers, ...headers }),
      );
      const verdict = judgeDelivery(posted, Number(attempts) + 1, Math.random());
      const delayMs = verdict.outcome === "retry" ? verdict.delayMs : 0;
      settled.push(message, verdict.outcome, delayMs, posted.status, error, tookMs);
    });
    await Promise.all(all);
    const values = { member, turn, settled };
    const dueMs = (await runScript(redis, settleDeliveries, { queue }, values)) as number;
    if (dueMs === 0) void look();
    else if (dueMs > 0 && dueMs < LOOK_MS) setTimeout(() => void look(), dueMs).unref();
  }

  async function look(): Promise<void> {
    again = looking;
    if (looking || closing) return;
    looking = true;
    try {
      for (const queue of keys) {
        const values = { lease_ms: leaseMs, limit: ENDPOINTS, batch: BATCH };
        const reply = (await runScript(redis, claimDeliveries, { queue }, values, {
          reply: "bytes",
        })) as readonly Buffer[];
        for (let at = 0; at < reply.length; at += 4) {
          const claimed = reply.slice(at, at + 4) as unknown as ClaimedEndpoint;
          const one = deliver(queue, claimed).catch(onError);
          running.add(one);
          void one.finally(() => running.delete(one));
        }
        again ||= reply.length === 4 * ENDPOINTS;
      }
    } catch (error) {
      onError(error);
      again = false;
    }
    looking = false;
    if (again) void look();
  }

  const subscription = redis
    .subscribe(
      keys.map((queue) => `${queue}:posted`),
      () => void look(),
    )
    .catch((error: unknown) => {
      onError(error);
      return undefined;
    });
  const timer = setInterval(() => void look(), LOOK_MS);
  void subscription.then(look);

  return {
    async close() {
      closing = true;
      clearInterval(timer);
      while (looking) await new Promise((resolve) => setTimeout(resolve, 5));
      await Promise.all(running);
      await (await subscription)?.close();
      await poster.close();
    },
  };
}

type ClaimedEndpoint = readonly [member: Buffer, turn: number, record: Buffer, list: readonly Buffer[]];
type FiveWords = [string, string, string, string, string];

/** Builds the body: the event and its job's id. Payload and result are not included; authorized readers fetch them. */
function toBody(id: string, type: string, job: string, madeMs: number): string {
  const created = Math.floor(madeMs / 1000);
  return JSON.stringify({
    id,
    object: "event",
    type,
    created_at: created,
    timestamp: new Date(madeMs).toISOString(),
    data: { id: job },
  });
}
