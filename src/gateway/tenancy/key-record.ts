import { MarrowError } from "../../errors.ts";
import { isObject } from "../../internal/fields.ts";
import { decodeRecord, encodeRecord, unreadableOf, type Unreadable } from "../../redis/index.ts";

/** Holder of an API key. */
export interface Principal {
  /** The tenant: a hard partition of everything. */
  readonly scope: string;
  /** Subject of limits and owner of sessions, unless a request names another user. */
  readonly user: string;
  /** The key's name, for people. */
  readonly name: string;
  /** Id of the key in limits, spend and the admin API: the start of its hash. */
  readonly id: string;
  /** Name of the key's plan. */
  readonly plan?: string | undefined;
  /**
   * `own`: acts only for its user, whatever a request names. `any`: for every user of its scope, like the key of an application that names
   * its users in requests.
   */
  readonly actsFor: "own" | "any";
  /** `admin` may use `/v1/admin` for every scope. `viewer` may only read there, and use nothing else. */
  readonly role?: "admin" | "viewer" | undefined;
  /** Expiry of the key, in milliseconds since 1970. @default never */
  readonly endsAtMs?: number | undefined;
  /** Set for a rotated key, which is valid until `endsAtMs`; contains its original expiry, which its successors have. */
  readonly rotated?: { readonly endsAtMs?: number | undefined } | undefined;
  /** In lists: why it cannot be read. Then only its id is known. */
  readonly unreadable?: Unreadable | undefined;
}

/** A new key. By default it acts for its own user, and an admin's, which can make any key, for all. */
export type NewKey = Omit<Principal, "id" | "actsFor"> & { readonly actsFor?: "own" | "any" | undefined };

/** Characters of a key's id: the start of its hash. */
export const ID_CHARS = 16;

/** Decodes a stored key; one of version 0.1 lacks `actsFor`. @throws MarrowError `corrupt_record`, `newer_record` */
export function toPrincipal(record: Buffer, hashed: string): Principal {
  const stored = decodeRecord(record);
  if (!isKey(stored)) throw new MarrowError("corrupt_record", "a stored API key lacks its fields");
  const { of: _, ...key } = stored;
  return { ...withReach(key), id: hashed.slice(0, ID_CHARS) };
}

function isKey(value: unknown): value is NewKey & { readonly of?: string } {
  return isObject(value) && ["scope", "user", "name"].every((field) => typeof value[field] === "string");
}

/** What is stored of a key; it names the key. */
export function toRecord(key: Omit<Principal, "id">, hashed: string): Buffer {
  return encodeRecord({ ...key, of: hashed.slice(0, ID_CHARS) });
}

/** The same among others: a key that cannot be read is named by its id alone. */
export function toListed(record: Buffer, hashed: string): Principal {
  try {
    return toPrincipal(record, hashed);
  } catch (error) {
    const unreadable = unreadableOf(error);
    return { id: hashed.slice(0, ID_CHARS), scope: "", user: "", name: "", actsFor: "own", unreadable };
  }
}

/** A key that says whom it acts for. */
export function withReach(key: NewKey): Omit<Principal, "id"> {
  return { ...key, actsFor: key.actsFor ?? (key.role === "admin" ? "any" : "own") };
}
