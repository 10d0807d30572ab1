import { MarrowError } from "../../errors.ts";
import { ROLES } from "../openai/items.ts";
import type { ResponseRequest } from "./request.ts";
import type { Fields } from "../../internal/fields.ts";
import { checkReasoningItem } from "./reasoning-item.ts";
import type { Item } from "./shape.ts";

/** Prefix of item ids by type. */
const PREFIXES: ReadonlyMap<string, string> = new Map([
  ["message", "msg"],
  ["function_call", "fc"],
  ["function_call_output", "fco"],
  ["custom_tool_call", "ctc"],
  ["custom_tool_call_output", "ctco"],
  ["reasoning", "rs"],
  ["compaction", "cmp"],
  ["file_search_call", "fs"],
]);

/** Makes the id of an item from its position in a response, so that references need no index. */
export function toItemId(type: string, response: string, side: "i" | "o", at: number): string {
  return `${PREFIXES.get(type) ?? "item"}_${response.slice("resp_".length)}${side}${at}`;
}

/** Returns the position in an item's id, or `undefined` for an id of another form. */
export function fromItemId(
  id: string,
): { readonly response: string; readonly side: "i" | "o"; readonly at: number } | undefined {
  const [, response, side, at] = /^[a-z]+_([0-9a-f]{48})([io])(\d{1,5})$/.exec(id) ?? [];
  if (response === undefined) return undefined;
  return { response: `resp_${response}`, side: side as "i" | "o", at: Number(at) };
}

/**
 * Converts the input to items with ids. References (`item_reference`) stay, for `resolve.ts`.
 * @throws MarrowError `invalid_input` for an unknown item type
 */
export function toInputItems({ input }: ResponseRequest, response: string): readonly Item[] {
  const said = typeof input === "string" ? [{ role: "user", content: input }] : (input ?? []);
  return said.map((item: Fields, at) => {
    const { type: named, id, content, ...rest } = item;
    const type = named ?? (isReference(item) ? "item_reference" : "message");
    if (typeof type !== "string") throw wrong(`input.${at}.type`, "must be a string");
    if (type === "item_reference") {
      if (typeof id !== "string" || id === "") throw wrong(`input.${at}.id`, "must be the id of an item");
      return { type, id };
    }
    if (!PREFIXES.has(type))
      throw wrong(
        `input.${at}.type`,
        `items of type ${type.slice(0, 64)} cannot be served here; known: ${[...PREFIXES.keys()].join(", ")}, item_reference`,
      );
    if (type === "message" && typeof rest["role"] === "string" && !ROLES.has(rest["role"]))
      throw wrong(`input.${at}.role`, `must be one of ${[...ROLES].join(", ")}`);
    if (type === "reasoning") checkReasoningItem(item, `input.${at}`);
    const parts = typeof content === "string" ? [{ type: partOf(rest["role"]), text: content }] : content;
    return {
      ...rest,
      type,
      id: toItemId(type, response, "i", at),
      ...(type === "message" && { status: rest["status"] ?? "completed" }),
      ...(content !== undefined && { content: parts }),
    };
  });
}

/** The type of a reference is optional. */
function isReference(item: Fields): boolean {
  return typeof item["id"] === "string" && item["role"] === undefined && item["content"] === undefined;
}

function partOf(role: unknown): string {
  return role === "assistant" ? "output_text" : "input_text";
}

function wrong(path: string, why: string): MarrowError {
  return new MarrowError("invalid_input", `${path}: ${why}`, { details: { path } });
}
