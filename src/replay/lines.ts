import { open } from "node:fs/promises";
import { MarrowError } from "../errors.ts";

/** Longest line in bytes, enough for a request with a long conversation and its answer. */
export const LINE_BYTES_MAX: number = 16 * 1_048_576;
const CHUNK_BYTES = 262_144;
const NEW_LINE = 0x0a;

/** A line of a file. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** Position of the next line, in bytes. */
  readonly endsAt: number;
  /** `undefined` for a line that is longer than {@link LINE_BYTES_MAX}. */
  readonly text: string | undefined;
}

/** Position at which reading begins. */
export interface Position {
  readonly offset: number;
  /** Number of the lines before it. */
  readonly lines: number;
}

/**
 * Reads a file line by line, from any position. Holds one line and one chunk in memory.
 * @throws MarrowError `invalid_option` for a file that cannot be read
 */
export async function* readLines(
  file: string,
  { offset, lines }: Position,
  lineBytesMax: number = LINE_BYTES_MAX,
): AsyncGenerator<Line> {
  const handle = await open(file, "r").catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(cause);
  });
  try {
    let [number, position, length] = [lines, offset, 0];
    let parts: Buffer[] = [];
    for (;;) {
      const { bytesRead, buffer } = await handle
        .read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position)
        .catch((cause: NodeJS.ErrnoException) => {
          throw unreadable(cause);
        });
      let from = 0;
      for (let at = buffer.indexOf(NEW_LINE); at !== -1 && at < bytesRead; at = buffer.indexOf(NEW_LINE, from)) {
        const last = buffer.subarray(from, at);
        const text = length + last.length > lineBytesMax ? undefined : Buffer.concat([...parts, last]).toString("utf8");
        from = at + 1;
        [parts, length] = [[], 0];
        yield { number: (number += 1), endsAt: position + from, text };
      }
      const rest = buffer.subarray(from, bytesRead);
      length += rest.length;
      // Of a line that is too long nothing is kept but its length.
      if (length > lineBytesMax) parts = [];
      else if (rest.length > 0) parts.push(Buffer.from(rest));
      position += bytesRead;
      if (bytesRead > 0) continue;
      if (length > 0)
        yield {
          number: number + 1,
          endsAt: position,
          text: length > lineBytesMax ? undefined : Buffer.concat(parts).toString("utf8"),
        };
      return;
    }
  } finally {
    await handle.close();
  }
}

function unreadable(cause: NodeJS.ErrnoException): MarrowError {
  return new MarrowError("invalid_option", `--log must be a file that can be read (${cause.code ?? "unknown"})`, {
    cause,
    details: { path: "log" },
  });
}
