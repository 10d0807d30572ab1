import { isObject, isText, ownField, type Fields } from "./fields.ts";

/*
 * `phases` of a chat's message say where in its text each message of an answer begins, and each further part of one: `start` counts characters
 * before it, as JavaScript counts them. An entry with `part` begins a part, others a message.
 */

/** An original message. */
export interface SaidMessage {
  readonly phase: string | undefined;
  readonly parts: readonly SaidPart[];
}

/** A part of a message, with the citations of its own text. */
export interface SaidPart {
  readonly text: string;
  readonly annotations: readonly Fields[];
}

/** Returns true if an entry of `phases` begins another part of its message. */
export function beginsPart({ part }: Fields): boolean {
  return typeof part === "number" && part > 0;
}

/** Splits a text into its original messages and parts. Empty ones are left out. Pure. */
export function toSaidMessages(text: string, phases: unknown, annotations?: unknown): readonly SaidMessage[] {
  const begun = toBeginnings(phases);
  const cited = begun.map((): Fields[] => []);
  for (const annotation of Array.isArray(annotations) ? (annotations as readonly unknown[]) : []) {
    if (!isObject(annotation)) continue;
    const flat = toFlatAnnotation(annotation);
    const at = lastUpTo(begun, placeOf(flat) ?? text.length);
    cited[at]?.push(movedBy(flat, -(begun[at]?.start ?? 0)));
  }
  const messages: { readonly phase: string | undefined; readonly parts: SaidPart[] }[] = [];
  for (const [at, { start, phase, isPart }] of begun.entries()) {
    const part = { text: text.slice(start, begun[at + 1]?.start), annotations: cited[at] ?? [] };
    const last = messages.at(-1);
    if (!isPart || last === undefined) messages.push({ phase, parts: part.text === "" ? [] : [part] });
    else if (part.text !== "") last.parts.push(part);
  }
  return messages.filter(({ parts }) => parts.length > 0);
}

interface Beginning {
  readonly start: number;
  readonly phase: string | undefined;
  readonly isPart: boolean;
}

/** Returns the starts of messages and parts in the order of the text, without overlaps. */
function toBeginnings(phases: unknown): readonly Beginning[] {
  const begun: Beginning[] = [];
  let least = 0;
  for (const mark of Array.isArray(phases) ? (phases as readonly unknown[]) : []) {
    if (!isObject(mark)) continue;
    if (typeof mark["start"] === "number") least = Math.max(least, mark["start"]);
    begun.push({ start: least, phase: isText(mark["phase"]) ? mark["phase"] : undefined, isPart: beginsPart(mark) });
  }
  return begun[0]?.start === 0 ? begun : [{ start: 0, phase: undefined, isPart: false }, ...begun];
}

/** The last one that begins at a place or before it. */
function lastUpTo(begun: readonly Beginning[], place: number): number {
  let [low, high] = [0, begun.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((begun[middle]?.start ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Flattens a citation, whose fields chat completions nest under its type. */
export function toFlatAnnotation(annotation: Fields): Fields {
  const { type, ...rest } = annotation;
  const nested = ownField(rest, String(type));
  return isObject(nested) ? { type, ...nested } : annotation;
}

/** Returns the start of a citation in its text; `undefined` for one without a position. */
export function placeOf({ start_index: start }: Fields): number | undefined {
  return typeof start === "number" ? start : undefined;
}

/** Shifts an entry of `phases` by the characters put before its text. */
export function movedMark(mark: unknown, by: number): unknown {
  if (by === 0 || !isObject(mark) || typeof mark["start"] !== "number") return mark;
  return { ...mark, start: Math.max(0, mark["start"] + by) };
}

/** Shifts a citation by the characters put before its text. A start before the text becomes the text's start. */
export function movedBy(annotation: Fields, by: number): Fields {
  if (by === 0) return annotation;
  const moved = PLACES.filter((name) => typeof annotation[name] === "number").map((name) => [
    name,
    Math.max(0, (annotation[name] as number) + by),
  ]);
  return moved.length === 0 ? annotation : { ...annotation, ...(Object.fromEntries(moved) as Fields) };
}

const PLACES = ["start_index", "end_index"] as const;
