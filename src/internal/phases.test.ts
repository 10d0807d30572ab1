import { describe, expect, it } from "vitest";
import { toSaidMessages } from "./phases.ts";

const cited = (start_index: number, end_index: number) => ({
  type: "url_citation",
  url_citation: { url: "u", start_index, end_index },
});
const flat = (start_index: number, end_index: number) => ({ type: "url_citation", url: "u", start_index, end_index });

describe("the messages that a text was said in", () => {
  it.each([
    ["one without marks", undefined, [{ phase: undefined, parts: ["aloudfinal"] }]],
    [
      "two phases",
      [
        { start: 0, phase: "commentary" },
        { start: 5, phase: "final_answer" },
      ],
      [
        { phase: "commentary", parts: ["aloud"] },
        { phase: "final_answer", parts: ["final"] },
      ],
    ],
    ["a further part", [{ start: 5, part: 1 }], [{ phase: undefined, parts: ["aloud", "final"] }]],
    [
      "marks out of order, none of which repeats a text",
      [{ start: 5 }, { start: 0 }, { start: 5 }, { start: 99 }, "odd", null],
      [
        { phase: undefined, parts: ["aloud"] },
        { phase: undefined, parts: ["final"] },
      ],
    ],
  ])("are %s", (_, phases, expected) => {
    const said = toSaidMessages("aloudfinal", phases);
    expect(said.map(({ phase, parts }) => ({ phase, parts: parts.map(({ text }) => text) }))).toEqual(expected);
  });

  it("have the citations of their own texts", () => {
    const said = toSaidMessages("aloudfinal", [{ start: 5 }], [cited(0, 3), cited(5, 8), { type: "odd" }, cited(4, 7)]);
    expect(said.map(({ parts }) => parts.map(({ annotations }) => annotations))).toEqual([
      [[flat(0, 3), flat(4, 7)]],
      [[flat(0, 3), { type: "odd" }]],
    ]);
  });
});
