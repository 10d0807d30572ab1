import { createFieldOrder, encodeKeyPart, readRecord, type Redis } from "../../redis/index.ts";

/** Where an API key stands in lists: in that of all keys, and in its scope's. A key that cannot be read is in no scope's. */
export function placesOf(digest: string, scope: string): readonly string[] {
  return [`all ${digest}`, `in ${scope === "" ? "" : encodeKeyPart("scope", scope)} ${digest}`];
}

/** A range of keys: of all scopes or one, with ids after a given one. */
export interface KeyRange {
  readonly scope?: string | undefined;
  readonly after: string;
  readonly limit: number;
}

/** The hashes of API keys in order, so that one of 100,000 is found, and a page of them read, without reading all. */
export interface KeyOrder {
  /** The sorted set that writers change with the keys. */
  readonly key: string;
  page(range: KeyRange): Promise<readonly string[]>;
  /** The hash of the key of an id. */
  find(id: string): Promise<string | undefined>;
}

/** Keeps the order of the keys in `stored` in `…:order` beside it. */
export function createKeyOrder(redis: Redis, stored: string): KeyOrder {
  const key = `${stored}:order`;
  const order = createFieldOrder(redis, {
    hash: stored,
    order: key,
    membersOf: (digest, record) => placesOf(digest, scopeOf(record)),
    perField: 2,
  });
  const digestOf = (place: string) => place.slice(place.lastIndexOf(" ") + 1);
  return {
    key,
    async page({ scope, after, limit }) {
      const start = scope === undefined ? "all " : `in ${encodeKeyPart("scope", scope)} `;
      // No digit of a hash comes after `f`: behind an id with a `g` are all hashes that do not begin with it.
      const from = after === "" ? `[${start}` : `(${start}${after}g`;
      return (await order.page(from, `(${start}g`, limit)).map(digestOf);
    },
    find: async (id) => (await order.page(`[all ${id}`, `(all ${id}g`, 1)).map(digestOf)[0],
  };
}

function scopeOf(record: Buffer): string {
  const read = readRecord(record);
  return read.unreadable === undefined ? ((read.value as { readonly scope?: string }).scope ?? "") : "";
}
