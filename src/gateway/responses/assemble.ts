import { joinedName, type ChatChunk, type ChatCompletion, type Usage } from "../../models/index.ts";
import { createCallCarrier } from "../models/carried-calls.ts";
import { endingOf, shownReason } from "../models/endings.ts";
import { createCallFilter } from "./allowed-calls.ts";
import { toItemId } from "./input.ts";
import { MarrowError } from "../../errors.ts";
import { createJsonEnd } from "../../internal/json-end.ts";
import { isObject, type Fields } from "../../internal/fields.ts";
import { isWords, withMore } from "../../internal/long-text.ts";
import { inTurn } from "../../internal/order.ts";
import { firstEvents, type Item, type ResponseBody, type ResponseEvent, type Sealed } from "./shape.ts";
import { besideEach, createTexts, type Open } from "./texts.ts";
import { createUnsaid } from "./unsaid.ts";

/** Builds a response from a chat completion, event by event. */
export interface Assembler {
  /** Returns the first events of a stream. */
  begin(): readonly ResponseEvent[];
  /** Returns the events of a complete item that the gateway made: a search in vector stores. */
  put(item: Fields, steps: readonly string[]): readonly ResponseEvent[];
  /** Returns the events of a chunk. */
  add(chunk: ChatChunk): readonly ResponseEvent[];
  /** Does the same for a chunk that holds a whole answer, piece by piece. */
  steps(chunk: ChatChunk): Iterable<readonly ResponseEvent[]>;
  /** Returns the events that close open items; `isBroken` if the model broke off. */
  close(isBroken?: boolean): readonly ResponseEvent[];
  /** Returns the current response; complete once it was closed. */
  response(end?: End): ResponseBody;
  /** Returns the encrypted reasoning, shown or not; `undefined` without any. */
  sealed(): Sealed | undefined;
}

/** End of a response other than by its model. */
export type End =
  | { readonly status: "cancelled" }
  | { readonly status: "failed"; readonly error: { readonly code: string; readonly message: string } };

