import { partOf, toEncryptedContent, toKeptContent, toWordsContent } from "../models/carried-thoughts.ts";
import { textIn, thoughtsIn } from "../../internal/content-text.ts";
import { isObject, type Fields } from "../../internal/fields.ts";
import { isWords, withMore, withStrings } from "../../internal/long-text.ts";
import { beginsPart, movedBy, placeOf, toFlatAnnotation } from "../../internal/phases.ts";
import type { Item, ResponseEvent } from "./shape.ts";

/** An item of the output that may still be under construction. */
export interface Open {
  readonly index: number;
  item: Item;
  done: boolean;
}

/** Builds the output items of a model's text: reasoning, and messages with texts and refusals. At most one item is open at a time. */
export interface Texts {
  /** Returns the events of a chat completion's delta; `choice` has the fields beside it, such as `logprobs`. */
  add(delta: Fields, choice: Fields): readonly ResponseEvent[];
  /** Returns the events that begin an empty message. */
  begin(): readonly ResponseEvent[];
  /** Returns the events that close open items; `isCut` if the model was cut off. */
  close(isCut?: boolean): readonly ResponseEvent[];
  /** Puts everything said so far into the items. */
  settle(): void;
}

type Kind = "output_text" | "refusal" | "reasoning";

/**
 * Makes items and events of the words of a chat completion. Thoughts become the summary of a `reasoning` item: its events are the only ones
 * that both OpenAI's clients and Open Responses know. `seal` hears what the maker of an item's thoughts wants back, as it is shown and as it is kept;
 * of thoughts that are words alone, nothing is kept beside these.
 */
