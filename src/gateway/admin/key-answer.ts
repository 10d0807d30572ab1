import { hasEnded, type Principal } from "../tenancy/api-keys.ts";
import type { KeyAnswer } from "./answers.ts";

/** Converts a key for responses, without the key itself. */
export function toKey(principal: Principal): KeyAnswer {
  const { id, scope, user, name: called, plan: planned, role, actsFor: acts, endsAtMs, unreadable } = principal;
  const known = { scope, user, name: called, plan: planned ?? null, role: role ?? null, acts_for: acts };
  const ends = { ends_at_ms: endsAtMs ?? null, ended: hasEnded(principal) };
  return { id, object: "key", ...known, ...ends, ...(unreadable !== undefined && { unreadable }) };
}
