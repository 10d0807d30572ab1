import { describe, expect, it } from "vitest";
import { toTurn } from "./items.ts";
import { toItems, withItems } from "./kept-items.ts";

const PICTURE = `data:image/png;base64,${"A".repeat(100_000)}`;
const shown = (item: Readonly<Record<string, unknown>>, turn = toTurn(item, "input")) =>
  toItems({ sequence: 1, turn: withItems(turn, [item]) }, "conv_12345678");
const user = (...content: object[]) => ({ type: "message", role: "user", content });

describe("an item that is kept with its turn", () => {
  it("holds a large content once, and is shown as it was said", () => {
    const item = user({ type: "input_image", image_url: PICTURE, detail: "low" });
    expect(JSON.stringify(withItems(toTurn(item, "input"), [item])).length).toBeLessThan(PICTURE.length + 1_000);
    expect(shown(item)).toMatchObject([item]);
    const output = { type: "function_call_output", call_id: "c1", output: "x".repeat(5_000) };
    expect(JSON.stringify(withItems(toTurn(output, "input"), [output])).length).toBeLessThan(6_000);
    expect(shown(output)).toMatchObject([output]);
  });

  it("holds what its message does not say, however large", () => {
    const text = "x".repeat(5_000);
    const parts = user({ type: "input_text", text }, { type: "input_text", text });
    expect(shown(parts)).toMatchObject([parts]);
    const file = user({ type: "input_file", file_id: "file-1", filename: text });
    const told = { role: "user", content: [{ type: "file", file: { file_data: PICTURE } }] };
    expect(shown(file, told)).toMatchObject([file]);
  });

  it("is read as before where an older version kept it, and made of the message where none did", () => {
    const item = user({ type: "input_text", text: "hi" });
    expect(toItems({ sequence: 1, turn: { role: "user", content: "hi", item } }, "conv_12345678")).toEqual([
      { ...item, id: "msg_12345678000000100", status: "completed" },
    ]);
    const turn = { role: "tool", tool_call_id: "c1", content: [{ type: "text", text: "seen" }] };
    expect(toItems({ sequence: 1, turn }, "conv_12345678")).toMatchObject([
      { type: "function_call_output", call_id: "c1", output: [{ type: "input_text", text: "seen" }] },
    ]);
  });
});
