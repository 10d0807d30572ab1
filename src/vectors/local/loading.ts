import { MarrowError } from "../../errors.ts";
import { createPermits, type Permits } from "../../internal/permits.ts";

/** Copies of a connection that are read at once. Each has a page of 512 rows on its way, some 150 KB, which the process reads in 2 ms. */
export const LOADS_MAX = 8;

/** Makes the line of a connection, for those who read copies from the start: each takes one permit, which is refused by `timeout`. Scopes take turns. */
export function createLoading(): Permits {
  return createPermits({
    max: LOADS_MAX,
    refusal: (waitMs) =>
      new MarrowError(
        "timeout",
        `many namespaces are searched for the first time (engine local): ${LOADS_MAX} are read at once, and this one had no turn within ${waitMs} ms; try again shortly`,
        { details: { timeoutMs: waitMs, loadsMax: LOADS_MAX } },
      ),
  });
}
