import { decodeInTurns } from "./decoded-text.ts";
import { parseExact } from "./exact-json.ts";
import { liftStrings } from "./lifted-json.ts";
import { LongText } from "./long-text.ts";
import { takeInSlices } from "./time-slice.ts";
import { inWholeCharacters } from "./whole-character.ts";

/** Bounds of a JSON text that somebody else made, beside its length. */
export interface WideBudget {
  /** Values in it: fields of objects, items of lists, objects and lists. */
  readonly valuesMax: number;
  /** Values within the fields that `isBulk` names, which count apart. */
  readonly bulkValuesMax: number;
  /** Objects and lists inside one another. */
  readonly depthMax: number;
  /** Fields of one object. */
  readonly fieldsMax: number;
  /** Whether a field, by its name as it is written, holds many small values by nature, such as log probabilities. */
  readonly isBulk: (name: string) => boolean;
}

/** No bound: for what this process wrote, or another Marrow. */
export const UNBOUNDED: WideBudget = {
  valuesMax: Infinity,
  bulkValuesMax: Infinity,
  depthMax: Infinity,
  fieldsMax: Infinity,
  isBulk: () => false,
};

/** A JSON text is over one of its bounds; the message names it. */
export class JsonTooWide extends Error {}

/** A name of a field was taken out of a text with its strings. */
class NameTakenOut extends JsonTooWide {}

/** Characters that `JSON.parse` reads in one go: well below a millisecond. */
const PIECE_CHARS = 65_536;
/** Characters and escapes between two looks at the clock. */
const STEPS = 8_192;
/** Longest name of a field, in characters. */
const NAME_CHARS_MAX = 65_536;

