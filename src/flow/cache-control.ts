import { MarrowError } from "../errors.ts";

/** What a caller asks of the cache for one request. */
export interface CacheControl {
  /** Do not look: ask the model, and store its answer. */
  readonly noCache: boolean;
  /** Do not store. */
  readonly noStore: boolean;
  /** Answer from the cache or not at all. */
  readonly onlyIfCached: boolean;
  /** Share the answer with nobody else: it is looked for, and stored, among this user's own. */
  readonly ownOnly: boolean;
  /** Oldest answer that may be served, in milliseconds. */
  readonly maxAgeMs: number;
}

/** No wishes: look, store, any age. */
export const CACHE_CONTROL_DEFAULT: CacheControl = {
  noCache: false,
  noStore: false,
  onlyIfCached: false,
  ownOnly: false,
  maxAgeMs: Infinity,
};

/**
 * Reads `x-marrow-cache-control`: `no-store`, `no-cache`, `only-if-cached`, `private`, `max-age=seconds`, separated by commas.
 * An unknown word is refused rather than passed over: a misspelt `no-store` must not store.
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
