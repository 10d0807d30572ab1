import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { isWords, type LongText } from "../../internal/long-text.ts";
import { endBeforeHalf } from "../../internal/whole-character.ts";
import type { ChatRequest } from "../chat.ts";
import { objectAt, unfit } from "../rows.ts";

/** The input of a tool that stands for a custom tool, whose input is a text. Tools of this API take objects. */
export const TEXT_SCHEMA: Fields = {
  type: "object",
  properties: { input: { type: "string", description: "The input of the tool, as it is: no JSON within it." } },
  required: ["input"],
  additionalProperties: false,
};

/**
 * Converts a custom tool. Its grammar, which this API cannot enforce, is told in the description. Pure.
 * @throws MarrowError `invalid_input` that names the field which cannot be read
 */
export function toTextTool(custom: unknown, path: string): Fields {
  const { name, description, format, ...more } = objectAt(custom, path);
  if (!isText(name)) throw unfit(`${path}.name`, "a name", name);
  const told = [description, toldGrammar(format, `${path}.format`)].filter(isText).join("\n\n");
  return { ...more, name, ...(told !== "" && { description: told }), input_schema: TEXT_SCHEMA };
}

function toldGrammar(format: unknown, path: string): string | undefined {
  if (format === undefined || format === null) return undefined;
  const { type, grammar } = objectAt(format, path);
  if (type === "text") return undefined;
  if (type !== "grammar") throw unfit(`${path}.type`, "text or grammar", type);
  const { syntax, definition } = objectAt(grammar, `${path}.grammar`);
  if (!isText(definition)) throw unfit(`${path}.grammar.definition`, "a grammar", definition);
  return `The input must match this grammar${isText(syntax) ? ` (${syntax})` : ""}:\n${definition}`;
}

/** Returns the names of a request's custom tools, whose calls are told as theirs. Pure. */
export function customNamesOf({ tools }: ChatRequest): ReadonlySet<unknown> {
  const all = Array.isArray(tools) ? (tools as readonly unknown[]).filter(isObject) : [];
  return new Set(all.flatMap(({ type, custom }) => (type === "custom" && isObject(custom) ? [custom["name"]] : [])));
}

/** Returns the text of such a tool's input. Of an input that has no text, which is a mistake of the model, returns its JSON. Pure. */
export function textOfInput(input: unknown): string | LongText {
  if (isWords(input)) return input;
  const { input: text } = isObject(input) ? input : {};
  if (isWords(text)) return text;
  return input === undefined || input === null || (isObject(input) && Object.keys(input).length === 0)
    ? ""
    : JSON.stringify(input);
}

/** Reads the text within the JSON of an input while it is streamed. */
export interface TextReader {
  /** Returns the text that a piece of the JSON completes. */
  add(json: string): string;
  /** Returns the rest at the end: what cannot be told before it. Nothing the second time. */
  end(): string;
}

/** So much of an input is held before its text, in characters. An input of another form that has more is passed on as it comes. */
const HELD_CHARS_MAX = 65_536;

/**
 * Begins to read one input. An input without a text, which is a mistake of the model, is passed on as it is. Linear: what is held is read once,
 * and has a bound.
 */
export function createTextReader(): TextReader {
  let state: "begin" | "fields" | "whole" | "text" | "as it is" | "over" = "begin";
  let held = "";
  const findText = createTextFinder();

  function add(json: string): string {
    const more = state === "begin" ? json.trimStart() : json;
    if (state === "over" || more === "") return "";
    held += more;
    if (state === "begin") state = more.startsWith("{") ? "fields" : more.startsWith('"') ? "whole" : "as it is";
    if (state === "fields") readFields(more);
    if (state === "whole" && held.length > HELD_CHARS_MAX) state = "as it is";
    if (state === "text") return takeText();
    return state === "as it is" ? take(endBeforeHalf(held, held.length)) : "";
  }

  /** Reads the fields before the text, which are left out. */
  function readFields(more: string): void {
    const found = findText(more);
    if (found === "nothing") [state, held] = ["over", ""];
    else if (typeof found === "number") [state, held] = ["text", more.slice(found)];
    else if (found === "no text" || held.length > HELD_CHARS_MAX) state = "as it is";
  }

  /** Takes the text that is held, but for an escape or a character that has not come whole. */
  function takeText(): string {
    let [end, last] = [0, 0];
    while (end < held.length && held[end] !== '"') {
      const length = held[end] !== "\\" ? 1 : held[end + 1] === "u" ? 6 : 2;
      if (end + length > held.length) break;
      last = end;
      end += length;
    }
    if (held[end] === '"') state = "over";
    else if (FIRST_HALF.test(decoded(held.slice(last, end)))) end = last;
    const inside = take(end);
    if (state === "over") held = "";
    return decoded(inside);
  }

  function take(end: number): string {
    const taken = held.slice(0, end);
    held = held.slice(end);
    return taken;
  }

  return {
    add,
    end() {
      const left = state === "text" ? "" : held;
      const isWhole = state === "whole";
      [state, held] = ["over", ""];
      return isWhole ? wholeText(left) : left;
    },
  };
}

/**
 * Finds the text in an object whose JSON comes in pieces: returns its place in this piece, behind the quote. `nothing`: the object has ended, and has no
 * field; `no text`: it has others. Reads each character once.
 */
function createTextFinder(): (piece: string) => number | "nothing" | "no text" | undefined {
  let [depth, name] = [0, ""];
  let [isEmpty, isInside, isEscaped, isName] = [true, false, false, true];
  return (piece) => {
    for (let at = 0; at < piece.length; at += 1) {
      const character = piece[at] as string;
      if (isInside) {
        if (isEscaped) isEscaped = false;
        else if (character === "\\") isEscaped = true;
        else if (character === '"') isInside = false;
        if (isInside && isName && depth === 1 && name.length <= TEXT_FIELD.length) name += character;
      } else if (character === '"') {
        if (depth === 1 && !isName && name === TEXT_FIELD) return at + 1;
        if (depth === 1 && isName) name = "";
        [isInside, isEmpty] = [true, false];
      } else if (character === "{" || character === "[") depth += 1;
      else if (character === "}" || character === "]") {
        depth -= 1;
        if (depth === 0) return isEmpty ? "nothing" : "no text";
      } else if (depth === 1 && character === ":") isName = false;
      else if (depth === 1 && character === ",") isName = true;
      else if (!/\s/.test(character)) isEmpty = false;
    }
    return undefined;
  };
}

/** The name of the field in {@link TEXT_SCHEMA}. */
const TEXT_FIELD = "input";

/** Returns the text of an input that is one JSON string; the input as it is if it is none. */
function wholeText(json: string): string {
  try {
    return JSON.parse(json) as string;
  } catch {
    return json;
  }
}

/** The first half of a surrogate pair at the end. */
const FIRST_HALF = /[\uD800-\uDBFF]$/;

/** Decodes the inside of a JSON string; returns it as it is if it is none. */
function decoded(inside: string): string {
  if (!inside.includes("\\")) return inside;
  try {
    return JSON.parse(`"${inside}"`) as string;
  } catch {
    return inside;
  }
}
