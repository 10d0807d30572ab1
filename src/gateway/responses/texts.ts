import { partOf, toEncryptedContent } from "../models/carried-thoughts.ts";
import { textIn, thoughtsIn } from "../../internal/content-text.ts";
import { isObject, type Fields } from "../../internal/fields.ts";
import type { Item, ResponseEvent } from "./shape.ts";

/** An item of the output that may still grow. */
export interface Open {
  readonly index: number;
  item: Item;
  done: boolean;
}

/** What a model says in words: its thoughts, its message, its refusal. One of them grows at a time. */
export interface Texts {
  /** The events that a delta of a chat completion makes; `choice` has what stands beside it, such as `logprobs`. */
  add(delta: Fields, choice: Fields): readonly ResponseEvent[];
  /** The events that begin a message in which nothing was said yet. */
  begin(): readonly ResponseEvent[];
  /** The events that close what is open; `isCut` when the model was cut off within it. */
  close(isCut?: boolean): readonly ResponseEvent[];
}

type Kind = "output_text" | "refusal" | "reasoning";

/**
 * Makes items and events of the words of a chat completion. Thoughts become the summary of a `reasoning` item: its events are the only ones
 * that both OpenAI's clients and Open Responses know. `seal` hears what the maker of an item's thoughts wants back.
 */
