import type { ChatMessage } from "../chat.ts";
import { isText, type Fields } from "../../internal/fields.ts";
import { toSaidMessages } from "../../internal/phases.ts";
import { objectAt, uncarried, unfit } from "../rows.ts";
import { toNative } from "./native.ts";
import { KIND, toContent, toOutput } from "./parts.ts";
import { toReasoningItems } from "./thoughts.ts";

/**
 * Messages of chat completions as items of the Responses API: those that they were made of, if any. `name` of a message has no place. Pure.
 * @throws MarrowError `invalid_input` that names the part which cannot be carried
 */
export function toInput(messages: readonly ChatMessage[]): readonly Fields[] {
  /** Ids of calls of custom tools: their results are items of a kind of their own. */
  const custom = new Set<unknown>();
  return messages.flatMap((message, at): readonly Fields[] => {
    const path = `messages.${at}`;
    const native = toNative(message, path);
    if (native !== undefined) {
      for (const { type, call_id: id } of native) if (type === "custom_tool_call") custom.add(id);
      return [...toReasoningItems(message["reasoning_details"]), ...native];
    }
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

/** What an assistant said, in words or in a refusal: one message, or as many as `phases` names. */
function toSaid({ content, refusal, phases }: ChatMessage, path: string): readonly Fields[] {
  const parts: Fields[] = [];
  if (isText(content) && !isText(refusal) && Array.isArray(phases))
    return toSaidMessages(content, phases).map(({ phase, parts: said }) => ({
      type: "message",
      role: "assistant",
      ...(phase !== undefined && { phase }),
      content: said.map((part) => toOutput(part.text)),
    }));
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
