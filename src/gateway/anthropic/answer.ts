import type { ChatChoice, ChatCompletion, Usage } from "../../models/index.ts";
import { parseExact } from "../../internal/exact-json.ts";
import { textIn, thoughtsIn } from "../../internal/content-text.ts";
import { isObject, textOr, type Fields } from "../../internal/fields.ts";
import { isWords, LongText, wordsOr } from "../../internal/long-text.ts";
import { inTurn } from "../../internal/order.ts";
import { createCallCarrier } from "../models/carried-calls.ts";
import { endingOf, shownReason } from "../models/endings.ts";
import { createUnsaid, type Unsaid } from "../responses/unsaid.ts";
import { toThoughtBlock } from "./thoughts.ts";

/** Stop reasons of this API for a complete answer; all others are `end_turn`. */
const STOPS: ReadonlyMap<unknown, string> = new Map([
  ["tool_calls", "tool_use"],
  ["function_call", "tool_use"],
]);
/** Stop reasons of this API that an upstream of its kind returns itself. */
const NATIVE = new Set(["stop_sequence", "pause_turn", "model_context_window_exceeded"]);

/** Converts a completion to a message. Pure. */
export function toMessage(completion: ChatCompletion): Fields {
  const { id, model, choices, usage } = completion;
  const [choice] = choices;
  const message = choice?.message ?? { role: "assistant" };
  const calls = Array.isArray(message["tool_calls"]) ? (message["tool_calls"] as readonly Fields[]) : [];
  const refusal = typeof message["refusal"] === "string" && message["refusal"] !== "" ? message["refusal"] : undefined;
  const unsaid = createOmitted();
  unsaid.add(message);
  return {
    ...toShell(id, model),
    content: toContent(
      isExplained(choice) ? { ...message, refusal: null } : message,
      `toolu_${toMessageId(id).slice(4)}`,
    ),
    ...toStop(choice, refusal, calls.length > 0),
    ...unsaid.told({}),
    usage: toUsage(usage),
  };
}

/** Returns true if the upstream said in `stop_details` why it refused: then its explanation is no text of the model. */
export function isExplained(choice: Fields | undefined): boolean {
  return isObject(choice?.["stop_details"]);
}

/** Makes an empty message with all required fields. */
export function toShell(id: string, model: string): Fields {
  return {
    id: toMessageId(id),
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    usage: toUsage(undefined),
  };
}

/**
 * Returns the stop reason of a message. Tool calls decide, because some upstreams report `stop` for them. A reason that no table knows is
 * passed on as it is: it may stand for an answer that was cut off.
 */
export function toStop(
  choice: Partial<ChatChoice> | undefined,
  refusal: string | undefined,
  isCalling: boolean,
): { readonly stop_reason: string; readonly stop_sequence: string | null; readonly stop_details: Fields | null } {
  const {
    finish_reason: finish,
    native_finish_reason: native,
    stop_reason: matched,
    stop_details: details,
  } = choice ?? {};
  const sequence = typeof matched === "string" && finish === "stop" ? matched : null;
  const said =
    typeof native === "string" && NATIVE.has(native) ? native : sequence === null ? reasonOf(finish) : "stop_sequence";
  const isRefused = said === "refusal" || (refusal !== undefined && said !== "max_tokens");
  return {
    stop_reason: isRefused ? "refusal" : isCalling && said === "end_turn" ? "tool_use" : said,
    stop_sequence: sequence,
    stop_details: isObject(details)
      ? details
      : isRefused
        ? { type: "refusal", category: null, explanation: refusal ?? null }
        : null,
  };
}

function reasonOf(finish: unknown): string {
  switch (endingOf(finish)) {
    case "complete":
      return STOPS.get(finish) ?? "end_turn";
    case "length":
      return "max_tokens";
    case "filtered":
      return "refusal";
    default:
      return shownReason(finish);
  }
}

/** Converts token counts: this API counts cached tokens separately, chat completions within the prompt. */
export function toUsage(usage: Usage | null | undefined): Fields {
  const count = (value: unknown) => (typeof value === "number" && value >= 0 ? value : 0);
  const { cached_tokens: cached, cache_write_tokens: written } = (usage?.["prompt_tokens_details"] ?? {}) as Fields;
  const { reasoning_tokens: thoughts } = (usage?.["completion_tokens_details"] ?? {}) as Fields;
  const beside = count(cached) + count(written);
  const others = Object.entries(usage ?? {}).filter(([name, value]) => !COUNTED.has(name) && value !== null);
  return {
    input_tokens: Math.max(0, count(usage?.prompt_tokens) - beside),
    output_tokens: count(usage?.completion_tokens),
    cache_creation_input_tokens: count(written),
    cache_read_input_tokens: count(cached),
    cache_creation: null,
    output_tokens_details: typeof thoughts === "number" ? { thinking_tokens: thoughts } : null,
    server_tool_use: null,
    service_tier: null,
    inference_geo: null,
    speed: null,
    ...(Object.fromEntries(others) as Fields),
  };
}

