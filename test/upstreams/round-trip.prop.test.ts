import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toChatRequest } from "../../src/gateway/anthropic/request.ts";
import { toInputItems } from "../../src/gateway/responses/input.ts";
import { newResponseId, toChatRequest as fromResponse } from "../../src/gateway/responses/request.ts";
import { toAnthropicBody } from "../../src/models/anthropic/request.ts";
import { toResponsesBody } from "../../src/models/responses/request.ts";
import type { ChatMessage, ChatRequest } from "../../src/models/index.ts";
import { modelThat, recorded } from "./kind.ts";
import { messageEvents, responseEvents, toWire } from "./wire.ts";

/** A text of white space only has no place in Anthropic's API. */
const said = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((text) => text.trim() !== "");
const word = fc.stringMatching(/^[a-z]{1,8}$/);
const input = fc.dictionary(word, fc.oneof(said, fc.integer(), fc.boolean()), { maxKeys: 3 });

/** Conversations of what both APIs can carry: turns of a user, answered in words, or by calls with their results. */
const turn = fc.record({
  asked: said,
  answered: said,
  calls: fc.array(fc.record({ name: word, input, result: said }), { maxLength: 3 }),
});
const conversation = fc
  .tuple(fc.option(said), fc.array(turn, { minLength: 1, maxLength: 4 }), said)
  .map(([system, turns, last]) => {
    const messages: ChatMessage[] = system === null ? [] : [{ role: "system", content: system }];
    for (const [at, { asked, answered, calls }] of turns.entries()) {
      messages.push({ role: "user", content: asked });
      if (calls.length > 0) {
        const made = calls.map(({ name, input: given }, nth) => ({
          id: `c${at}_${nth}`,
          type: "function",
          function: { name, arguments: JSON.stringify(given) },
        }));
        messages.push({ role: "assistant", content: null, tool_calls: made });
        for (const [nth, { result }] of calls.entries())
          messages.push({ role: "tool", tool_call_id: `c${at}_${nth}`, content: result });
      }
      messages.push({ role: "assistant", content: answered });
    }
    return [...messages, { role: "user", content: last }];
  });

describe("a conversation", () => {
  it("says the same after it went to Anthropic's messages API and back", () => {
    fc.assert(
      fc.property(conversation, (messages) => {
        const request: ChatRequest = { model: "m", max_completion_tokens: 9, messages };
        const body = toAnthropicBody(request, { outputTokens: 9, effort: "adaptive" });
        expect(toChatRequest(body as never)).toEqual(request);
      }),
    );
  });

  it("says the same after it went to the Responses API and back", () => {
    fc.assert(
      fc.property(conversation, (messages) => {
        const { input: items, max_output_tokens } = toResponsesBody({ model: "m", max_completion_tokens: 9, messages });
        const asked = { model: "m", input: items, max_output_tokens } as Parameters<typeof toInputItems>[0];
        const back = fromResponse(asked, [], toInputItems(asked, newResponseId()));
        expect(JSON.parse(JSON.stringify(back.messages))).toEqual(messages);
        // The items that the messages were made of say it in the same words.
        expect(toResponsesBody(back)["input"]).toEqual(items);
      }),
    );
  });
});

describe.each(["anthropic", "responses"] as const)("a stream of kind %s that is cut anywhere", (kind) => {
  it("comes to one whole answer, or to one clear error", async () => {
    const output = (text: string) => [
      { type: "message", id: "m", content: [{ type: "output_text", text, annotations: [] }] },
    ];
    await fc.assert(
      fc.asyncProperty(said, fc.double({ min: 0, max: 1, noNaN: true }), async (text, share) => {
        const events = kind === "anthropic" ? messageEvents([{ type: "text", text }]) : responseEvents(output(text));
        const wire = Buffer.from(toWire(events));
        const raw = wire.subarray(0, Math.floor(wire.length * share)).toString("utf8");
        const model = await modelThat(kind, { raw });
        const answer = await recorded(model).catch((error: unknown) => error);
        if (answer instanceof Error) expect(answer).toMatchObject({ code: "model_failed" });
        else expect(answer).toMatchObject({ choices: [{ message: { content: text }, finish_reason: "stop" }] });
      }),
      { numRuns: 40 },
    );
  });
});
