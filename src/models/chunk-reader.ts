import { parseExact } from "../internal/exact-json.ts";
import { createCallReader } from "./calls.ts";
import type { ChatChunk } from "./chat.ts";
import { createRepeats } from "./growth.ts";
import { createEventReader, type EventData } from "./sse.ts";

/** Reads a stream of chat completions as chunks, from pieces cut anywhere. Its end, `[DONE]`, is not a chunk. */
export function createChunkReader(): (piece: Uint8Array) => readonly ChatChunk[] {
  const [reader, readCalls, repeats] = [createEventReader(), createCallReader(), createRepeats()];

  function read(event: EventData): readonly ChatChunk[] {
    if (event === "[DONE]") return [];
    const data = String(event);
    const chunk = parseExact(data) as ChatChunk;
    const told = readCalls(chunk);
    repeats.note(data, told === chunk ? chunk : undefined);
    return [told];
  }

  return (piece) => {
    const isWhole = reader.isBetweenEvents();
    const text = reader.decode(piece);
    const repeated = isWhole ? repeats.read(text, piece) : undefined;
    return repeated === undefined ? reader.readText(text).flatMap(read) : repeated.chunks;
  };
}
