import type { ScriptedAnswer, ScriptedRequest } from "../../src/testing/index.ts";

interface Message {
  readonly role: string;
  readonly content?: unknown;
}

/** A model that plays an agent: it calls the tool that fits what the user says, reads its result, fills schemas, and tells how much it was told. */
export function playAgent({ body }: ScriptedRequest): ScriptedAnswer {
  const messages = body["messages"] as readonly Message[];
  const last = messages.at(-1);
  const said = textOf(messages.findLast(({ role }) => role === "user"));
  const tools = (body["tools"] ?? []) as readonly { readonly function?: { readonly name: string } }[];
  const named = (start: string) => tools.find(({ function: tool }) => tool?.name.startsWith(start))?.function?.name;
  const wanted = said.includes("math")
    ? named("transfer_to")
    : said.includes("weather")
      ? named("get_weather")
      : undefined;
  if (last?.role === "user" && wanted !== undefined)
    return callOf(wanted, wanted === "get_weather" ? '{"city":"Paris"}' : "{}");
  if (last?.role === "tool" && textOf(last).includes("sunny")) return `In Paris it is ${textOf(last)}.`;
  const format = body["response_format"] as { readonly type?: string } | undefined;
  if (format?.type === "json_schema" || format?.type === "json_object") return '{"name":"Ada","age":36}';
  if (said.includes("think")) return { message: { role: "assistant", reasoning_content: "Hm.", content: "Thought." } };
  if (said.includes("take your time")) return { delayMs: 1_500, message: { role: "assistant", content: "Done." } };
  if (JSON.stringify(last).includes("image_url")) return "I see a picture.";
  return `You said: ${said} (${messages.filter(({ role }) => role !== "system" && role !== "developer").length})`;
}

function callOf(name: string, given: string): ScriptedAnswer {
  const call = { index: 0, id: `call_${name.length}`, type: "function", function: { name, arguments: given } };
  return { message: { role: "assistant", content: null, tool_calls: [call] }, finishReason: "tool_calls" };
}

function textOf(message: Message | undefined): string {
  const content = message?.content;
  if (typeof content === "string") return content;
  return Array.isArray(content)
    ? content
        .map((part: { text?: string }) => part.text ?? "")
        .join(" ")
        .trim()
    : "";
}
