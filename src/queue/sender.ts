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
/** Deliveries at once, of all endpoints. Once half of them are taken, each further endpoint gets one. */
const AT_ONCE = 1_024;
/** Endpoints that are remembered as answering. */
const ANSWERING_MAX = 10_000;
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
  /** Endpoints whose last deliveries all arrived. */
  const answering = new Set<string>();
  let inFlight = 0;
  let isFull = false;
  let closing = false;
  let looking = false;
  let again = false;

  async function deliver(queue: string, [member, turn, record, list]: ClaimedEndpoint): Promise<void> {
    const endpoint = decodeRecord(record) as StoredEndpoint;
    const key = String(member);
    const [tenant] = key.split("/");
    const settled: (string | number)[] = [];

    async function send([message, event, job, made, attempts]: FiveWords): Promise<boolean> {
      const body = toBody(message, event, job, Number(made));
      const headers = signWebhook(currentSecrets(endpoint, Date.now()), { id: message, atMs: Date.now(), body });
      const carrier = carriesContext() ? await readTrace(redis, queue, job) : {};
      const toSignal = () => ({ id: message, event, job, attempt: Number(attempts) + 1, headers: {}, carrier });
      const {
        tookMs,
        error = "",
        ...posted
      } = await signalling("queue:webhook", toSignal, (told) =>
        poster.post(endpoint.url, body, told === undefined ? headers : { ...told.headers, ...headers }, tenant),
      );
      const verdict = judgeDelivery(posted, Number(attempts) + 1, Math.random());
      const delayMs = verdict.outcome === "retry" ? verdict.delayMs : 0;
      settled.push(message, verdict.outcome, delayMs, posted.status, error, tookMs);
      return verdict.outcome === "delivered";
    }

    const all = toDeliveries(list);
    const isKnown = answering.delete(key);
    // The first one alone, unless the endpoint is known to answer: one that does not would hold all of them until their timeout.
    const first = isKnown ? [] : all.splice(0, 1);
    const sinceMs = performance.now();
    let isWell = (await Promise.all(first.map(send))).every(Boolean);
    // Otherwise the rest stays due: two waits may be longer than the endpoint is this sender's.
    if (isWell && performance.now() - sinceMs < GRACE_MS / 2)
      isWell = (await Promise.all(all.map(send))).every(Boolean);
    if (isWell && answering.size < ANSWERING_MAX) answering.add(key);
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
        const batch = inFlight < AT_ONCE / 2 ? BATCH : 1;
        isFull = inFlight + batch * ENDPOINTS > AT_ONCE;
        if (isFull) break;
        const values = { lease_ms: leaseMs, limit: ENDPOINTS, batch };
        const reply = (await runScript(redis, claimDeliveries, { queue }, values, {
          reply: "bytes",
        })) as readonly Buffer[];
        for (let at = 0; at < reply.length; at += 4) {
          const claimed = reply.slice(at, at + 4) as unknown as ClaimedEndpoint;
          const count = claimed[3].length / WORDS;
          inFlight += count;
          const one = deliver(queue, claimed).catch(onError);
          running.add(one);
          void one.finally(() => {
            running.delete(one);
            inFlight -= count;
            if (isFull) void look();
          });
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
type FiveWords = [message: string, event: string, job: string, made: string, attempts: string];
const WORDS = 5;

function toDeliveries(list: readonly Buffer[]): FiveWords[] {
  return Array.from(
    { length: list.length / WORDS },
    (_, at) => list.slice(WORDS * at, WORDS * (at + 1)).map(String) as FiveWords,
  );
}

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
