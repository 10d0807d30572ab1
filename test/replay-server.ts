import { existsSync, readFileSync } from "node:fs";
import { toWire } from "./resp.ts";
import { startRespServer, type RespServer } from "./resp-server.ts";

/** Where the recordings of FT.* servers are, on machines that have them. */
export const RECORDINGS = "../shared/fixtures/ft";
export const haveRecordings: boolean = existsSync(RECORDINGS);

type Word = string | { readonly b64: string };

/** A recorded command and what the server answered. */
export interface Step {
  readonly args?: readonly Word[];
  readonly raw?: string;
  readonly reply?: unknown;
  readonly conn?: string;
}

/** The steps of a recording, commands only. */
export function readRecording(scenario: string, protocol: 2 | 3): (Step & { readonly words: readonly Buffer[] })[] {
  const { steps } = JSON.parse(readFileSync(`${RECORDINGS}/${scenario}.resp${protocol}.json`, "utf8")) as {
    steps: Step[];
  };
  return steps.flatMap((step) => (step.args === undefined ? [] : [{ ...step, words: step.args.map(toBuffer) }]));
}

/** Answers each recorded command with the bytes that were recorded, in order where a command comes more than once. */
export async function startReplayServer(scenario: string, protocol: 2 | 3): Promise<RespServer> {
  const answers = new Map<string, string[]>();
  const keyOf = (words: readonly Buffer[]) => words.map((word) => word.toString("base64")).join(" ");
  for (const { words, raw } of readRecording(scenario, protocol)) {
    if (raw !== undefined) answers.set(keyOf(words), [...(answers.get(keyOf(words)) ?? []), raw]);
  }
  return startRespServer(() => ({
    async answer(words) {
      const known = answers.get(keyOf(words));
      const raw = known !== undefined && known.length > 1 ? known.shift() : known?.[0];
      if (raw !== undefined) return Buffer.from(raw, "base64");
      const verb = String(words[0]).toUpperCase();
      if (verb === "HELLO" && protocol === 3) return Buffer.from("%1\r\n$5\r\nproto\r\n:3\r\n");
      if (verb === "CLIENT") return Buffer.from("+OK\r\n");
      if (verb === "INFO") return toWire("redis_version:8.0.2\r\n", protocol);
      return Buffer.from("-ERR this command was not recorded\r\n");
    },
    close() {},
  }));
}

function toBuffer(word: Word): Buffer {
  return typeof word === "string" ? Buffer.from(word) : Buffer.from(word.b64, "base64");
}
