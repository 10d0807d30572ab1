import {
  BaseStore,
  getTextAtPath,
  type GetOperation,
  type Item,
  type ListNamespacesOperation,
  type MatchCondition,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchItem,
  type SearchOperation,
} from "@langchain/langgraph-checkpoint";
import type { Embedder } from "../embedders/index.ts";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkText, refuse } from "../internal/check.ts";
import { ownField } from "../internal/fields.ts";
import { encodeWritable } from "../internal/unwritable-path.ts";
import {
  checkScope,
  decodeKeyPart,
  decodeRecord,
  encodeKeyPart,
  encodeRecord,
  keyTag,
  runScript,
  type ScopedRedis,
} from "../redis/index.ts";
import { createVectors, type EngineChoice, type Vectors } from "../vectors/index.ts";
import { putItemOfStore } from "./scripts.gen.ts";
import { toPart } from "./stored.ts";

/** Options of {@link MarrowStore}. */
export interface MarrowStoreOptions {
  /** Name of this store within its scope. */
  readonly name: string;
  /** Makes items searchable by meaning. @default searches with a query are refused */
  readonly index?: {
    readonly embedder: Embedder;
    /** Paths of an item's texts, in LangGraph's syntax. @default ["$"], all of it */
    readonly fields?: readonly string[] | undefined;
    /** Vector engine, as in `marrow/vectors`. @default "auto", the engine recorded for the installation */
    readonly engine?: EngineChoice | undefined;
  };
}

/** Parts of a namespace. */
const DEPTH_MAX = 8;
const PAGE = 256;
/** Most items that a search without a query reads. */
const LOOKED_AT_MAX = 10_000;
/** Nearest texts that a search by meaning chooses from. */
const NEAREST = 500;

const ATTRIBUTES = { p1: "tag", p2: "tag", p3: "tag", p4: "tag", p5: "tag", p6: "tag", p7: "tag", p8: "tag" } as const;

/**
 * LangGraph's long-term store in Redis: items under namespaces, found by key, by prefix, by their fields, and by meaning. Namespaces and
 * keys are encoded, so they are never part of a pattern. Without an index it needs no modules.
 */
export class MarrowStore extends BaseStore {
  readonly #redis: ScopedRedis;
  readonly #name: string;
  readonly #index: MarrowStoreOptions["index"];
  readonly #vectors: Vectors<typeof ATTRIBUTES> | undefined;

