import { Transform } from "node:stream";

const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d];
const [NEW_LINE, RETURN, SPACE] = [0x0a, 0x0d, 0x20];

/**
 * Converts JSON in UTF-8, an array of objects or concatenated objects, to one line per outermost object. Text between them is dropped.
 * Buffers one chunk, and does not validate the JSON, which happens per line.
 */
export function createObjectLines(): Transform {
  let depth = 0;
  let isText = false;
  let isEscaped = false;

  /** Copies a chunk's objects in place: the output is never longer than the input, except for line ends. */
  function lines(chunk: Buffer): Buffer {
    const out = Buffer.allocUnsafe(chunk.length * 2);
    let length = 0;
    for (const byte of chunk) {
      if (isText) {
        isText = isEscaped || byte !== QUOTE;
        isEscaped = !isEscaped && byte === BACKSLASH;
      } else if (byte === QUOTE) isText = depth > 0;
      else if (byte === OPEN) depth += 1;
      else if (byte === CLOSE && depth > 0) {
        depth -= 1;
        if (depth === 0) {
          length = out.writeUInt8(byte, length);
          length = out.writeUInt8(NEW_LINE, length);
          continue;
        }
      }
      // A line ends between the parts of an object only: within a text JSON escapes it.
      if (depth > 0) out[length++] = byte === NEW_LINE || byte === RETURN ? SPACE : byte;
    }
    return out.subarray(0, length);
  }

  return new Transform({ transform: (chunk: Buffer, _, done) => done(null, lines(chunk)) });
}
