import { hash } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkNumber, checkOneOf, checkText, refuse } from "../internal/check.ts";
import { partitionsFor, type Quantisation } from "./capacity.ts";
import type { Metric } from "./scale.ts";
import type { VectorShape } from "./vector.ts";

/** Type of an attribute: a word compared exactly (`tag`), a finite number, a boolean, or a `text` searched by its words. */
export type AttributeKind = "tag" | "number" | "boolean" | "text";

/** The attributes that items may have and filters may use: name -> kind. */
export type AttributeSchema = Readonly<Record<string, AttributeKind>>;

/** Values of a schema's attributes; each may be absent. */
export type Attributes<S extends AttributeSchema> = {
  readonly [Name in keyof S]?: ValueOf<S[Name]> | undefined;
};

/** The TypeScript type of a kind. */
export type ValueOf<K extends AttributeKind> = K extends "tag" | "text"
  ? string
  : K extends "number"
    ? number
    : boolean;

/** Storage and search engine of vectors. */
export type Engine = "vectorset" | "search" | "local" | "pgvector";

/** Redis engines, and `auto`: the one recorded for the installation. */
export type EngineChoice = "auto" | "vectorset" | "search" | "local";

/** Options of `createVectors`. */
export interface VectorsOptions<S extends AttributeSchema> {
  /** Name of this collection within its scope. */
  readonly name: string;
  /** Length of every vector, 1 to 16,000 (`hnsw` on pgvector: 2,000, or 4,000 with `f16`). */
  readonly dimensions: number;
  /** Similarity measure: the cosine, the inner product (`ip`), or the Euclidean distance (`l2`). */
  readonly metric: Metric;
  /** `hnsw` searches a graph and may miss some neighbours; `flat` compares with every vector and is exact. */
  readonly index: "hnsw" | "flat";
  /**
   * Search engine on Redis: vector sets (`vectorset`, Redis 8.0.2 and newer), search commands (`search`: Redis Query Engine, RediSearch,
   * valkey-search), or this process over data in Redis (`local`, any Redis 7 or Valkey). `auto` takes the first of these that the server
   * has, once per installation, and records it, so that every process finds the same data. @default "auto"
   */
  readonly engine?: EngineChoice | undefined;
  /** `local`: items of a namespace that a process compares with, 1 to 1,000,000; in a larger namespace only the newest. @default 20_000 */
  readonly mirrorMax?: number | undefined;
  /**
   * Supported values: `vectorset`: q8, none, binary; `search`: none, f16, q8 (cosine only); `local`: q8; pgvector: none, f16. @default "q8"
   * for vectorset and local, else "none"
   */
  readonly quantisation?: Quantisation | undefined;
  /** Up to 32 attributes; names are letters, digits and underscores. @default none */
  readonly attributes?: S | undefined;
  /**
   * Identifies the embedder of the vectors, 1 to 1,024 characters. Another one is refused with `conflict`, so vectors of two embedders
   * never mix. @default "unnamed"
   */
  readonly fingerprint?: string | undefined;
  /** Longest Euclidean length of a vector, for `ip` and `l2`; embedders give 1. Above 0, up to 1,000,000. @default 1 */
  readonly lengthMax?: number | undefined;
  /** Expected items per namespace, 1 to 10,000,000,000; determines its number of partitions. @default the capacity of one partition */
  readonly capacity?: number | undefined;
  /** Partitions of a namespace, spread over a cluster's nodes, 1 to 256. Cannot be changed for stored data. @default from `capacity` */
  readonly partitions?: number | undefined;
  /** Repeats some searches exactly, to measure how many neighbours the graph misses. @default off */
  readonly recall?: RecallOptions | undefined;
  /** Longest wait for one answer, in milliseconds. @default 2_000 */
  readonly timeoutMs?: number | undefined;
  /** Whether the collection is in its scope's list (`listCollections`). @default true */
  readonly listed?: boolean | undefined;
}

/** Options of the recall self-check. */
export interface RecallOptions {
  /** Part of the true neighbours that should be found, above 0 up to 1. @default 0.95 */
  readonly target?: number | undefined;
  /** One of this many searches is repeated exactly in the background, 1 to 1,000,000. @default 1_000 */
  readonly sampleEvery?: number | undefined;
  /** Called with every sample, and when a check failed. */
  readonly onSample?: ((report: RecallReport | Error) => void) | undefined;
}

/** Result of the recall self-check. */
export interface RecallReport {
  /** Moving mean of the part of true neighbours that searches found; 1 before the first sample. */
  readonly recall: number;
  readonly samples: number;
  /** Current search effort: raised while the recall is below its target. */
  readonly effort: number;
}

export interface ResolvedRecall {
  readonly target: number;
  readonly sampleEvery: number;
  readonly onSample: (report: RecallReport | Error) => void;
}

export interface ResolvedVectorsOptions<S extends AttributeSchema> extends VectorShape {
  readonly name: string;
  readonly engine: Engine;
  readonly mirrorMax: number;
  readonly index: "hnsw" | "flat";
  readonly quantisation: Quantisation;
  readonly attributes: S;
  readonly partitions: number;
  readonly recall: ResolvedRecall | undefined;
  readonly timeoutMs: number;
  /** Properties that two handles must share to use the same collection. */
  readonly contract: string;
}

