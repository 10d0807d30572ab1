import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatChunk } from "../../models/index.ts";
import { createAssembler, toChunk } from "./assemble.ts";
import { toShell } from "./shell.ts";
import type { Fields } from "../../internal/fields.ts";
import type { Item, ResponseEvent } from "./shape.ts";

const shell = toShell({ model: "m", input: "x" }, "resp_0123456789012345678901234567890123456789", 0);

/** What a client that knows nothing but the events makes of them. */
function replay(events: readonly ResponseEvent[]): Item[] {
  const output: { -readonly [Name in string]: unknown }[] = [];
  for (const { type, ...event } of events) {
    const at = event["output_index"] as number;
    if (type === "response.output_item.added") output[at] = structuredClone(event["item"]) as Item;
    const item = output[at];
    const content = item?.["content"] as Record<string, unknown>[] | undefined;
    if (type === "response.content_part.added")
      content?.push(structuredClone(event["part"]) as Record<string, unknown>);
    const part = content?.[0];
    if (type === "response.output_text.delta" && part) part["text"] = String(part["text"]) + String(event["delta"]);
    if (type === "response.refusal.delta" && part) part["refusal"] = String(part["refusal"]) + String(event["delta"]);
    if (type === "response.function_call_arguments.delta" && item)
      item["arguments"] = String(item["arguments"]) + String(event["delta"]);
    if (type === "response.output_item.done" && item) expect({ ...item, status: "completed" }).toEqual(event["item"]);
    if (type === "response.output_item.done") output[at] = event["item"] as Item;
  }
  return output as Item[];
}

const pieces = fc.array(fc.string({ minLength: 1 }), { maxLength: 6 });

describe("a response that is put together from a stream", () => {
  it("is the same however the stream was cut, and the same as its events say", () => {
    fc.assert(
      fc.property(pieces, fc.array(pieces, { maxLength: 3 }), fc.boolean(), (text, calls, refuses) => {
        const field = refuses ? "refusal" : "content";
        const chunks: ChatChunk[] = [
          ...text.map((piece) => ({ choices: [{ index: 0, delta: { [field]: piece } }] })),
          ...calls.flatMap((cuts, index) => [
            {
              choices: [
                {
                  index: 0,
                  delta: { tool_calls: [{ index, id: `c${index}`, function: { name: "f", arguments: "" } }] },
                },
              ],
            },
            ...cuts.map((piece) => ({
              choices: [{ index: 0, delta: { tool_calls: [{ index, function: { arguments: piece } }] } }],
            })),
          ]),
          { choices: [{ index: 0, delta: {}, finish_reason: calls.length > 0 ? "tool_calls" : "stop" }] },
        ];
        const streamed = createAssembler(shell);
        const events = [...streamed.begin(), ...chunks.flatMap((chunk) => streamed.add(chunk)), ...streamed.close()];
        const message = {
          role: "assistant",
          content: null,
          ...(text.length > 0 && { [field]: text.join("") }),
          ...(calls.length > 0 && {
            tool_calls: calls.map((cuts, at) => ({
              id: `c${at}`,
              type: "function",
              function: { name: "f", arguments: cuts.join("") },
            })),
          }),
        };
        const whole = createAssembler(shell);
        const finish_reason = calls.length > 0 ? "tool_calls" : "stop";
        whole.add(
          toChunk({
            id: "",
            object: "chat.completion",
            created: 0,
            model: "m",
            choices: [{ index: 0, message, finish_reason }],
          }),
        );
        whole.close();
        expect(streamed.response().output).toEqual(whole.response().output);
        expect(replay(events)).toEqual(streamed.response().output);
        const opened = events.filter(({ type }) => type === "response.output_item.added").length;
        expect(events.filter(({ type }) => type === "response.output_item.done")).toHaveLength(opened);
      }),
      { numRuns: 300 },
    );
  });

  it("tells what it used, and why it is not whole", () => {
    const made = createAssembler(shell);
    const usage: Fields = {
      prompt_tokens: 3,
      completion_tokens: 4,
      total_tokens: 7,
      prompt_tokens_details: { cached_tokens: 2 },
    };
    made.add({
      choices: [{ index: 0, delta: { content: "a" }, finish_reason: "content_filter" }],
      usage: usage as never,
    });
    made.close();
    expect(made.response()).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "content_filter" },
      usage: { input_tokens: 3, input_tokens_details: { cached_tokens: 2 }, output_tokens: 4, total_tokens: 7 },
      output: [{ status: "incomplete" }],
    });
  });
});

describe("a call of a custom tool", () => {
  it("is done where the next item begins, because its input has no end of its own", () => {
    const call = (index: number, fields: object) => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index, ...fields }] } }],
    });
    const assembler = createAssembler(shell);
    const events = [
      call(0, { id: "c0", type: "custom", custom: { name: "run", input: "ls " } }),
      call(0, { custom: { input: "-l" } }),
      call(1, { id: "c1", type: "custom", custom: { name: "run", input: "pwd" } }),
      { choices: [{ index: 0, delta: { content: "Done." } }] },
    ].flatMap((chunk) => assembler.add(chunk as ChatChunk));
    const told = [...events, ...assembler.close()].flatMap(({ type, output_index: at }) =>
      /item\.(added|done)$|input\.done$/.test(type) ? [`${type.replace("response.", "")} ${String(at)}`] : [],
    );
    expect(told).toEqual([
      "output_item.added 0",
      "custom_tool_call_input.done 0",
      "output_item.done 0",
      "output_item.added 1",
      "custom_tool_call_input.done 1",
      "output_item.done 1",
      "output_item.added 2",
      "output_item.done 2",
    ]);
  });
});
