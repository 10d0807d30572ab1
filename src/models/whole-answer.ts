import { toJsonWords } from "../internal/json-pieces.ts";
import type { LongText } from "../internal/long-text.ts";
import type { ChatCompletion } from "./chat.ts";
import type { ModelAnswer } from "./model.ts";

/** A whole answer with its text as JSON: the endpoint's own, or else what is written of the completion, a long one in turns of the event loop. */
export async function toWholeAnswer(
  completion: ChatCompletion,
  text?: string | LongText,
): Promise<Pick<ModelAnswer, "completion" | "text" | "pieces">> {
  const words = text ?? (await toJsonWords(completion));
  if (typeof words === "string") return { completion, text: words };
  return { completion, text: words.toString(), pieces: words };
}
