/**
 * Redis with a stand-in for FT.*: passes every other command on to a real Redis and answers FT.CREATE, FT.SEARCH, FT.INFO and
 * FT.DROPINDEX from the hashes that are there. No server with FT.* can be installed where this project is built; what this one
 * answers is held to recordings of a real one by `search-server.live.test.ts`. It keeps the traps: neighbours come in the order of
 * documents, ten rows unless LIMIT says more, errors without a code, an index that leaves out what it cannot read.
 */
import { connect as dial } from "node:net";
import { Redis as Ioredis } from "ioredis";
import { fromHalf } from "../src/vectors/search/number-format.ts";
import { asker } from "./resp-asker.ts";
import { startRespServer, type RespServer } from "./resp-server.ts";
import { toWire, type Answer } from "./resp.ts";
import { createSearchRights } from "./search-rights.ts";
import { createSearchScripts, searches } from "./search-scripts.ts";
import { parseQuery, toNumber, type Document, type Query } from "./search-query.ts";

interface Field {
  readonly name: string;
  readonly kind: "VECTOR" | "TAG" | "NUMERIC" | "TEXT";
  readonly separator: string;
  readonly caseSensitive: boolean;
  readonly sortable: boolean;
  readonly vector?: {
    readonly algorithm: string;
    readonly type: string;
    readonly dimensions: number;
    readonly metric: string;
  };
}

interface Index {
  readonly prefixes: readonly string[];
  readonly fields: readonly Field[];
}

interface Row {
  readonly key: Buffer;
  readonly hash: ReadonlyMap<string, Buffer>;
  readonly distance?: number;
}

/** What managed servers allow: ten indexes (MemoryDB, ElastiCache 8.2), ten fields (Memorystore). */
export interface SearchLimits {
  readonly indexesMax?: number | undefined;
  readonly fieldsMax?: number | undefined;
  /** Whether searches run in threads of their own (WORKERS above 0): none within a script then. */
  readonly threads?: boolean | undefined;
  /** Changes what a search answers. */
  readonly spoil?: ((answer: Answer) => Answer) | undefined;
}

/** A stand-in that runs. */
export interface SearchServer extends RespServer {
  /** Names of the indexes that it has. */
  indexes(): string[];
}

/**
 * Starts a stand-in in front of a Redis (TCP or unix socket, by URL). The dialect `valkey` is valkey-search by its documents and source
 * (there is no recording of it): lists in RESP3 too, no TEXT, no HYBRID_POLICY, no STOPWORDS, unused parameters refused.
 */
