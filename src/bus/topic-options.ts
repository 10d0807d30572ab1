import { MarrowError } from "../errors.ts";
import { checkInteger } from "../internal/check.ts";

/** Options of a durable topic; all its users must give the same ones. */
export interface TopicOptions {
  /** Partitions of the topic, 1 to 64; one reader of a group reads each at a time. Cannot be changed later. @default 8 */
  readonly partitions?: number | undefined;
  /** Most messages in the topic, 1 to 100,000,000. Further ones are refused. Messages that an active group has not read are kept: see `groupIdleMs`. @default 100_000 */
  readonly messagesMax?: number | undefined;
  /** Messages kept for re-reading after all groups have read them, if there is space. @default 10_000 */
  readonly keepMessages?: number | undefined;
  /** Time that those are kept, in milliseconds. @default 86_400_000 (one day) */
  readonly keepMs?: number | undefined;
  /**
   * After how long without a reader a group may be deleted, in milliseconds, if the topic is full; messages that only this group has not read
   * are dropped then. 0: never, so a group without readers blocks a full topic until `forgetGroup`. @default 2_592_000_000 (30 days)
   */
  readonly groupIdleMs?: number | undefined;
  /** Time that message ids are kept to detect duplicates, in milliseconds. @default 3_600_000 */
  readonly dedupMs?: number | undefined;
}

/** A message that a reader handles. */
export interface Message<T = unknown> {
  readonly body: T;
  readonly key: string | undefined;
  /** Its position in the topic, for `seek`. */
  readonly at: string;
  readonly publishedAtMs: number;
  /** True if it may have been handled before: its reader died or lost its lease, or it was a dead letter. */
  readonly redelivered: boolean;
  /** Aborts if another reader takes the message over, or if this reader closes. */
  readonly signal: AbortSignal;
}

/** Handles a message. If it throws, the message is retried, and then becomes a dead letter. */
export type MessageHandler<T = unknown> = (message: Message<T>) => unknown;

export type ResolvedTopicOptions = { readonly [Name in keyof TopicOptions]-?: Exclude<TopicOptions[Name], undefined> };

/** Parts of a topic that its readers and partitions share. */
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
 * Converts a script's refusal to an error: another number of partitions, or too many groups.
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
