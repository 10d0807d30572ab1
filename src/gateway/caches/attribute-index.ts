import { MarrowError } from "../../errors.ts";
import { boundRounds, encodeKeyPart, keyTag, runScript, type ScopedRedis } from "../../redis/index.ts";
import { dropAttributes, findAttributes, noteAttributes } from "../scripts.gen.ts";
import { toAttributeSet, type AttributeSet } from "./attributes.ts";

/** A set of attributes that some entries of a cache have. */
export interface NotedSet extends AttributeSet {
  /** Its value in the index: it is only dropped while that is unchanged. */
  readonly text: string;
}

/** Index of the attribute sets in one cache, so that entries are found by any part of their attributes. */
export interface AttributeIndex {
  /** Records that an entry with these attributes is stored. One round trip. @throws MarrowError `too_large` beyond the number of caches */
  note(set: AttributeSet, lifeMs: number): Promise<void>;
  /** Returns other sets that contain all of these attributes, newest first. One round trip. */
  covering(set: AttributeSet): Promise<readonly NotedSet[]>;
  /** Pages through all sets that contain these attributes. */
  pages(set: AttributeSet, drop: (set: NotedSet) => Promise<boolean>): Promise<void>;
  drop(set: NotedSet): Promise<boolean>;
}

/** Caches of a scope, or of one of its users, at most. */
const CACHES_MAX = 100;
/** Most other sets per search. */
const COVERING_MAX = 16;
/** Sets that are looked at for that. */
const LOOK_MAX = 1_000;
/** Sets in one page. */
const PAGE = 64;
const WAIT_MS = 500;

/** Returns the key of the list of caches of a scope, or of a user (by its tag). */
export function namesKey(redis: ScopedRedis, owner: string | undefined): string {
  const start = `${keyTag(redis)}:gateway:caches`;
  return owner === undefined ? start : `${start}:${encodeKeyPart("owner", owner)}`;
}

/** Opens the index of a cache: `name` is the caller's name for it, `place` that of its keys. */
export function createAttributeIndex(
  redis: ScopedRedis,
  { name, place, owner }: { readonly name: string; readonly place: string; readonly owner: string | undefined },
): AttributeIndex {
  const start = `${keyTag(redis)}:gateway:cache:${encodeKeyPart("cache", place)}`;
  const at = { ends: `${start}:ends`, sets: `${start}:sets`, bearers: `${start}:with:` };

  async function find({ digests }: AttributeSet, count: number, skip: number) {
    const values = { count, skip, look: LOOK_MAX, digests };
    const reply = await runScript(redis, findAttributes, at, values, { timeoutMs: WAIT_MS });
    const [looked, size, ...found] = reply as readonly [number, number, ...string[]];
    const sets: NotedSet[] = [];
    for (let i = 0; i + 1 < found.length; i += 2) sets.push(readSet(found[i + 1] as string));
    return { looked, size, sets };
  }

  async function drop({ id, text, digests }: NotedSet): Promise<boolean> {
    const keys = { names: namesKey(redis, owner), ...at };
    const values = { name, set: id, text, digests };
    return (await runScript(redis, dropAttributes, keys, values, { timeoutMs: WAIT_MS })) === 1;
  }

  return {
    drop,

    async note({ id, json, digests }, lifeMs) {
      const values = { name, names_max: CACHES_MAX, set: id, json, life_ms: lifeMs, digests };
      const keys = { names: namesKey(redis, owner), ...at };
      const reply = await runScript(redis, noteAttributes, keys, values, { timeoutMs: WAIT_MS });
      const [outcome, others] = reply as readonly [string, number];
      if (outcome === "full")
        throw new MarrowError(
          "too_large",
          `cache: there are ${others} caches already, and at most ${CACHES_MAX} are allowed: flush one that you no longer need`,
          {
            details: { path: "cache", caches: others, cachesMax: CACHES_MAX },
          },
        );
    },

    async covering(set) {
      const { sets } = await find(set, COVERING_MAX + 1, 0);
      return sets.filter(({ id }) => id !== set.id).slice(0, COVERING_MAX);
    },

    async pages(set, take) {
      const round = boundRounds("the list of a cache's attributes");
      for (let skip = 0; ;) {
        round();
        const { looked, size, sets } = await find(set, PAGE, skip);
        const dropped = await Promise.all(sets.map(take));
        skip += looked - dropped.filter(Boolean).length;
        if (looked === 0 || skip >= size) return;
      }
    },
  };
}

function readSet(text: string): NotedSet {
  const attributes = JSON.parse(text.slice(text.indexOf(":") + 1)) as Record<string, string>;
  return { ...toAttributeSet(attributes), text };
}
