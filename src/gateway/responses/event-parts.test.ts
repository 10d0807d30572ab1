import { expect, it } from "vitest";
import { LongText } from "../../internal/long-text.ts";
import { endOfCharacter } from "../../internal/whole-character.ts";
import { createPartsReader, StoredEvent, toParts } from "./event-parts.ts";

const pairs = "\u{1f600}".repeat(4_500_000);

it("an event of any length comes back from its parts, each of which a job's output takes whole", async () => {
  const text = `a${pairs}`;
  const pieces: string[] = [];
  for (let from = 0, end = 0; from < text.length; from = end) {
    end = endOfCharacter(text, from + 60_000);
    pieces.push(text.slice(from, end));
  }
  const type = "response.output_text.done";
  for (const event of [
    { type: "a", b: 1 },
    { type, text },
    { type, text: new LongText(pieces) },
  ]) {
    const reader = createPartsReader();
    const parts: string[] = [];
    for await (const part of toParts(event)) parts.push(String(part));
    expect(parts.every((part) => part.isWellFormed() && part.length <= 2_000_000)).toBe(true);
    const read = parts.map((part) => reader.add(part));
    expect(read.slice(0, -1).every((some) => some === undefined)).toBe(true);
    const sent = [...new StoredEvent(read.at(-1) ?? [], 7).toTexts()].join("");
    expect(sent.endsWith("\n\n")).toBe(true);
    const [line = "", data = ""] = sent.split("\n", 2);
    const { sequence_number: number, ...told } = JSON.parse(data.slice("data: ".length)) as Record<string, unknown>;
    expect([number, line]).toEqual([7, `event: ${String(told["type"])}`]);
    expect(JSON.stringify(told) === JSON.stringify(event)).toBe(true);
  }
});

it("a part of an event whose writer died is forgotten", () => {
  const reader = createPartsReader();
  expect(reader.add('+{"type":"a"')).toBeUndefined();
  reader.clear();
  expect(reader.add('{"type":"b"}')).toEqual(['{"type":"b"}']);
});
