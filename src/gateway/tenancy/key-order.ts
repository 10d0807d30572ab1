import { isObject } from "../../internal/fields.ts";
import { createFieldOrder, encodeKeyPart, readRecord, type Redis } from "../../redis/index.ts";

/** Returns the lists of an API key: that of all keys, and its scope's. A key that cannot be read is in no scope's. */
export function placesOf(digest: string, scope: string): readonly string[] {
  return [`all ${digest}`, `in ${scope === "" ? "" : encodeKeyPart("scope", scope)} ${digest}`];
}

/** A range of keys: of all scopes or one, with ids after a given one. */
export interface KeyRange {
  readonly scope?: string | undefined;
  readonly after: string;
  readonly limit: number;
}

/** Ordered hashes of API keys, so that one of 100,000 is found, and a page read, without reading all. */
export interface KeyOrder {
  /** Key of the sorted set, which writers change together with the keys. */
  readonly key: string;
  page(range: KeyRange): Promise<readonly string[]>;
  /** Returns the hash of the key with an id. */
  find(id: string): Promise<string | undefined>;
}

/** Makes the order of the keys in `stored`, in `…:order` beside it. */
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
  const scope = read.unreadable === undefined && isObject(read.value) ? read.value["scope"] : undefined;
  return typeof scope === "string" ? scope : "";
}
