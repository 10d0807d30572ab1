import { isUint8Array } from "node:util/types";
import { MarrowError } from "../errors.ts";
import { describe } from "../internal/describe.ts";
import type { Command } from "./connection.ts";

/** A word may have 512 MB: a server that is sent a longer one drops the connection, and with it what everybody else waits for. */
const COMMAND_BYTES_MAX = 535_822_336;

/**
 * Returns the error of an invalid command, or `undefined`. Pure. Client libraries detect such a command only while they write it, and then
 * lose the connection with all commands in flight; so Marrow checks it first.
 */
export function toWrongCommand(command: Command): MarrowError | undefined {
  if (!Array.isArray(command) || command.length === 0) return wrong("command", "a list of words", command);
  const words: Command = command;
  let length = 0;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    if (typeof word !== "string" && !isUint8Array(word)) return wrong(`command.${at}`, "text or bytes", word);
    length += word.length;
  }
  // A character of text has at most three bytes.
  if (length <= COMMAND_BYTES_MAX / 3) return undefined;
  const bytes = words.reduce((sum, word) => sum + Buffer.byteLength(word), 0);
  return bytes <= COMMAND_BYTES_MAX
    ? undefined
    : new MarrowError("too_large", `a command has at most ${COMMAND_BYTES_MAX} bytes, got ${bytes}`, {
        details: { path: "command" },
      });
}

function wrong(path: string, expected: string, got: unknown): MarrowError {
  return new MarrowError("invalid_input", `${path} must be ${expected}, got ${describe(got)}`, { details: { path } });
}
