import { isPersonal } from "../cache/index.ts";
import type { CacheControl } from "./cache-control.ts";

/** Group of requests that share answers: the scope, one user, or one key. */
export type SharedPer = "scope" | "user" | "key";

/** Rules for sharing answers. */
export interface Sharing {
  /** @default "scope" */
  readonly per?: SharedPer | undefined;
  /** Rule for prompts whose answer may depend on the user. @default "user" */
  readonly personal?: "user" | "scope" | undefined;
}

/** The user and key of a call. */
interface Asked {
  readonly within?: unknown;
  readonly per?: readonly SharedPer[] | undefined;
  readonly user: string;
  readonly key?: string | undefined;
}

/**
 * Returns the values other than the question that must be equal for two requests to share an answer: the call's own (`within`), and the
 * user or key if the prompt's answer must not be shared between them. The narrowest rule applies.
 */
export function besideOf(
  { per = "scope", personal = "user" }: Sharing = {},
  { within, per: narrower = [], user, key = "" }: Asked,
  { ownOnly }: CacheControl,
): (prompt: string) => unknown {
  const isPer = (who: SharedPer) => per === who || narrower.includes(who);
  return (prompt) => {
    const byUser = ownOnly || isPer("user") || (personal === "user" && isPersonal(prompt));
    const byKey = isPer("key");
    if (!byUser && !byKey) return within;
    return { within, wall: { ...(byUser && { user }), ...(byKey && { key }) } };
  };
}
