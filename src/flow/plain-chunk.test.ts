import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatChunk } from "../models/index.ts";
import { foldGrowth, foldTold, weightOf, weightOfGrowth } from "./plain-chunk.ts";
import { createRecorder } from "../models/recorder.ts";

const head = { id: "c1", object: "chat.completion.chunk", created: 1, model: "m" };
const chunk = (delta: object, more: object = {}): ChatChunk => ({
  ...head,
  choices: [{ index: 0, delta: { ...delta }, finish_reason: null, ...more }],
});
const text = fc.string({ minLength: 1, maxLength: 8 });
const chunks = fc.oneof(
  text.map((content) => chunk({ content })),
  text.map((content) => chunk({ role: "assistant", content })),
  text.map((reasoning_content) => chunk({ reasoning_content })),
  text.map((content) => ({ ...chunk({ content }), usage: null, obfuscation: content })),
  text.map((content) => chunk({ content }, { logprobs: { content: [content] } })),
  text.map((refusal) => chunk({ refusal })),
  text.map((name) => chunk({ tool_calls: [{ index: 0, id: "t", function: { name, arguments: name } }] })),
  fc.constant(chunk({}, { finish_reason: "stop" })),
  fc.constant({ ...head, choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }),
);

function recorded(told: readonly { readonly chunks: readonly ChatChunk[] }[]) {
  const recorder = createRecorder("m");
  for (const part of told) recorder.add(part.chunks);
  // Padding of the wire says nothing.
  return { ...recorder.completion(), obfuscation: undefined };
}

describe("the pieces of a stream that nobody read yet", () => {
  it("say the same in fewer objects", () => {
    fc.assert(
      fc.property(fc.array(fc.array(chunks, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), (parts) => {
        const whole = recorded(structuredClone(parts).map((all) => ({ chunks: all })));
        const folded: { chunks: ChatChunk[] }[] = [];
        for (const all of structuredClone(parts)) {
          const last = folded.at(-1);
          if (last === undefined || !foldTold(last, { chunks: all })) folded.push({ chunks: all });
        }
        expect(recorded(folded)).toEqual(whole);
      }),
    );
  });

  it("are one object where a model says one thing, token by token", () => {
    const last = { chunks: [chunk({ role: "assistant", content: "" })] };
    for (const word of ["All ", "in ", "one"])
      expect(foldTold(last, { chunks: [chunk({ content: word })] })).toBe(true);
    expect(last.chunks[0]?.choices?.[0]?.delta?.["content"]).toBe("All in one");
  });

  it("are the same where a model tells what grows, not each chunk", () => {
    for (const field of ["content", "reasoning_content"]) {
      const all = ["All ", "", 'in "', "one"].map((word) => chunk({ [field]: word }));
      const [whole, grown] = [createRecorder("m"), createRecorder("m")];
      whole.add(structuredClone(all));
      grown.add(structuredClone(all.slice(0, 1)));
      const last = { chunks: structuredClone(all.slice(0, 1)) };
      for (const more of ["", 'in "', "one"]) {
        const grows = { field, text: more, chunks: 1 };
        grown.grow(grows);
        expect(foldGrowth(last, grows)).toBe(true);
        expect(weightOfGrowth(grows)).toBe(weightOf([chunk({ [field]: more })]));
      }
      expect(grown.completion()).toEqual(whole.completion());
      expect(recorded([last])).toMatchObject(whole.completion());
      expect(foldGrowth({ chunks: [chunk({ refusal: "no" })] }, { field, text: "x", chunks: 1 })).toBe(false);
    }
  });

  it("weigh what they hold: text by its characters, all else by its bytes", () => {
    expect(weightOf([chunk({ content: "x".repeat(1_000) })], 1_200)).toBeLessThan(2_200);
    expect(weightOf([chunk({ tool_calls: [{}] })], 1_200)).toBe(3_600);
  });
});
