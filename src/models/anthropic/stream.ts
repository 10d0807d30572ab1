import { CALLS_MAX, checkSealed, PARTS_MAX, tooMany } from "../answer-bounds.ts";
import type { ChatChunk } from "../chat.ts";
import { isObject, isText, textOr, type Fields } from "../../internal/fields.ts";
import { withStrings } from "../../internal/long-text.ts";
import { createJsonEnd } from "../../internal/json-end.ts";
import { createUniqueIds } from "../call-ids.ts";
import { argumentsOf, checkName } from "../calls.ts";
import { toJsonText } from "../../internal/json-pieces.ts";
import { textsOf } from "../cut-chunk.ts";
import { createOmissions } from "../omitted.ts";
import type { StreamReader } from "../translated.ts";
import {
  citationType,
  citedIn,
  toCall,
  toCustomCall,
  toFinish,
  toRefusal,
  toStreamError,
  toUsage,
  type AnswerOptions,
} from "./answer.ts";
import { createTextReader, type TextReader } from "./custom-input.ts";
import { textOfInput } from "./custom-tools.ts";
import { toDetail } from "./thoughts.ts";

/** A block of a message under construction. */
interface Block {
  fields: Record<string, unknown>;
  /** Index among the calls, for a tool call. */
  readonly call: number;
  /** Whether part of a call's arguments was sent. */
  given: boolean;
  /** Where these arguments end, for a tool call. */
  readonly end: ReturnType<typeof createJsonEnd> | undefined;
  /** Reads the text of its input, for a call of a custom tool. */
  readonly text: TextReader | undefined;
  /** Whether it was in the message's start, or never began: its end may not come either. */
  isLoose: boolean;
}

/** Block types with an equivalent in chat completions. */
const KNOWN: ReadonlySet<unknown> = new Set(["text", "thinking", "redacted_thinking", "tool_use"]);

/** The block that a piece belongs to which came without the beginning of its block. */
const OF_PIECES: ReadonlyMap<unknown, Fields> = new Map([
  ["text_delta", { type: "text" }],
  ["thinking_delta", { type: "thinking" }],
  ["signature_delta", { type: "thinking" }],
]);

/**
 * Converts the events of a message to chunks of a chat completion. `ping` and unknown events are ignored; `error` is thrown, also in the
 * middle. Reasoning is sent as it arrives, and once more complete with its signature at the end of its block. Some proxies send content in
 * `message_start`, or leave out the events around a block.
 */
