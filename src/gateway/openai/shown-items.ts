import { mapChanged } from "../../internal/map-changed.ts";
import { isObject, type Fields } from "../../internal/fields.ts";

/**
 * An item with the fields that clients' types require, where whoever sent it may leave them open: citations and log probabilities of texts, the
 * detail of pictures, the summary of reasoning, the queries of a search. What is stored stays as it was sent. Pure.
 */
export function toCompleteItem<I extends Fields>(item: I): I {
  const [content, output] = [toCompleteParts(item["content"]), toCompleteParts(item["output"])];
  const isChanged = content !== item["content"] || output !== item["output"];
  const whole = isChanged
    ? { ...item, ...(content !== undefined && { content }), ...(output !== undefined && { output }) }
    : item;
  const required = REQUIRED.get(item["type"]);
  if (required === undefined || Object.keys(required).every((name) => (item[name] ?? null) !== null)) return whole;
  const given = Object.entries(whole).filter(([, value]) => value !== null && value !== undefined);
  return { ...whole, ...required, ...Object.fromEntries(given) };
}

/** What items of a type always have. */
const REQUIRED: ReadonlyMap<unknown, Fields> = new Map([
  ["message", { status: "completed" }],
  ["function_call", { status: "completed" }],
  ["function_call_output", { status: "completed" }],
  ["reasoning", { summary: [] }],
  ["file_search_call", { status: "completed", queries: [] }],
]);

function toCompleteParts(parts: unknown): unknown {
  if (!Array.isArray(parts)) return parts;
  return mapChanged(parts as readonly unknown[], (part) => (isObject(part) ? toCompletePart(part) : part));
}

function toCompletePart(part: Fields): Fields {
  const { type, annotations, logprobs, detail } = part;
  if (type === "output_text" && !(Array.isArray(annotations) && Array.isArray(logprobs)))
    return { ...part, annotations: annotations ?? [], logprobs: logprobs ?? [] };
  return type === "input_image" && (detail ?? null) === null ? { ...part, detail: "auto" } : part;
}
