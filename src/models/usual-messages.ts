import { textIn, thoughtsIn } from "../internal/content-text.ts";
import { textOr } from "../internal/fields.ts";
import { withStrings } from "../internal/long-text.ts";
import { mapChanged } from "../internal/map-changed.ts";
import { createOrder, inTurn } from "../internal/order.ts";
import type { ChatCompletion, ChatMessage } from "./chat.ts";

/**
 * Converts the messages of a whole answer to the form in which a stream of the same answer is recorded: of role `assistant`, and with text as
 * content. Endpoints may leave the role out, or answer a list of parts; stored like that, other endpoints refuse the conversation. The texts of
 * parts become the content, their reasoning becomes `reasoning_content`, and other parts are dropped. Returns the same object if nothing changes.
 * Pure.
 */
export function withUsualMessages(completion: ChatCompletion): ChatCompletion {
  const choices = mapChanged(completion.choices, (choice) => {
    const message = toUsual(choice.message);
    return message === choice.message ? choice : { ...choice, message };
  });
  return choices === completion.choices ? completion : { ...completion, choices };
}

function toUsual(given: ChatMessage): ChatMessage {
  if (!Array.isArray(given.content)) return given.role === "assistant" ? given : { ...given, role: "assistant" };
  const message = withStrings(given);
  const { content: __, order: _, ...rest } = message;
  const order = createOrder();
  let [text, thoughts] = ["", textOr(rest["reasoning_content"])];
  for (const piece of inTurn(message)) {
    const [said, thought] = [textIn(piece["content"]), thoughtsIn(piece["content"])];
    order.add({ ...piece, content: said, reasoning_content: textOr(piece["reasoning_content"]) + thought });
    text += said;
    thoughts += thought;
  }
  return {
    ...rest,
    role: "assistant",
    content: text,
    ...(thoughts !== "" && { reasoning_content: thoughts }),
    ...order.told(),
  };
}
