import type { ChatChunk, Usage } from "../../models/index.ts";
import { createCallBlocks, type CallBlock } from "./call-blocks.ts";
import { createOmitted, detailsOf, isExplained, toShell, toStop, toTextBlock, toUsage, toUse } from "./answer.ts";
import { textIn, thoughtsIn } from "../../internal/content-text.ts";
import type { Fields } from "../../internal/fields.ts";
import { inTurn } from "../../internal/order.ts";
import { createCallCarrier } from "../models/carried-calls.ts";
import { toThoughtBlock } from "./thoughts.ts";

/** An event of a streamed message. */
export interface MessageEvent extends Fields {
  readonly type: string;
}

/** Converts the chunks of a chat completion to the events of a message. */
export interface MessageEvents {
  /** Returns the events of a chunk. @throws MarrowError `model_failed` for ambiguous parts of calls */
  add(chunk: ChatChunk): readonly MessageEvent[];
  /** Returns the events that end a complete answer. */
  end(): readonly MessageEvent[];
}

/** The block that grows. */
interface Open {
  readonly type: "thinking" | "text" | "refusal" | "tool_use";
  readonly call?: CallBlock;
}

/** Makes the events of some words. */
type Step = () => readonly MessageEvent[];

/**
 * Begins a message. Each block is closed before the next one begins, as the API requires. Content that arrives between the parts of a call
 * is held back until that call's arguments are complete, or the answer ends.
 */