export function createTexts(
  open: (item: Fields) => Open,
  seal: (one: Open, shown: string, kept: string | undefined) => void,
): Texts {
  let current: { readonly one: Open; readonly kind: Kind } | undefined;
  /** Parts of the item that grows, each replaced as it grows: a copy of the list for each piece would be quadratic. */
  let parts: Fields[] = [];
  /** Whether the thoughts that grow have what their maker wants back. */
  let isSealed = false;
  /** Characters of reasoning so far, from which parts count their start; and whether any item has reasoning. */
  let [thought, isThought] = [0, false];
  /** Citations whose text has not arrived yet, and the number of message characters before the current part. */
  let early: readonly Fields[] = [];
  let partStart = 0;
  /** Citations and log probabilities of the open part: a copy in the part for each piece would be quadratic. */
  let beside: { readonly annotations: Fields[]; readonly logprobs: Fields[] } = { annotations: [], logprobs: [] };
  /** Whether the message has text; an audio transcript would repeat it. */
  let isWritten = false;
  /** Message characters so far, the starts of further messages, and the phase of the next one. */
  let spoken = 0;
  let marks: readonly Fields[] = [];
  let phase: string | undefined;

  function begin(kind: Kind): readonly ResponseEvent[] {
    const thinks = kind === "reasoning";
    isSealed = false;
    const one = open(
      thinks
        ? { type: "reasoning", status: "in_progress", summary: [] }
        : {
            type: "message",
            status: "in_progress",
            role: "assistant",
            ...(phase !== undefined && { phase }),
            content: [],
          },
    );
    if (!thinks) phase = undefined;
    parts = [];
    current = { one, kind };
    return [{ type: "response.output_item.added", output_index: one.index, item: { ...one.item } }];
  }

  function beginPart({ one, kind }: { readonly one: Open; readonly kind: Kind }): ResponseEvent {
    const part = emptyPart(kind);
    partStart = spoken;
    beside = { annotations: [], logprobs: [] };
    parts.push(part);
    hold(one, kind);
    return { type: `response.${PARTS[kind]}.added`, ...at(one, kind), part };
  }

  /** Makes the list of parts that of the item: an item that was shown while it grew has a list of its own. */
  function hold(one: Open, kind: Kind): void {
    const list = listOf(kind);
    if (one.item[list] !== parts) one.item = { ...one.item, [list]: parts };
  }

  /** Replaces the last part. */
  function put(one: Open, kind: Kind, part: Fields): void {
    parts[parts.length - 1] = part;
    hold(one, kind);
  }

  function at(one: Open, kind: Kind): Fields {
    const place = Math.max(0, parts.length - 1);
    return {
      item_id: one.item.id,
      output_index: one.index,
      [kind === "reasoning" ? "summary_index" : "content_index"]: place,
    };
  }

  function endPart({ one, kind }: { readonly one: Open; readonly kind: Kind }): readonly ResponseEvent[] {
    if (parts.length === 0) return [];
    if (kind === "output_text") put(one, kind, { ...parts.at(-1), ...beside });
    const part = parts.at(-1) ?? {};
    const logprobs = kind === "output_text" ? { logprobs: part["logprobs"] ?? [] } : {};
    const said = kind === "refusal" ? { refusal: part["refusal"] } : { text: part["text"] };
    return [
      { type: `response.${WORDS[kind]}.done`, ...at(one, kind), ...said, ...logprobs },
      { type: `response.${PARTS[kind]}.done`, ...at(one, kind), part },
    ];
  }

  /** Returns the events of a delta's reasoning by part, and of the encrypted content that ends its item. */
  function think(words: string, details: readonly Fields[]): readonly ResponseEvent[] {
    const events: ResponseEvent[] = [];
    const before = thought;
    let told = 0;
    thought += words.length;
    const sayTo = (end: number) => {
      const piece = words.slice(told, Math.max(told, end));
      told += piece.length;
      // The separator between two items' reasoning is not part of either.
      const said = isThought && current?.kind !== "reasoning" ? piece.replace(/^\n\n/, "") : piece;
      if (said === "") return;
      isThought = true;
      events.push(...say("reasoning", said, []));
    };
    /** For each entry, the next part that begins behind it. */
    const followed: ReturnType<typeof partOf>[] = [];
    let later: ReturnType<typeof partOf>;
    for (let nth = details.length - 1; nth >= 0; nth -= 1) {
      followed[nth] = later;
      later = partOf(details[nth] as Fields) ?? later;
    }
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
      const next = followed[nth];
      sayTo(next === undefined ? words.length : next.start - before - SEPARATOR);
      if (current !== undefined && current.kind !== "reasoning") events.push(...close());
      if (current === undefined) events.push(...begin("reasoning"));
      const { one } = current as unknown as { readonly one: Open };
      seal(one, content, toKeptContent(detail) ?? content);
      isSealed = true;
      events.push(...close());
    }
    sayTo(words.length);
    return events;
  }

  function say(kind: Kind, piece: string, logprobs: readonly Fields[]): readonly ResponseEvent[] {
    const events: ResponseEvent[] = [];
    if (current !== undefined && listOf(current.kind) !== listOf(kind)) events.push(...close());
    if (current === undefined) events.push(...begin(kind));
    else if (current.kind !== kind) {
      events.push(...endPart(current));
      current = { one: current.one, kind };
      events.push(beginPart(current));
    }
    const { one } = current as unknown as { readonly one: Open };
    if (parts.length === 0) events.push(beginPart({ one, kind }));
    const part = parts.at(-1) ?? {};
    const field = textOf(kind);
    const known = part[field];
    const grown = { ...part, [field]: withMore(isWords(known) ? known : "", piece) };
    if (kind !== "output_text") {
      put(one, kind, grown);
      return [...events, { type: `response.${WORDS[kind]}.delta`, ...at(one, kind), delta: piece }];
    }
    put(one, kind, grown);
    for (const token of logprobs) beside.logprobs.push(token);
    return [...events, { type: "response.output_text.delta", ...at(one, kind), delta: piece, logprobs }];
  }

  /**
   * Returns the events of message text, with messages and parts begun at their marks, and their citations. A stored answer may have all
   * marks and citations before its text.
   */
  function speak(words: string, found: readonly Fields[], logprobs: readonly Fields[]): readonly ResponseEvent[] {
    const events: ResponseEvent[] = [];
    let [rest, used] = [words, 0];
    const known = [...marks, ...found];
    marks = [];
    for (const [nth, mark] of known.entries()) {
      const { start, phase: next } = mark;
      if (typeof start !== "number") continue;
      if (start > spoken + rest.length) {
        marks = known.slice(nth);
        break;
      }
      const piece = rest.slice(0, Math.max(0, start - spoken));
      rest = rest.slice(piece.length);
      const own = tokensOf(logprobs, used, piece.length);
      used += own.length;
      events.push(...grow(piece, own), ...cite((place = start) => place < start));
      if (beginsPart(mark) && current?.kind === "output_text") events.push(...endPart(current), beginPart(current));
      // After a refusal, text is a separate part.
      else if (!beginsPart(mark) || current?.kind !== "refusal") {
        if (current !== undefined && current.kind !== "reasoning") events.push(...close());
        phase = typeof next === "string" ? next : undefined;
      }
    }
    return [...events, ...grow(rest, logprobs.slice(used)), ...cite((place = 0) => place < spoken)];
  }

  function grow(words: string, logprobs: readonly Fields[]): readonly ResponseEvent[] {
    if (words === "") return [];
    const events = say("output_text", words, logprobs);
    spoken += words.length;
    return events;
  }

  /** Adds pending citations to the text under construction, by their start. */
  function cite(isOf: (place: number | undefined) => boolean): readonly ResponseEvent[] {
    if (current?.kind !== "output_text" || early.length === 0) return [];
    const [found, waiting]: [Fields[], Fields[]] = [[], []];
    for (const annotation of early) (isOf(placeOf(annotation)) ? found : waiting).push(annotation);
    if (found.length === 0) return [];
    early = waiting;
    const { one, kind } = current;
    return found.map((given) => {
      const annotation = movedBy(given, -partStart);
      beside.annotations.push(annotation);
      return {
        type: "response.output_text.annotation.added",
        ...at(one, kind),
        annotation_index: beside.annotations.length - 1,
        annotation,
      };
    });
  }

  function close(isCut = false): readonly ResponseEvent[] {
    if (current === undefined) return [];
    const ending = current;
    const { one } = ending;
    current = undefined;
    one.done = true;
    const words = ending.kind === "reasoning" && !isSealed ? toWordsOf(one.item) : undefined;
    if (words !== undefined) seal(one, words, undefined);
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
      // Some endpoints send the same reasoning under both names.
      if (other !== named) events.push(...think(wordsOf(other), []));
      if (typeof delta["content"] !== "string") events.push(...think(thoughtsIn(delta["content"]), []));
      if (Array.isArray(delta["annotations"])) {
        const cited = (delta["annotations"] as readonly unknown[]).filter(isObject);
        early = [...early, ...cited.map(toFlatAnnotation)];
      }
      const begun = Array.isArray(delta["phases"]) ? (delta["phases"] as readonly unknown[]).filter(isObject) : [];
      const [written, refused] = [textIn(delta["content"]), textIn(delta["refusal"])];
      events.push(...speak(written, begun, logprobs));
      if (refused !== "") events.push(...say("refusal", refused, logprobs));
      if (written !== "" || refused !== "") isWritten = true;
      const { transcript } = (delta["audio"] ?? {}) as Fields;
      if (!isWritten && wordsOf(transcript) !== "") events.push(...say("output_text", wordsOf(transcript), []));
      return events;
    },
    close: (isCut) => [...cite(() => true), ...close(isCut)],
    settle() {
      if (current === undefined) return;
      const { one, kind } = current;
      if (kind !== "output_text") {
        one.item = { ...one.item, [listOf(kind)]: [...parts] };
        return;
      }
      if (parts.length === 0) return;
      const { annotations, logprobs } = beside;
      const shown = { ...parts.at(-1), annotations: [...annotations], logprobs: [...logprobs] };
      one.item = { ...one.item, [listOf(kind)]: [...parts.slice(0, -1), shown] };
    },
  };
}