/** Begins a response from its shell. `encrypted`: its reasoning items include the encrypted content. */
export function createAssembler(
  shell: ResponseBody,
  { encrypted = false }: { readonly encrypted?: boolean } = {},
): Assembler {
  const output: Open[] = [];
  /** The call under construction at each index of the model's list. */
  const calls = new Map<number, Open>();
  /** Calls that the model gave no id: clients answer a call by its id, so it gets one. */
  const unnamed = new WeakSet<Open>();
  /** Where the arguments of the open calls come to their end. */
  const ends = new Map<Open, ReturnType<typeof createJsonEnd>>();
  const texts = createTexts(open, seal);
  const carry = createCallCarrier();
  const allowed = createCallFilter(shell["tool_choice"]);
  const unsaid = createUnsaid();
  const sealed = new Map<string, string>();
  let finish: string | null = null;
  let usage: Usage | null | undefined;
  let tier: string | undefined;

  function open(item: Fields): Open {
    const index = output.length;
    const id = toItemId(String(item["type"]), shell.id, "o", index);
    const one: Open = { index, item: { ...item, id } as unknown as Item, done: false };
    output.push(one);
    return one;
  }

  function seal(one: Open, shown: string, kept: string | undefined): void {
    if (kept !== undefined) sealed.set(one.item.id, kept);
    if (encrypted) one.item = { ...one.item, encrypted_content: shown };
  }

  /** Returns the events of a tool call's delta; a new id at a known index begins another call, and empty fields change nothing. */
  function call(delta: Fields, index: number): readonly ResponseEvent[] {
    const events: ResponseEvent[] = [];
    const custom = delta["custom"] as Fields | null | undefined;
    const named = (delta["function"] ?? custom ?? {}) as Fields;
    const id = text(delta["id"]);
    let one = calls.get(index);
    if (one === undefined || (id !== "" && one.item["call_id"] !== id && !unnamed.has(one))) {
      events.push(...closeWhole(), ...texts.close());
      const callId = id === "" ? `call_${shell.id.slice(5, 29)}${output.length}` : id;
      const head = { status: "in_progress", call_id: callId, name: text(named["name"]) };
      one = open(
        delta["function"] != null || custom == null
          ? { type: "function_call", ...head, arguments: "" }
          : { type: "custom_tool_call", ...head, input: "" },
      );
      if (id === "") unnamed.add(one);
      calls.set(index, one);
      ends.set(one, createJsonEnd());
      events.push(added(one));
    }
    const field = one.item.type === "function_call" ? "arguments" : "input";
    const name = joinedName(text(one.item["name"]), named["name"], one.item[field] !== "");
    if (name !== one.item["name"]) one.item = { ...one.item, name };
    const piece = text(named[field]);
    if (piece === "" || (one.done && piece.trim() === "")) return events;
    if (one.done)
      throw new MarrowError("model_failed", "the model's endpoint sent more of a tool call that had ended", {
        details: { status: 502 },
      });
    ends.get(one)?.add(piece);
    return [...events, ...give(one, field, piece)];
  }

  /**
   * Closes the calls that are complete where the next item begins: those whose arguments are whole JSON, and custom tools, whose input has no
   * end of its own. Clients take items in the order in which they are done.
   */
  function closeWhole(): readonly ResponseEvent[] {
    return [...ends].flatMap(([one, end]) => {
      if (one.item.type === "function_call" && !end.isWhole()) return [];
      ends.delete(one);
      return closeCall(one, false);
    });
  }

  /** Events of other items than calls, behind the end of those that are whole. */
  function behindCalls(events: readonly ResponseEvent[]): readonly ResponseEvent[] {
    return events.length === 0 || ends.size === 0 ? events : [...closeWhole(), ...events];
  }

  function give(one: Open, field: "arguments" | "input", piece: string): readonly ResponseEvent[] {
    const known = one.item[field];
    one.item = { ...one.item, [field]: withMore(isWords(known) ? known : "", piece) };
    const type = `response.${EVENTS[field]}.delta`;
    return [{ type, item_id: one.item.id, output_index: one.index, delta: piece }];
  }

  function closeCall(one: Open, isCut: boolean): readonly ResponseEvent[] {
    const field = one.item.type === "function_call" ? "arguments" : "input";
    // Clients parse the arguments even of a call without any.
    const isEmpty = field === "arguments" && one.item[field] === "" && !isCut;
    const events = isEmpty ? give(one, field, "{}") : [];
    const named = field === "arguments" ? { name: one.item["name"] } : {};
    const at = { item_id: one.item.id, output_index: one.index };
    return [
      ...events,
      { type: `response.${EVENTS[field]}.done`, ...at, ...named, [field]: one.item[field] },
      close(one, isCut && one === output.at(-1)),
    ];
  }

  /** Notes what a chunk says beside its choice, and returns the pieces of the choice in their order. */
  function piecesOf(chunk: ChatChunk): readonly (readonly [Fields, Fields])[] {
    usage = chunk.usage ?? usage;
    if (typeof chunk["service_tier"] === "string") tier = chunk["service_tier"];
    unsaid.addBeside(chunk);
    return (chunk.choices ?? []).flatMap(({ index = 0, delta, finish_reason: reason, ...choice }) => {
      if (index !== 0) return [];
      if (typeof reason === "string") finish = endOf(reason, choice);
      unsaid.add(delta ?? {});
      return besideEach(inTurn(delta ?? {}), choice);
    });
  }

  function say(piece: Fields, beside: Fields): readonly ResponseEvent[] {
    const events = [...behindCalls(texts.add(piece, beside))];
    const made = piece["tool_calls"];
    for (const [place, one] of allowed(Array.isArray(made) ? (made as Fields[]) : []).entries()) {
      const nth = typeof one["index"] === "number" ? one["index"] : place;
      const { reasoning_details: carried } = carry({ tool_calls: [{ ...one, index: nth }] });
      if (carried !== undefined) events.push(...behindCalls(texts.add({ reasoning_details: carried }, {})));
      events.push(...call(one, nth));
    }
    return events;
  }

  return {
    begin: () => firstEvents(shell),

    put(item, steps) {
      const one = open({ ...item, status: "in_progress" });
      const at = { item_id: one.item.id, output_index: one.index };
      const events = [added(one), ...steps.map((step) => ({ type: `response.${one.item.type}.${step}`, ...at }))];
      return [...events, close(one, false)];
    },

    add(chunk) {
      const events: ResponseEvent[] = [];
      for (const [piece, beside] of piecesOf(chunk)) for (const event of say(piece, beside)) events.push(event);
      return events;
    },

    *steps(chunk) {
      for (const [piece, beside] of piecesOf(chunk)) yield say(piece, beside);
    },

    close(isBroken = false) {
      const isCut = isBroken || statusOf(finish) === "incomplete";
      // A response without output gets an empty message, because clients look for one.
      const empty = output.length === 0 && !isBroken ? texts.begin() : [];
      const events = [...empty, ...texts.close(isCut)];
      for (const one of output) if (!one.done) events.push(...closeCall(one, isCut));
      return events;
    },

    response(end) {
      texts.settle();
      const status = end?.status ?? statusOf(finish);
      return {
        ...unsaid.told(shell),
        ...shell,
        status,
        error: end?.status === "failed" ? end.error : null,
        incomplete_details: status === "incomplete" ? { reason: reasonOf(finish) } : null,
        output: output.map(({ item }) => item),
        usage: usage == null ? null : toUsage(usage),
        ...(tier !== undefined && { service_tier: tier }),
        completed_at: status === "completed" ? Math.floor(Date.now() / 1000) : null,
      };
    },

    sealed: () => (sealed.size === 0 ? undefined : Object.fromEntries(sealed)),
  };
}

