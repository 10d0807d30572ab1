import { MarrowError } from "../../errors.ts";
import type { ChatChunk, Usage } from "../../models/index.ts";
import { toShell, toStop, toTextBlock, toUsage, toUse } from "./answer.ts";
import type { Fields } from "../../internal/fields.ts";
import { toThoughtBlock } from "./thoughts.ts";

/** An event of a streamed message. */
export interface MessageEvent extends Fields {
  readonly type: string;
}

/** Makes the events of a message out of the chunks of a chat completion. */
export interface MessageEvents {
  /** The events that a chunk makes. @throws MarrowError `model_failed` for pieces of calls that cannot be told apart */
  add(chunk: ChatChunk): readonly MessageEvent[];
  /** The events that end a whole answer. */
  end(): readonly MessageEvent[];
}

/** The block that grows. */
interface Open {
  readonly type: "thinking" | "text" | "tool_use";
  /** A call's place in the model's list, and its id. */
  readonly call?: { readonly index: number; readonly id: string };
}

/** Begins a message. Blocks follow one another, as the API has them: each is closed before the next one begins. */
export function createMessageEvents(model: string): MessageEvents {
  let [blocks, began, thoughts] = [0, false, 0];
  let open: Open | undefined;
  let id = "";
  let refusal: string | undefined;
  let usage: Usage | null | undefined;
  let end: Fields = {};
  /** Ids of the calls that were told, by their place in the model's list. */
  const calls = new Map<number, string>();

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
    open = undefined;
    blocks += 1;
    return [{ type: "content_block_stop", index: blocks - 1 }];
  }

  const grow = (delta: Fields): MessageEvent => ({ type: "content_block_delta", index: blocks, delta });

  function think(piece: string, isExact = false): readonly MessageEvent[] {
    const isNew = open?.type !== "thinking";
    // Thoughts of one block after another are parted by a blank line in chat completions; signatures are of the thoughts without it.
    const text = isNew && thoughts > 0 && !isExact ? piece.replace(/^\n\n/, "") : piece;
    const events = isNew ? [...start({ type: "thinking" }, { type: "thinking", thinking: "", signature: "" })] : [];
    if (isNew) thoughts += 1;
    return text === "" ? events : [...events, grow({ type: "thinking_delta", thinking: text })];
  }

  /** Thoughts that can be given back: the signature of those that were told just now, or a block of their own. */
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

  function say(piece: string): readonly MessageEvent[] {
    const events = open?.type === "text" ? [] : start({ type: "text" }, toTextBlock(""));
    return [...events, grow({ type: "text_delta", text: piece })];
  }

  /** A call grows by deltas; a new id at a known place begins another one, and empty fields change nothing. */
  function call(delta: Fields, index: number): readonly MessageEvent[] {
    const named = (delta["function"] ?? {}) as Fields;
    const given = typeof delta["id"] === "string" ? delta["id"] : "";
    const known = calls.get(index);
    const isNew = known === undefined || (given !== "" && given !== known && !known.startsWith("toolu_made"));
    const events: MessageEvent[] = [];
    if (isNew) {
      const made = `toolu_made${blocks}${id.replaceAll(/\W/g, "").slice(-24)}`;
      const block = toUse({ ...delta, function: { name: named["name"] } }, made);
      calls.set(index, String(block["id"]));
      events.push(...start({ type: "tool_use", call: { index, id: String(block["id"]) } }, { ...block, input: {} }));
    }
    const { arguments: more } = named;
    const piece = typeof more === "string" ? more : more === undefined || more === null ? "" : JSON.stringify(more);
    if (piece === "") return events;
    if (open?.call === undefined || open.call.index !== index)
      throw new MarrowError("model_failed", "the model's endpoint sent pieces of several calls among one another", {
        details: { status: 502 },
      });
    return [...events, grow({ type: "input_json_delta", partial_json: piece })];
  }

  return {
    add(chunk) {
      usage = chunk.usage ?? usage;
      const events: MessageEvent[] = [...begin(chunk)];
      for (const { index = 0, delta, ...choice } of chunk.choices ?? []) {
        if (index !== 0) continue;
        if (typeof choice.finish_reason === "string") end = choice;
        const { content, refusal: refused, reasoning_content: thought = delta?.["reasoning"], ...rest } = delta ?? {};
        const details = Array.isArray(rest["reasoning_details"])
          ? (rest["reasoning_details"] as readonly Fields[])
          : [];
        // A stored answer comes with both at once: then the blocks say what was thought.
        const hasWords = details.some(({ type }) => type === "reasoning.text");
        if (typeof thought === "string" && thought !== "" && !hasWords) events.push(...think(thought));
        for (const detail of details) events.push(...keep(detail));
        if (typeof content === "string" && content !== "") events.push(...say(content));
        if (typeof refused === "string" && refused !== "") {
          refusal = (refusal ?? "") + refused;
          events.push(...say(refused));
        }
        const made = rest["tool_calls"];
        for (const [place, one] of (Array.isArray(made) ? (made as Fields[]) : []).entries())
          events.push(...call(one, typeof one["index"] === "number" ? one["index"] : place));
      }
      return events;
    },

    end() {
      const { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens, ...rest } =
        toUsage(usage);
      return [
        ...begin({}),
        ...close(),
        {
          type: "message_delta",
          delta: { container: null, ...toStop(end, refusal, calls.size > 0) },
          usage: {
            input_tokens,
            output_tokens,
            cache_creation_input_tokens,
            cache_read_input_tokens,
            output_tokens_details: rest["output_tokens_details"],
            server_tool_use: null,
          },
        },
        { type: "message_stop" },
      ];
    },
  };
}