  constructor(redis: ScopedRedis, { name, index }: MarrowStoreOptions) {
    super();
    this.#redis = checkScope(redis);
    this.#name = checkText("name", name, 128);
    this.#index = index;
    this.#vectors =
      index &&
      createVectors(this.#redis, {
        name: `graph-store.${this.#name}`,
        dimensions: index.embedder.dimensions,
        metric: "cosine",
        index: "hnsw",
        engine: index.engine,
        attributes: ATTRIBUTES,
        fingerprint: index.embedder.fingerprint,
      });
  }

  /** Runs the operations in order; reads see earlier writes. */
  async batch<const Op extends readonly Operation[]>(operations: Op): Promise<OperationResults<Op>>;
  async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>>;
  async batch(operations: readonly Operation[]): Promise<unknown[]> {
    const results: unknown[] = [];
    for (const operation of operations) {
      if ("namespacePrefix" in operation) results.push(await this.#search(operation));
      else if ("value" in operation) results.push(await this.#put(operation));
      else if ("key" in operation) results.push(await this.#get(operation));
      else results.push(await this.#listNamespaces(operation));
    }
    return results;
  }

  async #get({ namespace, key }: GetOperation): Promise<Item | null> {
    const field = toField(namespace, key);
    const record = await this.#redis.send(["HGET", this.#keys().items, field], { reply: "bytes" });
    return Buffer.isBuffer(record) ? toItem(field, record) : null;
  }

  async #put({ namespace, key, value, index }: PutOperation): Promise<void> {
    const field = toField(namespace, key);
    if (value !== null && (typeof value !== "object" || Array.isArray(value)))
      refuse("value", "an object, or null to delete", value, "invalid_input");
    await runScript(this.#redis, putItemOfStore, this.#keys(), {
      field,
      record: value === null ? "" : encodeWritable("value", value, encodeRecord),
      take: value === null ? 1 : 0,
    });
    if (this.#index === undefined || this.#vectors === undefined) return;
    const { embedder, fields = ["$"] } = this.#index;
    const paths = value === null || index === false ? [] : (index ?? fields);
    const texts = paths.flatMap((path) => (path === "$" ? [JSON.stringify(value)] : getTextAtPath(value, path)));
    // An item may have had more texts before.
    const old = Array.from({ length: TEXTS_MAX }, (_, at) => `${field}#${at}`);
    await this.#vectors.delete(old.slice(texts.length));
    if (texts.length === 0) return;
    if (texts.length > TEXTS_MAX)
      throw new MarrowError("too_large", `an item has at most ${TEXTS_MAX} indexed texts`, {
        details: { path: "index" },
      });
    const vectors = await embedder.embed(texts);
    const attributes = toPrefixes(namespace);
    const items = vectors.map((vector, at) => ({ id: `${field}#${at}`, vector, attributes, payload: field }));
    for (const result of await this.#vectors.upsert(
      items.filter(({ vector }) => vector.some((number) => number !== 0)),
    ))
      if (!result.stored) throw result.error;
  }

  async #search({ namespacePrefix, filter, limit = 10, offset = 0, query }: SearchOperation): Promise<SearchItem[]> {
    checkInteger("limit", limit, { min: 0, max: 10_000 }, "invalid_input");
    checkInteger("offset", offset, { min: 0 }, "invalid_input");
    const found = query === undefined ? this.#under(namespacePrefix) : this.#nearest(namespacePrefix, query);
    const items: SearchItem[] = [];
    for await (const item of found) {
      if (items.length === offset + limit) break;
      if (Object.entries(filter ?? {}).every(([name, wanted]) => holds(ownField(item.value, name), wanted)))
        items.push(item);
    }
    return items.slice(offset);
  }

  async *#under(prefix: readonly string[]): AsyncGenerator<SearchItem> {
    for await (const fields of this.#pages(prefix)) yield* await this.#read(fields);
  }

  async *#nearest(prefix: readonly string[], query: string): AsyncGenerator<SearchItem> {
    if (this.#index === undefined || this.#vectors === undefined)
      throw new MarrowError("unsupported", "this store has no index: it was made without an embedder");
    const [vector] = await this.#index.embedder.embed([query]);
    if (vector === undefined || !vector.some((number) => number !== 0)) return;
    const depth = prefix.length;
    const where = depth === 0 ? undefined : { [`p${depth}`]: toPrefixes(prefix)[`p${depth}` as "p1"] };
    const matches = await this.#vectors.search({ vector, limit: NEAREST, ...(where && { where }) });
    const scores = new Map<string, number>();
    for (const { payload, similarity } of matches) {
      const field = String(payload);
      if (!scores.has(field)) scores.set(field, similarity);
    }
    for (const item of await this.#read([...scores.keys()]))
      yield { ...item, score: scores.get(toField(item.namespace, item.key)) as number };
  }

  async #listNamespaces({
    matchConditions = [],
    maxDepth,
    limit,
    offset,
  }: ListNamespacesOperation): Promise<string[][]> {
    const seen = new Map<string, string[]>();
    for await (const fields of this.#pages([])) {
      for (const field of fields) {
        const { namespace } = fromField(field);
        if (!matchConditions.every((condition) => matchesPath(namespace, condition))) continue;
        const cut = namespace.slice(0, maxDepth ?? namespace.length);
        seen.set(JSON.stringify(cut), cut);
      }
    }
    return [...seen.values()].slice(offset, offset + limit);
  }

  async #read(fields: readonly string[]): Promise<Item[]> {
    if (fields.length === 0) return [];
    const records = await this.#redis.send(["HMGET", this.#keys().items, ...fields], { reply: "bytes" });
    return (records as readonly (Buffer | null)[]).flatMap((record, at) =>
      record === null ? [] : [toItem(fields[at] as string, record)],
    );
  }

  /** Yields the fields under a namespace in pages, within bounds. */
  async *#pages(prefix: readonly string[]): AsyncGenerator<readonly string[]> {
    const start = prefix.map((part) => `${toPart(part)}|`).join("");
    let from = start === "" ? "-" : `[${start}`;
    const to = start === "" ? "+" : `(${start}~`;
    for (let looked = 0; looked < LOOKED_AT_MAX; looked += PAGE) {
      const page = ["ZRANGEBYLEX", this.#keys().order, from, to, "LIMIT", "0", String(PAGE)];
      const fields = (await this.#redis.send(page)) as readonly string[];
      if (fields.length > 0) yield fields;
      if (fields.length < PAGE) return;
      from = `(${fields.at(-1)}`;
    }
  }

  #keys() {
    const start = `${keyTag(this.#redis)}:graph-store:${encodeKeyPart("name", this.#name)}`;
    return { items: `${start}:items`, order: `${start}:order` };
  }
}