export async function startSearchServer(
  target: string,
  dialect: "redis" | "valkey" = "redis",
  { indexesMax = Infinity, fieldsMax = Infinity, threads = false, spoil = (answer) => answer }: SearchLimits = {},
): Promise<SearchServer> {
  const valkey = dialect === "valkey";
  const indexes = new Map<string, Index>();
  const scripts = createSearchScripts();
  const granted = createSearchRights();
  const path = target.startsWith("unix://") ? target.slice("unix://".length) : undefined;
  const reader = path === undefined ? new Ioredis(target) : new Ioredis({ path });
  /** Order in which documents were first seen: what a real index calls their ids. */
  const order = new Map<string, number>();

  const server = await startRespServer((push) => {
    const upstream = path === undefined ? dial(Number(new URL(target).port), "127.0.0.1") : dial(path);
    const ask = asker(upstream, push);
    const rights = granted.session();
    let protocol: 2 | 3 = 2;
    return {
      async answer(words, raw) {
        const verb = String(words[0]).toUpperCase();
        if (verb === "ACL") return ask(toWire(rights.withoutSearch(words), 2));
        rights.enter(words);
        if (verb.startsWith("FT.")) return toWire(await answer(verb, words.slice(1)), protocol);
        if (verb === "INFO" && valkey)
          return toWire("redis_version:7.2.4\r\nvalkey_version:8.1.1\r\ncluster_enabled:0\r\n", protocol);
        if (verb === "COMMAND" && /^info$/i.test(String(words[1])))
          return toWire(await commands(words.slice(2)), protocol);
        if (verb === "HSET" && !order.has(nameOf(words[1] as Buffer)))
          order.set(nameOf(words[1] as Buffer), order.size);
        if (verb === "HELLO" && words.length > 1) protocol = String(words[1]) === "3" ? 3 : 2;
        const script = scripts.textOf(words);
        if (script !== undefined && searches(script, words))
          return scripts.run(script, words, {
            ask: (asked) =>
              ask(
                toWire(
                  asked.map((word) => Buffer.from(word)),
                  2,
                ),
              ),
            search: ([asked, ...rest]) => answerInScript(String(asked).toUpperCase(), rest),
          });
        if (verb === "FLUSHALL" || verb === "FLUSHDB") indexes.clear();
        return ask(raw);
      },
      close: () => void upstream.destroy(),
    };

    async function answerInScript(verb: string, words: readonly Buffer[]): Promise<Answer> {
      if (threads && indexes.has(String(words[0])))
        return { error: "ERR Blocking module command called from Lua script" };
      return answer(verb, words, 2);
    }

    async function answer(verb: string, words: readonly Buffer[], spoken = protocol): Promise<Answer> {
      if (!rights.may(verb))
        return { error: `NOPERM User has no permissions to run the '${verb.toLowerCase()}' command` };
      const name = String(words[0]);
      if (verb === "FT.CREATE") {
        if (indexes.has(name))
          return { error: valkey ? `Index ${name} in database 0 already exists.` : "Index already exists" };
        if (valkey && words.some((word) => /^(TEXT|STOPWORDS|FLOAT16|INT8)$/.test(String(word))))
          return { error: "Invalid field type or unexpected argument" };
        const made = readIndex(words.slice(1).map(String));
        if (made.fields.length > fieldsMax) return { error: `Exceeded maximum number of attributes (${fieldsMax})` };
        if (indexes.size >= indexesMax) return { error: `Exceeded maximum number of indexes (${indexesMax})` };
        indexes.set(name, made);
        return { simple: "OK" };
      }
      const index = indexes.get(name);
      if (index === undefined && valkey) return { error: `Index with name '${name}' not found in database 0` };
      if (index === undefined)
        return { error: verb === "FT.SEARCH" ? `No such index ${name}` : `${name}: no such index` };
      if (verb === "FT.DROPINDEX") {
        indexes.delete(name);
        return { simple: "OK" };
      }
      if (verb === "FT.INFO") return { map: [["vector_index_sz_mb", "0.5"]] };
      if (verb !== "FT.SEARCH") return { error: `ERR unknown command '${verb}'` };
      try {
        return spoil(await search(index, words.slice(1), valkey ? 2 : spoken));
      } catch (error) {
        return { error: (error as Error).message };
      }
    }
  });

  /** Which commands there are: only that much of the answer is asked for. */
  async function commands(names: readonly Buffer[]): Promise<Answer> {
    const found = (await reader.command("INFO", ...names.map(String))) as readonly unknown[];
    return names.map((name, at): Answer => {
      const there = /^FT\./i.test(String(name)) || (Array.isArray(found[at]) && found[at].length > 0);
      return there ? [String(name).toLowerCase()] : [];
    });
  }

  async function documents(index: Index): Promise<Row[]> {
    const patterns = index.prefixes.map((prefix) => `${prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`);
    const keys = (await Promise.all(patterns.map((pattern) => reader.keysBuffer(pattern)))).flat();
    const rows: Row[] = [];
    const pipeline = reader.pipeline();
    for (const key of keys) pipeline.hgetallBuffer(key);
    for (const [at, [error, flat]] of ((await pipeline.exec()) ?? []).entries()) {
      // Of another type, or gone by now.
      if (error !== null) continue;
      const hash = new Map(Object.entries(flat as Record<string, Buffer>));
      const key = keys[at] as Buffer;
      if (hash.size > 0 && indexable(index, hash)) rows.push({ key, hash });
    }
    for (const { key } of rows.toSorted((a, b) => Buffer.compare(a.key, b.key)))
      if (!order.has(nameOf(key))) order.set(nameOf(key), order.size);
    return rows.toSorted((a, b) => (order.get(nameOf(a.key)) as number) - (order.get(nameOf(b.key)) as number));
  }

  async function search(index: Index, words: readonly Buffer[], protocol: 2 | 3): Promise<Answer> {
    const asked = readSearch(words);
    const query: Query = parseQuery(asked.query, (name) => fieldOf(index, name)?.kind);
    let rows = (await documents(index)).filter((row) => query.matches(toDocument(index, row.hash)));
    if (query.knn !== undefined) {
      const { field, k, alias, option } = query.knn;
      const vector = fieldOf(index, field)?.vector;
      if (asked.sortBy !== undefined && asked.sortBy !== alias) throw new Error("the stand-in sorts by distance only");
      if (vector === undefined) throw new Error(`Expected a VECTOR field near ${field}`);
      if (option === "effort" && vector.algorithm === "FLAT")
        throw new Error("Error parsing vector similarity parameters: Invalid option");
      if (valkey && option === "policy") throw new Error("Unexpected argument `HYBRID_POLICY`");
      if (valkey && asked.sortBy !== undefined) throw new Error("Unexpected parameter `SORTBY`");
      if (option === "policy" && !query.filtered)
        throw new Error(
          "Error parsing vector similarity parameters: hybrid query attributes were sent for a non-hybrid query",
        );
      const wanted = toNumbers(asked.parameters.get("q") as Buffer, vector.type);
      if (wanted.length !== vector.dimensions)
        throw new Error("Error parsing vector similarity query: query vector blob size");
      rows = rows
        .filter(({ hash }) => hash.has(field))
        .map((row) => ({
          ...row,
          distance: distance(wanted, toNumbers(row.hash.get(field) as Buffer, vector.type), vector.metric),
        }))
        .toSorted((a, b) => a.distance - b.distance)
        .slice(0, k);
      const kept = new Set(rows.map(({ key }) => nameOf(key)));
      const near = new Map(rows.map((row) => [nameOf(row.key), row]));
      // Not by distance: by document, unless SORTBY says so.
      if (asked.sortBy !== alias)
        rows = [...order.keys()].filter((key) => kept.has(key)).map((key) => near.get(key) as Row);
      return reply(index, rows, asked, alias, protocol);
    }
    return reply(index, rows, asked, undefined, protocol);
  }

  return {
    ...server,
    indexes: () => [...indexes.keys()],
    async close() {
      reader.disconnect();
      await server.close();
    },
  };
}

