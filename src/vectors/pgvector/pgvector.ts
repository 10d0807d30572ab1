import { createHash } from "node:crypto";
import { MarrowError } from "../../errors.ts";
import { ownField } from "../../internal/fields.ts";
import { refuseOther } from "../contract.ts";
import type { FoundItem, ReadItem, StoredItem, VectorDriver } from "../driver.ts";
import type { Filter } from "../filter.ts";
import type { AttributeSchema, ResolvedVectorsOptions } from "../options.ts";
import { similarity, type Metric } from "../scale.ts";
import { toCondition, toStoredAttributes } from "./condition.ts";
import type { ScopedPostgres } from "./postgres.ts";

/** Ended items taken out by one upsert at most. */
const SWEEP = 16;

interface Measure {
  readonly operator: string;
  readonly operators: string;
  readonly toSimilarity: (distance: number) => number;
}
const MEASURES: Readonly<Record<Metric, Measure>> = {
  cosine: { operator: "<=>", operators: "cosine_ops", toSimilarity: (distance) => similarity.fromCosine(1 - distance) },
  ip: { operator: "<#>", operators: "ip_ops", toSimilarity: (distance) => similarity.fromDot(-distance) },
  l2: {
    operator: "<->",
    operators: "l2_ops",
    toSimilarity: (distance) => similarity.fromSquaredDistance(distance ** 2),
  },
};

/**
 * The driver over PostgreSQL with pgvector, for what outgrows memory. A namespace is a table of its own, so a hard partition with
 * an index of its own; the table `marrow_vectors` lists them with their contracts. Every call is one statement, so all or nothing.
 */