/** Texts of one item that are indexed. */
const TEXTS_MAX = 16;

/** `part|part||key`, each encoded; a namespace's fields stand beside one another in their order. */
function toField(namespace: readonly string[], key: string): string {
  return `${checkNamespace(namespace)
    .map((part) => `${toPart(part)}|`)
    .join("")}|${toPart(checkText("key", key, 512, "invalid_input"))}`;
}

function fromField(field: string): { readonly namespace: string[]; readonly key: string } {
  const parts = field.split("|").map(decodeKeyPart);
  return { namespace: parts.slice(0, -2), key: parts.at(-1) ?? "" };
}

function checkNamespace(namespace: readonly string[]): readonly string[] {
  if (!Array.isArray(namespace) || namespace.length < 1 || namespace.length > DEPTH_MAX)
    refuse("namespace", `a list of 1 to ${DEPTH_MAX} names`, namespace, "invalid_input");
  for (const part of namespace) checkText("namespace", part, 256, "invalid_input");
  return namespace;
}

/** The namespace's beginnings, one attribute for each length. */
function toPrefixes(namespace: readonly string[]): { readonly [Name in keyof typeof ATTRIBUTES]?: string } {
  return Object.fromEntries(
    namespace.map((_, at) => [
      `p${at + 1}`,
      namespace
        .slice(0, at + 1)
        .map((part) => `${toPart(part)}|`)
        .join(""),
    ]),
  );
}

function toItem(field: string, stored: Buffer): Item {
  const [first, second] = [stored.indexOf(":"), stored.indexOf(":", stored.indexOf(":") + 1)];
  return {
    ...fromField(field),
    value: decodeRecord(stored.subarray(second + 1)) as Record<string, unknown>,
    createdAt: new Date(Number(stored.toString("latin1", 0, first))),
    updatedAt: new Date(Number(stored.toString("latin1", first + 1, second))),
  };
}

/** Returns true if a value matches a filter: equality, or its operators. */
function holds(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null || !Object.keys(wanted).some((name) => name.startsWith("$")))
    return JSON.stringify(value) === JSON.stringify(wanted);
  return Object.entries(wanted).every(([operator, other]: [string, unknown]) => {
    const same = JSON.stringify(value) === JSON.stringify(other);
    const [a, b] = [value as number, other as number];
    switch (operator) {
      case "$eq":
        return same;
      case "$ne":
        return !same;
      case "$gt":
        return a > b;
      case "$gte":
        return a >= b;
      case "$lt":
        return a < b;
      case "$lte":
        return a <= b;
      default:
        return refuse("filter", "made of $eq, $ne, $gt, $gte, $lt and $lte", operator, "invalid_input");
    }
  });
}

function matchesPath(namespace: readonly string[], { matchType, path }: MatchCondition): boolean {
  if (path.length > namespace.length) return false;
  const parts = matchType === "prefix" ? namespace : namespace.slice(namespace.length - path.length);
  return path.every((part, at) => part === "*" || part === parts[at]);
}
