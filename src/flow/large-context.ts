import { createHash, hash } from "node:crypto";
import { inTurns, LARGE_JSON_CHARS, sizeOf } from "../internal/json-pieces.ts";
import type { ChatMessage, ChatRequest } from "../models/index.ts";
import { IRRELEVANT_FIELDS } from "./irrelevant-fields.ts";

const ofContexts = new WeakMap<readonly ChatMessage[], string>();
const ofFields = new WeakMap<ChatRequest, LargeFields | "none">();

/** Digests of fields, by field name. */
export type LargeFields = Readonly<Record<string, string>>;

/**
 * Hashes large parts of a request in slices: the messages before the last one, and other fields that affect the answer, such as tools. Returns `undefined` if all
 * are small.
 */
export function prepareLarge(request: ChatRequest): Promise<void> | undefined {
  const { messages } = request;
  const before = messages.slice(0, -1);
  const isLarge = sizeOf(before) >= LARGE_JSON_CHARS;
  const names = largeNames(request);
  // Measured once, because the request's keys are computed several times.
  if (names.length === 0) ofFields.set(request, "none");
  if (!isLarge && names.length === 0) return undefined;
  return prepare();

  async function prepare(): Promise<void> {
    if (isLarge) ofContexts.set(messages, await hashInTurns(before));
    const fields: [name: string, digest: string][] = [];
    for (const name of names) fields.push([name, await hashInTurns(request[name])]);
    if (names.length > 0) ofFields.set(request, Object.fromEntries(fields));
  }
}

/** Returns the prepared digest of the messages before the last one, if there is one. */
export function preparedDigest(messages: readonly ChatMessage[]): string | undefined {
  return ofContexts.get(messages);
}

/** Returns digests of a request's large fields that affect the answer, other than its messages; `undefined` if there are none. */
export function largeFieldsOf(request: ChatRequest): LargeFields | undefined {
  const known = ofFields.get(request);
  if (known !== undefined) return known === "none" ? undefined : known;
  const names = largeNames(request);
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((name) => [name, hash("sha256", JSON.stringify(request[name]))]));
}

function largeNames(request: ChatRequest): readonly string[] {
  return Object.keys(request).filter((name) => {
    const value = request[name];
    if (IRRELEVANT_FIELDS.has(name) || (typeof value !== "object" && typeof value !== "string")) return false;
    return sizeOf(value) >= LARGE_JSON_CHARS;
  });
}

/** Hashes a value's JSON in slices; equals the hash of the whole text. */
export async function hashInTurns(value: unknown): Promise<string> {
  const digest = createHash("sha256");
  await inTurns(value, (text) => digest.update(text, "utf8"));
  return digest.digest("hex");
}
