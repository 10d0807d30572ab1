import { MarrowError } from "../errors.ts";
import { checkText, refuse } from "../internal/check.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import { decodeKeyPart, runScript, type ScopedRedis, type Subscription } from "../redis/index.ts";
import { part, topicKey } from "./keys.ts";
import type { ResolvedBusOptions } from "./options.ts";
import { publishLive } from "./scripts.gen.ts";

/** An ephemeral message. */
export interface LiveMessage<T = unknown> {
  readonly topic: string;
  readonly body: T;
}

/** Messages that a listener did not get: its connection broke, or it was too slow. */
export interface Missed {
  readonly topic: string;
  readonly count: number;
}

/** Options of `subscribe`. */
export interface SubscribeOptions {
  /** Called within two seconds with the number of missed messages of a topic. */
  readonly onMissed?: ((missed: Missed) => void) | undefined;
}

/** Names and types of topics: `createBus<{ "orders.new": Order }>`. */
export type TopicShapes = Readonly<Record<string, unknown>>;

/** Transient messages: delivered to current subscribers only, and not stored. */
export interface Live<S extends TopicShapes = TopicShapes> {
  /** Publishes to current subscribers. Returns how many there were (on a cluster, those of one node). One round trip. */
  publish<K extends keyof S & string>(topic: K, body: S[K]): Promise<number>;
  /**
   * Subscribes to topics: names, or patterns in which `*` matches one word between dots and `>` the rest. Uses a connection of its own.
   */
  subscribe<K extends keyof S & string>(
    topics: readonly (K | (string & {}))[],
    onMessage: (message: LiveMessage<S[K]>) => void,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
}

const COUNT_LIFE_MS = 86_400_000;
const LOOK_MS = 2_000;
const TOPICS_MAX = 10_000;

/** Opens a scope's ephemeral messages. */
export function createLive<S extends TopicShapes>(
  redis: ScopedRedis,
  { sharded, onError }: ResolvedBusOptions,
): Live<S> {
  const channelOf = (topic: string) => `${topicKey(redis, topic)}:live`;
  const [before = "", after = ""] = channelOf("\u0001").split(part("topic", "\u0001"));
  const topicOf = (channel: string) => decodeKeyPart(channel.slice(before.length, channel.length - after.length));

  async function subscribe(
    topics: readonly string[],
    onMessage: (message: LiveMessage<never>) => void,
    { onMissed = () => {} }: SubscribeOptions = {},
  ): Promise<Subscription> {
    if (!Array.isArray(topics) || topics.length === 0 || topics.length > 1_000)
      refuse("topics", "1 to 1,000 names or patterns", topics, "invalid_input");
    const patterns = topics.filter(isPattern);
    const names = topics.filter((topic) => !isPattern(topic));
    if (sharded && patterns.length > 0)
      throw new MarrowError("unsupported", "patterns cannot be used with sharded", { details: { path: "topics" } });
    const wanted = patterns.map(toExpression);
    /** Number of the last received message of each topic. */
    const last = new Map<string, number>();

    function note(topic: string, number: number): void {
      const known = last.get(topic);
      if (known !== undefined && number > known + 1) onMissed({ topic, count: number - known - 1 });
      // After a counter restarts, the number of missed messages is unknown.
      if (last.size >= TOPICS_MAX && known === undefined) last.clear();
      last.set(topic, number);
    }

    /** Reads a message. One of another program, or a garbled one, must not crash the process. */
    function readMessage(channel: string, message: string) {
      const space = message.indexOf(" ");
      try {
        const topic = topicOf(channel);
        return {
          topic,
          number: Number(message.slice(0, space)),
          body: JSON.parse(message.slice(space + 1)) as unknown,
        };
      } catch {
        onError(new MarrowError("corrupt_record", "a live message cannot be read"));
        return undefined;
      }
    }

    function hear(read: ReturnType<typeof readMessage>): void {
      if (read === undefined) return;
      note(read.topic, read.number);
      onMessage({ topic: read.topic, body: read.body as never });
    }

    /** Compares the counters with the received messages: the latest messages may be missed ones. */
    async function look(): Promise<void> {
      const all = [...last.keys()];
      if (all.length === 0) return;
      const heard = new Map(last);
      const counts = await redis.pipeline(all.map((topic) => ["GET", `${channelOf(topic)}:count`]));
      for (const [at, topic] of all.entries()) {
        const count = counts[at];
        // Messages published during the comparison are still on their way.
        if (typeof count !== "string" || last.get(topic) !== heard.get(topic)) continue;
        const behind = Number(count) - (last.get(topic) ?? 0);
        if (behind <= 0) continue;
        if (lagging.get(topic) === last.get(topic)) {
          onMissed({ topic, count: behind });
          last.set(topic, Number(count));
        } else lagging.set(topic, last.get(topic) ?? 0);
      }
    }
    /** Topics with a counter ahead at the last comparison, and the last number received then. */
    const lagging = new Map<string, number>();

    const subscriptions = await Promise.all([
      ...(names.length > 0
        ? [
            redis.subscribe(names.map(channelOf), (channel, message) => hear(readMessage(channel, message)), {
              mode: sharded ? "sharded" : "channel",
            }),
          ]
        : []),
      ...(patterns.length > 0
        ? [
            redis.subscribe(
              patterns.map((pattern) => `${before}${toGlob(pattern)}${after}`),
              (channel, message) => {
                const read = readMessage(channel, message);
                if (read !== undefined && wanted.some((expression) => expression.test(read.topic))) hear(read);
              },
              { mode: "pattern" },
            ),
          ]
        : []),
    ]);
    const counts = await redis.pipeline(names.map((topic) => ["GET", `${channelOf(topic)}:count`]));
    for (const [at, topic] of names.entries())
      if (!last.has(topic)) last.set(topic, typeof counts[at] === "string" ? Number(counts[at]) : 0);
    const timer = setInterval(() => void look().catch(onError), LOOK_MS);
    timer.unref();
    return {
      async close() {
        clearInterval(timer);
        await Promise.all(subscriptions.map((subscription) => subscription.close()));
      },
    };
  }

  return {
    async publish(topic, body) {
      if (body === undefined) refuse("body", "a JSON value", body, "invalid_input");
      const name = checkText("topic", topic, 128, "invalid_input");
      if (isPattern(name)) refuse("topic", "a name without * and >", topic, "invalid_input");
      const channel = channelOf(name);
      const values = {
        channel,
        message: encodeWritable("body", body, (one) => JSON.stringify(one)),
        sharded: sharded ? 1 : 0,
        life_ms: COUNT_LIFE_MS,
      };
      return (await runScript(redis, publishLive, { count: `${channel}:count` }, values)) as number;
    },
    subscribe,
  };
}

function isPattern(topic: string): boolean {
  checkText("topic", topic, 128, "invalid_input");
  return /[*>]/.test(topic);
}

/** A pattern as the server has it: wider, for its `*` goes over dots. */
function toGlob(pattern: string): string {
  return pattern
    .split(/([*>])/)
    .map((piece) => (piece === "" ? "" : /[*>]/.test(piece) ? "*" : part("topic", piece)))
    .join("");
}

/** The same exactly. */
function toExpression(pattern: string): RegExp {
  const source = pattern
    .split(/([*>])/)
    .map((piece) => (piece === "*" ? "[^.]+" : piece === ">" ? ".+" : piece.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")))
    .join("");
  return new RegExp(`^${source}$`, "u");
}
