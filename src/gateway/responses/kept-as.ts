import type { ChatCall } from "../../flow/index.ts";
import { toTurn } from "../openai/items.ts";
import { withItems } from "../openai/kept-items.ts";
import { createAssembler } from "./assemble.ts";
import { SEARCH_STEPS, type Search } from "./file-search.ts";
import type { ResponseRequest } from "./request.ts";
import type { Item } from "./shape.ts";
import { toShell } from "./shell.ts";

/** What a response adds to its conversation. */
export interface Adding {
  /** The input's items as they were said. */
  readonly input: readonly Item[];
  /** The same with the bytes of files in place of their ids, as models are told. */
  readonly now: readonly Item[];
  readonly search: Search | undefined;
  readonly id: string;
}

/** How a conversation keeps a response: each item of its input and its output as it was said, by the ids that the response has for them. */
export function keptAs(request: ResponseRequest, { input, now, search, id }: Adding): NonNullable<ChatCall["kept"]> {
  return {
    said: now.map((item, at) => withItems(toTurn(item, `input.${at}`), [input[at] ?? item])),
    toAnswer(message) {
      const assembler = createAssembler(toShell(request, id, Date.now()));
      if (search !== undefined) assembler.put(search.item, SEARCH_STEPS);
      assembler.add({ choices: [{ index: 0, delta: message }] });
      assembler.close(message["incomplete"] === true);
      return withItems(message, assembler.response().output);
    },
  };
}
