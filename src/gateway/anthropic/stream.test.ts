import { describe, expect, it } from "vitest";
import { createCallReader } from "../../models/index.ts";
import { textOr, type Fields } from "../../internal/fields.ts";
import { toInput } from "./answer.ts";
import { createMessageEvents } from "./stream.ts";

const call = (index: number, named: Fields, id?: string) => ({
  tool_calls: [{ index, ...(id !== undefined && { id, type: "function" }), function: named }],
});
const args = (index: number, piece: string) => call(index, { arguments: piece });
const begins = (index: number) => call(index, { name: `f${index}`, arguments: "" }, `k${index}`);

/** The blocks of a message that a stream of deltas makes, as a client puts them together, and the order of events. */
function blocksOf(deltas: readonly Fields[]) {
  const [events, read] = [createMessageEvents("m"), createCallReader()];
  const chunks = deltas.map((delta) => read({ choices: [{ index: 0, delta }] }));
  const all = [...chunks.flatMap((chunk) => events.add(chunk)), ...events.end()];
  const blocks: string[] = [];
  let open: number | undefined;
  for (const { type, index, content_block: block, delta } of all as Fields[]) {
    const { type: kind, name } = (block ?? {}) as Fields;
    if (type === "content_block_start") {
      expect([open, index]).toEqual([undefined, blocks.length]);
      open = index as number;
      blocks.push(`${String(kind)} ${kind === "tool_use" ? String(name) : ""}`.trim());
    } else if (type === "content_block_delta") {
      expect(index).toBe(open);
      const { text, thinking, partial_json: json } = delta as Fields;
      blocks[open ?? 0] += ` ${String(text ?? thinking ?? json)}`;
    } else if (type === "content_block_stop") open = undefined;
  }
  return blocks;
}

describe("the blocks of a streamed message", () => {
  it.each<[string, readonly Fields[], readonly string[]]>([
    [
      "calls that begin together",
      [
        { tool_calls: [...begins(0).tool_calls, ...begins(1).tool_calls] },
        args(0, '{"a":1}'),
        args(1, '{"b"'),
        args(1, ":2}"),
      ],
      ['tool_use f0 {"a":1}', 'tool_use f1 {"b" :2}'],
    ],
    [
      "the start of a call within another",
      [begins(0), args(0, '{"a"'), begins(1), args(1, '{"b":2}'), args(0, ":1}")],
      ['tool_use f0 {"a" :1}', 'tool_use f1 {"b":2}'],
    ],
    [
      "text and thoughts within a call",
      [
        begins(0),
        args(0, '{"a":"}'),
        { content: "So." },
        { reasoning_content: "Hm." },
        args(0, '"}'),
        { content: "End." },
      ],
      ['tool_use f0 {"a":"} "}', "text So.", "thinking Hm.", "text End."],
    ],
    [
      "arguments before the name",
      [call(0, { arguments: '{"a"' }, "k0"), call(0, { name: "f0", arguments: ":1}" }), { content: "So." }],
      ['tool_use f0 {"a":1}', "text So."],
    ],
    [
      "a name in pieces, and one that comes again with each piece",
      [
        call(0, { name: "ge" }, "k0"),
        call(0, { name: "t" }),
        args(0, "{}"),
        call(1, { name: "go" }, "k1"),
        call(1, { name: "go", arguments: "{}" }),
      ],
      ["tool_use get {}", "tool_use go {}"],
    ],
    [
      "calls without arguments, and one that is cut off",
      [begins(0), begins(1), args(1, '{"b"'), { content: "So." }],
      ["tool_use f0", 'tool_use f1 {"b"', "text So."],
    ],
  ])("follow one another whatever comes among what: %s", (_, deltas, blocks) => {
    expect(blocksOf(deltas)).toEqual(blocks);
  });

  it.each(["[1,2]", '"a\\"b😀"', "null", '  "x"', '{"a":1}', ' {"a": [1]}', "12", " "])(
    "hold the same input as a whole message, whatever a call's arguments are: %s",
    (given) => {
      for (const chars of [1, 2, 100]) {
        const pieces = given.match(new RegExp(`[\\s\\S]{1,${chars}}`, "g")) ?? [];
        const [block = ""] = blocksOf([begins(0), ...pieces.map((piece) => args(0, piece))]);
        const events = createMessageEvents("m");
        const all = [begins(0), ...pieces.map((piece) => args(0, piece))].flatMap((delta) =>
          events.add({ choices: [{ index: 0, delta }] }),
        );
        const text = [...all, ...events.end()]
          .map(({ delta }) => textOr(((delta ?? {}) as Fields)["partial_json"]))
          .join("");
        expect(block).toMatch(/^tool_use f0/);
        expect(JSON.parse(text || "{}")).toEqual(toInput(given));
      }
    },
  );

  it("are told as they come, where a call is whole before the next block", () => {
    const events = createMessageEvents("m");
    const add = (delta: Fields) => events.add({ choices: [{ index: 0, delta }] }).length;
    expect([{ content: "So." }, begins(0), args(0, "{"), args(0, "}"), { content: "End." }].map(add)).toEqual([
      4, 0, 3, 1, 3,
    ]);
  });
});
