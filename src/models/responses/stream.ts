import { CALLS_MAX, PARTS_MAX, tooMany } from "../answer-bounds.ts";
import { createUniqueIds } from "../call-ids.ts";
import { argumentsOf, checkName, withTextOf } from "../calls.ts";
import type { ChatChunk } from "../chat.ts";
import { textsOf } from "../cut-chunk.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { isWords, withStrings, type LongText } from "../../internal/long-text.ts";
import { createOmissions } from "../omitted.ts";
import type { StreamReader } from "../translated.ts";
import {
  isCall,
  isTextPart,
  isUnfinished,
  partsOf,
  toAnnotation,
  toBeside,
  toCall,
  toFailed,
  toFinish,
  toPartBegin,
  toPhase,
  toUsage,
} from "./answer.ts";
import { BETWEEN, toDetail, toPartMark, toThoughts } from "./thoughts.ts";

/** An item of the output under construction. */
interface Item {
  readonly type: unknown;
  /** Index among the calls, for a tool call. */
  readonly call: number;
  /** Characters sent of each of its texts, by kind and index. */
  readonly told: Map<string, number>;
  /** Kind of reasoning that is sent: the text or its summary, whichever came first. */
  thoughts?: string;
  /** Characters before each of its texts, and citations sent, by index. */
  readonly starts: Map<unknown, number>;
  readonly cited: Map<unknown, number>;
  /** Its index in the output, and the number of reasoning parts begun. */
  readonly index: number;
  parts: number;
  isWhole: boolean;
}

/**
 * Converts the events of a response to chunks of a chat completion. Content of a final event that no delta sent is sent then, because some
 * endpoints send whole texts, or only the whole response. Unknown events are ignored.
 */
