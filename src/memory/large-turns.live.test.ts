import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { longestGo } from "../../test/scaling/measure.ts";
import { LongText } from "../internal/long-text.ts";
import { createMemory, type Turn } from "./index.ts";

/** Longest that one go may take: 20 ms on an idle machine, with room for one that is not. */
const GO_MS_MAX = 50;
const PIECE = "prose and words that go on ".repeat(2_400);
const PIECES = Array.from({ length: 240 }, () => PIECE);
const TEXT = Buffer.from(PIECES.join("")).toString("latin1");
const BYTES_MAX = 64 * 1_048_576;

describe("a turn of 15 MB", () => {
  liveTest.for([
    ["of one text", { role: "assistant", content: TEXT }],
    ["of a text in pieces", { role: "assistant", content: new LongText(PIECES) }],
    ["of parts", { role: "assistant", content: PIECES.map((text) => ({ type: "text", text })) }],
    ["of calls", { role: "assistant", content: null, tool_calls: PIECES.map((text) => ({ id: "c", text })) }],
  ] satisfies [string, Turn][])(
    "is counted, stored and read in turns of the event loop: %s",
    async ([, turn], { tenant, unique }) => {
      const memory = createMemory(tenant, {
        name: unique,
        turnBytesMax: BYTES_MAX,
        sessionBytesMax: BYTES_MAX,
        sessionTokensMax: 10_000_000,
      });
      let nth = 0;
      const hold = async () => {
        const session = memory.session({ user: "u", id: `s${(nth += 1)}` });
        const question = { role: "user", content: "go on" };
        await session.open(question, { idempotencyKey: "k" });
        await session.complete(question, turn, { idempotencyKey: "k" });
        return session;
      };
      expect(await longestGo(hold, GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
      const session = await hold();
      expect(await longestGo(() => session.read(), GO_MS_MAX)).toBeLessThan(GO_MS_MAX);
      const { turns } = await session.read();
      expect(JSON.stringify(turns[1]?.turn) === JSON.stringify(turn)).toBe(true);
    },
  );
});
