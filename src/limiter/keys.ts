import { hash } from "node:crypto";
import { encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";

/** Names of a limiter's keys. */
export interface LimiterKeys {
  /** Counts of all rules of one subject. */
  readonly record: (by: string, subject: string) => string;
  /** Leases of one subject. */
  readonly leases: (by: string, subject: string) => string;
  /** Entries of one sliding log. */
  readonly log: (rule: string, by: string, subject: string) => string;
  /** Callers that wait for a slot, in order. */
  readonly line: (rule: string, by: string, subject: string) => string;
  /** Units that a subject was refused, for `fronts/points.ts`. */
  readonly refused: (by: string, subject: string) => string;
  /** Marks a permit that may be settled only once as settled. */
  readonly settled: (permit: string, by: string, subject: string) => string;
  /** Exceptions of single subjects. */
  readonly exceptions: (by: string, subject: string) => string;
}

/**
 * Returns the names of the keys: `{app:scope}:limiter:<name>`, all levels of one scope in one slot, so that one script decides them
 * together. With a slot for each subject they are under `{app:scope:<by>:<subject>}:limiter:<name>`.
 */
export function limiterKeys(
  redis: Pick<ScopedRedis, "app" | "scope">,
  name: string,
  slots: "scope" | "subject",
): LimiterKeys {
  const rest = `:limiter:${encodeKeyPart("name", name)}`;
  const whole = keyTag(redis) + rest;
  const start = (by: string, subject: string) => (slots === "scope" ? whole : keyTag(redis, [by, subject]) + rest);
  // Encoded names of rules and subjects: every take needs them, and they never change.
  const parts = new Map<string, string>();
  const part = (path: string, value: string) => {
    let encoded = parts.get(value);
    if (encoded === undefined) parts.set(value, (encoded = encodeKeyPart(path, value)));
    return encoded;
  };
  const key = (kind: string, by: string, subject: string) => {
    const of = `${part("by", by)}:${subjectPart(by, subject)}`;
    return `${start(by, subject)}:${kind}:${of}`;
  };
  return {
    record: (by, subject) => key("of", by, subject),
    leases: (by, subject) => key("leases", by, subject),
    log: (rule, by, subject) => key(`log:${part("rule", rule)}`, by, subject),
    line: (rule, by, subject) => key(`line:${part("rule", rule)}`, by, subject),
    refused: (by, subject) => key("refused", by, subject),
    settled: (permit, by, subject) => `${start(by, subject)}:settled:${encodeKeyPart("permit", permit)}`,
    exceptions: (by, subject) => `${start(by, subject)}:exceptions`,
  };
}

/** Longest encoded subject that stands in keys as it is. */
const SUBJECT_CHARS_MAX = 128;

/** A subject in a key: a long one, which would stand in each key that a take makes, by its digest. No encoded subject begins with `~`. */
function subjectPart(by: string, subject: string): string {
  const encoded = encodeKeyPart(`subjects.${by}`, subject);
  return encoded.length <= SUBJECT_CHARS_MAX ? encoded : `~${hash("sha256", encoded, "base64url")}`;
}
