import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatChunk } from "./chat.ts";
import { createRepeats } from "./growth.ts";

const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "m" };
const chunkOf = (delta: object, more: object = {}): ChatChunk => ({
  ...head,
  choices: [{ index: 0, delta: { ...delta }, finish_reason: null }],
  ...more,
});
const event = (chunk: object) => `data: ${JSON.stringify(chunk)}\n\n`;

/** The part that these events are behind a first one; `undefined` where they do not repeat it. */
function after(first: ChatChunk, ...events: readonly string[]) {
  const repeats = createRepeats();
  repeats.note(JSON.stringify(first), first);
  const text = events.join("");
  return repeats.read(text, Buffer.from(text));
}

describe("events that repeat the one before them but for their text", () => {
  it("say what parsing each of them says, whatever the text is", () => {
    const unit = fc.constantFrom(
      "a",
      "é",
      "😀",
      '"',
      "\\",
      "\n",
      "\t",
      "\u0000",
      "\uD800",
      "{",
      "}",
      ",",
      '"content":"',
    );
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit, maxLength: 8 }), { minLength: 1, maxLength: 4 }),
        fc.string({ unit, minLength: 1, maxLength: 8 }),
        fc.constantFrom("content", "reasoning_content"),
        fc.option(fc.string({ unit, maxLength: 4 })),
        (texts, firstText, field, noise) => {
          const more = noise === null ? {} : { usage: null, obfuscation: noise };
          const first = chunkOf({ [field]: firstText }, more);
          const chunks = texts.map((text) => chunkOf({ [field]: text }, more));
          const part = after(first, ...chunks.map(event));
          if (part === undefined) return;
          expect(part.chunks).toEqual(chunks);
          expect(part.grows).toEqual({ field, text: texts.join(""), chunks: texts.length });
          expect(part.bytes.toString()).toBe(chunks.map(event).join(""));
        },
      ),
    );
  });

  it("are known for plain text, for escaped text, and beside obfuscation of any length", () => {
    for (const text of ["two ", "", 'the "second"\n', "\u00e9"]) {
      expect(after(chunkOf({ content: "one" }), event(chunkOf({ content: text })))?.grows?.text).toBe(text);
      const [first, next] = [{ obfuscation: "abc" }, { obfuscation: "a" }];
      const part = after(chunkOf({ content: "one" }, first), event(chunkOf({ content: text }, next)));
      expect(part?.grows?.text).toBe(text);
    }
  });

  const one = chunkOf({ content: "one" });
  it.each<[string, ChatChunk, string]>([
    ["another id", one, event({ ...chunkOf({ content: "two" }), id: "chatcmpl-2" })],
    ["an end", one, event({ ...head, choices: [{ index: 0, delta: { content: "two" }, finish_reason: "stop" }] })],
    ["an error", one, event({ ...chunkOf({ content: "two" }), error: { message: "gone" } })],
    ["usage", one, event(chunkOf({ content: "two" }, { usage: { total_tokens: 1 } }))],
    ["another field that grows", one, event(chunkOf({ reasoning_content: "two" }))],
    ["a field behind the text", one, event(chunkOf({ content: "two", refusal: "no" }))],
    ["a raw control character", one, event(chunkOf({ content: "two" })).replace("two", "t\two")],
    ["an escape that is none", one, event(chunkOf({ content: "two" })).replace("two", "\\qtwo")],
    ["half an event behind it", one, `${event(chunkOf({ content: "two" }))}data: {`],
    ["a comment before it", one, `: alive\n\n${event(chunkOf({ content: "two" }))}`],
    ["the end of the stream behind it", one, `${event(chunkOf({ content: "two" }))}data: [DONE]\n\n`],
    ["text that the first has in no growing field", chunkOf({ refusal: "one" }), event(chunkOf({ refusal: "two" }))],
    [
      "text that is joined elsewhere",
      chunkOf({ content: "one" }, { note: "n" }),
      event(chunkOf({ content: "two" }, { note: "n" })),
    ],
    [
      "another answer's text",
      { ...head, choices: [{ index: 1, delta: { content: "one" } }] },
      event({ ...head, choices: [{ index: 1, delta: { content: "two" } }] }),
    ],
  ])("are read in full with %s", (_, first, text) => {
    expect(after(first, text)).toBeUndefined();
  });

  it("are compared with the event right before them alone", () => {
    const repeats = createRepeats();
    repeats.note(JSON.stringify(one), one);
    repeats.note('{"choices":[]}', { choices: [] });
    expect(repeats.read(event(chunkOf({ content: "two" })), Buffer.alloc(0))).toBeUndefined();
  });
});
