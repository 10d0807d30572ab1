import { describe, expect, it } from "vitest";
import type { ChatChunk } from "../../models/index.ts";
import { createAssembler } from "./assemble.ts";
import type { ResponseBody } from "./shape.ts";
import { toShell } from "./shell.ts";

const shell = toShell({ model: "m", input: "x" }, "resp_0123456789012345678901234567890123456789", 0);

function responseOf(...chunks: readonly ChatChunk[]): ResponseBody {
  const assembler = createAssembler(shell);
  for (const chunk of chunks) assembler.add(chunk);
  assembler.close();
  return assembler.response();
}

const delta = (fields: object): ChatChunk => ({ choices: [{ index: 0, delta: { ...fields } }] });
const textOf = ({ output }: ResponseBody) =>
  (output as readonly { content?: readonly { text: string }[] }[])[0]?.content?.[0]?.text;

describe("a response whose model said what no item has", () => {
  it.each([
    [
      "items of its endpoint's own tools",
      { content: "a", omitted: ["web_search_call", "mcp_call"] },
      ["web_search_call", "mcp_call"],
    ],
    ["a recording", { audio: { id: "audio_1", data: "UklGRg==" } }, ["audio"]],
    [
      "pictures",
      { content: "a", images: [{ type: "image_url", image_url: { url: "data:" } }, {}] },
      ["image_url", "image"],
    ],
    [
      "parts of an unknown type",
      {
        content: [
          { type: "text", text: "a" },
          { type: "reference", ids: [1] },
        ],
      },
      ["reference"],
    ],
  ])("names %s in omitted, each type once", (_, fields, omitted) => {
    expect(responseOf(delta(fields), delta(fields))["omitted"]).toEqual(omitted);
  });

  it("has no such field where nothing is left out", () => {
    const parts = [
      { type: "thinking", thinking: [] },
      { type: "reasoning", summary: "s" },
      { type: "text", text: "t" },
    ];
    expect(responseOf(delta({ content: parts, audio: null, images: null }))).not.toHaveProperty("omitted");
  });

  it("has the transcript of a spoken answer as its text, unless the same was written", () => {
    const spoken = (transcript: string) => delta({ audio: { id: "audio_1", transcript } });
    expect(textOf(responseOf(spoken("Good "), spoken("day.")))).toBe("Good day.");
    expect(textOf(responseOf(delta({ content: "Good day." }), spoken("Good day.")))).toBe("Good day.");
  });
});

describe("a response whose model told more than its answer", () => {
  it("has what stood beside the choices, by its own name", () => {
    const moderation = { input: { results: [] } };
    const made = responseOf(
      { ...delta({ content: "a" }), id: "c1", system_fingerprint: "fp", obfuscation: "xx", citations: null },
      { choices: [], moderation },
    );
    expect(made).toMatchObject({ id: shell.id, moderation });
    for (const name of ["choices", "system_fingerprint", "obfuscation", "citations"])
      expect(made).not.toHaveProperty(name);
  });

  it("keeps its own fields, whatever the model says of them", () => {
    const made = responseOf({ ...delta({ content: "a" }), status: "failed", output: [], tools: [1], model: "other" });
    expect(made).toMatchObject({ status: "completed", model: "m", tools: [] });
    expect(made.output).toHaveLength(1);
  });
});
