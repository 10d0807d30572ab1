import { MarrowError } from "../errors.ts";
import { checkInteger } from "../internal/check.ts";

/** Options of a durable topic; all who use it say the same. */
export interface TopicOptions {
  /** Parts that the topic is read in, each by one reader of a group at a time, 1 to 64; for good. @default 8 */
  readonly partitions?: number | undefined;
  /** Messages that it holds, 1 to 100,000,000. A publish beyond is refused; what a group has not read is not dropped while it is read: see `groupIdleMs`. @default 100_000 */
  readonly messagesMax?: number | undefined;
  /** Of those that all groups have done with, how many are kept to be read again, while there is room. @default 10_000 */
  readonly keepMessages?: number | undefined;
  /** And for how long, in milliseconds. @default 86_400_000 (one day) */
  readonly keepMs?: number | undefined;
  /**
   * After how long without a reader a group is forgotten, in milliseconds, when the topic has no room left: what only such a group has not read is
   * dropped then. 0: never, so a group that is not read any more closes a full topic until `forgetGroup`. @default 2_592_000_000 (30 days)
   */
  readonly groupIdleMs?: number | undefined;
  /** How long an id is known, in milliseconds. @default 3_600_000 */
  readonly dedupMs?: number | undefined;
}

/** A message in the hands of a reader. */
export interface Message<T = unknown> {
  readonly body: T;
  readonly key: string | undefined;
  /** Its place in the topic: to `seek` after. */
  readonly at: string;
  readonly publishedAtMs: number;
  /** It may have been handled before: its reader died or lost its lease, or it was put aside. */
  readonly redelivered: boolean;
  /** Aborts when the reader loses the message to another one, or closes. */
  readonly signal: AbortSignal;
}

/** Handles a message; what it throws is tried again, then put aside. */
export type MessageHandler<T = unknown> = (message: Message<T>) => unknown;

export type ResolvedTopicOptions = { readonly [Name in keyof TopicOptions]-?: Exclude<TopicOptions[Name], undefined> };

/** What a reader and its partitions know of their topic. */
export interface ReadParts extends ResolvedTopicOptions {
  readonly topic: string;
  readonly group: string;
}

const DAY_MS = 86_400_000;

/** Fills defaults. @throws MarrowError `invalid_option` */
export function resolveTopicOptions(options: TopicOptions): ResolvedTopicOptions {
  const {
    partitions = 8,
    messagesMax = 100_000,
    keepMessages = 10_000,
    keepMs = DAY_MS,
    groupIdleMs = 30 * DAY_MS,
    dedupMs = 3_600_000,
  } = options;
  return {
    partitions: checkInteger("partitions", partitions, { min: 1, max: 64 }),
    messagesMax: checkInteger("messagesMax", messagesMax, { min: 1, max: 100_000_000 }),
    keepMessages: checkInteger("keepMessages", keepMessages, { min: 0, max: 100_000_000 }),
    keepMs: checkInteger("keepMs", keepMs, { min: 0, max: 366 * DAY_MS }),
    groupIdleMs: checkInteger("groupIdleMs", groupIdleMs, { min: 0, max: 366 * DAY_MS }),
    dedupMs: checkInteger("dedupMs", dedupMs, { min: 1, max: 366 * DAY_MS }),
  };
}

/**
 * A script's word that the topic was made with another number of partitions, or may have no more groups, as an error.
 * @throws MarrowError `conflict`, `invalid_input`
 */
export function checkTopicSaid(reply: unknown): void {
  const [, what, count] = /^(partitions|groups):(\d+)$/.exec(String(reply)) ?? [];
  if (what === "partitions")
    throw new MarrowError("conflict", `the topic has ${count} partitions`, { details: { path: "partitions" } });
  if (what === "groups")
    throw new MarrowError(
      "invalid_input",
      `the topic has ${count} groups, which is the most: forget one of them first`,
      {
        details: { path: "group" },
      },
    );
}