/** Event names for a call's arguments, and for a custom tool's input. */
const EVENTS = { arguments: "function_call_arguments", input: "custom_tool_call_input" } as const;

/** Converts a whole completion to a single chunk. */
export function toChunk({ choices, usage, ...beside }: ChatCompletion): ChatChunk {
  return {
    ...beside,
    choices: choices.map(({ message, ...choice }) => ({ ...choice, delta: message })),
    ...(usage != null && { usage }),
  };
}

function added({ index, item }: Open): ResponseEvent {
  return { type: "response.output_item.added", output_index: index, item: { ...item } };
}

function close(one: Open, isCut: boolean): ResponseEvent {
  one.done = true;
  one.item = { ...one.item, status: isCut ? "incomplete" : "completed" };
  return { type: "response.output_item.done", output_index: one.index, item: one.item };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Returns the reason of a choice: that of its provider where the model paused, which chat completions call a stop. */
function endOf(reason: string, { native_finish_reason: native }: Fields): string {
  return reason === "stop" && native === "pause_turn" ? native : reason;
}

function statusOf(finish: string | null): "completed" | "incomplete" {
  return endingOf(finish) === "complete" ? "completed" : "incomplete";
}

/** Returns why a response is incomplete, in this API's words if it has them. */
function reasonOf(finish: string | null): string {
  const ending = endingOf(finish);
  if (ending === "unknown") return shownReason(finish);
  return ending === "filtered" ? "content_filter" : "max_output_tokens";
}

/** Converts token counts to this API's names, with the endpoint's additional fields. */
function toUsage(usage: Usage): Fields {
  const {
    prompt_tokens: _,
    completion_tokens: __,
    prompt_tokens_details: given,
    completion_tokens_details: made,
    ...beside
  } = usage;
  const [input, output] = [told(given), told(made)];
  // Some endpoints send a count without a value.
  const count = (value: unknown) => (typeof value === "number" ? value : 0);
  const [asked, answered] = [count(usage.prompt_tokens), count(usage.completion_tokens)];
  return {
    ...told(beside),
    input_tokens: asked,
    input_tokens_details: {
      ...input,
      cached_tokens: count(input["cached_tokens"]),
      cache_write_tokens: count(input["cache_write_tokens"]),
    },
    output_tokens: answered,
    output_tokens_details: { ...output, reasoning_tokens: count(output["reasoning_tokens"]) },
    total_tokens: usage.total_tokens ?? asked + answered,
  };
}

/** Removes fields without a value. */
function told(fields: unknown): Fields {
  return isObject(fields) ? Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) : {};
}
