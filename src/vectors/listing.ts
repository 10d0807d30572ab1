import { checkInteger, checkText } from "../internal/check.ts";
import { isObject } from "../internal/fields.ts";
import { createFieldOrder, decodeKeyPart, encodeKeyPart, keyTag, runScript, type ScopedRedis } from "../redis/index.ts";
import { noteListed } from "./scripts.gen.ts";

/** Options for listing collections or migrations. */
export interface ListedOptions {
  /** The `cursor` of the previous page. @default the first page */
  readonly after?: string | undefined;
  /** 1 to 100. @default 25 */
  readonly limit?: number | undefined;
}

/** A page of a scope's collections or migrations, by name. */
export interface ListedPage<T> {
  readonly data: readonly T[];
  /** Cursor of the next page; absent on the last one. */
  readonly cursor?: string | undefined;
  /** Number of the page's rows that cannot be read and are left out; absent without any. */
  readonly unreadable?: number | undefined;
}

/** Most names in a scope's list. Further collections work but are not listed. */
export const LISTED_MAX = 10_000;
/** After how long a process notes a name again: Redis may have lost it. */
const AGAIN_MS = 600_000;
/** Names that a process remembers to have noted. */
const NOTED_MAX = 10_000;

type Kind = "collections" | "migrations";

/** When this process last noted what, by connection, kind and name. */
const noted = new WeakMap<ScopedRedis, Map<string, number>>();

/**
 * Updates the list entry of a collection or migration at intervals, or at once with `news`. Runs in the background, because the list is not
 * needed for operation.
 */
export function note(redis: ScopedRedis, kind: Kind, name: string, about: () => object, news = false): void {
  const known = noted.get(redis) ?? new Map<string, number>();
  const nowMs = performance.now();
  const id = `${kind} ${name}`;
  const atMs = known.get(id);
  if (!news && atMs !== undefined && nowMs - atMs < AGAIN_MS) return;
  if (known.size >= NOTED_MAX) known.clear();
  noted.set(redis, known.set(id, nowMs));
  const values = { name: encodeKeyPart("name", name), about: JSON.stringify(about()), room: LISTED_MAX };
  runScript(redis, noteListed, keysOf(redis, kind), values).catch(() => known.delete(id));
}

/** Lists a scope's collections or migrations by name. Two round trips. @throws MarrowError `invalid_input` */
export async function listNoted<T extends object>(
  redis: ScopedRedis,
  kind: Kind,
  { after, limit = 25 }: ListedOptions,
): Promise<ListedPage<T & { readonly name: string }>> {
  const most = checkInteger("limit", limit, { min: 1, max: 100 }, "invalid_input");
  const from = after === undefined ? "-" : `(${checkText("after", after, 512, "invalid_input")}`;
  const { listed: hash, order } = keysOf(redis, kind);
  const found = await createFieldOrder(redis, { hash, order, membersOf: (name) => [name] }).page(from, "+", most + 1);
  const names = found.slice(0, most);
  if (names.length === 0) return { data: [] };
  const abouts = (await redis.send(["HMGET", hash, ...names])) as readonly (string | null)[];
  // One that was deleted between the two commands is in no list.
  const rows = names.flatMap((name, at) => (typeof abouts[at] === "string" ? [toRow(name, abouts[at])] : []));
  const data = rows.filter((row) => row !== undefined) as unknown as readonly (T & { readonly name: string })[];
  const unreadable = rows.length - data.length;
  return { data, ...(found.length > most && { cursor: names.at(-1) }), ...(unreadable > 0 && { unreadable }) };
}

/** A row of the list; `undefined` if it cannot be read. */
function toRow(name: string, about: string): { readonly name: string } | undefined {
  try {
    const row: unknown = JSON.parse(about);
    return isObject(row) ? { ...row, name: decodeKeyPart(name) } : undefined;
  } catch {
    return undefined;
  }
}

function keysOf(redis: ScopedRedis, kind: Kind): { readonly listed: string; readonly order: string } {
  const listed = `${keyTag(redis)}:vectors:${kind}`;
  return { listed, order: `${listed}:order` };
}

/** Returns the key of a migration's state. */
export function migrationKey(redis: ScopedRedis, name: string): string {
  return `${keyTag(redis)}:vectors:${encodeKeyPart("name", name)}:migration`;
}