const ATTRIBUTES_MAX = 32;
const PARTITIONS_MAX = 256;
/** Longest fingerprint. A longer one than is kept stands in contracts by its digest. */
const FINGERPRINT_CHARS_MAX = 1_024;
const FINGERPRINT_CHARS_KEPT = 128;
const MIRROR_MAX_DEFAULT = 20_000;
const NAME = /^[a-z][A-Za-z0-9_]{0,62}$/;
/** Names that `where` has a meaning of its own for. */
const RESERVED = new Set(["and", "or", "not"]);
const QUANTISATIONS: Readonly<Record<Engine, readonly Quantisation[]>> = {
  vectorset: ["q8", "none", "binary"],
  search: ["none", "f16", "q8"],
  local: ["q8"],
  pgvector: ["none", "f16"],
};

/** Returns the configured engine, or `auto`. @throws MarrowError `invalid_option` */
export function chosenEngine({ engine }: Pick<VectorsOptions<AttributeSchema>, "engine">): EngineChoice {
  return checkOneOf("engine", engine ?? "auto", ["auto", "vectorset", "search", "local"]);
}

/** Fills defaults and checks ranges for an engine. @throws MarrowError `invalid_option` */
export function resolveOptions<S extends AttributeSchema>(
  options: VectorsOptions<S>,
  engine: Engine,
): ResolvedVectorsOptions<S> {
  const attributes = checkSchema(options.attributes ?? ({} as S));
  const metric = checkOneOf("metric", options.metric, ["cosine", "ip", "l2"]);
  const [usual] = QUANTISATIONS[engine];
  const quantisation = options.quantisation ?? usual ?? "none";
  if (!QUANTISATIONS[engine].includes(quantisation))
    refuse("quantisation", `one of ${QUANTISATIONS[engine].join(", ")} on the engine ${engine}`, quantisation);
  if (engine === "search" && quantisation === "q8" && metric !== "cosine")
    throw new MarrowError("invalid_option", "quantisation q8 on the search engine needs the cosine", {
      details: { path: "quantisation" },
    });
  const index = checkOneOf("index", options.index, ["hnsw", "flat"]);
  const dimensions = checkInteger("dimensions", options.dimensions, {
    min: 1,
    max: engine !== "pgvector" || index === "flat" ? 16_000 : quantisation === "f16" ? 4_000 : 2_000,
  });
  if (metric === "cosine" && options.lengthMax !== undefined)
    throw new MarrowError(
      "invalid_option",
      "lengthMax must be left out with the metric cosine, which ignores lengths",
      {
        details: { path: "lengthMax" },
      },
    );
  const lengthMax =
    metric === "cosine" ? Infinity : checkNumber("lengthMax", options.lengthMax ?? 1, { min: 1e-6, max: 1e6 });
  const capacity = checkInteger("capacity", options.capacity ?? 1, { min: 1, max: 1e10 });
  const partitions = checkInteger(
    "partitions",
    options.partitions ?? Math.min(PARTITIONS_MAX, partitionsFor({ capacity, dimensions, quantisation })),
    { min: 1, max: PARTITIONS_MAX },
  );
  const given = checkText("fingerprint", options.fingerprint ?? "unnamed", FINGERPRINT_CHARS_MAX);
  const fingerprint = given.length <= FINGERPRINT_CHARS_KEPT ? given : `sha256.${hash("sha256", given)}`;
  return {
    name: checkText("name", options.name, 128),
    engine,
    dimensions,
    metric,
    lengthMax,
    index,
    quantisation,
    mirrorMax: checkInteger("mirrorMax", options.mirrorMax ?? MIRROR_MAX_DEFAULT, { min: 1, max: 1_000_000 }),
    attributes,
    partitions,
    recall: resolveRecall(options.recall),
    timeoutMs: checkInteger("timeoutMs", options.timeoutMs ?? 2_000, { min: 1, max: 600_000 }),
    contract: JSON.stringify({
      dimensions,
      metric,
      quantisation,
      fingerprint,
      // A vector set is searched either way, and the local engine compares with all; the others build the one index or the other.
      ...(engine === "vectorset" || engine === "local" ? {} : { index }),
      ...(metric === "cosine" ? {} : { lengthMax }),
      ...(partitions === 1 ? {} : { partitions }),
      attributes: Object.entries(attributes)
        .map(([name, kind]) => `${name}:${kind}`)
        .toSorted()
        .join(" "),
    }),
  };
}

function checkSchema<S extends AttributeSchema>(attributes: S): S {
  if (typeof attributes !== "object" || Object.keys(attributes).length > ATTRIBUTES_MAX) {
    refuse("attributes", `an object of at most ${ATTRIBUTES_MAX} attributes`, attributes);
  }
  for (const [name, kind] of Object.entries(attributes)) {
    if (!NAME.test(name) || RESERVED.has(name))
      refuse(
        "attributes",
        "named with a lower-case letter, then letters, digits and underscores; not and, or, not",
        name,
      );
    checkOneOf(`attributes.${name}`, kind, ["tag", "number", "boolean", "text"]);
  }
  return attributes;
}

function resolveRecall(recall: RecallOptions | undefined): ResolvedRecall | undefined {
  if (recall === undefined) return undefined;
  return {
    target: checkNumber("recall.target", recall.target ?? 0.95, { min: 0.01, max: 1 }),
    sampleEvery: checkInteger("recall.sampleEvery", recall.sampleEvery ?? 1_000, { min: 1, max: 1_000_000 }),
    onSample: recall.onSample ?? (() => {}),
  };
}
