import { plainToolName, RESPONSES_ID_CHARS_MAX, shortCallId } from "../call-ids.ts";
import { THOUGHTS, type ChatMessage } from "../chat.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { isWords, wordsOr } from "../../internal/long-text.ts";
import { mapChanged } from "../../internal/map-changed.ts";
import { inOrder } from "../../internal/order.ts";
import { beginsPart, movedMark, toSaidMessages } from "../../internal/phases.ts";
import { madeOf, originOf } from "../origins.ts";
import { objectAt, placeOfCall, uncarried, unfit } from "../rows.ts";
import { toNative } from "./native.ts";
import { KIND, toContent, toOutput } from "./parts.ts";
import { toReasoningItems } from "./thoughts.ts";

/** Longest name of a called tool that this API accepts, in characters. */
const NAME_CHARS_MAX = 64;

/**
 * Converts chat messages to items of the Responses API: the items that they consist of, if any. A message's `name` is dropped. Ids of calls that
 * are longer than the API accepts are shortened, and names of called tools that it refuses are replaced. Pure.
 * @throws MarrowError `invalid_input` that names the part which cannot be carried
 */
export function toInput(messages: readonly ChatMessage[]): readonly Fields[] {
  return mapChanged(toAllItems(messages), (item) => {
    const { call_id: id, name } = item;
    const short = isText(id) ? shortCallId(id, RESPONSES_ID_CHARS_MAX) : id;
    const plain = isText(id) && isText(name) ? plainToolName(name, NAME_CHARS_MAX) : name;
    if (short === id && plain === name) return item;
    const changed = { ...item, call_id: short, ...(plain !== undefined && { name: plain }) };
    return madeOf(originOf(item) ?? "messages", changed);
  });
}

function toAllItems(messages: readonly ChatMessage[]): readonly Fields[] {
  /** Ids of calls of custom tools, whose results are items of another type. */
  const custom = new Set<unknown>();
  return messages.flatMap((message, at): readonly Fields[] => {
    const path = `messages.${at}`;
    const native = toNative(message, path);
    if (native !== undefined) {
      for (const { type, call_id: id } of native) if (type === "custom_tool_call") custom.add(id);
      return native;
    }
    switch (message.role) {
      case "system":
      case "developer":
      case "user":
        return [
          madeOf(path, {
            type: "message",
            role: message.role,
            content: toContent(message.content, `${path}.content`),
          }),
        ];
      case "assistant": {
        const items = toItems(message, path);
        for (const item of items) if (originOf(item) === undefined) madeOf(path, item);
        for (const { type, call_id: id } of items) if (type === "custom_tool_call") custom.add(id);
        return items;
      }
      case "tool": {
        const id = message["tool_call_id"];
        if (!isText(id)) throw unfit(`${path}.tool_call_id`, "the id of a call", id);
        const type = custom.has(id) ? "custom_tool_call_output" : "function_call_output";
        return [madeOf(path, { type, call_id: id, output: toContent(message.content, `${path}.content`) })];
      }
      default:
        throw uncarried(`${path}.role`, KIND, `a message of role ${message.role}`);
    }
  });
}

/** What was thought before a message, in words; `undefined` where it was thought in several steps. */
function thoughtsOf(message: ChatMessage): string | undefined {
  return message["order"] === undefined ? message[THOUGHTS] : undefined;
}

/** Converts an assistant's message to items in the order of its output. */
function toItems(message: ChatMessage, path: string): readonly Fields[] {
  const items: Fields[] = [];
  let before = 0;
  for (const said of inOrder(message)) {
    items.push(...toReasoningItems(said["reasoning_details"], said["reasoning_content"] ?? thoughtsOf(message)));
    const [first, ...others] = toSaid(said, before, path);
    const last = items.at(-1);
    if (first !== undefined && last?.["type"] === "message" && !beginsMessage(said, before))
      items[items.length - 1] = {
        ...last,
        content: [...(last["content"] as Fields[]), ...(first["content"] as Fields[])],
      };
    else if (first !== undefined) items.push(first);
    items.push(...others, ...toCalls(said["tool_calls"], `${path}.tool_calls`));
    before += wordsOr(said["content"]).length;
  }
  return items;
}

/** Returns true if a mark begins a message at this number of characters. */
function beginsMessage({ phases }: Fields, place: number): boolean {
  return Array.isArray(phases) && phases.some((mark) => isObject(mark) && !beginsPart(mark) && mark["start"] === place);
}

/**
 * Converts an assistant's text and refusal: to one message, or to as many as `phases` names. `before`: characters of the message before
 * this text.
 */
function toSaid({ content, refusal, phases }: Fields, before: number, path: string): readonly Fields[] {
  const said: Fields[] = [];
  if (isWords(content) && content.length > 0 && Array.isArray(phases))
    said.push(
      ...toSaidMessages(
        String(content),
        phases.map((mark) => movedMark(mark, -before)),
      ).map(({ phase, parts }) => ({
        type: "message",
        role: "assistant",
        ...(phase !== undefined && { phase }),
        content: parts.map((part) => toOutput(part.text)),
      })),
    );
  else {
    const parts = toParts(content, path);
    if (parts.length > 0) said.push({ type: "message", role: "assistant", content: parts });
  }
  if (!isText(refusal)) return said;
  const refused = { type: "refusal", refusal };
  const last = said.at(-1);
  const end = before + wordsOr(content).length;
  if (last === undefined || beginsMessage({ phases }, end))
    return [...said, { type: "message", role: "assistant", content: [refused] }];
  return [...said.slice(0, -1), { ...last, content: [...(last["content"] as Fields[]), refused] }];
}

function toParts(content: unknown, path: string): readonly Fields[] {
  if (isWords(content)) return content.length === 0 ? [] : [toOutput(content)];
  if (!Array.isArray(content)) return [];
  return content.map((part: unknown, at) => {
    const here = `${path}.content.${at}`;
    const { type, text, refusal } = objectAt(part, here);
    if (type === "refusal") return { type, refusal };
    if (type === "text" && isWords(text)) return toOutput(text);
    throw uncarried(`${here}.type`, KIND, `an assistant's part of type ${String(type).slice(0, 64)}`);
  });
}

function toCalls(calls: unknown, path: string): readonly Fields[] {
  if (calls === undefined || calls === null) return [];
  if (!Array.isArray(calls)) throw unfit(path, "a list of calls", calls);
  return calls.map((call: unknown, at) => {
    const here = `${path}.${placeOfCall(call, at)}`;
    const { id, function: named, custom } = objectAt(call, here);
    if (!isText(id)) throw unfit(`${here}.id`, "the id of a call", id);
    if (custom !== undefined && custom !== null) {
      const { name, input } = objectAt(custom, `${here}.custom`);
      if (!isText(name)) throw unfit(`${here}.custom.name`, "a name", name);
      return madeOf(here, { type: "custom_tool_call", call_id: id, name, input });
    }
    const { name, arguments: given } = objectAt(named, `${here}.function`);
    if (!isText(name)) throw unfit(`${here}.function.name`, "a name", name);
    // Some endpoints give arguments as an object, or none at all.
    const text = typeof given === "string" ? given : JSON.stringify(given ?? {});
    return madeOf(here, { type: "function_call", call_id: id, name, arguments: text === "" ? "{}" : text });
  });
}
