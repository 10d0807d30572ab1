import { MarrowError } from "../errors.ts";

/** Cache directives of one request. */
export interface CacheControl {
  /** Skips the lookup: calls the model and stores its answer. */
  readonly noCache: boolean;
  /** Does not store the answer. */
  readonly noStore: boolean;
  /** Serves a stored answer or none. */
  readonly onlyIfCached: boolean;
  /** Looks up and stores the answer only among this user's own. */
  readonly ownOnly: boolean;
  /** Oldest answer that may be served, in milliseconds. */
  readonly maxAgeMs: number;
}

/** No directives: look up, store, any age. */
export const CACHE_CONTROL_DEFAULT: CacheControl = {
  noCache: false,
  noStore: false,
  onlyIfCached: false,
  ownOnly: false,
  maxAgeMs: Infinity,
};

/**
 * Parses `x-marrow-cache-control`: `no-store`, `no-cache`, `only-if-cached`, `private`, `max-age=seconds`, separated by commas. Unknown
 * words are refused, because a misspelt `no-store` must not store.
 * @throws MarrowError `invalid_input`
 */
export function parseCacheControl(header: string | undefined): CacheControl {
  if (header === undefined) return CACHE_CONTROL_DEFAULT;
  const control = { ...CACHE_CONTROL_DEFAULT };
  for (const word of header
    .toLowerCase()
    .split(",")
    .map((part) => part.trim())) {
    const seconds = /^max-age=(\d{1,10})$/.exec(word)?.[1];
    if (seconds !== undefined) control.maxAgeMs = Number(seconds) * 1000;
    else if (word === "no-cache") control.noCache = true;
    else if (word === "no-store") control.noStore = true;
    else if (word === "only-if-cached") control.onlyIfCached = true;
    else if (word === "private") control.ownOnly = true;
    else if (word !== "") {
      throw new MarrowError(
        "invalid_input",
        "x-marrow-cache-control must hold no-store, no-cache, only-if-cached, private or max-age=seconds, separated by commas",
        { details: { path: "x-marrow-cache-control" } },
      );
    }
  }
  return control;
}
