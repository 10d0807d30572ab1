import fc from "fast-check";
import { expect, it } from "vitest";
import { createChunkReader } from "./chunk-reader.ts";

const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "m" };
const chunk = (delta: object, finish: string | null = null) => ({
  ...head,
  choices: [{ index: 0, delta: { ...delta }, finish_reason: finish }],
});
const text = fc.string({ unit: fc.constantFrom("a", "é", '"', "\\", "\n", "data: "), maxLength: 6 });
const chunks = fc.oneof(
  { arbitrary: text.map((content) => chunk({ content })), weight: 5 },
  text.map((reasoning_content) => chunk({ reasoning_content })),
  text.map((content) => ({ ...chunk({ content }), id: "chatcmpl-2" })),
  fc.constant(chunk({}, "stop")),
  fc.constant({ ...head, choices: [], usage: { total_tokens: 2 } }),
);

it("a stream's chunks are what its events say, however it is cut", () => {
  fc.assert(
    fc.property(fc.array(chunks, { maxLength: 12 }), fc.array(fc.nat(2_000)), (all, cuts) => {
      const wire = Buffer.from(
        [...all.map((one) => JSON.stringify(one)), "[DONE]"].map((one) => `data: ${one}\n\n`).join(""),
      );
      // Most pieces are whole events, as a model sends them.
      const ends = [...wire.toString("latin1").matchAll(/\n\n/g)].map(({ index }) => index + 2);
      const places = [...new Set([...ends, ...cuts.filter((at) => at < wire.length)])].toSorted((a, b) => a - b);
      const read = createChunkReader();
      const got = places.flatMap((end, at) => read(wire.subarray(places[at - 1] ?? 0, end)));
      expect(got).toEqual(all);
    }),
  );
});
