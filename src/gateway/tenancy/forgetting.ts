import { MarrowError } from "../../errors.ts";
import { createQueue, LISTED_STATES } from "../../queue/index.ts";
import { boundRounds } from "../../redis/index.ts";
import { chunksOf, releaseChunks } from "../openai/chunk-bytes.ts";
import type { Page, PageOptions } from "../../stores/index.ts";
import { TASKS_QUEUE } from "../jobs.ts";
import { tagOf } from "./ownership.ts";
import type { GatewayApp } from "../parts.ts";

/** Numbers of deleted items of a user. */
export interface ForgottenThings {
  readonly batches: number;
  readonly tasks: number;
  readonly vector_stores: number;
  readonly files: number;
  /** Entries of named caches. */
  readonly cache_entries: number;
}

const PAGE = 100;
/** Tasks come with their payloads, so that a page of them is small. */
const TASKS_PAGE = 20;
/** The queue lists no more tasks than these that ended. */
const TASKS_MAX = 1_000_000;

/**
 * Deletes a user's items other than those in a tenant's roles: batches first, because they make files; then tasks, vector stores and files.
 * May be repeated after an interruption. Items of the scope stay.
 */
export async function forgetThings(
  {
    redis,
    batches,
    stores,
    embedder,
    storedBytes,
    caches,
  }: Pick<GatewayApp, "redis" | "batches" | "stores" | "embedder" | "storedBytes" | "caches">,
  scope: string,
  user: string,
): Promise<ForgottenThings> {
  const queue = createQueue(redis.scope(scope), { name: TASKS_QUEUE });
  const owned = { where: ({ owner }: { readonly owner?: string | undefined }) => owner === user };

  /** Deletes items one by one, and releases their booked bytes. */
  async function remove(resource: string, ids: readonly string[], take: (id: string) => Promise<unknown>) {
    for (const id of ids) {
      await take(id).catch(passOverGone);
      await storedBytes.release(scope, `${resource}:${id}`);
    }
    return ids.length;
  }

  async function tasks(): Promise<readonly string[]> {
    const ids = new Set<string>();
    for (const state of LISTED_STATES)
      for (let offset = 0; offset < TASKS_MAX; offset += TASKS_PAGE) {
        const jobs = await queue.list({ state, offset, limit: TASKS_PAGE });
        if (jobs.length === 0) break;
        for (const { id } of jobs) if (id.startsWith(tagOf(user))) ids.add(id);
      }
    return [...ids];
  }

  const lists = batches(scope);
  const batchIds = await idsOf((page) => lists.list(page, { only: user }));
  const forgotten = {
    batches: await remove("batch", batchIds, (id) => lists.remove(id)),
    tasks: await remove("task", await tasks(), (id) => queue.remove(id)),
    cache_entries: await caches(scope).forget(user),
  };
  if (embedder === undefined) return { ...forgotten, vector_stores: 0, files: 0 };
  const own = stores(scope);
  const storeIds = await idsOf((page) => own.list({ ...page, ...owned }));
  const fileIds = await idsOf((page) => own.files.list({ ...page, ...owned }));
  return {
    ...forgotten,
    vector_stores: await remove("vector store", storeIds, async (id) => {
      await releaseChunks(storedBytes, scope, own, id);
      await own.remove(id);
    }),
    files: await remove("file", fileIds, async (id) => {
      const held = await own.files.remove(id);
      for (const store of held) await storedBytes.release(scope, chunksOf(store, id));
    }),
  };
}

/** Ids of all that a list has, read to its end before any of it is taken away: a cursor must be there still. */
async function idsOf<T extends { readonly id: string }>(
  list: (page: PageOptions) => Promise<Page<T>>,
): Promise<readonly string[]> {
  const ids: string[] = [];
  const round = boundRounds("a list");
  for (let more = true; more;) {
    round();
    const { data, hasMore } = await list({ limit: PAGE, after: ids.at(-1) });
    ids.push(...data.map(({ id }) => id));
    more = hasMore && data.length > 0;
  }
  return ids;
}

/** Somebody else took it away in between. */
function passOverGone(error: unknown): void {
  if (!MarrowError.is(error, "not_found")) throw error;
}