export function createTexts(open: (item: Fields) => Open, seal: (one: Open, content: string) => void): Texts {
  let current: { readonly one: Open; readonly kind: Kind } | undefined;
  /** Characters of thoughts so far: parts say after how many of them they begin. */
  let thought = 0;
  /** Annotations that came before the text that they are of. */
  let early: readonly Fields[] = [];
  /** Whether anything was said in writing: what is spoken beside it says the same. */
  let isWritten = false;
  /** Characters of the messages so far, where further ones begin that these have not reached, and in which phase the next one is said. */
  let spoken = 0;
  let marks: readonly Fields[] = [];
  let phase: string | undefined;

  function begin(kind: Kind): readonly ResponseEvent[] {
    const isThought = kind === "reasoning";
    const one = open(
      isThought
        ? { type: "reasoning", status: "in_progress", summary: [] }
        : {
            type: "message",
            status: "in_progress",
            role: "assistant",
            ...(phase !== undefined && { phase }),
            content: [],
          },
    );
    if (!isThought) phase = undefined;
    current = { one, kind };
    return [{ type: "response.output_item.added", output_index: one.index, item: { ...one.item } }];
  }

  function beginPart({ one, kind }: { readonly one: Open; readonly kind: Kind }): ResponseEvent {
    const part = emptyPart(kind);
    one.item = { ...one.item, [listOf(kind)]: [...partsOf(one, kind), part] };
    return { type: `response.${PARTS[kind]}.added`, ...at(one, kind), part };
  }

  function endPart({ one, kind }: { readonly one: Open; readonly kind: Kind }): readonly ResponseEvent[] {
    if (partsOf(one, kind).length === 0) return [];
    const part = lastPart(one, kind);
    const logprobs = kind === "output_text" ? { logprobs: part["logprobs"] ?? [] } : {};
    const said = kind === "refusal" ? { refusal: part["refusal"] } : { text: part["text"] };
    return [
      { type: `response.${WORDS[kind]}.done`, ...at(one, kind), ...said, ...logprobs },
      { type: `response.${PARTS[kind]}.done`, ...at(one, kind), part },
    ];
  }

  /** Thoughts of a delta, part by part, and what their maker wants back, which ends their item. */
  function think(words: string, details: readonly Fields[]): readonly ResponseEvent[] {
    const events: ResponseEvent[] = [];
    const before = thought;
    let told = 0;
    thought += words.length;
    const sayTo = (end: number) => {
      const piece = words.slice(told, Math.max(told, end));
      told += piece.length;
      if (piece !== "") events.push(...say("reasoning", piece, []));
    };
    for (const [nth, detail] of details.entries()) {
      const begun = partOf(detail);
      if (begun !== undefined) {
        const start = begun.start - before;
        sayTo(start - SEPARATOR);
        told = Math.max(told, Math.min(start, words.length));
        if (current?.kind !== "reasoning") continue;
        if (begun.part === 0) events.push(...close());
        else events.push(...endPart(current), beginPart(current));
      }
      const content = toEncryptedContent(detail);
      if (content === undefined) continue;
      const next = details
        .slice(nth + 1)
        .map(partOf)
        .find((part) => part !== undefined);
      sayTo(next === undefined ? words.length : next.start - before - SEPARATOR);
      if (current !== undefined && current.kind !== "reasoning") events.push(...close());
      if (current === undefined) events.push(...begin("reasoning"));
      const { one } = current as unknown as { readonly one: Open };
      seal(one, content);
      events.push(...close());
    }
    sayTo(words.length);
    return events;
  }

  function say(kind: Kind, piece: string, logprobs: readonly Fields[]): readonly ResponseEvent[] {
    const events: ResponseEvent[] = [];
    if (current !== undefined && current.kind !== kind) events.push(...close());
    if (current === undefined) events.push(...begin(kind));
    const { one } = current as unknown as { readonly one: Open };
    if (partsOf(one, kind).length === 0) events.push(beginPart({ one, kind }));
    const part = lastPart(one, kind);
    const field = textOf(kind);
    const grown = { ...part, [field]: String(part[field]) + piece };
    if (kind !== "output_text") {
      put(one, kind, grown);
      return [...events, { type: `response.${WORDS[kind]}.delta`, ...at(one, kind), delta: piece }];
    }
    put(one, kind, { ...grown, logprobs: [...((part["logprobs"] ?? []) as readonly Fields[]), ...logprobs] });
    return [...events, { type: "response.output_text.delta", ...at(one, kind), delta: piece, logprobs }];
  }

  /** Words of messages, each begun where a mark says so. A stored answer may come with all marks before its text. */
  function speak(words: string, found: readonly Fields[], logprobs: readonly Fields[]): readonly ResponseEvent[] {
    const events: ResponseEvent[] = [];
    let told = 0;
    const known = [...marks, ...found];
    marks = [];
    for (const [nth, { start, phase: next }] of known.entries()) {
      if (typeof start !== "number") continue;
      if (start > spoken + words.length) {
        marks = known.slice(nth);
        break;
      }
      const end = Math.max(told, start - spoken);
      if (end > told) events.push(...say("output_text", words.slice(told, end), []));
      told = end;
      if (current !== undefined && current.kind !== "reasoning") events.push(...close());
      phase = typeof next === "string" ? next : undefined;
    }
    spoken += words.length;
    if (told < words.length) events.push(...say("output_text", words.slice(told), logprobs));
    return events;
  }

  function annotate(found: readonly Fields[]): readonly ResponseEvent[] {
    if (current?.kind !== "output_text") {
      early = [...early, ...found];
      return [];
    }
    const { one, kind } = current;
    const part = lastPart(one, kind);
    const known = (part["annotations"] ?? []) as readonly Fields[];
    const annotations = found.map(toAnnotation);
    put(one, kind, { ...part, annotations: [...known, ...annotations] });
    return annotations.map((annotation, nth) => ({
      type: "response.output_text.annotation.added",
      ...at(one, kind),
      annotation_index: known.length + nth,
      annotation,
    }));
  }

  function close(isCut = false): readonly ResponseEvent[] {
    if (current === undefined) return [];
    const ending = current;
    const { one } = ending;
    current = undefined;
    one.done = true;
    one.item = { ...one.item, status: isCut ? "incomplete" : "completed" };
    return [...endPart(ending), { type: "response.output_item.done", output_index: one.index, item: one.item }];
  }

  return {
    begin() {
      const events = begin("output_text");
      return current === undefined ? events : [...events, beginPart(current)];
    },
    add(delta, choice) {
      const events: ResponseEvent[] = [];
      const logprobs = toLogprobs(choice["logprobs"]);
      const { reasoning_content: named, reasoning: other, reasoning_details: details } = delta;
      events.push(...think(wordsOf(named), Array.isArray(details) ? (details as readonly Fields[]) : []));
      // Some endpoints send the same thought under both names.
      if (other !== named) events.push(...think(wordsOf(other), []));
      if (typeof delta["content"] !== "string") events.push(...think(thoughtsIn(delta["content"]), []));
      const begun = Array.isArray(delta["phases"]) ? (delta["phases"] as readonly unknown[]).filter(isObject) : [];
      const [written, refused] = [textIn(delta["content"]), textIn(delta["refusal"])];
      events.push(...speak(written, begun, logprobs));
      if (refused !== "") events.push(...say("refusal", refused, logprobs));
      if (written !== "" || refused !== "") isWritten = true;
      const { transcript } = (delta["audio"] ?? {}) as Fields;
      if (!isWritten && wordsOf(transcript) !== "") events.push(...say("output_text", wordsOf(transcript), []));
      const found = Array.isArray(delta["annotations"]) ? (delta["annotations"] as readonly Fields[]) : [];
      const all = [...early, ...found];
      early = [];
      if (all.length > 0) events.push(...annotate(all));
      return events;
    },
    close,
  };
}

