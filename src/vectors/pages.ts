import { boundRounds } from "../redis/index.ts";
import type { VectorDriver } from "./driver.ts";

/** Reads the ids of a namespace in lists of at most `size`, each with the cursor at which a later run may continue. */
export async function* pagesOf(
  driver: VectorDriver,
  namespace: string,
  start: string,
  size: number,
): AsyncGenerator<{ readonly ids: readonly string[]; readonly next: string }> {
  let cursor = start;
  const round = boundRounds("the scan of a namespace");
  do {
    round();
    const page = await driver.page(namespace, cursor, size);
    // An engine may answer far more than a page at once: reading stays bounded, and until all of it is done, a later run begins with it again.
    for (let at = 0; at < page.ids.length; at += size) {
      const last = at + size >= page.ids.length;
      yield { ids: page.ids.slice(at, at + size), next: last ? page.cursor : cursor };
    }
    cursor = page.cursor;
  } while (cursor !== "0");
}
