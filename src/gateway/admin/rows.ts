import type { Reply } from "../../redis/index.ts";

/** Rows of a stream whose entries have one field with JSON. */
export interface Rows<T> {
  readonly rows: readonly ({ readonly id: string } & T)[];
  /** Number of unreadable entries, which a list leaves out. */
  readonly unreadable: number;
}

/** Reads the reply of XRANGE or XREVRANGE. `needs` are fields that are text in every row. Pure. */
export function readRows<T extends object>(reply: Reply, needs: readonly (keyof T & string)[]): Rows<T> {
  const entries = (Array.isArray(reply) ? reply : []) as readonly (readonly [string, readonly string[]])[];
  const rows = entries.flatMap(([id, [, text]]) => {
    const value = parse(text);
    const isRow = value !== undefined && needs.every((name) => typeof value[name] === "string");
    return isRow ? [{ ...(value as T), id }] : [];
  });
  return { rows, unreadable: entries.length - rows.length };
}

/** Returns the field that says how many rows a list leaves out, if there are any. */
export function withUnreadable(count: number | undefined = 0): { readonly unreadable?: number } {
  return count > 0 ? { unreadable: count } : {};
}

function parse(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