export function readMessageEvents(wantsUsage: boolean, { secrets, nowMs, customs }: AnswerOptions): StreamReader {
  const head: Record<string, unknown> = { object: "chat.completion.chunk", created: Math.floor(nowMs / 1000) };
  const blocks = new Map<unknown, Block>();
  /** Indexes of blocks that are left out. */
  const omitted = new Set<unknown>();
  let usage: Fields = {};
  let [calls, thoughts] = [0, 0];
  let end: Fields = {};
  const omissions = createOmissions("block");
  const unique = createUniqueIds();
  /** Whether anything but the role was sent. */
  let isSaid = false;

  const chunk = (delta: Fields, more: Fields = { finish_reason: null }): ChatChunk => ({
    ...head,
    choices: [{ index: 0, delta, ...more }],
  });
  const say = (delta: Fields): readonly ChatChunk[] => {
    isSaid = true;
    return [chunk(delta)];
  };

  /** Updates the counts, which grow; later events omit unchanged ones or send null. */
  function count(more: unknown): void {
    const told = Object.entries(isObject(more) ? more : {}).filter(([, value]) => value !== null);
    usage = { ...usage, ...Object.fromEntries(told) };
  }

  function begin(index: unknown, block: unknown, isLoose = false): readonly ChatChunk[] {
    if (!isLoose && blocks.get(index)?.isLoose === true) return [];
    const fields = { ...(isObject(block) ? block : {}) };
    const { type, text, thinking } = fields;
    if (blocks.size === PARTS_MAX) throw tooMany(PARTS_MAX, "blocks");
    const isCall = type === "tool_use";
    const call = isCall ? calls : -1;
    if (isCall) calls += 1;
    if (calls > CALLS_MAX) throw tooMany(CALLS_MAX, "tool calls");
    if (!KNOWN.has(type)) {
      omitted.add(index);
      omissions.add(isText(type) ? type : "unknown");
      return [];
    }
    if (isCall) checkName(fields["name"]);
    if (isCall && isText(fields["id"])) fields["id"] = unique(fields["id"]);
    const reader = isCall && customs.has(fields["name"]) ? createTextReader() : undefined;
    blocks.set(index, {
      fields,
      call,
      given: false,
      end: isCall ? createJsonEnd() : undefined,
      text: reader,
      isLoose,
    });
    if (isCall) return say({ tool_calls: [{ index: call, ...(reader ? toCustomCall : toCall)(fields, "") }] });
    if (type === "text") for (const cited of citedIn(fields)) omissions.add(cited);
    if (type === "text") return isText(text) ? say({ content: text }) : [];
    if (type === "redacted_thinking") return [];
    thoughts += 1;
    const gap = thoughts > 1 ? "\n\n" : "";
    const first = gap + (isText(thinking) ? thinking : "");
    return first === "" ? [] : say({ reasoning_content: first });
  }

  function grow(index: unknown, delta: unknown): readonly ChatChunk[] {
    if (!isObject(delta)) return [];
    const block = blocks.get(index);
    if (block === undefined) return growLoose(index, delta);
    const { text, thinking, signature, partial_json: json } = delta;
    switch (delta["type"]) {
      case "text_delta":
        return isText(text) ? say({ content: text }) : [];
      case "citations_delta":
        omissions.add(citationType(delta["citation"]));
        return [];
      case "thinking_delta":
        if (!isText(thinking)) return [];
        block.fields["thinking"] = textOr(block.fields["thinking"]) + thinking;
        checkSealed(block.fields["thinking"], "a thought");
        return say({ reasoning_content: thinking });
      case "signature_delta":
        block.fields["signature"] = signature;
        return [];
      case "input_json_delta":
        if (!isText(json) || block.call < 0) return [];
        block.given = true;
        block.end?.add(json);
        if (block.text !== undefined) return sayInput(block, block.text.add(json));
        return [chunk({ tool_calls: [{ index: block.call, function: { arguments: json } }] })];
      default:
        return [];
    }
  }

  /** The next piece of a custom tool's input. */
  function sayInput({ call }: Block, input: string): readonly ChatChunk[] {
    return input === "" ? [] : [chunk({ tool_calls: [{ index: call, custom: { input } }] })];
  }

  /** A piece of a block that never began. A call cannot be made of it, for want of a name. */
  function growLoose(index: unknown, delta: Fields): readonly ChatChunk[] {
    if (omitted.has(index)) return [];
    const block = OF_PIECES.get(delta["type"]);
    if (block !== undefined) return [...begin(index, block, true), ...grow(index, delta)];
    if (delta["type"] === "input_json_delta") {
      omitted.add(index);
      omissions.add("tool_use");
    }
    return [];
  }

  function close(index: unknown): readonly ChatChunk[] {
    const block = blocks.get(index);
    if (block === undefined) return [];
    block.isLoose = false;
    const detail = toDetail(block.fields, Number(index));
    if (detail !== undefined) return say({ reasoning_details: [detail] });
    // A call without parts has the input of its start, possibly none, which is an empty object.
    if (block.call < 0) return [];
    if (block.text !== undefined)
      return sayInput(block, block.given ? block.text.end() : String(textOfInput(block.fields["input"])));
    if (block.given) return [];
    const given = argumentsOf(block.fields["input"]) ?? "{}";
    return [chunk({ tool_calls: [{ index: block.call, function: { arguments: given } }] })];
  }

  const reader: StreamReader & { done: boolean } = {
    last: "message_stop",
    done: false,
    async split(given) {
      const event = withStrings(given);
      const { content_block: block, index } = event;
      if (!isObject(block) || !isObject(block["input"])) return [event];
      // The input of a call comes with its start or behind it.
      const json = await toJsonText(block["input"]);
      const begun = { ...event, content_block: { ...block, input: {} } };
      const grown = (text: string): Fields => ({
        type: "content_block_delta",
        index,
        delta: { type: "input_json_delta", partial_json: text },
      });
      return [begun, ...Array.from(textsOf(json), grown)];
    },
    read(event) {
      const { type, index } = event;
      switch (type) {
        case "message_start": {
          const { id, model, usage: counted, content } = isObject(event["message"]) ? event["message"] : {};
          count(counted);
          Object.assign(head, { id, model });
          const said: readonly unknown[] = Array.isArray(content) ? content : [];
          return [chunk({ role: "assistant", content: "" }), ...said.flatMap((block, at) => begin(at, block, true))];
        }
        case "content_block_start":
          return begin(index, event["content_block"]);
        case "content_block_delta":
          return grow(index, event["delta"]);
        case "content_block_stop":
          return close(index);
        case "message_delta":
          count(event["usage"]);
          if (isObject(event["delta"])) end = { ...end, ...event["delta"] };
          return [];
        case "message_stop": {
          reader.done = true;
          const loose = [...blocks].flatMap(([at, block]) => (block.isLoose ? close(at) : []));
          const refusal = toRefusal(end["stop_reason"], end["stop_details"]);
          const rest = { ...(refusal !== null && { refusal }), ...omissions.told(isSaid) };
          const isCut = [...blocks.values()].some((block) => block.given && block.end?.isWhole() === false);
          const more = { details: end["stop_details"], isCalling: calls > 0, isCut };
          const last = chunk(rest, toFinish(end["stop_reason"], end["stop_sequence"], more));
          return [...loose, last, ...(wantsUsage ? [{ ...head, choices: [], usage: toUsage(usage) }] : [])];
        }
        case "error":
          throw toStreamError(event["error"], secrets);
        default:
          return [];
      }
    },
  };
  return reader;
}
