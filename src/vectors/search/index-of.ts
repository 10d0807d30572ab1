import { MarrowError } from "../../errors.ts";
import { encodeKeyPart, routed, runScript, type Command, type ScopedRedis } from "../../redis/index.ts";
import type { Metric } from "../scale.ts";
import { claimIndex } from "../scripts.gen.ts";
import type { NumberFormat } from "./number-format.ts";
import { FIELDS } from "./packing.ts";

/**
 * Indexes that an installation makes at most, with every role in use. Managed servers allow ten; two are left to others. A kind of
 * vectors (numbers, length, metric, graph or flat) is an index, whatever tenants and collections there are.
 */
export const INDEXES_MAX = 8;
/** Returns the key that lists an installation's indexes. */
export function indexesKey(app: string): string {
  return `{${encodeKeyPart("app", app)}}:vectors:indexes`;
}

/** Partitions that are remembered as searchable. */
const READY_MAX = 10_000;

/** Shape of an index. */
export interface IndexShape {
  readonly format: Pick<NumberFormat, "type">;
  readonly dimensions: number;
  readonly metric: Metric;
  readonly index: "hnsw" | "flat";
  readonly timeoutMs: number;
}

/** The index of one kind of vectors. */
export interface SharedIndex {
  readonly name: string;
  /** Prefix of its documents' keys. */
  readonly prefix: string;
  /** Creates the index if it does not exist, on the node of `key`. @throws MarrowError `too_large`, `unsupported`, `redis_rejected` */
  ensure(key: string): Promise<void>;
  /** Marks the index as missing, after it was dropped. */
  forget(): void;
}

/** Indexes that exist or are being created, by one caller for all that need it. */
type Ready = Map<string, Promise<void>>;

/** Handles come and go with requests, so what sends remembers it. */
const known = new WeakMap<ScopedRedis["send"], Map<string, Ready>>();

function readyOf({ send }: ScopedRedis, name: string): Ready {
  const indexes = known.get(send) ?? new Map<string, Ready>();
  known.set(send, indexes);
  const ready = indexes.get(name) ?? new Map<string, Promise<void>>();
  if (indexes.size < READY_MAX) indexes.set(name, ready);
  return ready;
}

const METRICS: Readonly<Record<Metric, string>> = { cosine: "COSINE", ip: "IP", l2: "L2" };

/** Opens the index of a shape for an installation. Makes no round trip. */
export function sharedIndex(redis: ScopedRedis, shape: IndexShape): SharedIndex {
  const { format, dimensions, metric, index, timeoutMs } = shape;
  const app = encodeKeyPart("app", redis.app);
  const kind = `${format.type.toLowerCase()}.${dimensions}.${metric}.${index}`;
  const name = `${app}:vectors:${kind}`;
  const prefix = `${name}:`;
  const ready = readyOf(redis, name);

  function toCommand(words: boolean): Command {
    const tag = ["TAG", "SEPARATOR", ",", "CASESENSITIVE"];
    const vector = ["TYPE", format.type, "DIM", String(dimensions), "DISTANCE_METRIC", METRICS[metric]];
    return [
      "FT.CREATE",
      name,
      "ON",
      "HASH",
      "PREFIX",
      "1",
      prefix,
      ...(words ? ["STOPWORDS", "0"] : []),
      "SCHEMA",
      FIELDS.vector,
      "VECTOR",
      index === "hnsw" ? "HNSW" : "FLAT",
      String(vector.length),
      ...vector,
      FIELDS.partition,
      ...tag,
      FIELDS.tags,
      ...tag,
      ...FIELDS.numbers.flatMap((field) => [field, "NUMERIC"]),
      ...(words ? [FIELDS.text, "TEXT"] : []),
    ];
  }

  async function claim(): Promise<void> {
    const claimed = await runScript(
      redis,
      claimIndex,
      { indexes: indexesKey(redis.app) },
      { name, most: INDEXES_MAX },
      { timeoutMs },
    );
    if (claimed === 1) return;
    throw new MarrowError(
      "too_large",
      `an installation makes at most ${INDEXES_MAX} search indexes, one for each kind of vectors (number type, dimensions, metric, ` +
        `index), and ${kind} would be another; drop one that is no longer used with FT.DROPINDEX, and take it from ${indexesKey(redis.app)}`,
      { details: { limit: INDEXES_MAX, kind } },
    );
  }

  async function make(key: string): Promise<void> {
    const { engine } = await redis.capabilities();
    await claim();
    try {
      await redis.send(routed(toCommand(engine !== "valkey"), key), { timeoutMs });
    } catch (refused) {
      if (!MarrowError.is(refused, "redis_rejected")) throw refused;
      // Whether there is one is asked by searching it: texts of errors differ and FT.INFO may be forbidden.
      const probe = ["FT.SEARCH", name, `(@${FIELDS.partition}:{none})`, "LIMIT", "0", "0", "DIALECT", "2"];
      await redis.send(routed(probe, key), { timeoutMs }).catch((error: unknown) => {
        throw MarrowError.is(error, "redis_rejected") ? whyRefused(refused, name, format.type) : error;
      });
    }
  }

  return {
    name,
    prefix,
    async ensure(key) {
      const { cluster } = await redis.capabilities();
      // Nodes of a cluster may each have indexes of their own; where they search together, one has it already.
      const where = cluster === "no" ? "" : key;
      const found = ready.get(where);
      if (found !== undefined) return found;
      if (ready.size >= READY_MAX) ready.clear();
      const making = make(key);
      ready.set(where, making);
      making.catch(() => ready.get(where) === making && ready.delete(where));
      return making;
    },
    forget: () => ready.clear(),
  };
}

function whyRefused(refused: MarrowError, name: string, type: NumberFormat["type"]): MarrowError {
  if (type !== "FLOAT32")
    return new MarrowError(
      "unsupported",
      `the server's search made no index of ${type} vectors; not every engine has them: use quantisation none`,
      { cause: refused },
    );
  return new MarrowError(
    "redis_rejected",
    `the server made no search index ${name} (FT.CREATE): it may have as many as it allows, be a replica, or have one of that name with ` +
      "another schema, which FT.DROPINDEX (without DD) drops",
    { cause: refused },
  );
}