/** Counts that this API has by names of its own. */
const COUNTED: ReadonlySet<string> = new Set([
  "prompt_tokens",
  "completion_tokens",
  "total_tokens",
  "prompt_tokens_details",
  "completion_tokens_details",
]);

/** Makes a text block. */
export function toTextBlock(text: string | LongText): Fields {
  return { type: "text", text, citations: null };
}

/** Converts a tool call to a block. `made` is its id if the upstream gave none, because clients answer a call by its id. */
export function toUse({ id, function: named, custom }: Fields, made: string): Fields {
  const { name, arguments: given, input } = (named ?? custom ?? {}) as Fields;
  return {
    type: "tool_use",
    id: typeof id === "string" && id !== "" ? id : made,
    name: typeof name === "string" ? name : "",
    // The input of a custom tool is a text, and here an object.
    input: named == null && custom != null ? { input } : toInput(given),
    caller: { type: "direct" },
  };
}

/**
 * Records the types of content that this API cannot express, including citations of chat completions; they are reported beside the API's
 * own fields.
 */
export function createOmitted(): Pick<Unsaid, "add" | "told"> {
  const unsaid = createUnsaid();
  return {
    add({ annotations, ...delta }) {
      unsaid.add(delta);
      if (Array.isArray(annotations)) unsaid.add({ omitted: annotations.filter(isObject).map(({ type }) => type) });
    },
    told: (shell) => unsaid.told(shell),
  };
}

/**
 * Parses a tool's input, an object in this API. Other values, and invalid JSON (a truncated answer), are returned unchanged in a field of
 * their own.
 */
export function toInput(given: unknown, read: (text: string) => unknown = parsed): Fields {
  if (given === undefined || given === null || (typeof given === "string" && given.trim() === "")) return {};
  const input = isWords(given) ? read(String(given)) : given;
  return isObject(input) ? input : { INVALID_JSON: given };
}

function parsed(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
}

/** An id in this API's form. */
function toMessageId(id: string): string {
  return id.startsWith("msg_") ? id : `msg_${id.replace(/^(?:chatcmpl|resp)[-_]/, "").replaceAll(/[^\w-]/g, "")}`;
}

/** The blocks of a message, in the order in which it was said. `made`: the beginning of an id for a call that the upstream gave none. */
function toContent(message: Fields, made: string): readonly Fields[] {
  const blocks: Fields[] = [];
  const carry = createCallCarrier();
  /** Whether the last block is of thoughts that were not signed yet, and how many blocks of thoughts there are. */
  let [isOpen, thoughts] = [false, 0];

  function push(block: Fields): void {
    blocks.push(block);
    isOpen = false;
  }

  function think(words: string | LongText): void {
    // What parts thoughts from those of the block before says nothing.
    const thinking = thoughts > 0 && String(words.slice(0, BREAK.length)) === BREAK ? words.slice(BREAK.length) : words;
    if (thinking.length === 0) return;
    push({ type: "thinking", thinking, signature: "" });
    thoughts += 1;
    isOpen = true;
  }

  function keep(detail: Fields): void {
    const block = toThoughtBlock(detail);
    if (block === undefined) return;
    const isThinking = block["type"] === "thinking";
    if (isThinking && isOpen) blocks.pop();
    else if (isThinking) thoughts += 1;
    push(block);
  }

  for (const said of inTurn(message)) {
    const { content, refusal, tool_calls: calls } = said;
    const thought = said["reasoning_content"] ?? said["reasoning"];
    const details = detailsOf(said);
    // A message has both where its order says nothing: then the blocks say what was thought.
    const isTold = details.some(({ type }) => type === "reasoning.text");
    if (!isTold) think(wordsOr(thought));
    for (const detail of details) keep(detail);
    think(thoughtsIn(content));
    for (const text of [content instanceof LongText ? content : textIn(content), textOr(refusal)])
      if (text.length > 0) push(toTextBlock(text));
    for (const [place, call] of (Array.isArray(calls) ? (calls as readonly Fields[]) : []).entries()) {
      const index = typeof call["index"] === "number" ? call["index"] : place;
      for (const detail of detailsOf(carry({ tool_calls: [{ ...call, index }] }))) keep(detail);
      push(toUse(call, `${made}_${index}`));
    }
  }
  return blocks;
}

/** What parts the thoughts of two blocks in one text. */
const BREAK = "\n\n";

/** Returns the entries of `reasoning_details`. */
export function detailsOf({ reasoning_details: details }: Fields): readonly Fields[] {
  return Array.isArray(details) ? (details as readonly unknown[]).filter(isObject) : [];
}