export function readResponseEvents(wantsUsage: boolean, secrets: readonly string[], nowMs: number): StreamReader {
  const head: Record<string, unknown> = { object: "chat.completion.chunk", created: Math.floor(nowMs / 1000) };
  const items = new Map<unknown, Item>();
  let [calls, thought, began] = [0, 0, false];
  /** Messages that have begun, and characters of their texts. */
  let [messages, spoken] = [0, 0];

  const omissions = createOmissions("item");
  const unique = createUniqueIds();
  /** Whether an item was not finished. */
  let isCut = false;
  /** Whether anything but the role was sent. */
  let isSaid = false;

  const bare = (delta: Fields, more: Fields): ChatChunk => ({
    ...head,
    choices: [{ index: 0, delta, finish_reason: null, ...more }],
  });
  function chunk(delta: Fields, more: Fields = {}): ChatChunk {
    isSaid = true;
    return bare(delta, more);
  }

  function open(index: unknown, item: Fields): { readonly one: Item; readonly chunks: readonly ChatChunk[] } {
    const known = items.get(index);
    if (known !== undefined) return { one: known, chunks: [] };
    if (items.size === PARTS_MAX) throw tooMany(PARTS_MAX, "items");
    const { type } = item;
    const calling = isCall(item);
    if (calling && calls === CALLS_MAX) throw tooMany(CALLS_MAX, "tool calls");
    if (!calling && type !== "message" && type !== "reasoning") omissions.add(isText(type) ? type : "unknown");
    const one: Item = {
      type,
      call: calling ? calls : -1,
      told: new Map(),
      starts: new Map(),
      cited: new Map(),
      index: Number(index),
      parts: 0,
      isWhole: false,
    };
    items.set(index, one);
    if (!calling) {
      const phase = type === "message" ? toPhase(item, spoken, messages) : undefined;
      if (type === "message") messages += 1;
      return { one, chunks: phase === undefined ? [] : [bare({ phases: [phase] }, {})] };
    }
    calls += 1;
    const call = toCall(item, "");
    const id = isText(call["id"]) ? unique(call["id"]) : call["id"];
    return { one, chunks: [chunk({ tool_calls: [{ index: one.call, ...call, id }] })] };
  }

  /** Returns the chunks for a piece of an item's text; `kind` names its field. */
  function say(
    one: Item,
    kind: string,
    place: unknown,
    piece: string | LongText,
    more: Fields = {},
  ): readonly ChatChunk[] {
    if (piece.length === 0) return [];
    const key = `${kind} ${String(place)}`;
    const told = one.told.get(key) ?? 0;
    if (told === 0 && one.told.size === PARTS_MAX) throw tooMany(PARTS_MAX, "parts of one item");
    one.told.set(key, told + piece.length);
    if (kind === "text") {
      const isPart = told === 0 && one.starts.size > 0;
      const begun = isPart ? { phases: [toPartBegin(Number(place), spoken)] } : {};
      if (told === 0) one.starts.set(place, spoken);
      spoken += piece.length;
      return [chunk({ content: piece, ...begun }, more)];
    }
    if (kind === "refusal") return [chunk({ refusal: piece })];
    if (kind === "arguments") return [chunk({ tool_calls: [{ index: one.call, function: { arguments: piece } }] })];
    if (kind === "input") return [chunk({ tool_calls: [{ index: one.call, custom: { input: piece } }] })];
    one.thoughts ??= kind;
    if (one.thoughts !== kind) return [];
    const isNext = told === 0 && thought > 0;
    const start = thought + BETWEEN.length;
    thought += piece.length + (isNext ? BETWEEN.length : 0);
    const part = one.parts;
    if (told === 0) one.parts += 1;
    if (!isNext) return [chunk({ reasoning_content: piece })];
    const mark = toPartMark({ index: one.index, part, start });
    // A chunk with a mark is not cut: it has only the first words of a long text.
    const words = String(piece);
    const [first = ""] = textsOf(words);
    const later = words.slice(first.length);
    const begun = chunk({ reasoning_content: BETWEEN + first, reasoning_details: [mark] });
    return later === "" ? [begun] : [begun, chunk({ reasoning_content: later })];
  }

  /** Returns the part of a whole text that was not sent yet. */
  function rest(one: Item, kind: string, place: unknown, whole: unknown): readonly ChatChunk[] {
    if (!isWords(whole)) return [];
    const told = one.told.get(`${kind} ${String(place)}`) ?? 0;
    // A part of a long text would make a copy of all of it, in one go.
    if (told >= whole.length) return [];
    return say(one, kind, place, whole.slice(told));
  }

  /** Returns the chunks for citations of an item's text. */
  function cite(one: Item, place: unknown, found: readonly unknown[]): readonly ChatChunk[] {
    if (found.length === 0) return [];
    one.cited.set(place, (one.cited.get(place) ?? 0) + found.length);
    const before = one.starts.get(place) ?? spoken;
    return [chunk({ annotations: found.map((annotation) => toAnnotation(annotation, before)) })];
  }

  /** Yields the content of a whole item that was not sent yet. */
  function* finish(index: unknown, item: Fields): Generator<ChatChunk> {
    if (isCall(item) && !items.has(index)) checkName(item["name"]);
    const { one, chunks } = open(index, item);
    yield* chunks;
    isCut ||= isUnfinished(item);
    if (one.isWhole) return;
    one.isWhole = true;
    if (item["type"] === "message")
      for (const [place, part] of partsOf(item).entries()) {
        if (part["type"] !== "refusal" && !isTextPart(part)) {
          omissions.add(part["type"]);
          continue;
        }
        yield* rest(one, "text", place, part["text"]);
        yield* rest(one, "refusal", place, part["refusal"]);
        const cited = Array.isArray(part["annotations"]) ? (part["annotations"] as readonly unknown[]) : [];
        yield* cite(one, place, cited.slice(one.cited.get(place) ?? 0));
      }
    else if (item["type"] === "reasoning") {
      const detail = toDetail(item, Number(index));
      if (one.thoughts === undefined)
        for (const [place, part] of toThoughts(item).entries()) yield* rest(one, "reasoning", place, part);
      if (detail !== undefined) yield chunk({ reasoning_details: [detail] });
    } else if (isCall(item)) {
      yield* rest(one, "arguments", 0, argumentsOf(item["arguments"]));
      yield* rest(one, "input", 0, item["input"]);
    }
  }

  function begin(response: Fields): readonly ChatChunk[] {
    const { id, model, created_at: at } = response;
    Object.assign(head, { id, model }, typeof at === "number" && { created: Math.floor(at) });
    if (began) return [];
    began = true;
    return [bare({ role: "assistant", content: "" }, {})];
  }

  function* end(response: Fields): Generator<ChatChunk> {
    const { output, usage, service_tier: tier } = response;
    // A response that failed says nothing of its output.
    toFinish(response, { isCalling: false, isCut }, secrets);
    yield* begin(response);
    for (const [index, item] of (Array.isArray(output) ? output : []).entries())
      if (isObject(item)) yield* finish(index, item);
    reader.done = true;
    yield {
      ...toBeside(response),
      ...bare(omissions.told(isSaid), { finish_reason: toFinish(response, { isCalling: calls > 0, isCut }, secrets) }),
      ...(isText(tier) && { service_tier: tier }),
    };
    if (wantsUsage && isObject(usage)) yield { ...head, choices: [], usage: toUsage(usage) };
  }

  /** Handles deltas and the complete texts that end them. */
  function grow(event: Fields): readonly ChatChunk[] {
    const [, name, step] = /^response\.(\w+)\.(delta|done)$/.exec(String(event["type"])) ?? [];
    const row = TEXTS.get(name);
    if (row === undefined) return [];
    // A call without a start event has no name yet; its final item contains everything.
    if (!items.has(event["output_index"]) && row.at === "") return [];
    const { one, chunks } = open(event["output_index"], { type: row.item });
    const place = event[row.at] ?? 0;
    if (step === "done") return [...chunks, ...rest(one, row.kind, place, event[row.field])];
    const { delta, logprobs } = event;
    const beside =
      Array.isArray(logprobs) && logprobs.length > 0 ? { logprobs: { content: logprobs as unknown[] } } : {};
    return [...chunks, ...say(one, row.kind, place, isText(delta) ? delta : "", beside)];
  }

  const reader: StreamReader & { done: boolean } = {
    last: "response.completed",
    done: false,
    async split(event) {
      const { item, response } = event;
      if (isObject(item)) return [{ ...withStrings({ ...event, item: undefined }), item: await toItem(item) }];
      if (!isObject(response) || !Array.isArray(response["output"])) return [withStrings(event)];
      const output: unknown[] = [];
      for (const one of response["output"] as readonly unknown[]) output.push(isObject(one) ? await toItem(one) : one);
      const beside = withStrings({ ...event, response: { ...response, output: undefined } });
      return [{ ...beside, response: { ...beside.response, output } }];
    },
    read(event) {
      const response = isObject(event["response"]) ? event["response"] : {};
      switch (event["type"]) {
        case "response.created":
        case "response.in_progress":
        case "response.queued":
          return begin(response);
        case "response.output_item.added": {
          const item = isObject(event["item"]) ? event["item"] : {};
          // A call whose name comes later is told once it is whole.
          return isCall(item) && !isText(item["name"]) ? [] : open(event["output_index"], item).chunks;
        }
        case "response.output_item.done":
          return finish(event["output_index"], isObject(event["item"]) ? event["item"] : {});
        case "response.output_text.annotation.added": {
          const { one, chunks } = open(event["output_index"], { type: "message" });
          return [...chunks, ...cite(one, event["content_index"] ?? 0, [event["annotation"]])];
        }
        case "response.completed":
        case "response.incomplete":
          return end(response);
        case "response.failed":
        case "response.cancelled":
          throw toFailed(response["error"], secrets);
        case "error":
          throw toFailed(isObject(event["error"]) ? event["error"] : event, secrets);
        default:
          return grow(event);
      }
    },
  };
  return reader;
}

