import { MarrowError } from "../errors.ts";
import { checkInteger, checkObject, checkText, refuse } from "../internal/check.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import { gather } from "../internal/gather.ts";
import { carriesContext } from "../internal/signals.ts";
import { placeOf } from "../internal/place.ts";
import {
  allOf,
  carrierText,
  decodeKeyPart,
  encodePlain,
  runScript,
  TRACE_MS,
  type Argument,
  toFields,
  type ScopedRedis,
  readRecord,
  type Unreadable,
} from "../redis/index.ts";
import { part, topicKey } from "./keys.ts";
import { startReader, type ReadOptions, type Reader } from "./reader.ts";
import { appendMessages, forgetGroup, redriveMessages, seekGroup } from "./scripts.gen.ts";
import { noteTopic, readTopicStats, type TopicStats } from "./topics.ts";
import { checkTopicSaid, resolveTopicOptions, type MessageHandler, type TopicOptions } from "./topic-options.ts";

/** One message of `publishMany`. */
export interface NewMessage<T> extends PublishOptions {
  readonly body: T;
}

/** Options of a published message. */
export interface PublishOptions {
  /** Messages with the same key are handled in order. @default no order */
  readonly key?: string | undefined;
  /** Duplicate ids within `dedupMs` are added once. */
  readonly id?: string | undefined;
}

/** The result of a publish. */
export type Published =
  | { readonly accepted: true; readonly at: string; readonly duplicate: boolean }
  /** The topic has `messagesMax` messages, and some group has not read the oldest one. */
  | { readonly accepted: false; readonly reason: "full" };

/** A message that a group could not handle. */
export interface DeadLetter<T = unknown> {
  readonly id: string;
  /** `undefined` if it cannot be read. */
  readonly body: T | undefined;
  /** Reason why it cannot be read. */
  readonly unreadable?: Unreadable | undefined;
  readonly key: string | undefined;
  /** An error's code; `failed`; or `crashed` if readers died while they handled it. */
  readonly reason: string;
  /** The error's message in one line of at most 500 characters with secrets masked; may be empty. */
  readonly message: string;
}

/** A durable topic of one scope. */
export interface Topic<T = unknown> {
  /** Appends a message. One round trip, shared by concurrent publishes. When it resolves, the message is in Redis. */
  publish(body: T, options?: PublishOptions): Promise<Published>;
  /** Appends up to 10,000 messages: all of them, or none if the topic lacks space. */
  publishMany(messages: readonly NewMessage<T>[]): Promise<readonly Published[]>;
  /** Starts one of a group's readers. Each message goes to one reader of the group, at least once. */
  read(group: string, handler: MessageHandler<T>, options?: ReadOptions): Reader;
  /** Sets a group's position: the start, a time, after a message (its `at`), or the end. */
  seek(group: string, to: "start" | "end" | { readonly fromMs: number } | { readonly after: string }): Promise<void>;
  /** Returns messages that a group could not handle, oldest first. */
  deadLetters(group: string, options?: { readonly limit?: number | undefined }): Promise<readonly DeadLetter<T>[]>;
  /** Returns dead letters to their group: those in `ids`, or the oldest, as many as fit into the topic. Returns their ids. */
  redrive(
    group: string,
    options?: { readonly ids?: readonly string[]; readonly limit?: number },
  ): Promise<readonly string[]>;
  /**
   * Deletes a group without readers, with its position and dead letters. Returns whether it existed. One round trip.
   * @throws MarrowError `conflict` while the group has an active reader, or one whose lease has not ended
   */
  forgetGroup(group: string): Promise<boolean>;
  /** Returns the topic's groups, and when each was last read or set (ms since 1970). One round trip. */
  groups(): Promise<readonly { readonly group: string; readonly seenAtMs: number }[]>;
  /** Returns the number of messages in the topic. */
  size(): Promise<number>;
  /**
   * Returns the topic's statistics and the progress of its first `groups` groups (1,000); `undefined` for a topic without messages or
   * readers. One round trip.
   */
  stats(options?: { readonly groups?: number | undefined }): Promise<TopicStats | undefined>;
}

