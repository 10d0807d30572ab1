import { thoughtsIn } from "./content-text.ts";
import { isObject, type Fields } from "./fields.ts";
import { isWords } from "./long-text.ts";

/*
 * A chat message has one field for all reasoning, one for all text and one for all calls. If the model did not say them in this order, the field
 * `order` of the message has the real order: each step says how much of each field came next, in characters of texts and entries of lists.
 */

/** A field of a message that grows while the message is streamed. */
type Field = (typeof FIELDS)[number];
/** Length of each field's next piece. */
export type Step = Readonly<Partial<Record<Field, number>>>;
type Growing = Partial<Record<Field, number>>;

/** These fields, in the order in which readers of one message or delta process them. */
const FIELDS = [
  "reasoning_content",
  "reasoning",
  "reasoning_details",
  "phases",
  "content",
  "annotations",
  "refusal",
  "tool_calls",
] as const;

/** The place of each field in that order. Fields of the same place may grow side by side within one step. */
const RANKS: ReadonlyMap<string, number> = new Map<Field, number>([
  ["reasoning_content", 0],
  ["reasoning", 0],
  ["reasoning_details", 1],
  ["phases", 2],
  ["content", 2],
  ["annotations", 2],
  ["refusal", 3],
  ["tool_calls", 4],
]);

/** Maximum steps of one message; a message that needs more gets no `order`. */
const STEPS_MAX = 10_000;

/** Records the order of a message while the message grows. */
export interface Order {
  /** Records a delta. `calls`: how many calls begin in it. @default the number of its calls */
  add(delta: Fields, calls?: number): void;
  /** Records more characters of one text, like a delta that has only this text. */
  grow(field: string, chars: number): void;
  /** Returns the field `order` of the message, or nothing if the usual order holds. */
  told(): { readonly order?: readonly Step[] };
  /** Discards the record. */
  drop(): void;
}

/** Makes an empty record. */
export function createOrder(): Order {
  let steps: Growing[] = [];
  /** The highest place in the last step. */
  let last = -1;

  function note(step: Growing, first: number, highest: number): void {
    if (steps.length > STEPS_MAX) return;
    const into = steps.at(-1);
    if (into === undefined || first < last) {
      steps.push(step);
      last = highest;
      return;
    }
    for (const [field, count] of Object.entries(step) as [Field, number][]) into[field] = (into[field] ?? 0) + count;
    last = Math.max(last, highest);
  }

  function grow(field: string, chars: number): void {
    const rank = RANKS.get(field);
    if (rank === undefined || chars === 0) return;
    const into = steps.at(-1);
    if (into === undefined || rank !== last) note({ [field]: chars }, rank, rank);
    else into[field as Field] = (into[field as Field] ?? 0) + chars;
  }

  return {
    add(delta, calls) {
      let [only, chars, many] = ["", 0, false];
      // Once for each event of a stream, which mostly has one field that grows: no step is made for it.
      for (const field of Object.keys(delta)) {
        const count = countIn(delta, field, calls);
        if (count === 0) continue;
        many ||= only !== "";
        [only, chars] = [field, count];
      }
      if (many) note(...toStep(delta, calls));
      else if (only === "reasoning_details" && isMarks(delta[only])) note({ [only]: chars }, 0, 0);
      else grow(only, chars);
    },

    grow,

    told: () => (steps.length < 2 || steps.length > STEPS_MAX ? {} : { order: steps.map((step) => ({ ...step })) }),

    drop() {
      steps = [];
      last = -1;
    },
  };
}

/** How much of a field a delta has; nothing of fields that a message does not grow by. */
function countIn(delta: Fields, field: string, calls: number | undefined): number {
  if (!RANKS.has(field)) return 0;
  return field === "tool_calls" && calls !== undefined ? calls : lengthOf(delta[field]);
}

/** A delta as a step, with the first and the last place of its fields. */
function toStep(delta: Fields, calls: number | undefined): readonly [step: Growing, first: number, highest: number] {
  const step: Growing = {};
  let [first, highest] = [Number.POSITIVE_INFINITY, -1];
  for (const field of FIELDS) {
    const count = countIn(delta, field, calls);
    if (count === 0) continue;
    step[field] = count;
    const rank = field === "reasoning_details" && isMarks(delta[field]) ? 0 : (RANKS.get(field) ?? 0);
    first = Math.min(first, rank);
    highest = Math.max(highest, rank);
  }
  return [step, first, highest];
}

