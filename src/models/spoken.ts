import type { ChatMessage } from "./chat.ts";
import { isObject, isText } from "../internal/fields.ts";
import { textIn } from "../internal/content-text.ts";
import { uncarried } from "./rows.ts";

/**
 * Replaces spoken assistant messages by their transcripts, for a kind of endpoint without audio. Returns the same list if there are none.
 * @throws MarrowError `invalid_input` for a spoken turn without a transcript, and for a call in the form before tools
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