export function pgvectorDriver<S extends AttributeSchema>(
  database: ScopedPostgres,
  options: ResolvedVectorsOptions<S>,
): VectorDriver {
  const { name, contract, dimensions, index, attributes: schema, timeoutMs } = options;
  const type = options.quantisation === "f16" ? "halfvec" : "vector";
  const { operator, operators, toSimilarity } = MEASURES[options.metric];
  const texts = new Set(Object.keys(schema).filter((attribute) => schema[attribute] === "text"));
  const ready = new Set<string>();
  const alive = "(ends_at is null or ends_at > clock_timestamp())";
  const rows = (text: string, values?: readonly unknown[]) => database.rows(text, values, timeoutMs);

  /** The table of a namespace: named by digest, since names of tables are short and of few characters. */
  function tableOf(namespace: string): string {
    const parts = JSON.stringify([database.app, database.scope, name, namespace]);
    return `marrow_v_${createHash("sha256").update(parts).digest("hex").slice(0, 40)}`;
  }

  /** Whether the namespace has its table, under this contract. */
  async function exists(namespace: string): Promise<boolean> {
    if (ready.has(namespace)) return true;
    const known = await rows("select contract from marrow_vectors where name = $1", [tableOf(namespace)]).catch(
      (error: unknown) => (isUndefinedTable(error) ? [] : Promise.reject(error as Error)),
    );
    if (known[0] === undefined) return false;
    if (known[0]["contract"] !== contract) refuseOther(known[0]["contract"], contract);
    ready.add(namespace);
    return true;
  }

  async function create(namespace: string): Promise<void> {
    if (await exists(namespace)) return;
    const table = tableOf(namespace);
    await insist(`create table if not exists marrow_vectors (
      name text primary key, app text not null, scope text not null, collection text not null, namespace bytea not null,
      contract text not null)`);
    const row = [table, database.app, database.scope, name].map(quoted).join(", ");
    const statements = [
      `insert into marrow_vectors values (${row}, ${quotedBytes(namespace)}, ${quoted(contract)}) on conflict (name) do nothing`,
      `create table if not exists ${table} (
        id bytea primary key, embedding ${type}(${dimensions}) not null, attributes jsonb not null, words text not null,
        record bytea not null, ends_at timestamptz)`,
      `create index if not exists ${table}_ends on ${table} (ends_at) where ends_at is not null`,
    ];
    if (index === "hnsw")
      statements.push(
        `create index if not exists ${table}_hnsw on ${table} using hnsw (embedding ${type}_${operators})`,
      );
    if (texts.size > 0)
      statements.push(`create index if not exists ${table}_words on ${table} using gin (to_tsvector('simple', words))`);
    // One transaction, as a drop is one: a drop in between would leave a table without its contract.
    await insist(`do $$ begin ${statements.join("; ")}; end $$`);
    await exists(namespace);
  }

  /** `if not exists` still fails when another one creates the same thing at the same moment; then it is there. */
  async function insist(statement: string): Promise<void> {
    await rows(statement).catch((error: unknown) => {
      const state = MarrowError.is(error) ? error.details?.["state"] : undefined;
      if (state !== "23505" && state !== "42P07" && state !== "42710") throw error;
    });
  }

  /** Runs on a namespace's table; answers `absent` where there is none. */
  async function within<T>(namespace: string, absent: T, work: (table: string) => Promise<T>): Promise<T> {
    if (!(await exists(namespace))) return absent;
    try {
      return await work(tableOf(namespace));
    } catch (error) {
      if (!isUndefinedTable(error)) throw error;
      ready.delete(namespace);
      return absent;
    }
  }

  /** Writes to a namespace's table, and creates it if necessary; another handle may have dropped it. */
  async function write<T>(namespace: string, work: (table: string) => Promise<T>): Promise<T> {
    await create(namespace);
    try {
      return await work(tableOf(namespace));
    } catch (error) {
      if (!isUndefinedTable(error)) throw error;
      ready.delete(namespace);
      await create(namespace);
      return await work(tableOf(namespace));
    }
  }

  const toColumns = ({ id, vector, attributes, record, ttlMs }: StoredItem) => [
    Buffer.from(id),
    `[${vector.join(",")}]`,
    toStoredAttributes(attributes, texts),
    toWords(attributes),
    record,
    ttlMs === 0 ? null : ttlMs,
  ];
  const toWords = (attributes: StoredItem["attributes"]) =>
    [...texts].map((attribute) => String(ownField(attributes, attribute) ?? "").replaceAll("\0", " ")).join(" ");

  /** Placeholders for more values of one statement. */
  function binder(values: unknown[]): (value: unknown) => string {
    return (value) => `$${values.push(value)}`;
  }

  const toValues = (columns: readonly unknown[], bind: (value: unknown) => string) => {
    const [id, vector, attributes, words, record, ttl] = columns.map(bind);
    return `(${id}::bytea, ${vector}::${type}, ${attributes}::jsonb, ${words}::text, ${record}::bytea,
      clock_timestamp() + ${ttl}::float8 * interval '1 millisecond')`;
  };
  const columns = "id, embedding, attributes, words, record, ends_at";
  const replaceColumns = `embedding = excluded.embedding, attributes = excluded.attributes, words = excluded.words,
    record = excluded.record, ends_at = excluded.ends_at`;

  const toFound = (row: Readonly<Record<string, unknown>>): FoundItem => ({
    id: toBuffer(row["id"]).toString(),
    similarity: toSimilarity(Number(row["distance"])),
    record: toBuffer(row["record"]),
    vector: row["embedding"] === undefined ? undefined : toFloats(row["embedding"]),
  });
  const where = (filter: Filter | undefined, bind: (value: unknown) => string) =>
    `${alive}${filter === undefined ? "" : ` and ${toCondition(filter, bind)}`}`;

  return {
    upsert: (namespace, items) =>
      write(namespace, async (table) => {
        if (items.length === 0) return 0;
        const values: unknown[] = [];
        const bind = binder(values);
        // One statement may touch a row once: of the same id, the last one counts.
        const last = [...new Map(items.map((item) => [item.id, item])).values()];
        const list = last.map((item) => toValues(toColumns(item), bind)).join(", ");
        const [row] = await rows(
          `with present as (select count(*) as n from ${table}
               where ${alive} and id in (${last.map(({ id }) => bind(Buffer.from(id))).join(", ")})),
             swept as (delete from ${table} where id in (select id from ${table}
               where ends_at <= clock_timestamp() and not id in (${last.map(({ id }) => bind(Buffer.from(id))).join(", ")})
               limit ${SWEEP} for update skip locked)),
             stored as (insert into ${table} (${columns}) values ${list}
               on conflict (id) do update set ${replaceColumns} returning 1)
           select (select count(*) from stored) - (select n from present) as new`,
          values,
        );
        return Number(row?.["new"]);
      }),

    put: (namespace, item, before) =>
      write(namespace, async (table) => {
        const values: unknown[] = [];
        const bind = binder(values);
        const list = toValues(toColumns(item), bind);
        const condition =
          before === undefined
            ? `not (${table}.ends_at is null or ${table}.ends_at > clock_timestamp())`
            : `${table}.record = ${bind(before)} and (${table}.ends_at is null or ${table}.ends_at > clock_timestamp())`;
        const stored =
          before === undefined
            ? await rows(
                `insert into ${table} (${columns}) values ${list}
                 on conflict (id) do update set ${replaceColumns} where ${condition} returning 1`,
                values,
              )
            : await rows(
                `with fresh (${columns}) as (values ${list})
                 update ${table} set embedding = fresh.embedding, attributes = fresh.attributes, words = fresh.words,
                   record = fresh.record, ends_at = fresh.ends_at
                 from fresh where ${table}.id = fresh.id and ${condition} returning 1`,
                values,
              );
        return stored.length > 0;
      }),

    replace: (namespace, { id, attributes, record }, before) =>
      within(namespace, false, async (table) => {
        const changed = await rows(
          `update ${table} set attributes = $2::jsonb, words = $3, record = $4
           where id = $1 and record = $5 and ${alive} returning 1`,
          [Buffer.from(id), toStoredAttributes(attributes, texts), toWords(attributes), record, before],
        );
        return changed.length > 0;
      }),

    search: (namespace, { vector, limit, filter, exact, effort, withVectors }) =>
      within<readonly FoundItem[]>(namespace, [], async (table) => {
        const values: unknown[] = [`[${vector.join(",")}]`, limit, String(Math.min(1_000, Math.max(effort, limit)))];
        const bind = binder(values);
        const distance = `embedding ${operator} $1::${type}(${dimensions})`;
        // Settings for this statement alone. The scan refers to them, so they are made first. No index supports the exact order.
        const found = await rows(
          `with settings as materialized (
             select set_config('hnsw.ef_search', $3, true) as a, set_config('hnsw.iterative_scan', 'strict_order', true) as b)
           select nearest.* from settings, lateral (
             select id, record, ${distance} as distance${withVectors ? ", embedding::text as embedding" : ""} from ${table}
             where settings.a is not null and ${where(filter, bind)}
             order by ${exact ? `(${distance}) + 0` : distance} limit $2::int) nearest
           order by distance`,
          values,
        );
        return found.map(toFound);
      }),

    async searchWords(namespace, { words, vector, limit, filter }) {
      if (texts.size === 0) return undefined;
      return within<readonly FoundItem[]>(namespace, [], async (table) => {
        const values: unknown[] = [`[${vector.join(",")}]`, words.join(" | "), limit];
        const bind = binder(values);
        const found = await rows(
          `select id, record, embedding ${operator} $1::${type}(${dimensions}) as distance from ${table},
             to_tsquery('simple', $2) query
           where to_tsvector('simple', words) @@ query and ${where(filter, bind)}
           order by ts_rank_cd(to_tsvector('simple', words), query, 1) desc, id limit $3::int`,
          values,
        );
        return found.map(toFound);
      });
    },

    read: (namespace, ids, withVectors) =>
      within<readonly (ReadItem | undefined)[]>(
        namespace,
        ids.map(() => undefined),
        async (table) => {
          const found = await rows(
            `select id, record, extract(epoch from ends_at - clock_timestamp()) * 1000 as life
               ${withVectors ? ", embedding::text as embedding" : ""}
             from ${table} where id = any($1::bytea[]) and ${alive}`,
            [ids.map((id) => Buffer.from(id))],
          );
          const byId = new Map(found.map((row) => [toBuffer(row["id"]).toString(), row]));
          return ids.map((id): ReadItem | undefined => {
            const row = byId.get(id);
            if (row === undefined) return undefined;
            return {
              record: toBuffer(row["record"]),
              ttlMs: row["life"] === null ? 0 : Math.max(1, Math.ceil(Number(row["life"]))),
              vector: row["embedding"] === undefined ? undefined : toFloats(row["embedding"]),
            };
          });
        },
      ),

    delete: (namespace, ids) =>
      within(namespace, 0, async (table) => {
        const gone = await rows(`delete from ${table} where id = any($1::bytea[]) returning ${alive} as alive`, [
          ids.map((id) => Buffer.from(id)),
        ]);
        return gone.filter(({ alive: was }) => was === true).length;
      }),

    page: (namespace, cursor, size) =>
      within(namespace, { cursor: "0", ids: [] as string[] }, async (table) => {
        const found = await rows(`select id from ${table} where ${alive} and id > $1 order by id limit $2`, [
          cursor === "0" ? Buffer.alloc(0) : Buffer.from(cursor, "hex"),
          size,
        ]);
        const ids = found.map((row) => toBuffer(row["id"]));
        const last = ids.at(-1);
        return {
          ids: ids.map(String),
          cursor: found.length < size || last === undefined ? "0" : last.toString("hex"),
        };
      }),

    size: (namespace) =>
      within(namespace, { items: 0, indexed: 0, indexBytes: 0, recordBytes: 0 }, async (table) => {
        const indexName = index === "hnsw" ? `'${table}_hnsw'::regclass` : `'${table}'::regclass`;
        const [row] = await rows(
          `select count(*) filter (where ${alive}) as items, count(*) as indexed,
             pg_relation_size(${indexName}) as index_bytes, pg_table_size('${table}'::regclass) as bytes from ${table}`,
        );
        return {
          items: Number(row?.["items"]),
          indexed: Number(row?.["indexed"]),
          indexBytes: Number(row?.["index_bytes"]),
          recordBytes: Number(row?.["bytes"]),
        };
      }),

    async drop(namespace) {
      const table = tableOf(namespace);
      ready.delete(namespace);
      const unlisted = `delete from marrow_vectors where name = ${quoted(table)}`;
      await rows(`do $$ begin ${unlisted}; drop table if exists ${table}; end $$`).catch((error: unknown) => {
        if (!isUndefinedTable(error)) throw error;
      });
    },
  };
}

/** A text within a block of statements, which takes no parameters: as digits, so no character of it can end the block. */
function quoted(text: string): string {
  return `convert_from(${quotedBytes(text)}, 'UTF8')`;
}

function quotedBytes(text: string): string {
  return `decode('${Buffer.from(text).toString("hex")}', 'hex')`;
}

function isUndefinedTable(error: unknown): boolean {
  return MarrowError.is(error, "postgres_rejected") && error.details?.["state"] === "42P01";
}

/** `pg` gives a Buffer, PGlite a Uint8Array. */
function toBuffer(value: unknown): Buffer {
  const { buffer, byteOffset, byteLength } = value as Uint8Array;
  return Buffer.from(buffer, byteOffset, byteLength);
}

function toFloats(value: unknown): Float32Array {
  return Float32Array.from(JSON.parse(String(value)) as number[]);
}
