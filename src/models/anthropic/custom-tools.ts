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