const nameOf = (key: Buffer) => key.toString("latin1");

interface Asked {
  readonly query: string;
  readonly parameters: ReadonlyMap<string, Buffer>;
  readonly fields: readonly string[] | undefined;
  readonly noContent: boolean;
  readonly sortBy: string | undefined;
  readonly offset: number;
  readonly count: number;
}

function readSearch([query, ...words]: readonly Buffer[]): Asked {
  const parameters = new Map<string, Buffer>();
  let [fields, noContent, sortBy, offset, count, dialect]: [
    string[] | undefined,
    boolean,
    string | undefined,
    number,
    number,
    number,
  ] = [undefined, false, undefined, 0, 10, 1];
  for (let at = 0; at < words.length; at += 1) {
    const word = String(words[at]).toUpperCase();
    if (word === "NOCONTENT") noContent = true;
    else if (word === "SORTBY") sortBy = String(words[(at += 1)]);
    else if (word === "DIALECT") dialect = Number(String(words[(at += 1)]));
    else if (word === "LIMIT") [offset, count] = [Number(String(words[(at += 1)])), Number(String(words[(at += 1)]))];
    else if (word === "PARAMS" || word === "RETURN") {
      const length = Number(String(words[at + 1]));
      const list = words.slice(at + 2, at + 2 + length);
      at += 1 + length;
      if (word === "RETURN" && list.some((name) => /^(AS|@.*|__key)$/i.test(String(name))))
        throw new Error("the stand-in returns fields by name only");
      if (word === "RETURN" && length === 0) noContent = true;
      else if (word === "RETURN") fields = list.map(String);
      else for (let pair = 0; pair < length; pair += 2) parameters.set(String(list[pair]), list[pair + 1] as Buffer);
    } else throw new Error(`Unknown argument \`${word}\``);
  }
  if (dialect < 2 && String(query).includes("=>[")) throw new Error("Syntax error at offset 1 near >[");
  return { query: String(query), parameters, fields, noContent, sortBy, offset, count };
}

function reply(index: Index, rows: readonly Row[], asked: Asked, alias: string | undefined, protocol: 2 | 3): Answer {
  const shown = rows.slice(asked.offset, asked.offset + asked.count).map(({ key, hash, distance: far }) => {
    const all = asked.fields ?? [
      ...(alias === undefined ? [] : [alias]),
      ...[...hash.keys()].filter((name) => name !== alias),
    ];
    const names = all.toSorted((a, b) => Number(b === alias) - Number(a === alias));
    const fields = names.flatMap((name): (readonly [string, Answer])[] => {
      if (name === alias) return [[name, String(Number((far as number).toPrecision(12)))]];
      const value = hash.get(name);
      if (value === undefined) return [];
      // What can be sorted by is kept as a number, and comes back as one.
      const normalised = asked.fields !== undefined && fieldOf(index, name)?.sortable === true;
      return [[name, normalised ? String(Number(String(value))) : value]];
    });
    return { key, fields };
  });
  if (protocol === 3) {
    return {
      map: [
        ["attributes", []],
        ["format", { simple: "STRING" }],
        [
          "results",
          shown.map(({ key, fields }): Answer => ({
            map: [
              ["id", key],
              ...(asked.noContent ? [] : [["extra_attributes", { map: fields }] as const]),
              ["values", []],
            ],
          })),
        ],
        ["total_results", rows.length],
        ["warning", []],
      ],
    };
  }
  return [
    rows.length,
    ...shown.flatMap(({ key, fields }): Answer[] => (asked.noContent ? [key] : [key, fields.flat()])),
  ];
}

