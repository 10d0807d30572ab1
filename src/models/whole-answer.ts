import { toJsonWords } from "../internal/json-pieces.ts";
import { withStrings, type LongText } from "../internal/long-text.ts";
import type { ChatCompletion } from "./chat.ts";
import type { ModelAnswer, ModelCall } from "./model.ts";

/**
 * A whole answer with its text as JSON: the endpoint's own, or else what is written of the completion, a long one in turns of the event loop.
 * Long texts stay in pieces for a caller that takes these.
 */
export async function toWholeAnswer(
  given: ChatCompletion,
  { keepsPieces = false }: Pick<ModelCall, "keepsPieces">,
  text?: string | LongText,
): Promise<Pick<ModelAnswer, "completion" | "text" | "pieces">> {
  const words = text ?? (await toJsonWords(given));
  const completion = keepsPieces ? given : withStrings(given);
  if (typeof words === "string") return { completion, text: words };
  return { completion, text: words.toString(), pieces: words };
}
