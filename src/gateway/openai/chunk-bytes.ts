import { MarrowError } from "../../errors.ts";
import { boundRounds } from "../../redis/index.ts";
import type { Stores } from "../../stores/index.ts";
import type { StoredBytes } from "../tenancy/stored-bytes.ts";

/** Returns the name of a booking for a file's chunks in a store. */
export function chunksOf(store: string, file: string): string {
  return `chunks:${store}/${file}`;
}

/** Stops counting the chunks of a store that is about to be deleted. */
export async function releaseChunks(bytes: StoredBytes, scope: string, stores: Stores, store: string): Promise<void> {
  try {
    const files = await stores.filesOf(store);
    let after: string | undefined;
    const round = boundRounds("the list of a store's files");
    do {
      round();
      const { data, hasMore } = await files.list({ limit: 100, after });
      await Promise.all(data.map(({ id }) => bytes.release(scope, chunksOf(store, id))));
      after = hasMore ? data.at(-1)?.id : undefined;
    } while (after !== undefined);
  } catch (error) {
    // An expired store has no files to list; its bookings expire by themselves.
    if (!MarrowError.is(error, "conflict")) throw error;
  }
}
