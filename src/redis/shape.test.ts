import { describe, expect, it } from "vitest";
import type { Reply } from "./connection.ts";
import { fitsCommand } from "./command-shapes.ts";
import { shapeOf } from "./shape.ts";

const bytes = (text: string) => Buffer.from(text);

describe("a shape of replies", () => {
  it.each<[string, readonly Reply[], readonly Reply[]]>([
    ["integer", [0, -7, "9007199254740993"], ["7", null, [], bytes("7")]],
    ["text", ["", "a", bytes("a")], [0, null, ["a"]]],
    ["nil", [null], [0, "", []]],
    ["0 | 1", [0, 1], [2, "1", null]],
    ["-1 | 0 | text", [-1, 0, "a"], [1, null]],
    ['"kept" | "lost"', ["kept", bytes("lost")], ["los", "lost ", 1, null]],
    ["[]", [[]], [["a"], null, ""]],
    ["[text, integer]", [["a", 1]], [["a"], ["a", 1, 1], [1, "a"], "a"]],
    ["[text, (text, integer)...]", [["a"], ["a", "b", 1], ["a", "b", 1, "c", 2]], [[], ["a", "b"], ["a", 1, "b"]]],
    ["[(any)...] | nil", [[], [[]], null], ["", 0]],
    [
      "[[(integer, text)...], integer]",
      [
        [[], 0],
        [[1, "a"], 0],
      ],
      [[0], [[1], 0], [["a", 1], 0]],
    ],
    ["[([text, any] | nil)...]", [[], [null], [["a", []], null]], [[["a"]], ["a"]]],
  ])("%s", (shape, those, others) => {
    const fits = shapeOf(shape);
    expect(those.filter((reply) => !fits(reply))).toEqual([]);
    expect(others.filter(fits)).toEqual([]);
  });

  it("looks at the ends of a list alone, however long it is", () => {
    const fits = shapeOf("[(text, integer)...]");
    const long: Reply[] = Array.from({ length: 1_000_000 }, (_, at) => (at % 2 === 0 ? "a" : at));
    let looks = 0;
    const counted = new Proxy(long, {
      get(list, name, self) {
        looks += 1;
        return Reflect.get(list, name, self) as unknown;
      },
    });
    expect(fits(counted)).toBe(true);
    expect(looks).toBeLessThan(20);
    expect(fits([...long, "a"])).toBe(false);
  });

  it.each(["", "number", "[text", "[(text)]", "[(text)..., text]", "text text", "text |", "[text text]", "(text)..."])(
    "is read, or is a bug (%j)",
    (shape) => expect(() => shapeOf(shape)).toThrow("is no shape"),
  );
});

describe("the reply of a command", () => {
  it.each<[string, Reply]>([
    ["GET a", 7],
    ["GET a", ["x"]],
    ["MGET a b", ["x"]],
    ["MGET a b", null],
    ["HMGET a f g", ["x", "y", "z"]],
    ["HGETALL a", ["f"]],
    ["HLEN a", "OK"],
    ["DEL a", null],
    ["SCAN 0", ["0"]],
    ["XRANGE a - +", ["x"]],
    ["SMEMBERS a", [1]],
    ["TIME", ["1"]],
  ])("%s is never %j", (command, reply) => expect(fitsCommand(command.split(" "), reply)).toBe(false));

  it.each<[string, Reply]>([
    ["SET a b", "OK"],
    ["SET a b NX", null],
    ["SET a b GET", "before"],
    ["MGET a b", [null, bytes("x")]],
    ["XREAD STREAMS a 0", null],
    ["XRANGE a - +", [["1-1", ["f", "v"]]]],
    ["SPOP a", "x"],
    ["SPOP a 2", []],
    ["ZADD a INCR 1 b", "1.5"],
    ["INCR a", "9007199254740993"],
    ["HLEN a", "QUEUED"],
    ["EVAL return", 7],
    ["MODULE.OF.SOMEBODY a", 7],
  ])("%s may be %j", (command, reply) => expect(fitsCommand(command.split(" "), reply)).toBe(true));
});
