import type { Fields } from "../../internal/fields.ts";
import { isEmpty, isFalse, own, refuse, type FieldRow } from "../../internal/field-rows.ts";
import { refused } from "./refusals.ts";

/** What the gateway translates, by the type of a block, or by the name of another object of a request. */
export type Shape =
  | "message"
  | "text"
  | "image"
  | "document"
  | "a document's citations"
  | "thinking"
  | "redacted_thinking"
  | "tool_use"
  | "a call's caller"
  | "tool_result"
  | "a source of base64"
  | "a source of text"
  | "a source of url"
  | "a source of file"
  | "tool_choice"
  | "metadata"
  | "output_config"
  | "output_config.format";

/** A list without entries, or an object without fields, asks for nothing. */
const unlessEmpty = refuse(isEmpty);
const type = { type: own };
const cached = { ...type, cache_control: own };

/**
 * Fields of each object of a request that is translated: `own` is translated, `refuse` is refused unless its value asks for nothing. A field
 * without a row is refused.
 */
const SHAPES: Readonly<Record<Shape, Readonly<Record<string, FieldRow>>>> = {
  message: { role: own, content: own },
  text: { ...cached, text: own, citations: unlessEmpty },
  image: { ...cached, source: own, transformations: unlessEmpty },
  document: { ...cached, source: own, title: own, context: refuse(), citations: own },
  "a document's citations": { enabled: refuse(isFalse) },
  thinking: { ...type, thinking: own, signature: own },
  redacted_thinking: { ...type, data: own },
  tool_use: { ...cached, id: own, name: own, input: own, caller: own, toolset_name: refuse() },
  "a call's caller": type,
  tool_result: { ...cached, tool_use_id: own, content: own, is_error: own, toolset_name: refuse() },
  "a source of base64": { ...type, media_type: own, data: own },
  "a source of text": { ...type, media_type: own, data: own },
  "a source of url": { ...type, url: own },
  "a source of file": { ...type, file_id: own },
  tool_choice: { ...type, name: own, disable_parallel_tool_use: own },
  metadata: { user_id: own },
  output_config: { effort: own, format: own },
  "output_config.format": { ...type, schema: own },
};

const ROWS: ReadonlyMap<string, ReadonlyMap<string, FieldRow>> = new Map(
  Object.entries(SHAPES).map(([shape, rows]) => [shape, new Map(Object.entries(rows))]),
);

/** Checks that an object has no field that the translation would lose. @throws MarrowError `invalid_input` that names the field */
export function checkFields(shape: Shape, fields: Fields, path: string): void {
  const rows = ROWS.get(shape);
  for (const [name, value] of Object.entries(fields)) {
    const row = rows?.get(name) ?? refuse();
    if (value === undefined || value === null || row.kind !== "refuse" || row.unless(value)) continue;
    throw refused(`${path}.${name.slice(0, 64)}`, "this field");
  }
}
