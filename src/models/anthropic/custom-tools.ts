import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { isWords, type LongText } from "../../internal/long-text.ts";
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

/** How the JSON begins where the text comes first, as it does in the only field of the schema. */
const HEAD = /^\s*\{\s*"input"\s*:\s*"/;
/** JSON of so many characters without that beginning has another form, and is read at its end. */
const HEAD_CHARS_MAX = 256;

/** Begins to read one input. Linear. */
export function createTextReader(): TextReader {
  let state: "head" | "text" | "other" | "over" = "head";
  let held = "";

  function add(json: string): string {
    held += json;
    if (state === "over") held = "";
    if (state === "head") {
      const head = HEAD.exec(held.slice(0, HEAD_CHARS_MAX));
      if (head !== null) {
        state = "text";
        held = held.slice(head[0].length);
      } else if (held.length >= HEAD_CHARS_MAX) state = "other";
    }
    return state === "text" ? takeText() : "";
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
    const inside = held.slice(0, end);
    held = state === "over" ? "" : held.slice(end);
    return decoded(inside);
  }

  return {
    add,
    end() {
      const left = state === "head" || state === "other" ? held : "";
      [state, held] = ["over", ""];
      if (left.trim() === "") return "";
      try {
        return String(textOfInput(JSON.parse(left)));
      } catch {
        return left;
      }
    },
  };
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
