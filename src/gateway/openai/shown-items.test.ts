import { describe, expect, it } from "vitest";
import { toItems, withItems } from "./kept-items.ts";
import { toCompleteItem } from "./shown-items.ts";

const bare = { type: "output_text", text: "x" };
const cited = { ...bare, annotations: [{ type: "url_citation" }], logprobs: [{ token: "x" }] };
const picture = { type: "input_image", image_url: "https://h/p.png" };

describe("an item that is shown", () => {
  it.each<[Readonly<Record<string, unknown>>, object]>([
    [
      { type: "message", role: "assistant", content: [bare, cited] },
      { status: "completed", content: [{ ...bare, annotations: [], logprobs: [] }, cited] },
    ],
    [
      { type: "message", role: "user", status: "incomplete", content: [picture, { ...picture, detail: "low" }] },
      {
        content: [
          { ...picture, detail: "auto" },
          { ...picture, detail: "low" },
        ],
      },
    ],
    [
      { type: "function_call_output", call_id: "c", output: [picture] },
      { status: "completed", output: [{ ...picture, detail: "auto" }] },
    ],
    [{ type: "function_call", call_id: "c", name: "f", arguments: "{}", status: null }, { status: "completed" }],
    [{ type: "reasoning", encrypted_content: "e" }, { summary: [] }],
    [
      { type: "file_search_call", id: "fs" },
      { status: "completed", queries: [] },
    ],
    [{ type: "custom_tool_call", call_id: "c", name: "f", input: "x" }, {}],
  ])("has what clients' types require: %j", (item, more) => {
    expect(toCompleteItem(item)).toEqual({ ...item, ...more });
  });

  it("is the same where nothing is missing", () => {
    const whole = { type: "message", role: "assistant", status: "completed", content: [cited] };
    expect(toCompleteItem(whole)).toBe(whole);
  });

  it("is complete in a conversation, which keeps it as it was sent", () => {
    const content = [{ type: "output_text", text: "x".repeat(2_000) }];
    const item = { type: "message", role: "assistant", content };
    const turn = withItems({ role: "assistant", content: "x".repeat(2_000) }, [item]);
    expect(JSON.stringify(turn)).not.toContain("logprobs");
    expect(toItems({ sequence: 1, turn }, "conv_12345678")).toMatchObject([
      { status: "completed", content: [{ ...content[0], annotations: [], logprobs: [] }] },
    ]);
  });
});
