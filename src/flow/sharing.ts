import { isPersonal } from "../cache/index.ts";
import type { CacheControl } from "./cache-control.ts";

/** Which requests share answers: all of the scope, those of one user, or those of one key. */
export type SharedPer = "scope" | "user" | "key";

/** Which users share answers. */
export interface Sharing {
  /** @default "scope" */
  readonly per?: SharedPer | undefined;
  /** The same for prompts whose answer may depend on the user. @default "user" */
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
 * What must be equal beside the question for one answer to serve two requests: what the call says (`within`), and the wall between users or
 * keys that the prompt's answer must not cross. Whatever is narrower counts: two wishes add up.
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
