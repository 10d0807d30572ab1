import { isObject, type Fields } from "../../internal/fields.ts";
import type { ChatChunk } from "../../models/index.ts";

/** Content of a chat without a place among a response's items, collected for the response's own fields. */
export interface Unsaid {
  /** Adds the fields of a chunk other than its choices. */
  addBeside(chunk: ChatChunk): void;
  /** Records the parts of a delta that belong to no item. */
  add(delta: Fields): void;
  /** Returns a response's fields for them: `omitted` with each type once, and the other fields under their own names. */
  told(shell: Fields): Fields;
}

/** Most types reported per response, characters of each, and additional fields. */
const [TYPES_MAX, TYPE_CHARS_MAX, FIELDS_MAX] = [32, 64, 64];

/** Fields of a chunk that a response expresses otherwise; `obfuscation` carries no information. */
const KNOWN: ReadonlySet<string> = new Set([
  "id",
  "object",
  "created",
  "model",
  "choices",
  "usage",
  "service_tier",
  "system_fingerprint",
  "obfuscation",
]);

/** Types of parts whose text or reasoning becomes items. */
const TOLD: ReadonlySet<unknown> = new Set(["text", "output_text", "refusal", "thinking", "reasoning"]);

/** Makes the collection. */
export function createUnsaid(): Unsaid {
  const types = new Set<string>();
  const beside = new Map<string, unknown>();

  function omit(type: unknown): void {
    if (types.size < TYPES_MAX) types.add(String(type).slice(0, TYPE_CHARS_MAX));
  }

  return {
    addBeside(chunk) {
      for (const name of Object.keys(chunk)) {
        if (KNOWN.has(name) || chunk[name] === null || chunk[name] === undefined) continue;
        if (beside.size < FIELDS_MAX || beside.has(name)) beside.set(name, chunk[name]);
      }
    },

    add({ omitted, audio, images, content }) {
      if (Array.isArray(omitted)) for (const type of omitted) omit(type);
      if (isObject(audio) && typeof audio["data"] === "string" && audio["data"] !== "") omit("audio");
      if (Array.isArray(images)) for (const image of images) omit((isObject(image) ? image["type"] : null) ?? "image");
      if (!Array.isArray(content)) return;
      for (const part of content as readonly unknown[])
        if (isObject(part) && !TOLD.has(part["type"]) && typeof part["text"] !== "string") omit(part["type"]);
    },

    told(shell) {
      const own = [...beside].filter(([name]) => !Object.hasOwn(shell, name));
      // Not by assignment, because an endpoint chose the names.
      return { ...Object.fromEntries(own), ...(types.size > 0 && { omitted: [...types] }) };
    },
  };
}
