import { checkInteger, checkText } from "../internal/check.ts";
import { decodeKeyPart, isDamage, runScript, type ScopedRedis } from "../redis/index.ts";
import { busKey, part, topicKey } from "./keys.ts";
import { noteTopic as noting, readTopic } from "./scripts.gen.ts";

/** A group that reads a topic. */
export interface TopicGroup {
  readonly group: string;
  /** Time when a reader last read for it or its position was set (ms since 1970). */
  readonly seenAtMs: number;
  /**
   * Unhandled messages, an upper bound: after its position was set, all messages of a partition count until the group has read that
   * partition to its end.
   */
  readonly lag: number;
  /** Readers with a valid lease. */
  readonly readers: number;
  readonly deadLetters: number;
}

/** Statistics of a durable topic. */
export interface TopicStats {
  readonly name: string;
  readonly partitions: number;
  readonly messages: number;
  /** Most messages, as the latest publishing process configured it; `undefined` without any publish. */
  readonly messagesMax: number | undefined;
  /** Redis memory of messages and dead letters, estimated from a sample of each partition; `undefined` if the server does not report it. */
  readonly bytes: number | undefined;
  /** Number of groups. */
  readonly groupsCount: number;
  /** Dead letters of all groups. */
  readonly deadLetters: number;
  /** Groups by name, up to the requested number. */
  readonly groups: readonly TopicGroup[];
}

/** Options for listing topics. */
export interface TopicsOptions {
  /** The `cursor` of the previous page. @default the first page */
  readonly after?: string | undefined;
  /** Topics of a page, 1 to 100. @default 25 */
  readonly limit?: number | undefined;
  /** Groups returned per topic, 0 to 1,000. @default 20 */
  readonly groups?: number | undefined;
}

/** A page of a scope's topics. */
export interface TopicsPage {
  readonly data: readonly TopicStats[];
  /** Cursor of the next page; absent on the last one. */
  readonly cursor?: string | undefined;
  /** Number of the page's topics that are damaged and left out; absent without any. */
  readonly unreadable?: number | undefined;
}

/** Topics in a scope's list; further ones work, but are not listed. */
export const TOPICS_LISTED_MAX = 10_000;
/** After how long a process notes a topic again: Redis may have lost it. */
const AGAIN_MS = 600_000;
/** Topics that a process remembers to have noted. */
const NOTED_MAX = 10_000;

/** When this process last noted which topic, by connection and name. */
const noted = new WeakMap<ScopedRedis, Map<string, number>>();

/** Adds a topic to a scope's list at intervals, in the background, because the list is not needed for operation. */
export function noteTopic(redis: ScopedRedis, name: string): void {
  const known = noted.get(redis) ?? new Map<string, number>();
  const nowMs = performance.now();
  const atMs = known.get(name);
  if (atMs !== undefined && nowMs - atMs < AGAIN_MS) return;
  if (known.size >= NOTED_MAX) known.clear();
  noted.set(redis, known.set(name, nowMs));
  const values = { name: part("name", name), room: TOPICS_LISTED_MAX };
  runScript(redis, noting, { topics: listKey(redis) }, values).catch(() => known.delete(name));
}

/** Lists a scope's topics by name with statistics. A round trip, and one for the topics of the page. @throws MarrowError `invalid_input` */
export async function listTopics(
  redis: ScopedRedis,
  { after, limit = 25, groups = 20 }: TopicsOptions = {},
): Promise<TopicsPage> {
  const count = checkInteger("limit", limit, { min: 1, max: 100 }, "invalid_input");
  const from = after === undefined ? "-" : `(${checkText("after", after, 512, "invalid_input")}`;
  const range = ["ZRANGEBYLEX", listKey(redis), from, "+", "LIMIT", "0", String(count + 1)];
  const names = (await redis.send(range)) as readonly string[];
  const page = names.slice(0, count);
  let unreadable = 0;
  async function read(name: string): Promise<TopicStats | undefined> {
    try {
      return await readTopicStats(redis, decodeKeyPart(name), { groups });
    } catch (error) {
      if (!isDamage(error)) throw error;
      unreadable += 1;
      return undefined;
    }
  }
  const found = await Promise.all(page.map(read));
  return {
    data: found.filter((one) => one !== undefined),
    ...(names.length > count && { cursor: page.at(-1) }),
    ...(unreadable > 0 && { unreadable }),
  };
}

/** Returns a topic's statistics with its first `groups` groups; `undefined` for a topic without messages or readers. One round trip. */
export async function readTopicStats(
  redis: ScopedRedis,
  name: string,
  { groups = 1_000 }: Pick<TopicsOptions, "groups"> = {},
): Promise<TopicStats | undefined> {
  const topic = `${topicKey(redis, name)}:topic`;
  const groups_max = checkInteger("groups", groups, { min: 0, max: 1_000 }, "invalid_input");
  const reply = (await runScript(redis, readTopic, { topic }, { groups_max })) as readonly (string | number)[];
  return reply.length === 0 ? undefined : toStats(name, reply);
}

function toStats(name: string, reply: readonly (string | number)[]): TopicStats {
  const [partitions, room, messages, bytes, groupsCount, deadLetters] = reply.slice(0, 6).map(Number);
  const groups: TopicGroup[] = [];
  for (let at = 6; at < reply.length; at += 5) {
    const [group, seenAtMs, lag, readers, dead] = reply.slice(at, at + 5);
    groups.push({
      group: decodeKeyPart(String(group)),
      seenAtMs: Number(seenAtMs),
      lag: Number(lag),
      readers: Number(readers),
      deadLetters: Number(dead),
    });
  }
  return {
    name,
    partitions: partitions ?? 0,
    messages: messages ?? 0,
    messagesMax: room === 0 ? undefined : room,
    bytes: bytes === undefined || bytes < 0 ? undefined : bytes,
    groupsCount: groupsCount ?? 0,
    deadLetters: deadLetters ?? 0,
    groups,
  };
}

/** A scope's topics by name, beside its agents: `{app:scope:bus}:topics`. */
function listKey(redis: ScopedRedis): string {
  return `${busKey(redis)}:topics`;
}
