import { encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";
import type { ResolvedRule } from "./options.ts";

/**
 * Keys of the rules' counters: `{app:scope}:limiter:<name>:<rule>:<subject>`. All levels of one scope share a slot, so one
 * script decides them together.
 */
export function counterKeys(
  redis: Pick<ScopedRedis, "app" | "scope">,
  name: string,
  rules: readonly ResolvedRule[],
): (subjectOf: (by: string) => string) => string[] {
  const prefixes = rules.map(
    ({ id, by }) =>
      [`${keyTag(redis)}:limiter:${encodeKeyPart("name", name)}:${encodeKeyPart("rule", id)}:`, by] as const,
  );
  return (subjectOf) => prefixes.map(([prefix, by]) => prefix + encodeKeyPart(`subjects.${by}`, subjectOf(by)));
}
