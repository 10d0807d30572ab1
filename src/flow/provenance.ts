import type { Lookup } from "../cache/index.ts";
import type { ChatModel, ChatRequest, Served } from "../models/index.ts";
import { MarrowError } from "../errors.ts";
import type { ChatCall, Provenance } from "./call.ts";
import type { StoredAnswer } from "./cacheable.ts";

/** What a lookup adds to how an answer came about: how near the nearest was, and why it was not served. */
export function describeLookup(
  found: Lookup<StoredAnswer> | undefined,
): Pick<Provenance, "similarity" | "veto" | "ageMs"> {
  if (found === undefined) return {};
  if (found.hit) return { similarity: found.similarity, ageMs: found.ageMs };
  return { similarity: found.nearest?.similarity, veto: found.nearest?.veto };
}

/** Who served an answer: the endpoint that a model says it was, or the only one that it has. */
export function servedBy(
  { name }: ChatModel,
  { served }: { readonly served?: Served | undefined },
): Served | undefined {
  return served ?? (name === undefined ? undefined : { upstream: name, attempts: 1 });
}

/** The name whose calls begin alike: a session, or what the client itself says a provider's prompt cache should know it by. */
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

/** Whether a call failed because its own client waits no longer: nobody else's call need fail with it. */
export function isLate({ deadline }: Pick<ChatCall, "deadline">, error: unknown): boolean {
  return MarrowError.is(error, "timeout") && deadline !== undefined && performance.now() >= deadline.atMs - 1;
}