/**
 * Splits a message, or a delta that holds a whole one, into the deltas that its `order` describes; without a valid `order`, returns it alone. A step
 * that wants more than there is gets what there is, and what no step names comes last. Each call gets the `index` of its place. Pure.
 */
export function inOrder(said: Fields): readonly Fields[] {
  const steps = toSteps(said["order"]);
  if (steps === undefined) return [said];
  const { order: _, ...whole } = said;
  const told = new Map<Field, number>();
  const cut = (toEnd: (field: Field, from: number) => number) => {
    const delta: { -readonly [Name in Field]?: unknown } = {};
    for (const field of FIELDS) {
      const [value, from] = [whole[field], told.get(field) ?? 0];
      const end = Math.min(toEnd(field, from), lengthOf(value));
      if (end <= from) continue;
      delta[field] = slice(field, value, from, end);
      told.set(field, end);
    }
    return delta;
  };
  const deltas = steps.map((step) => cut((field, from) => from + (step[field] ?? 0)));
  deltas.push(cut(() => Number.POSITIVE_INFINITY));
  const beside = Object.entries(whole).filter(([field, value]) => !RANKS.has(field) || lengthOf(value) === 0);
  const [first, ...others] = deltas.filter((delta) => Object.keys(delta).length > 0);
  return [{ ...Object.fromEntries(beside), ...first }, ...others];
}

/** Does the same, and also splits a content that is a list of parts with reasoning among them: each part is a delta of its own. Pure. */
export function inTurn(said: Fields): readonly Fields[] {
  if (said["order"] === undefined && !Array.isArray(said["content"])) return [said];
  return inOrder(said).flatMap((delta) => {
    const { content, ...others } = delta;
    if (!Array.isArray(content) || content.length < 2 || thoughtsIn(content) === "") return [delta];
    const [first, ...parts] = (content as readonly unknown[]).map((part) => ({ content: [part] }));
    const { refusal, tool_calls: calls, ...before } = others;
    const behind = { ...(refusal !== undefined && { refusal }), ...(calls !== undefined && { tool_calls: calls }) };
    return [{ ...before, ...first }, ...parts, ...(Object.keys(behind).length > 0 ? [behind] : [])];
  });
}

/** Returns the rest of an order after part of its message (`said`) was sent; `undefined` without a valid order. Pure. */
export function orderAfter(order: unknown, said: Fields): readonly Step[] | undefined {
  const steps = toSteps(order);
  if (steps === undefined) return undefined;
  const known = new Map<string, number>(FIELDS.map((field) => [field, lengthOf(said[field])]));
  return steps.map((step) =>
    Object.fromEntries(
      Object.entries(step).map(([field, count]) => {
        const taken = Math.min(count, known.get(field) ?? 0);
        known.set(field, (known.get(field) ?? 0) - taken);
        return [field, count - taken];
      }),
    ),
  );
}

/** Returns the field `order` for two messages that are joined into one. Pure. */
export function joinedOrder(first: Fields, second: Fields): { readonly order?: readonly Step[] } {
  const order = createOrder();
  for (const delta of [...inOrder(first), ...inOrder(second)]) order.add(delta);
  return order.told();
}

function toSteps(order: unknown): readonly Step[] | undefined {
  if (!Array.isArray(order) || order.length === 0 || order.length > STEPS_MAX) return undefined;
  const isStep = (step: unknown): step is Step =>
    isObject(step) && Object.values(step).every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
  return (order as readonly unknown[]).every(isStep) ? (order as readonly Step[]) : undefined;
}

function lengthOf(value: unknown): number {
  return isWords(value) || Array.isArray(value) ? value.length : 0;
}

function slice(field: string, value: unknown, from: number, end: number): unknown {
  if (isWords(value)) return value.slice(from, end);
  const part = (value as readonly unknown[]).slice(from, end);
  if (field !== "tool_calls") return part;
  return part.map((call, at) => (isObject(call) ? { index: from + at, ...call } : call));
}

/** Returns whether all entries of `reasoning_details` only mark a place in the reasoning text: these have a `start` of their own. */
function isMarks(details: unknown): boolean {
  return Array.isArray(details) && details.every((detail) => isObject(detail) && typeof detail["start"] === "number");
}
