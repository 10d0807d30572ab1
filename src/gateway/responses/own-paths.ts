import { isObject, type Fields } from "../../internal/fields.ts";
import { ITEMS } from "../../models/index.ts";
import { toOwnName } from "../models/own-names.ts";
import { itemPath, toChatMessages, type ResponseRequest } from "./request.ts";
import type { Item } from "./shape.ts";
import { isFileSearch } from "./translation.ts";

/** Key for an item's position in the history followed by the new items. */
const PLACE: unique symbol = Symbol("place");

/** Inputs from which the gateway built a chat for a request of the Responses API. */
export interface Told {
  readonly request: ResponseRequest;
  readonly before: readonly Item[];
  readonly now: readonly Item[];
  /** The new items as the client sent them, before the gateway's files took the places of their ids. */
  readonly sent: readonly Item[];
  readonly session: string | undefined;
  /** Whether the gateway put an item of its own before the new ones. */
  readonly isSearching: boolean;
}

/**
 * Converts a path in the built chat request to the path in the client's request: `messages.1.content.0.file.file_data` becomes
 * `input.2.content.0.file_url`. Builds the chat's messages again, so it is called only for refused requests. Pure.
 */
export function toOwnPath(path: string, told: Told): string {
  const { request } = told;
  const [, index, rest = ""] = /^messages\.(\d+)(?:\.(.*))?$/s.exec(path) ?? [];
  if (index !== undefined) return toItemPath(Number(index), rest, told);
  if (path === "logprobs" && request.include?.includes("message.output_text.logprobs") !== true) return "top_logprobs";
  const own = toOwnName(path, "responses");
  const [, tool, field] = /^tools\.(\d+)(.*)$/s.exec(own) ?? [];
  return tool === undefined ? own : `tools.${toolAt(request, Number(tool))}${field}`;
}

/** Returns the index of a tool in the client's request, because file searches are no tools of the chat. */
function toolAt({ tools }: ResponseRequest, nth: number): number {
  const places = (tools ?? []).flatMap((tool, at) => (isFileSearch(tool) ? [] : [at]));
  return places[nth] ?? nth;
}

function toItemPath(index: number, rest: string, { request, before, now, sent, session, isSearching }: Told): string {
  const tagged = [...before, ...now].map((item, place) => ({ ...item, [PLACE]: place }));
  const messages = toChatMessages(request, tagged.slice(0, before.length), tagged.slice(before.length), session);
  const message = messages[index];
  if (request.instructions != null && index === 0) return "instructions";
  const items = (message?.[ITEMS] ?? []).filter(isObject);
  const place = (item: Fields | undefined) => (item as { readonly [PLACE]?: number } | undefined)?.[PLACE];
  /** Returns a new item as the client sent it. */
  const sentOf = (item: Fields | undefined): Fields | undefined =>
    sent[(place(item) ?? -1) - before.length - (isSearching ? 1 : 0)];
  const pathTo = (item: Fields | undefined, field: string): string => {
    const at = place(item);
    if (at === undefined || typeof request.input === "string") return "input";
    const path = itemPath(isSearching && at >= before.length ? at - 1 : at, before.length);
    return field === "" ? path : `${path}.${field}`;
  };
  const [, original, ofItem = ""] = /^items\.(\d+)\.?(.*)$/s.exec(rest) ?? [];
  if (original !== undefined) {
    const item = items.filter(({ type }) => !UNCOUNTED.has(type))[Number(original)];
    return pathTo(item, toItemField(sentOf(item), ofItem));
  }
  const [, call, ofCall] = /^tool_calls\.(\d+)\.?(.*)$/s.exec(rest) ?? [];
  if (call !== undefined) {
    const calls = items.filter(({ type }) => type === "function_call" || type === "custom_tool_call");
    return pathTo(
      calls[Number(call)],
      ofCall === "id" ? "call_id" : (ofCall ?? "").replace(/^(?:function|custom)\.?/, ""),
    );
  }
  const said = items.find(({ type }) => type === "message" || String(type).endsWith("_output")) ?? items[0];
  if (rest === "tool_call_id") return pathTo(said, "call_id");
  const list = said?.["type"] === "message" ? "content" : "output";
  const [, part, ofPart = ""] = /^content(?:\.(\d+))?\.?(.*)$/s.exec(rest) ?? [];
  if (part === undefined) return pathTo(said, rest.replace(/^content$/, list));
  const field = toPartField(partOf(sentOf(said) ?? said, list, part), ofPart);
  return pathTo(said, `${list}.${part}${field === "" ? "" : `.${field}`}`);
}

/** Types of items that a message's original items do not count: a model does not get them in their place. */
const UNCOUNTED: ReadonlySet<unknown> = new Set(["reasoning", "file_search_call"]);

/** Converts a field of an original item, of which the client may have named a file by its id. */
function toItemField(sent: Fields | undefined, field: string): string {
  const [, list = "", part = "", ofPart = ""] = /^(content|output)\.(\d+)\.(file_\w+)$/.exec(field) ?? [];
  return list === "" ? field : `${list}.${part}.${toPartField(partOf(sent, list, part), `file.${ofPart}`)}`;
}

function partOf(item: Fields | undefined, list: string, nth: string): Fields {
  const parts = item?.[list];
  return Array.isArray(parts) && isObject(parts[Number(nth)]) ? (parts[Number(nth)] as Fields) : {};
}

/** Converts a field of a chat's part to the field in the client's part. */
function toPartField(part: Fields, field: string): string {
  if (field.startsWith("image_url")) return "image_url";
  if (!/^file(?:\.|$)/.test(field)) return field;
  const given = ["file_id", "file_data", "file_url"].find(
    (name) => typeof part[name] === "string" && part[name] !== "",
  );
  const named = field.slice("file.".length);
  return part[named] === undefined ? (given ?? named) : named;
}