/** Reads a JSON text of any length within its bounds, at once, as {@link parseExact} does. @throws JsonTooWide, and SyntaxError for what is no JSON */
export function readWide(text: string, budget: WideBudget): unknown {
  const steps = read(text, budget, Infinity);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Which strings of a text in pieces are taken out of it before it is read, by their characters, and which of these stay in pieces. */
export interface PiecesOptions {
  /** Returns whether the string of a field is a {@link LongText}; the name is empty for an item of a list. @default none is */
  readonly keepsPieces?: ((field: string, chars: number) => boolean) | undefined;
  /** @default as many as the longest name of a field has; few for a long text, the rest of which is put together in one go */
  readonly stringCharsMax?: number;
}

/**
 * Reads a long JSON text in pieces as {@link readInTurns} does, without joining them.
 * @throws JsonTooWide, and SyntaxError for what is no JSON
 */
export async function readPiecesInTurns(
  long: LongText,
  budget: WideBudget,
  options: PiecesOptions = {},
): Promise<unknown> {
  const { keepsPieces = () => false, stringCharsMax = long.length < LONG_CHARS ? NAME_CHARS_MAX : SHORT_CHARS } =
    options;
  const { text, strings } = await takeInSlices(liftStrings(long.pieces, stringCharsMax));
  try {
    return await takeInSlices(read(text, budget, PIECE_CHARS, { strings, keepsPieces }));
  } catch (error) {
    if (!(error instanceof NameTakenOut) || stringCharsMax >= NAME_CHARS_MAX) throw error;
    return readPiecesInTurns(long, budget, { keepsPieces, stringCharsMax: NAME_CHARS_MAX });
  }
}

/** From this size on, a text without its long strings may be long by itself: all that are not short are taken out of it. */
const [LONG_CHARS, SHORT_CHARS] = [524_288, 256];

/**
 * Reads JSON bytes as {@link parseExact} does: a short text at once, a long one in turns of the event loop.
 * @throws JsonTooWide, and SyntaxError for what is no JSON
 */
export async function readBytesInTurns(
  bytes: Buffer,
  budget: WideBudget = UNBOUNDED,
  options: PiecesOptions = {},
): Promise<unknown> {
  if (bytes.length < LONG_BYTES) return readWide(bytes.toString("utf8"), budget);
  return readPiecesInTurns(await decodeInTurns(bytes), budget, options);
}

const LONG_BYTES = 131_072;

/**
 * Reads a long JSON text as {@link parseExact} does, in turns of the event loop: it is cut where values end, and each piece parsed alone.
 * @throws JsonTooWide, and SyntaxError for what is no JSON
 */
export async function readInTurns(
  text: string,
  budget: WideBudget,
  pieceChars: number = PIECE_CHARS,
): Promise<unknown> {
  return takeInSlices(read(text, budget, pieceChars));
}

/** An object or a list that has not come to its end. */
interface Open {
  readonly isList: boolean;
  readonly isBulk: boolean;
  /** Where it begins. */
  readonly at: number;
  items: number;
  /** Its value so far, once it is put together of pieces; until then all of its text is one run. */
  value: unknown[] | Record<string, unknown> | undefined;
  /** Where the run of whole items begins that were not parsed yet. */
  from: number;
  /** Whether an item that was parsed alone stands right before `from`. */
  isBehind: boolean;
  /** The last name of a field in it, with its quotes; and the name under which the next part goes that is parsed alone. */
  name: readonly [start: number, end: number];
  wantsName: boolean;
  under: string;
}

/** Strings that were taken out of a text, and which of them stay in pieces. */
interface Lifted {
  readonly keepsPieces: (field: string, chars: number) => boolean;
  readonly strings: ReadonlyMap<number, readonly string[]>;
}

const NONE: Lifted = { strings: new Map(), keepsPieces: () => false };

/** Reads step by step; the steps between its turns are short. */
function* read(
  text: string,
  budget: WideBudget,
  pieceChars: number,
  { strings, keepsPieces }: Lifted = NONE,
): Generator<undefined, unknown> {
  const opened: Open[] = [];
  /** The outermost so many are put together of pieces. */
  let made = 0;
  let [values, bulk, steps] = [0, 0, 0];
  let [quote, escape] = [-1, -1];
  const chars = Math.max(1, pieceChars);

  /** Parses the whole items of a run, without the comma behind them where `hasComma`. */
  function take(one: Open, end: number, hasComma: boolean): void {
    let run = text.slice(one.from, end);
    if (one.isBehind) return run === "" || isBlank(run) ? undefined : fail();
    if (hasComma) {
      if (isBlank(run)) return undefined;
      run = run.trimEnd();
      if (!run.endsWith(",")) fail();
      run = run.slice(0, -1);
    }
    if (isBlank(run)) fail();
    if (one.isList) for (const item of parseExact(`[${run}]`) as unknown[]) (one.value as unknown[]).push(item);
    else for (const [name, value] of Object.entries(parseExact(`{${run}}`) as object)) put(one, name, value);
  }

  /** Makes room in an object or a list for a part that begins here and is parsed alone. */
  function expect(one: Open, at: number): void {
    if (one.isBehind) fail();
    if (one.isList) return take(one, at, true);
    const [start, end] = one.name;
    if (start < one.from || text.slice(end, at).replaceAll(/[ \t\n\r]/g, "") !== ":") fail();
    take(one, start, true);
    one.under = JSON.parse(text.slice(start, end)) as string;
  }

  function give(one: Open, part: unknown, end: number): void {
    if (one.isList) (one.value as unknown[]).push(part);
    else put(one, one.under, part);
    one.from = end;
    one.isBehind = true;
  }

  /** Puts all that is open together of pieces from here on. */
  function make(): void {
    for (; made < opened.length; made += 1) {
      const one = opened[made] as Open;
      const around = opened[made - 1];
      if (around !== undefined) expect(around, one.at);
      else if (!isBlank(text.slice(0, one.at))) fail();
      one.value = one.isList ? [] : {};
    }
  }

  function count(one: Open | undefined): void {
    if (one?.isBulk === true ? (bulk += 1) > budget.bulkValuesMax : (values += 1) > budget.valuesMax)
      throw new JsonTooWide(`more than ${one?.isBulk === true ? budget.bulkValuesMax : budget.valuesMax} values`);
  }

  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const top = opened.at(-1);
    steps += 1;
    if (steps % STEPS === 0) yield;
    const lifted = strings.size > 0 && code === QUOTE ? strings.get(at) : undefined;
    if (lifted !== undefined) {
      if (top?.isList === false && top.wantsName)
        throw new NameTakenOut(`a field whose name has over ${NAME_CHARS_MAX} characters`);
      make();
      if (top !== undefined) expect(top, at);
      const pieces: string[] = [];
      for (const piece of lifted) {
        pieces.push(JSON.parse(`"${piece}"`) as string);
        yield;
      }
      at += 1;
      const long = new LongText(inWholeCharacters(pieces));
      const field = top?.isList === false ? top.under : "";
      const whole = keepsPieces(field, long.length) ? long : long.toString();
      if (top !== undefined) give(top, whole, at + 1);
      else if (isBlank(text.slice(0, at - 1)) && isBlank(text.slice(at + 1))) return whole;
      else fail();
    } else if (code === QUOTE) {
      const start = at;
      const cuts: number[] = [];
      let [from, last] = [at + 1, at + 1];
      for (;;) {
        if (quote < from) quote = text.indexOf('"', from);
        if (quote === -1) fail();
        if (escape < from) escape = indexOrEnd(text, "\\", from);
        for (const stop = Math.min(quote, escape); Math.max(from, last + chars) < stop;) {
          last = Math.max(from, last + chars);
          cuts.push(last);
        }
        if (quote < escape) break;
        from = escape + (text.charCodeAt(escape + 1) === LETTER_U ? 6 : 2);
        steps += 1;
        if (steps % STEPS === 0) yield;
      }
      at = quote;
      if (top === undefined) continue;
      if (!top.isList && top.wantsName) {
        if (at - start > NAME_CHARS_MAX)
          throw new JsonTooWide(`a field whose name has over ${NAME_CHARS_MAX} characters`);
        top.name = [start, at + 1];
        top.wantsName = false;
      } else if (cuts.length > 0) {
        make();
        expect(top, start);
        let whole = "";
        let begin = start + 1;
        for (const end of [...cuts, at]) {
          whole += JSON.parse(`"${text.slice(begin, end)}"`) as string;
          begin = end;
          yield;
        }
        give(top, whole, at + 1);
      }
    } else if (code === COMMA) {
      count(top);
      if (top === undefined) fail();
      top.items += 1;
      top.wantsName = true;
      if (!top.isList && top.items >= budget.fieldsMax)
        throw new JsonTooWide(`an object of more than ${budget.fieldsMax} fields`);
      if (!top.isBehind && at - top.from <= chars) continue;
      make();
      take(top, at, false);
      [top.from, top.isBehind] = [at + 1, false];
      yield;
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      const isBulk =
        top?.isBulk === true || (top?.isList === false && budget.isBulk(text.slice(top.name[0] + 1, top.name[1] - 1)));
      const one: Open = {
        isList: code === OPEN_LIST,
        isBulk,
        at,
        items: 0,
        value: undefined,
        from: at + 1,
        isBehind: false,
        name: NO_NAME,
        wantsName: true,
        under: "",
      };
      count(one);
      opened.push(one);
      if (opened.length > budget.depthMax)
        throw new JsonTooWide(`objects and lists nested more than ${budget.depthMax} deep`);
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      if (top === undefined || top.isList !== (code === CLOSE_LIST)) fail();
      opened.pop();
      if (top.value === undefined) continue;
      take(top, at, false);
      made -= 1;
      const around = opened.at(-1);
      if (around !== undefined) give(around, top.value, at + 1);
      else if (isBlank(text.slice(at + 1))) return top.value;
      else fail();
      yield;
    }
  }
  if (made > 0) fail();
  return parseExact(text);
}

const [QUOTE, COMMA, LETTER_U] = [0x22, 0x2c, 0x75];
const [OPEN_OBJECT, OPEN_LIST, CLOSE_OBJECT, CLOSE_LIST] = [0x7b, 0x5b, 0x7d, 0x5d];
const NO_NAME = [-1, -1] as const;

/** Sets a field as `JSON.parse` does, whatever its name. */
function put({ value }: Open, name: string, part: unknown): void {
  if (name === "__proto__")
    Object.defineProperty(value, name, { value: part, enumerable: true, configurable: true, writable: true });
  else (value as Record<string, unknown>)[name] = part;
}

function isBlank(text: string): boolean {
  return !/[^ \t\n\r]/.test(text);
}

function indexOrEnd(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at === -1 ? text.length : at;
}

function fail(): never {
  throw new SyntaxError("the text is not valid JSON");
}