function readIndex(words: readonly string[]): Index {
  const schemaAt = words.findIndex((word) => word.toUpperCase() === "SCHEMA");
  const prefixAt = words.findIndex((word) => word.toUpperCase() === "PREFIX");
  const prefixes = prefixAt < 0 ? [""] : words.slice(prefixAt + 2, prefixAt + 2 + Number(words[prefixAt + 1]));
  const fields: Field[] = [];
  for (let at = schemaAt + 1; at < words.length;) {
    const name = words[at] as string;
    const kind = (words[at + 1] as string).toUpperCase() as Field["kind"];
    at += 2;
    if (kind === "VECTOR") {
      const length = Number(words[at + 1]);
      const list = words.slice(at + 2, at + 2 + length);
      const valueOf = (option: string) => list[list.findIndex((word) => word.toUpperCase() === option) + 1] as string;
      at += 2 + length;
      const vector = {
        algorithm: (words[at - length - 2] as string).toUpperCase(),
        type: valueOf("TYPE").toUpperCase(),
        dimensions: Number(valueOf("DIM")),
        metric: valueOf("DISTANCE_METRIC").toUpperCase(),
      };
      fields.push({ name, kind, separator: "", caseSensitive: false, sortable: false, vector });
      continue;
    }
    let [separator, caseSensitive, sortable] = [",", false, false];
    for (; at < words.length; at += 1) {
      const word = (words[at] as string).toUpperCase();
      if (word === "SEPARATOR") separator = words[(at += 1)] as string;
      else if (word === "CASESENSITIVE") caseSensitive = true;
      else if (word === "SORTABLE") sortable = true;
      else break;
    }
    fields.push({ name, kind, separator, caseSensitive, sortable });
  }
  return { prefixes, fields };
}

const fieldOf = (index: Index, name: string) => index.fields.find((field) => field.name === name);

/** One field that cannot be read leaves the whole document out. */
function indexable(index: Index, hash: ReadonlyMap<string, Buffer>): boolean {
  return index.fields.every(({ name, kind, vector }) => {
    const value = hash.get(name);
    if (value === undefined) return true;
    if (kind === "NUMERIC")
      return (
        /^[-+]?(\d+\.?\d*(e[-+]?\d+)?|inf|0x[0-9a-f]+)$/i.test(String(value)) && Number(String(value)) !== Infinity
      );
    return vector === undefined || toNumbers(value, vector.type).length === vector.dimensions;
  });
}

function toDocument(index: Index, hash: ReadonlyMap<string, Buffer>): Document {
  const valueOf = (name: string) => hash.get(name);
  return {
    tags(name) {
      const { separator = ",", caseSensitive = false } = fieldOf(index, name) ?? {};
      const tags = (valueOf(name)?.toString() ?? "").split(separator).map((tag) => tag.trim());
      return valueOf(name) === undefined ? [] : caseSensitive ? tags : tags.map((tag) => tag.toLowerCase());
    },
    isCaseSensitive: (name) => fieldOf(index, name)?.caseSensitive ?? false,
    number: (name) => (valueOf(name) === undefined ? undefined : toNumber(String(valueOf(name)))),
    words: (name) =>
      valueOf(name)
        ?.toString()
        .toLowerCase()
        .match(/[\p{L}\p{N}_]+/gu) ?? [],
  };
}

function toNumbers(bytes: Buffer, type: string): number[] {
  if (type === "FLOAT16")
    return Array.from({ length: bytes.length / 2 }, (_, at) => fromHalf(bytes.readUInt16LE(at * 2)));
  if (type === "INT8") return Array.from(bytes, (_, at) => bytes.readInt8(at));
  return bytes.length % 4 === 0 ? Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4)) : [];
}

function distance(a: readonly number[], b: readonly number[], metric: string): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, at) => sum + value * (y[at] as number), 0);
  if (metric === "L2") return dot(a, a) + dot(b, b) - 2 * dot(a, b);
  if (metric === "IP") return 1 - dot(a, b);
  return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
