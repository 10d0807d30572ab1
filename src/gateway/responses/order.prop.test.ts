import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRecorder } from "../../models/recorder.ts";
import { textOr, type Fields } from "../../internal/fields.ts";
import type { ChatCompletion, ChatMessage } from "../../models/index.ts";
import { toMessage } from "../anthropic/answer.ts";
import { createMessageEvents } from "../anthropic/stream.ts";
import { toItems } from "../openai/kept-items.ts";
import { createAssembler, toChunk } from "./assemble.ts";
import { toShell } from "./shell.ts";

const shell = toShell({ model: "m", input: "x" }, "resp_0123456789012345678901234567890123456789", 0);
const text = fc.stringMatching(/^[a-z ]{1,6}$/);
const sealed = (data: string) => ({ type: "reasoning.encrypted", format: "openai-responses-v1", data });

/** What a model says next. */
const delta = fc.oneof<fc.Arbitrary<Fields>[]>(
  text.map((content) => ({ content })),
  text.map((refusal) => ({ refusal })),
  text.map((reasoning_content) => ({ reasoning_content })),
  text.map((data) => ({ reasoning_details: [sealed(data)] })),
  text.map((name) => ({ call: name })),
  fc.array(fc.constantFrom("thinking", "text"), { minLength: 2, maxLength: 4 }).map((types) => ({
    content: types.map((type) =>
      type === "text" ? { type, text: "t" } : { type, thinking: [{ type: "text", text: "h" }] },
    ),
  })),
);

/** The deltas of a stream, with places and ids of calls. */
function placed(said: readonly Fields[]): readonly Fields[] {
  let calls = 0;
  return said.map((one) => {
    if (one["call"] === undefined) return one;
    const index = calls;
    calls += 1;
    return {
      tool_calls: [{ index, id: `c${index}`, type: "function", function: { name: one["call"], arguments: "{}" } }],
    };
  });
}

function recordedOf(deltas: readonly Fields[]): ChatCompletion {
  const recorder = createRecorder("m");
  for (const one of deltas) recorder.add([{ choices: [{ index: 0, delta: one }] }]);
  recorder.add([{ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }]);
  return JSON.parse(JSON.stringify(recorder.completion())) as ChatCompletion;
}

function outputOf(chunks: readonly Parameters<ReturnType<typeof createAssembler>["add"]>[0][]) {
  const assembler = createAssembler(shell, { encrypted: true });
  for (const chunk of chunks) assembler.add(chunk);
  assembler.close();
  return assembler.response().output;
}

describe("thoughts, texts, refusals and calls that were streamed in any order", () => {
  it("are the same items, by the same ids, from what was recorded of them", () => {
    fc.assert(
      fc.property(fc.array(delta, { maxLength: 10 }), (said) => {
        const deltas = placed(said);
        const streamed = outputOf(deltas.map((one) => ({ choices: [{ index: 0, delta: one }] })));
        expect(outputOf([toChunk(recordedOf(deltas))])).toEqual(streamed);
      }),
    );
  });

  it("are the same blocks of a message of Anthropic's API", () => {
    fc.assert(
      fc.property(fc.array(delta, { maxLength: 10 }), (said) => {
        const deltas = placed(said);
        const events = createMessageEvents("m");
        const all = [...deltas.flatMap((one) => events.add({ choices: [{ index: 0, delta: one }] })), ...events.end()];
        expect(kinds(toMessage(recordedOf(deltas))["content"] as Fields[])).toEqual(kinds(blocksOf(all)));
      }),
    );
  });

  it("are listed in their order where a chat kept them in a conversation", () => {
    fc.assert(
      fc.property(fc.array(delta, { maxLength: 10 }), (said) => {
        const deltas = placed(said);
        const turn = recordedOf(deltas).choices[0]?.message as ChatMessage;
        if (turn["order"] === undefined) return;
        const kept = toItems({ turn, sequence: 1, atMs: 0 } as never, "conv_12345678");
        const streamed = outputOf(deltas.map((one) => ({ choices: [{ index: 0, delta: one }] })));
        const shown = streamed.filter(({ type }) => type !== "reasoning").map(({ id: _, ...item }) => item);
        expect(kept.map(({ id: _, ...item }) => item)).toEqual(shown);
      }),
    );
  });

  it("say no order where the fields of a message tell it", () => {
    const deltas = [
      { reasoning_content: "a" },
      { reasoning_details: [sealed("x")] },
      { content: "b" },
      { content: "c" },
    ];
    expect(recordedOf(deltas).choices[0]?.message).not.toHaveProperty("order");
  });

  it("take nothing from an order that is not of the message", () => {
    const message = {
      role: "assistant",
      content: "abc",
      order: [{ content: 2 }, { reasoning_content: 9 }, { content: 99 }],
    };
    const other = { role: "assistant", content: "abc", order: "odd" };
    for (const one of [message, other])
      expect(outputOf([{ choices: [{ index: 0, delta: one }] }])).toMatchObject([
        { type: "message", content: [{ text: "abc" }] },
      ]);
  });
});

/** The blocks that a client puts together from events. */
function blocksOf(events: readonly Fields[]): readonly Fields[] {
  const blocks: Record<string, unknown>[] = [];
  for (const { type, content_block: block, index, delta: grown } of events) {
    if (type === "content_block_start") blocks.push({ ...(block as Fields) });
    if (type !== "content_block_delta") continue;
    const { type: _, ...fields } = grown as Fields;
    for (const [name, piece] of Object.entries(fields)) {
      const into = blocks[index as number] as Record<string, unknown>;
      into[name] = textOr(into[name]) + textOr(piece);
    }
  }
  return blocks;
}

const kinds = (blocks: readonly Fields[]) =>
  blocks.map(({ type, text: said, thinking, data, name }) => [type, said ?? thinking ?? data ?? name]);
