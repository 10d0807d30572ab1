import type { ChatCall } from "../../flow/index.ts";
import { withStrings } from "../../internal/long-text.ts";
import { toTurn } from "../openai/items.ts";
import { withItems } from "../openai/kept-items.ts";
import { createAssembler } from "./assemble.ts";
import { SEARCH_STEPS, type Search } from "./file-search.ts";
import type { ResponseRequest } from "./request.ts";
import type { Item } from "./shape.ts";
import { toShell } from "./shell.ts";

/** Items that a response adds to its conversation. */
export interface Adding {
  /** The original items of the input. */
  readonly input: readonly Item[];
  /** The same with files' bytes instead of their ids, as for models. */
  readonly now: readonly Item[];
  readonly search: Search | undefined;
  readonly id: string;
}

/** Returns how a conversation stores a response: each original item of its input and output, with its ids in the response. */
export function keptAs(request: ResponseRequest, { input, now, search, id }: Adding): NonNullable<ChatCall["kept"]> {
  return {
    said: now.map((item, at) => withItems(toTurn(item, `input.${at}`), [input[at] ?? item])),
    toAnswer(message) {
      const assembler = createAssembler(toShell(request, id, Date.now()));
      if (search !== undefined) assembler.put(search.item, SEARCH_STEPS);
      assembler.add({ choices: [{ index: 0, delta: message }] });
      assembler.close(message["incomplete"] === true);
      return withItems(message, withStrings(assembler.response().output));
    },
  };
}
