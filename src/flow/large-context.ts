import { createHash, hash } from "node:crypto";
import { inTurns, LARGE_JSON_CHARS, sizeOf } from "../internal/json-pieces.ts";
import type { ChatMessage, ChatRequest } from "../models/index.ts";

const ofContexts = new WeakMap<readonly ChatMessage[], string>();
const ofFields = new WeakMap<ChatRequest, LargeFields | "none">();

/** Digests of fields, by their names. */
export type LargeFields = Readonly<Record<string, string>>;

/**
 * Hashes what is large in a request, in turns: what stands before its last message, and other fields, such as tools. Nothing to wait for where
 * all is small.
 */
export function prepareLarge(request: ChatRequest): Promise<void> | undefined {
  const { messages } = request;
  const before = messages.slice(0, -1);
  const isLarge = sizeOf(before) >= LARGE_JSON_CHARS;
  const names = largeNames(request);
  // Measured once: the request's keys are made several times.
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

/** The digest of what stands before the last of these messages, if it was prepared. */
export function preparedDigest(messages: readonly ChatMessage[]): string | undefined {
  return ofContexts.get(messages);
}

/** Digests of the large fields of a request beside its messages; `undefined` where there are none. */
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
    if (name === "messages" || (typeof value !== "object" && typeof value !== "string")) return false;
    return sizeOf(value) >= LARGE_JSON_CHARS;
  });
}

/** The same as the hash of a value's JSON as one text. */
async function hashInTurns(value: unknown): Promise<string> {
  const digest = createHash("sha256");
  await inTurns(value, (text) => digest.update(text, "utf8"));
  return digest.digest("hex");
}
