import { hash } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { describe } from "../internal/describe.ts";
import type { ScopedRedis } from "./connection.ts";

/** Longest encoded part of a key, in characters (one byte each). */
export const KEY_PART_CHARS_MAX = 512;

const PLAIN = /^[A-Za-z0-9._-]+$/;

/**
 * Encodes one part of a key, so that different parts stay different. Letters, digits, `.`, `_` and `-` are unchanged; every other byte of
 * the UTF-8 form becomes `%XX`. Case-sensitive; Unicode is not normalised.
 *
 * @throws MarrowError `invalid_input` if the part is not a string, is empty, is not well-formed Unicode, or exceeds {@link
 * KEY_PART_CHARS_MAX} characters once encoded
 */
export function encodeKeyPart(path: string, part: unknown): string {
  const encoded = encode(part);
  if (encoded === undefined) throw badPart(path, part);
  return encoded;
}

/** Returns a text that is made of names as it is, or its digest (`sha256.` and 64 hex digits) if it is too long for a part of a key. */
export function shortKeyPart(text: string, charsMax: number = KEY_PART_CHARS_MAX): string {
  return text.length <= charsMax && encode(text) !== undefined ? text : `sha256.${hash("sha256", text)}`;
}

function encode(part: unknown): string | undefined {
  if (typeof part !== "string" || part === "" || part.length > KEY_PART_CHARS_MAX || !part.isWellFormed())
    return undefined;
  if (PLAIN.test(part)) return part;
  const encoded = encodeURIComponent(part).replaceAll(
    /[!'()*~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return encoded.length > KEY_PART_CHARS_MAX ? undefined : encoded;
}

/** Decodes a part of a key. */
export function decodeKeyPart(encoded: string): string {
  return decodeURIComponent(encoded);
}

function badPart(path: string, part: unknown): MarrowError {
  return new MarrowError(
    "invalid_input",
    `${path} must be a well-formed string of 1 to ${KEY_PART_CHARS_MAX} characters once encoded, got ${describe(part)}`,
    { details: { path } },
  );
}

/**
 * Returns the prefix of all keys of a scope, or of one subject in it: `{app:scope}` or `{app:scope:subject}`. The braces are Redis
 * Cluster's hash tag, so all keys with one prefix share a slot.
 */
export function keyTag({ app, scope }: Pick<ScopedRedis, "app" | "scope">, subject?: readonly string[]): string {
  const start = `{${encodeKeyPart("app", app)}:${encodeKeyPart("scope", scope)}`;
  if (subject === undefined) return `${start}}`;
  return `${start}:${subject.map((part) => encodeKeyPart("subject", part)).join(":")}}`;
}
