import type { AnswerStream, ChatOutcome } from "../../flow/index.ts";
import { createCallReader, createEventReader, type ChatChunk, type ChatCompletion } from "../../models/index.ts";
import { toChunk, type Assembler } from "./assemble.ts";
import { SEARCH_STEPS, type Search } from "./file-search.ts";
import type { ResponseEvent } from "./shape.ts";

type Answered = Extract<ChatOutcome, { kind: "whole" | "stream" }>;

/** The events of an answer but the last; afterwards the assembler has the whole response. */
export async function* toEvents(
  outcome: Answered,
  search: Search | undefined,
  assembler: Assembler,
): AsyncGenerator<ResponseEvent> {
  yield* assembler.begin();
  if (search !== undefined) yield* assembler.put(search.item, SEARCH_STEPS);
  if (outcome.kind === "whole") yield* assembler.add(toChunk(JSON.parse(outcome.text) as ChatCompletion));
  else for await (const chunk of readChunks(outcome.stream)) yield* assembler.add(chunk);
  yield* assembler.close();
}

/** The chunks of a stream. */
export async function* readChunks(stream: AnswerStream): AsyncGenerator<ChatChunk> {
  const [reader, read] = [createEventReader(), createCallReader()];
  for await (const bytes of stream)
    for (const data of reader.read(bytes)) if (data !== "[DONE]") yield read(JSON.parse(data) as ChatChunk);
}
