import { withStrings } from "../../internal/long-text.ts";
import { createTimeSlice } from "../../internal/time-slice.ts";
import type { ChatOutcome } from "../../flow/index.ts";
import { createChunkReader, cutChunk, readCompletion } from "../../models/index.ts";
import { toChunk, type Assembler } from "./assemble.ts";
import { SEARCH_STEPS, type Search } from "./file-search.ts";
import type { ResponseEvent } from "./shape.ts";

type Answered = Extract<ChatOutcome, { kind: "whole" | "stream" }>;

/** Yields the events of an answer except the last; afterwards the assembler has the whole response. */
export async function* toEvents(
  outcome: Answered,
  search: Search | undefined,
  assembler: Assembler,
): AsyncGenerator<ResponseEvent> {
  yield* assembler.begin();
  if (search !== undefined) yield* assembler.put(search.item, SEARCH_STEPS);
  if (outcome.kind === "whole") {
    const slice = createTimeSlice();
    const completion = await readCompletion(outcome.pieces ?? outcome.text, { keepsPieces: true });
    // Long texts in pieces are said piece by piece, as those of a stream.
    for (const chunk of outcome.pieces === undefined ? [toChunk(completion)] : cutChunk(toChunk(completion)))
      // What is not said in pieces, such as a long signature, is one string.
      for (const events of assembler.steps(withStrings(chunk))) {
        // One piece alone may have thousands of events, and each step of a generator takes a while.
        for (const event of events) {
          yield event;
          const rest = slice();
          if (rest !== undefined) await rest;
        }
      }
  } else {
    const read = createChunkReader();
    // Loops instead of `yield*`, which costs several promises per event.
    for await (const bytes of outcome.stream)
      for (const chunk of read(bytes)) for (const event of assembler.add(chunk)) yield event;
  }
  yield* assembler.close();
}
