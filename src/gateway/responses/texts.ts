import type { Fields } from "../../internal/fields.ts";
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

/** Fields of a delta by the kind of text in them; endpoints name thoughts in two ways. */
const FIELDS: readonly (readonly [string, Kind])[] = [
  ["reasoning_content", "reasoning"],
  ["reasoning", "reasoning"],
  ["content", "output_text"],
  ["refusal", "refusal"],
];

/**
 * Makes items and events of the words of a chat completion. Thoughts become the summary of a `reasoning` item: its events are the only ones
 * that both OpenAI's clients and Open Responses know.
 */
export function createTexts(open: (item: Fields) => Open): Texts {
  let current: { readonly one: Open; readonly kind: Kind } | undefined;
  /** Annotations that came before the text that they are of. */
  let early: readonly Fields[] = [];

  function begin(kind: Kind): readonly ResponseEvent[] {
    const isThought = kind === "reasoning";
    const one = open(
      isThought
        ? { type: "reasoning", status: "in_progress", summary: [] }
        : { type: "message", status: "in_progress", role: "assistant", content: [] },
    );
    current = { one, kind };
    const part = emptyPart(kind);
    const added = { type: "response.output_item.added", output_index: one.index, item: { ...one.item } };
    const name = isThought ? "reasoning_summary_part" : "content_part";
    put(one, kind, part);
    return [added, { type: `response.${name}.added`, ...at(one, kind), part }];
  }

  function say(kind: Kind, piece: string, logprobs: readonly Fields[]): readonly ResponseEvent[] {
    const events: ResponseEvent[] = [];
    if (current !== undefined && current.kind !== kind) events.push(...close());
    if (current === undefined) events.push(...begin(kind));
    const { one } = current as unknown as { readonly one: Open };
    const part = partOf(one, kind);
    const field = textOf(kind);
    const grown = { ...part, [field]: String(part[field]) + piece };
    if (kind !== "output_text") {
      put(one, kind, grown);
      return [...events, { type: `response.${WORDS[kind]}.delta`, ...at(one, kind), delta: piece }];
    }
    put(one, kind, { ...grown, logprobs: [...((part["logprobs"] ?? []) as readonly Fields[]), ...logprobs] });
    return [...events, { type: "response.output_text.delta", ...at(one, kind), delta: piece, logprobs }];
  }

  function annotate(found: readonly Fields[]): readonly ResponseEvent[] {
    if (current?.kind !== "output_text") {
      early = [...early, ...found];
      return [];
    }
    const { one, kind } = current;
    const part = partOf(one, kind);
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
    const { one, kind } = current;
    current = undefined;
    one.done = true;
    one.item = { ...one.item, status: isCut ? "incomplete" : "completed" };
    const part = partOf(one, kind);
    const name = kind === "reasoning" ? "reasoning_summary_part" : "content_part";
    const logprobs = kind === "output_text" ? { logprobs: part["logprobs"] ?? [] } : {};
    const said = kind === "refusal" ? { refusal: part["refusal"] } : { text: part["text"] };
    return [
      { type: `response.${WORDS[kind]}.done`, ...at(one, kind), ...said, ...logprobs },
      { type: `response.${name}.done`, ...at(one, kind), part },
      { type: "response.output_item.done", output_index: one.index, item: one.item },
    ];
  }

  return {
    begin: () => begin("output_text"),
    add(delta, choice) {
      const events: ResponseEvent[] = [];
      const logprobs = toLogprobs(choice["logprobs"]);
      const seen = new Set<unknown>();
      for (const [field, kind] of FIELDS) {
        const piece = delta[field];
        // Some endpoints send the same thought under both names.
        if (typeof piece !== "string" || piece === "" || (kind === "reasoning" && seen.has(piece))) continue;
        if (kind === "reasoning") seen.add(piece);
        events.push(...say(kind, piece, logprobs));
      }
      const found = Array.isArray(delta["annotations"]) ? (delta["annotations"] as readonly Fields[]) : [];
      const all = [...early, ...found];
      early = [];
      if (all.length > 0) events.push(...annotate(all));
      return events;
    },
    close,
  };
}

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

function partOf({ item }: Open, kind: Kind): Fields {
  return (item[listOf(kind)] as readonly Fields[])[0] ?? {};
}

function put(one: Open, kind: Kind, part: Fields): void {
  one.item = { ...one.item, [listOf(kind)]: [part] };
}

function at({ index, item }: Open, kind: Kind): Fields {
  return { item_id: item.id, output_index: index, [kind === "reasoning" ? "summary_index" : "content_index"]: 0 };
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