/** An item of a long event. The words of a message stay in pieces. */
async function toItem(item: Fields): Promise<Fields> {
  if (item["type"] !== "message") return withTextOf(withStrings(item), "arguments");
  const content = partsOf(item).map((part) => {
    const { text, refusal, ...others } = part;
    return { ...withStrings(others), ...(text !== undefined && { text }), ...(refusal !== undefined && { refusal }) };
  });
  return { ...withStrings({ ...item, content: undefined }), content };
}

/** Texts by the name of their events: their field in the final event, and the field of their index. */
const TEXTS: ReadonlyMap<
  unknown,
  { readonly kind: string; readonly item: string; readonly field: string; readonly at: string }
> = new Map([
  ["output_text", { kind: "text", item: "message", field: "text", at: "content_index" }],
  ["refusal", { kind: "refusal", item: "message", field: "refusal", at: "content_index" }],
  ["reasoning_text", { kind: "thought", item: "reasoning", field: "text", at: "content_index" }],
  ["reasoning_summary_text", { kind: "summary", item: "reasoning", field: "text", at: "summary_index" }],
  ["function_call_arguments", { kind: "arguments", item: "function_call", field: "arguments", at: "" }],
  ["custom_tool_call_input", { kind: "input", item: "custom_tool_call", field: "input", at: "" }],
]);
