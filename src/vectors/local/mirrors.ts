import type { ScopedRedis } from "../../redis/index.ts";
import { createArena, type Arena } from "./arena.ts";
import { createCopy, type PartitionCopy } from "./copy.ts";
import type { Metric } from "../scale.ts";

/** Most bytes of one connection's copies. The least recently used copy is evicted, and read again on demand. */
export const COPIES_BYTES_MAX = 268_435_456;
/** Partitions that have a copy at most. */
const COPIES_MAX = 10_000;

/** Position of a copy in the changes of its partition. */
export interface Place {
  /** Number of the partition's first change; "" without a copy. */
  readonly born: string;
  /** Number of the last change in the copy. */
  readonly since: string;
  /** Number of the newest change at the start of copying. */
  readonly base: string;
  /** Number and mark of the newest known change. They show whether the server still has the same history. */
  readonly head: string;
  readonly mark: string;
}

/** Initial position of a copy. */
export const NOWHERE: Place = { born: "", since: "0", base: "0", head: "0", mark: "" };

/** A partition's copy and its position in the changes. */
export interface Mirror {
  readonly copy: PartitionCopy;
  /** Replaced, never modified, so the same object is the same state of the copy. */
  place: Place;
  /** Least difference of the server's clock to this process's monotonic clock at the last reply; may be negative. */
  behindMs: number;
  /** Number of running searches, during which the copy is not released. */
  users: number;
}

/** Shape of a copy. */
export interface MirrorShape {
  readonly dimensions: number;
  readonly metric: Metric;
  readonly rowsMax: number;
}

/** All copies of a connection. */
export interface Mirrors {
  /** Uses the copy of a partition; creates an empty one if there is none. */
  use<T>(key: string, shape: MirrorShape, work: (mirror: Mirror) => Promise<T>): Promise<T>;
  /** Returns the existing up-to-date copy of a partition. */
  find(key: string, shape: MirrorShape): Mirror | undefined;
  /** Current number of copies, rows and bytes. */
  report(): { readonly copies: number; readonly rows: number; readonly bytes: number };
}

/** Handles come and go with requests, and connections are seen through scopes: copies belong to what sends. */
const known = new WeakMap<ScopedRedis["send"], Mirrors>();

/** Returns the copies of a connection. */
export function mirrorsOf(redis: Pick<ScopedRedis, "send">): Mirrors {
  const found = known.get(redis.send) ?? createMirrors(COPIES_BYTES_MAX);
  known.set(redis.send, found);
  return found;
}

/** Makes a set of copies with this bound on their total bytes. */
export function createMirrors(bytesMax: number): Mirrors {
  let arena: Arena | undefined;
  /** The least recently used first. */
  const mirrors = new Map<string, Mirror>();

  const nameOf = (key: string, { dimensions, metric, rowsMax }: MirrorShape) =>
    `${dimensions} ${metric} ${rowsMax} ${key}`;

  function open(key: string, shape: MirrorShape): Mirror {
    arena ??= createArena(bytesMax);
    const { dimensions, metric, rowsMax } = shape;
    const name = nameOf(key, shape);
    const found = mirrors.get(name) ?? {
      copy: createCopy(arena, { dimensions, metric, rowsMax }),
      place: NOWHERE,
      behindMs: 0,
      users: 0,
    };
    mirrors.delete(name);
    mirrors.set(name, found);
    return found;
  }

  function keepWithin(): void {
    let bytes = [...mirrors.values()].reduce((sum, { copy }) => sum + copy.bytes(), 0);
    for (const [name, { copy, users }] of mirrors) {
      if (bytes <= bytesMax && mirrors.size <= COPIES_MAX) return;
      if (users > 0) continue;
      bytes -= copy.bytes();
      copy.clear();
      mirrors.delete(name);
    }
  }

  return {
    async use(key, shape, work) {
      const mirror = open(key, shape);
      mirror.users += 1;
      try {
        return await work(mirror);
      } finally {
        mirror.users -= 1;
        keepWithin();
      }
    },
    find(key, shape) {
      const found = mirrors.get(nameOf(key, shape));
      return found === undefined || found.place.born === "" ? undefined : found;
    },
    report() {
      const all = [...mirrors.values()];
      return {
        copies: all.length,
        rows: all.reduce((sum, { copy }) => sum + copy.size, 0),
        bytes: all.reduce((sum, { copy }) => sum + copy.bytes(), 0),
      };
    },
  };
}