/** More messages than a server accepts in a millisecond, so that free space for n messages lasts n / 1,000 ms. */
const ADDED_PER_MS = 1_000;
/** Least free space that the server reports, and the longest time that it covers. */
const ROOMY = { messages: 10_000, ms: 1_000 } as const;
const BULK = 1_000;
const MESSAGES_MAX = 10_000;

/** Opens a durable topic of a scope. @throws MarrowError `invalid_option` */
export function createTopic<T = unknown>(redis: ScopedRedis, name: string, options: TopicOptions = {}): Topic<T> {
  const topic = `${topicKey(redis, checkText("name", name, 128))}:topic`;
  const resolved = resolveTopicOptions(options);
  const { partitions, messagesMax, keepMs, groupIdleMs, dedupMs } = resolved;
  /** Whether the number of partitions was checked. */
  let checked = false;
  /** Time until which the topic certainly has space. */
  let roomyUntilMs = 0;

  function toWords(body: T, { key, id }: PublishOptions, carrier: string): Words {
    if (body === undefined) refuse("body", "a JSON value", body, "invalid_input");
    const place = key === undefined ? Math.floor(Math.random() * partitions) : placeOf(key, partitions);
    return [
      place,
      key === undefined ? "" : part("key", key),
      id === undefined ? "" : part("id", id),
      encodeWritable("body", body, encodePlain),
      carrier,
    ];
  }

  async function put(messages: readonly Words[]): Promise<readonly Published[]> {
    noteTopic(redis, name);
    const startMs = performance.now();
    const values = {
      partitions,
      checked: checked ? 1 : 0,
      room: messagesMax,
      keep_ms: keepMs,
      idle_ms: groupIdleMs,
      dedup_ms: dedupMs,
      trace_ms: TRACE_MS,
      messages: messages.flat(),
    };
    const [left, ...places] = (await runScript(redis, appendMessages, { topic }, values)) as readonly (
      | string
      | number
    )[];
    checkTopicSaid(left);
    checked = true;
    roomyUntilMs = Number(left) >= ROOMY.messages ? startMs + Math.min(ROOMY.ms, Number(left) / ADDED_PER_MS) : 0;
    return left === "full" ? messages.map(() => FULL) : places.map((place) => toPublished(String(place)));
  }

  /** Publishes a single message, by a plain XADD while the topic certainly has space. */
  async function putAlone(message: Words): Promise<Published> {
    const [place, key, id, body, carrier] = message;
    if (id !== "" || carrier !== "" || performance.now() > roomyUntilMs) return (await put([message]))[0] ?? FULL;
    const command = ["XADD", `${topic}:log:${place}`, "*", "b", body];
    const entry = await redis.send(key === "" ? command : [...command, "k", key]);
    return { accepted: true, at: `${place}/${String(entry)}`, duplicate: false };
  }

  /** Publishes all messages of one moment. If they do not fit together, each is tried alone. */
  const publishOne = gather<Words, Published>(async (messages) => {
    const [alone] = messages;
    if (alone !== undefined && messages.length === 1) return [await putAlone(alone)];
    const published = await put(messages);
    if (published[0] !== FULL) return published;
    return (await Promise.all(messages.map((one) => put([one])))).map(([one = FULL]) => one);
  });

  async function publishMany(messages: readonly NewMessage<T>[]): Promise<readonly Published[]> {
    if (!Array.isArray(messages) || messages.length > MESSAGES_MAX)
      refuse("messages", `a list of at most ${MESSAGES_MAX}`, messages, "invalid_input");
    const carrier = carriesContext() ? carrierText() : "";
    const words = messages.map((message, at) => {
      const { body, ...rest } = checkObject(`messages.${at}`, message);
      return toWords(body, rest, carrier);
    });
    const published: Published[] = [];
    for (let at = 0; at < words.length; at += BULK) published.push(...(await put(words.slice(at, at + BULK))));
    return published;
  }

  const checkGroup = (group: string) => part("group", checkText("group", group, 128, "invalid_input"));

  return {
    publish: async (body, publishOptions = {}) =>
      publishOne(toWords(body, publishOptions, carriesContext() ? carrierText() : "")),
    publishMany,

    read(group, handler, readOptions = {}) {
      const parts = { topic, group: checkGroup(group), ...resolved };
      const reader = startReader(redis, parts, handler as MessageHandler, readOptions);
      noteTopic(redis, name);
      return reader;
    },

    async seek(group, to) {
      if (typeof to !== "string") checkObject("to", to);
      let point = "0-0";
      if (to === "end") point = "end";
      else if (typeof to === "object" && "fromMs" in to)
        // Entries after the last that could be of the millisecond before.
        point = `${checkInteger("fromMs", to.fromMs, { min: 1 }, "invalid_input") - 1}-18446744073709551615`;
      else if (typeof to === "object") {
        const [, entry] = /^\d+\/(\d+-\d+)$/.exec(to.after) ?? [];
        if (entry === undefined || !isEntryId(entry))
          refuse("after", "the position of a message (its at)", to.after, "invalid_input");
        point = entry;
      }
      checkTopicSaid(await runScript(redis, seekGroup, { topic }, { group: checkGroup(group), partitions, to: point }));
    },

    async deadLetters(group, { limit = 100 } = {}) {
      const count = checkInteger("limit", limit, { min: 1, max: 10_000 }, "invalid_input");
      const range = ["XRANGE", `${topic}:dead:${checkGroup(group)}`, "-", "+", "COUNT", String(count)];
      const entries = (await redis.send(range, { reply: "bytes" })) as readonly (readonly [
        Buffer,
        readonly Buffer[],
      ])[];
      return entries.map(([id, fields]) => {
        const stored = toFields(fields);
        const key = decodeURIComponent(String(stored.get("k") ?? ""));
        return {
          id: String(id),
          ...toBody<T>(stored.get("b") as Buffer),
          key: key === "" ? undefined : key,
          reason: String(stored.get("r")),
          message: String(stored.get("m") ?? ""),
        };
      });
    },

    async redrive(group, { ids = [], limit = 100 } = {}) {
      if (!Array.isArray(ids)) refuse("ids", "a list of ids of dead letters", ids, "invalid_input");
      for (const [at, id] of ids.entries())
        if (!isEntryId(id)) refuse(`ids.${at}`, "the id of a dead letter", id, "invalid_input");
      const values = {
        group: checkGroup(group),
        limit: checkInteger("limit", limit, { min: 1, max: 10_000 }, "invalid_input"),
        only: ids,
      };
      return (await runScript(redis, redriveMessages, { topic }, values)) as readonly string[];
    },

    async forgetGroup(group) {
      const gone = await runScript(redis, forgetGroup, { topic }, { group: checkGroup(group) });
      if (gone === -1)
        throw new MarrowError("conflict", "the group has an active reader", { details: { path: "group" } });
      return gone === 1;
    },

    async groups() {
      const fields = toFields((await redis.send(["HGETALL", `${topic}:groups`])) as readonly string[]);
      return [...fields].map(([group, seenAtMs]) => ({ group: decodeKeyPart(group), seenAtMs: Number(seenAtMs) }));
    },

    async size() {
      const counts = allOf(
        await redis.pipeline(Array.from({ length: partitions }, (_, at) => ["XLEN", `${topic}:log:${at}`])),
      );
      return counts.reduce((sum: number, count) => sum + Number(count), 0);
    },

    stats: (statsOptions) => readTopicStats(redis, name, statsOptions),
  };
}

/** A message as the script takes it. */
type Words = readonly [partition: number, key: string, id: string, body: Argument, carrier: string];

/** Whether something is the id of a stream's entry: two whole numbers below 2^64. */
function isEntryId(id: unknown): boolean {
  const [, ms, seq] = (typeof id === "string" && /^(\d{1,20})-(\d{1,20})$/.exec(id)) || [];
  return ms !== undefined && seq !== undefined && BigInt(ms) < 2n ** 64n && BigInt(seq) < 2n ** 64n;
}

const FULL: Published = { accepted: false, reason: "full" };

function toPublished(reply: string): Published {
  const duplicate = reply.startsWith("=");
  return { accepted: true, at: duplicate ? reply.slice(1) : reply, duplicate };
}

/** The body of a message that was put aside, or why it cannot be read. */
function toBody<T>(record: Buffer): Pick<DeadLetter<T>, "body" | "unreadable"> {
  const { unreadable, ...read } = { value: undefined, ...readRecord(record) };
  return { body: read.value as T | undefined, ...(unreadable !== undefined && { unreadable }) };
}