/** Characters between two parts of thoughts. */
const SEPARATOR = 2;
const PARTS = { output_text: "content_part", refusal: "content_part", reasoning: "reasoning_summary_part" } as const;
const WORDS = { output_text: "output_text", refusal: "refusal", reasoning: "reasoning_summary_text" } as const;

function textOf(kind: Kind): string {
  return kind === "refusal" ? "refusal" : "text";
}

function emptyPart(kind: Kind): Fields {
  if (kind === "refusal") return { type: "refusal", refusal: "" };
  if (kind === "reasoning") return { type: "summary_text", text: "" };
  return { type: "output_text", text: "", annotations: [], logprobs: [] };
}

function listOf(kind: Kind): "summary" | "content" {
  return kind === "reasoning" ? "summary" : "content";
}

function partsOf({ item }: Open, kind: Kind): readonly Fields[] {
  return item[listOf(kind)] as readonly Fields[];
}

function lastPart(one: Open, kind: Kind): Fields {
  return partsOf(one, kind).at(-1) ?? {};
}

/** Puts a part in the place of the last one. */
function put(one: Open, kind: Kind, part: Fields): void {
  one.item = { ...one.item, [listOf(kind)]: [...partsOf(one, kind).slice(0, -1), part] };
}

function at(one: Open, kind: Kind): Fields {
  const place = Math.max(0, partsOf(one, kind).length - 1);
  return {
    item_id: one.item.id,
    output_index: one.index,
    [kind === "reasoning" ? "summary_index" : "content_index"]: place,
  };
}

function wordsOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Log probabilities of a choice; endpoints leave bytes and alternatives out, clients require both. */
function toLogprobs(value: unknown): readonly Fields[] {
  const content = (value as { readonly content?: unknown } | null | undefined)?.content;
  if (!Array.isArray(content)) return [];
  return (content as readonly Fields[]).map(({ token, logprob, bytes, top_logprobs: others }) => ({
    token,
    logprob,
    bytes: bytes ?? [],
    top_logprobs: ((others ?? []) as readonly Fields[]).map((other) => ({ ...other, bytes: other["bytes"] ?? [] })),
  }));
}

/** Chat completions nest a citation under its type; responses have its fields beside it. */
function toAnnotation(annotation: Fields): Fields {
  const { type, ...rest } = annotation;
  const nested = rest[String(type)];
  return typeof nested === "object" && nested !== null ? { type, ...nested } : annotation;
}
