import { concatInTurns, isLarge, jsonBytesInTurns } from "../internal/json-pieces.ts";
import { withStrings } from "../internal/long-text.ts";
import { createTimeSlice } from "../internal/time-slice.ts";
import type { ChatChunk } from "./chat.ts";
import { cutChunk } from "./cut-chunk.ts";
import type { StreamPart } from "./model.ts";
import { toEvent } from "./sse.ts";

/** Characters of events in one part. */
const PART_CHARS = 32_768;

/**
 * Writes chunks of any length as the parts of a stream: each is cut into short ones, and the event loop does other work between the parts.
 * The end of the stream is not written.
 */
export async function* partsOf(long: Iterable<ChatChunk>): AsyncGenerator<StreamPart, undefined> {
  const slice = createTimeSlice();
  let [events, chunks]: [string, ChatChunk[]] = ["", []];
  const take = (): StreamPart => {
    const part = { bytes: Buffer.from(events), chunks, done: false };
    [events, chunks] = ["", []];
    return part;
  };
  for (const one of long)
    for (const chunk of cutChunk(one)) {
      const said = withStrings(chunk);
      if (isLarge(chunk)) {
        if (chunks.length > 0) yield take();
        yield { bytes: await toEventBytes(chunk), chunks: [said], done: false };
      } else {
        events += toEvent(JSON.stringify(said));
        chunks.push(said);
        if (events.length >= PART_CHARS) yield take();
      }
      const rest = slice();
      if (rest !== undefined) await rest;
    }
  if (chunks.length > 0) yield take();
}

async function toEventBytes(chunk: ChatChunk): Promise<Buffer> {
  const pieces: Buffer[] = [HEAD];
  for await (const piece of jsonBytesInTurns(chunk)) pieces.push(piece);
  return concatInTurns([...pieces, TAIL]);
}

const [HEAD, TAIL] = [Buffer.from("data: "), Buffer.from("\n\n")];
