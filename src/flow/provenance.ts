import type { Lookup } from "../cache/index.ts";
import type { ChatModel, ChatRequest, Served } from "../models/index.ts";
import { MarrowError } from "../errors.ts";
import type { ChatCall, Provenance } from "./call.ts";
import type { StoredAnswer } from "./cacheable.ts";

/** Describes a lookup for an answer's origin: similarity and age, or why the nearest was not served. */
export function describeLookup(
  found: Lookup<StoredAnswer> | undefined,
): Pick<Provenance, "similarity" | "veto" | "ageMs"> {
  if (found === undefined) return {};
  if (found.hit) return { similarity: found.similarity, ageMs: found.ageMs };
  return { similarity: found.nearest?.similarity, veto: found.nearest?.veto };
}

/** Returns the endpoint that answered: the one that the model reports, or its only one. */
export function servedBy(
  { name }: ChatModel,
  { served }: { readonly served?: Served | undefined },
): Served | undefined {
  return served ?? (name === undefined ? undefined : { upstream: name, attempts: 1 });
}

/** Returns the affinity key of calls with a common prefix: the session, or the client's own key for a provider's prompt cache. */
export function affinityOf(
  {
    session,
    conversation,
    user,
  }: Pick<ChatCall, "conversation" | "user"> & { readonly session?: { readonly id: string } | undefined },
  { prompt_cache_key: key }: ChatRequest,
): string | undefined {
  if (session !== undefined)
    return `${conversation === undefined ? "session" : "conversation"} ${user.length} ${user} ${session.id}`;
  return typeof key === "string" && key !== "" ? key.slice(0, 256) : undefined;
}

/** Returns true if a call failed because its own client stopped waiting; other callers need not fail with it. */
export function isLate({ deadline }: Pick<ChatCall, "deadline">, error: unknown): boolean {
  return MarrowError.is(error, "timeout") && deadline !== undefined && performance.now() >= deadline.atMs - 1;
}
