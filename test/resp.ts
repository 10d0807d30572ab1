/** Reading and writing RESP, for the servers that tests put between a client and Redis. */

/** Where the value that begins at `at` ends, or -1 when it is not all there yet. RESP2 and RESP3. */
export function endOfValue(bytes: Buffer, at = 0): number {
  const lineEnd = bytes.indexOf("\r\n", at);
  if (lineEnd < 0) return -1;
  const kind = String.fromCharCode(bytes[at] as number);
  const after = lineEnd + 2;
  const length = Number(bytes.toString("latin1", at + 1, lineEnd));
  if ("$=!".includes(kind)) {
    if (length < 0) return after;
    return bytes.length < after + length + 2 ? -1 : after + length + 2;
  }
  if ("*%~>|".includes(kind)) {
    let end = after;
    const members = Math.max(0, length) * (kind === "%" || kind === "|" ? 2 : 1);
    for (let member = 0; member < members; member += 1) {
      end = endOfValue(bytes, end);
      if (end < 0) return -1;
    }
    // An attribute stands before the value that it describes.
    return kind === "|" ? endOfValue(bytes, end) : end;
  }
  return after;
}

/** The words of a command that a client sent whole. */
export function readWords(command: Buffer): Buffer[] {
  const words: Buffer[] = [];
  let at = command.indexOf("\r\n") + 2;
  while (at < command.length) {
    const lineEnd = command.indexOf("\r\n", at);
    const length = Number(command.toString("latin1", at + 1, lineEnd));
    words.push(command.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
  return words;
}

/** What a test server answers. */
export type Answer =
  | { readonly simple: string }
  | { readonly error: string }
  | { readonly map: readonly (readonly [string, Answer])[] }
  | string
  | Buffer
  | number
  | null
  | readonly Answer[];

/** An answer on the wire; a map is a flat list in RESP2. */
export function toWire(answer: Answer, protocol: 2 | 3): Buffer {
  if (answer === null) return Buffer.from(protocol === 3 ? "_\r\n" : "$-1\r\n");
  if (typeof answer === "number") return Buffer.from(`:${answer}\r\n`);
  if (typeof answer === "string") return toWire(Buffer.from(answer), protocol);
  if (Buffer.isBuffer(answer))
    return Buffer.concat([Buffer.from(`$${answer.length}\r\n`), answer, Buffer.from("\r\n")]);
  if (Array.isArray(answer)) {
    const list = answer as readonly Answer[];
    return Buffer.concat([Buffer.from(`*${list.length}\r\n`), ...list.map((one) => toWire(one, protocol))]);
  }
  if ("simple" in answer) return Buffer.from(`+${answer.simple}\r\n`);
  if ("error" in answer) return Buffer.from(`-${answer.error}\r\n`);
  const { map } = answer as { readonly map: readonly (readonly [string, Answer])[] };
  const members = map.flat().map((one) => toWire(one, protocol));
  return Buffer.concat([Buffer.from(protocol === 3 ? `%${map.length}\r\n` : `*${map.length * 2}\r\n`), ...members]);
}
