import { expect, test } from "vitest";
import { MarrowError } from "../errors.ts";
import type { Command, Reply } from "../redis/index.ts";
import { readParts } from "./parts.ts";

/** A Redis whose replies of over a megabyte do not come in time. */
function slowRedis(parts: readonly string[]) {
  const entries = parts.map((text, at) => [`1-${at + 1}`, ["p", text]] as const);
  return {
    async pipeline(commands: readonly Command[]): Promise<Reply[]> {
      const [, , after, , , count] = commands[1] as readonly string[];
      const from = Number(String(after).split("-")[1]);
      const found = entries.slice(from, from + Number(count));
      if (found.reduce((sum, [, [, text]]) => sum + text.length, 0) > 1_500_000)
        throw new MarrowError("timeout", "no reply in time");
      return ["ended", found];
    },
  };
}

test("an output whose long parts follow many short ones is read fewer at once, in place of failing", async () => {
  const parts = [...Array.from({ length: 600 }, (_, at) => `part ${at}`), ...Array(20).fill("x".repeat(1_000_000))];
  const read: string[] = [];
  for await (const part of readParts<string>(slowRedis(parts), {
    log: "log",
    state: ["GET", "state"],
    toEnd: (reply) => String(reply),
    after: undefined,
    signal: undefined,
  }))
    if (typeof part !== "string" && part.kind === "text") read.push(part.text);
  expect(read).toEqual(parts);
});
