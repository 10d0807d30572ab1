import type { ChatMessage } from "../chat.ts";
import { isText, type Fields } from "../../internal/fields.ts";
import { objectAt, uncarried, unfit } from "../rows.ts";
import { toReasoningItems } from "./thoughts.ts";

/** The name of this kind in errors. */
export const KIND = "responses";

/**
 * Messages of chat completions as items of the Responses API. `name` of a message has no place. Pure.
 * @throws MarrowError `invalid_input` that names the part which cannot be carried
 */
export function toInput(messages: readonly ChatMessage[]): readonly Fields[] {
  /** Ids of calls of custom tools: their results are items of a kind of their own. */
  const custom = new Set<unknown>();
  return messages.flatMap((message, at): readonly Fields[] => {
    const path = `messages.${at}`;
    switch (message.role) {
      case "system":
      case "developer":
      case "user":
        return [{ type: "message", role: message.role, content: toContent(message.content, `${path}.content`) }];
      case "assistant": {
        const calls = toCalls(message["tool_calls"], `${path}.tool_calls`);
        for (const { type, call_id: id } of calls) if (type === "custom_tool_call") custom.add(id);
        return [...toReasoningItems(message["reasoning_details"]), ...toSaid(message, path), ...calls];
      }
      case "tool": {
        const id = message["tool_call_id"];
        if (!isText(id)) throw unfit(`${path}.tool_call_id`, "the id of a call", id);
        const type = custom.has(id) ? "custom_tool_call_output" : "function_call_output";
        return [{ type, call_id: id, output: toContent(message.content, `${path}.content`) }];
      }
      default:
        throw uncarried(`${path}.role`, KIND, `a message of role ${message.role}`);
    }
  });
}

/** What an assistant said, in words or in a refusal. */
function toSaid({ content, refusal }: ChatMessage, path: string): readonly Fields[] {
  const parts: Fields[] = [];
  if (typeof content === "string" && content !== "") parts.push(toOutput(content));
  else if (Array.isArray(content))
    for (const [at, part] of content.entries()) {
      const here = `${path}.content.${at}`;
      const { type, text, refusal: refused } = objectAt(part, here);
      if (type === "refusal") parts.push({ type, refusal: refused });
      else if (type === "text" && typeof text === "string") parts.push(toOutput(text));
      else throw uncarried(`${here}.type`, KIND, `an assistant's part of type ${String(type).slice(0, 64)}`);
    }
  if (isText(refusal)) parts.push({ type: "refusal", refusal });
  return parts.length === 0 ? [] : [{ type: "message", role: "assistant", content: parts }];
}

function toOutput(text: string): Fields {
  return { type: "output_text", text, annotations: [] };
}

function toCalls(calls: unknown, path: string): readonly Fields[] {
  if (calls === undefined || calls === null) return [];
  if (!Array.isArray(calls)) throw unfit(path, "a list of calls", calls);
  return calls.map((call: unknown, at) => {
    const here = `${path}.${at}`;
    const { id, function: named, custom } = objectAt(call, here);
    if (!isText(id)) throw unfit(`${here}.id`, "the id of a call", id);
    if (custom !== undefined && custom !== null) {
      const { name, input } = objectAt(custom, `${here}.custom`);
      return { type: "custom_tool_call", call_id: id, name, input };
    }
    const { name, arguments: given } = objectAt(named, `${here}.function`);
    if (!isText(name)) throw unfit(`${here}.function.name`, "a name", name);
    // Some endpoints give arguments as an object, or none at all.
    const text = typeof given === "string" ? given : JSON.stringify(given ?? {});
    return { type: "function_call", call_id: id, name, arguments: text === "" ? "{}" : text };
  });
}

function toContent(content: unknown, path: string): string | readonly Fields[] {
  if (content === undefined || content === null) return "";
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw unfit(path, "text or a list of parts", content);
  return content.map((part: unknown, at) => toPart(objectAt(part, `${path}.${at}`), `${path}.${at}`));
}

function toPart(part: Fields, path: string): Fields {
  switch (part["type"]) {
    case "text":
      return { type: "input_text", text: part["text"] };
    case "image_url": {
      const image = part["image_url"];
      const { url, detail = "auto" } =
        typeof image === "string" ? { url: image } : objectAt(image, `${path}.image_url`);
      if (!isText(url)) throw unfit(`${path}.image_url.url`, "a URL", url);
      return { type: "input_image", image_url: url, detail };
    }
    case "file":
      return { type: "input_file", ...objectAt(part["file"], `${path}.file`) };
    default:
      throw uncarried(`${path}.type`, KIND, `a part of type ${String(part["type"]).slice(0, 64)}`);
  }
}
