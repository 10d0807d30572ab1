import { checkInteger, checkOneOf, checkText, refuse } from "../internal/check.ts";

/** What an attribute holds: a word compared exactly (`tag`), a finite number, or true and false. */
export type AttributeKind = "tag" | "number" | "boolean";

/** The attributes that items may carry and filters may ask for: name -> kind. */
export type AttributeSchema = Readonly<Record<string, AttributeKind>>;

/** Values of a schema's attributes; each may be absent. */
export type Attributes<S extends AttributeSchema> = {
  readonly [Name in keyof S]?: ValueOf<S[Name]> | undefined;
};

/** The TypeScript type of a kind. */
export type ValueOf<K extends AttributeKind> = K extends "tag" ? string : K extends "number" ? number : boolean;

/** Options of `createVectors`. */
export interface VectorsOptions<S extends AttributeSchema> {
  /** Name of this collection within its scope. */
  readonly name: string;
  /** Length of every vector, 1 to 65,536. */
  readonly dimensions: number;
  /** How nearness is measured. This driver knows cosine, -1 to 1. */
  readonly metric: "cosine";
  /** `hnsw` walks a graph and may overlook; `flat` compares with everything and is exact. */
  readonly index: "hnsw" | "flat";
  /** How vectors are kept: 8 bits a number, 32 bits, or 1 bit. Part of what is stored. @default "q8" */
  readonly quantisation?: "q8" | "none" | "binary" | undefined;
  /** Up to 32 attributes; names are letters, digits and underscores. @default none */
  readonly attributes?: S | undefined;
  /** Names the embedder that made the vectors; another one is a `conflict`, never a mix. @default "unnamed" */
  readonly fingerprint?: string | undefined;
  /** Longest wait for one answer, in milliseconds. @default 2_000 */
  readonly timeoutMs?: number | undefined;
}

export interface ResolvedVectorsOptions<S extends AttributeSchema> {
  readonly name: string;
  readonly dimensions: number;
  readonly index: "hnsw" | "flat";
  readonly quantisation: "q8" | "none" | "binary";
  readonly attributes: S;
  readonly timeoutMs: number;
  /** What must be equal for two handles to share a collection. */
  readonly contract: string;
}

const ATTRIBUTES_MAX = 32;
const NAME = /^[a-z][A-Za-z0-9_]{0,62}$/;

/** Fills defaults and refuses what makes no sense. @throws MarrowError `invalid_option` */
export function resolveOptions<S extends AttributeSchema>(options: VectorsOptions<S>): ResolvedVectorsOptions<S> {
  const attributes = options.attributes ?? ({} as S);
  if (typeof attributes !== "object" || Object.keys(attributes).length > ATTRIBUTES_MAX) {
    refuse("attributes", `an object of at most ${ATTRIBUTES_MAX} attributes`, attributes);
  }
  for (const [name, kind] of Object.entries(attributes)) {
    if (!NAME.test(name))
      refuse("attributes", "named with a lower-case letter, then letters, digits and underscores", name);
    checkOneOf(`attributes.${name}`, kind, ["tag", "number", "boolean"]);
  }
  const dimensions = checkInteger("dimensions", options.dimensions, { min: 1, max: 65_536 });
  const quantisation = checkOneOf("quantisation", options.quantisation ?? "q8", ["q8", "none", "binary"]);
  const fingerprint = checkText("fingerprint", options.fingerprint ?? "unnamed", 128);
  checkOneOf("metric", options.metric, ["cosine"]);
  return {
    name: checkText("name", options.name, 128),
    dimensions,
    index: checkOneOf("index", options.index, ["hnsw", "flat"]),
    quantisation,
    attributes,
    timeoutMs: checkInteger("timeoutMs", options.timeoutMs ?? 2_000, { min: 1, max: 600_000 }),
    contract: JSON.stringify({ dimensions, metric: "cosine", quantisation, fingerprint }),
  };
}