export function createMessageEvents(model: string): MessageEvents {
  let [blocks, began, thoughts] = [0, false, 0];
  let open: Open | undefined;
  let id = "";
  let refusal: string | undefined;
  let usage: Usage | null | undefined;
  let end: Fields = {};
  const omitted = createOmitted();
  const carry = createCallCarrier();
  const calls = createCallBlocks(() => `toolu_made${id.replaceAll(/\W/g, "").slice(-24)}`);
  /** Content held back until the open call is complete, and calls that are not identified yet. */
  const later: (Step | CallBlock)[] = [];

  function begin(chunk: ChatChunk): readonly MessageEvent[] {
    if (began) return [];
    began = true;
    id = chunk.id ?? "";
    return [{ type: "message_start", message: toShell(id, chunk.model ?? model) }, { type: "ping" }];
  }

  function start(next: Open, block: Fields): readonly MessageEvent[] {
    const events = [...close(), { type: "content_block_start", index: blocks, content_block: block }];
    open = next;
    return events;
  }

  function close(): readonly MessageEvent[] {
    if (open === undefined) return [];
    const events = open.call === undefined ? [] : endOf(open.call).map((text) => grow(toInputDelta(text)));
    if (open.call !== undefined) open.call.state = "closed";
    open = undefined;
    blocks += 1;
    return [...events, { type: "content_block_stop", index: blocks - 1 }];
  }

  /** What an input lacks at its end: a text within an object is closed. */
  function endOf({ isObject, field }: CallBlock): readonly string[] {
    if (isObject === undefined) return field === "input" ? ['{"input":""}'] : [];
    return isObject ? [] : ['"}'];
  }

  const grow = (delta: Fields): MessageEvent => ({ type: "content_block_delta", index: blocks, delta });

  function think(piece: string, isExact = false): readonly MessageEvent[] {
    const isNew = open?.type !== "thinking";
    // Chat completions separate reasoning blocks by a blank line, which their signatures exclude.
    const text = isNew && thoughts > 0 && !isExact ? piece.replace(/^\n\n/, "") : piece;
    const events = isNew ? [...start({ type: "thinking" }, { type: "thinking", thinking: "", signature: "" })] : [];
    if (isNew) thoughts += 1;
    return text === "" ? events : [...events, grow({ type: "thinking_delta", thinking: text })];
  }

  /** Returns the events of reasoning that can be sent back: the signature of the text just sent, or a separate block. */
  function keep(detail: Fields): readonly MessageEvent[] {
    const block = toThoughtBlock(detail);
    if (block === undefined) return [];
    if (block["type"] === "redacted_thinking") {
      const events = [...close(), { type: "content_block_start", index: blocks, content_block: block }];
      blocks += 1;
      return [...events, { type: "content_block_stop", index: blocks - 1 }];
    }
    const told = open?.type === "thinking" ? [] : think(String(block["thinking"]), true);
    const { signature } = block;
    return [...told, ...(signature === "" ? [] : [grow({ type: "signature_delta", signature })]), ...close()];
  }

  function say(piece: string, type: "text" | "refusal" = "text"): readonly MessageEvent[] {
    const events = open?.type === type ? [] : start({ type }, toTextBlock(""));
    return [...events, grow({ type: "text_delta", text: piece })];
  }

  /** Returns the events of content, or holds them back while an earlier call is incomplete. */
  function tell(step: Step): readonly MessageEvent[] {
    if (later.length === 0 && !isCalling()) return step();
    later.push(step);
    return [];
  }

  function call(delta: Fields, index: number): readonly MessageEvent[] {
    const { call: one, isNew } = calls.add(delta, index);
    if (isNew) later.push(one);
    return [...(open?.call === one ? give(one) : []), ...advance(false)];
  }

  /**
   * Returns the events of a call's input received so far. What does not begin as an object, and the text of a custom tool, becomes a text in
   * one, as in a whole answer; white space before arguments waits for what follows it.
   */
  function give(one: CallBlock): readonly MessageEvent[] {
    const [piece, isText] = [one.held, one.field === "input"];
    if (piece === "" || (one.isObject === undefined && !isText && piece.trim() === "")) return [];
    const isFirst = one.isObject === undefined;
    one.isObject ??= !isText && piece.trimStart().startsWith("{");
    one.held = "";
    const text = one.isObject ? piece : JSON.stringify(piece).slice(1, -1);
    const begun = isFirst && !one.isObject ? `{"${isText ? "input" : "INVALID_JSON"}":"${text}` : text;
    return [grow(toInputDelta(begun))];
  }

  /** Whether a call is open whose end is still to come. */
  const isCalling = () => open?.call !== undefined && !open.call.isWhole();

  /** Returns the events of held content whose turn has come; at the end of the answer, all of it. */
  function advance(isLast: boolean): readonly MessageEvent[] {
    const events: MessageEvent[] = [];
    let told = 0;
    for (const next of later) {
      if (!isLast && isCalling()) break;
      if (typeof next === "function") events.push(...next());
      else {
        // A block begins with its call's name, which is whole once the call is given something.
        if (!isLast && (next.name === "" || next.held === "")) break;
        const block = toUse({ id: next.id, function: { name: next.name } }, next.id);
        events.push(...start({ type: "tool_use", call: next }, { ...block, input: {} }), ...give(next));
        next.state = "open";
      }
      told += 1;
    }
    later.splice(0, told);
    return events;
  }

  /** What one delta says: its words, then each of its calls behind what its maker wants back of it. */
  function addPiece(delta: Fields): readonly MessageEvent[] {
    const { content, refusal: refused, reasoning_content: thought = delta["reasoning"], tool_calls: made } = delta;
    const details = detailsOf(delta);
    const events: MessageEvent[] = [];
    // A stored answer has both forms at once; then the blocks contain the text.
    const hasWords = details.some(({ type }) => type === "reasoning.text");
    if (typeof thought === "string" && thought !== "" && !hasWords) events.push(...tell(() => think(thought)));
    for (const detail of details) events.push(...tell(() => keep(detail)));
    const [more, said] = [thoughtsIn(content), textIn(content)];
    if (more !== "") events.push(...tell(() => think(more)));
    if (said !== "") events.push(...tell(() => say(said)));
    if (typeof refused === "string" && refused !== "") {
      refusal = (refusal ?? "") + refused;
      events.push(...tell(() => say(refused, "refusal")));
    }
    for (const [place, one] of (Array.isArray(made) ? (made as Fields[]) : []).entries()) {
      const index = typeof one["index"] === "number" ? one["index"] : place;
      for (const detail of detailsOf(carry({ tool_calls: [{ ...one, index }] })))
        events.push(...tell(() => keep(detail)));
      events.push(...call(one, index));
    }
    return events;
  }

  return {
    add(chunk) {
      usage = chunk.usage ?? usage;
      const events: MessageEvent[] = [...begin(chunk)];
      for (const { index = 0, delta, ...choice } of chunk.choices ?? []) {
        if (index !== 0) continue;
        if (typeof choice.finish_reason === "string") end = choice;
        omitted.add(delta ?? {});
        const said = isExplained(choice) ? { ...delta, refusal: null } : (delta ?? {});
        for (const piece of inTurn(said)) events.push(...addPiece(piece));
      }
      return events;
    },

    end() {
      const { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ...rest } =
        toUsage(usage);
      return [
        ...begin({}),
        ...advance(true),
        ...close(),
        {
          type: "message_delta",
          delta: { container: null, ...toStop(end, refusal, calls.size() > 0), ...omitted.told({}) },
          usage: {
            input_tokens,
            output_tokens,
            cache_creation_input_tokens,
            cache_read_input_tokens,
            server_tool_use: rest["server_tool_use"],
            ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)),
            output_tokens_details: rest["output_tokens_details"],
          },
        },
        { type: "message_stop" },
      ];
    },
  };
}

function toInputDelta(json: string): Fields {
  return { type: "input_json_delta", partial_json: json };
}