/** What stands for thoughts that are words alone, where clients want what their maker does. */
export function toWordsOf({ summary }: Fields): string | undefined {
  const parts = Array.isArray(summary) ? (summary as readonly unknown[]).filter(isObject) : [];
  const words = parts.map(({ text }) => wordsOf(withStrings(text))).join("\n\n");
  return words === "" ? undefined : toWordsContent(words);
}

/** Characters between two parts of reasoning. */
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

function wordsOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Converts log probabilities; endpoints omit bytes and alternatives, which clients require. */
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

/** Pairs each delta with its choice's other fields; log probabilities are split, so that each delta gets those of its own text. */
export function besideEach(deltas: readonly Fields[], choice: Fields): readonly (readonly [Fields, Fields])[] {
  const [only] = deltas;
  if (deltas.length === 1 && only !== undefined) return [[only, choice]];
  const { logprobs, ...beside } = choice;
  const tokens = isObject(logprobs) && Array.isArray(logprobs["content"]) ? (logprobs["content"] as Fields[]) : [];
  if (tokens.length === 0) return deltas.map((delta) => [delta, choice]);
  let used = 0;
  return deltas.map((delta) => {
    const own = tokensOf(tokens, used, textIn(delta["content"]).length);
    used += own.length;
    return [delta, { ...beside, logprobs: { content: own } }];
  });
}

/** The tokens from a place on that a text of so many characters begins with. */
function tokensOf(tokens: readonly Fields[], from: number, chars: number): readonly Fields[] {
  let [end, told] = [from, 0];
  while (end < tokens.length && told < chars) {
    told += wordsOf(tokens[end]?.["token"]).length;
    end += 1;
  }
  return tokens.slice(from, end);
}
