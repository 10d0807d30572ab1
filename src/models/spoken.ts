import type { ChatMessage } from "./chat.ts";
import { isObject, isText } from "../internal/fields.ts";
import { textIn } from "../internal/content-text.ts";
import { uncarried } from "./rows.ts";

/**
 * Messages for a kind of endpoint that knows no audio: what an assistant said aloud alone is its transcript. The same list where nobody spoke.
 * @throws MarrowError `invalid_input` that names a turn of audio without words, and a call in the form before tools
 */
export function withTranscripts(messages: readonly ChatMessage[], kind: string): readonly ChatMessage[] {
  if (!messages.some(isUncarried)) return messages;
  return messages.map((message, at) => {
    if (!isUncarried(message)) return message;
    const path = `messages.${at}`;
    if (isObject(message["function_call"])) throw uncarried(`${path}.function_call`, kind);
    const { audio, ...rest } = message;
    if (textIn(message.content) !== "" || isText(message["refusal"])) return message;
    const { transcript } = isObject(audio) ? audio : {};
    if (!isText(transcript)) throw uncarried(`${path}.audio`, kind, "audio without a transcript");
    return { ...rest, content: transcript };
  });
}

function isUncarried({ role, audio, function_call: call }: ChatMessage): boolean {
  return role === "assistant" && (isObject(audio) || isObject(call));
}
