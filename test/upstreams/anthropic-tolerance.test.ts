import { describe, expect, it } from "vitest";
import { gist, modelThat, recorded } from "./kind.ts";
import { messageEvents, messageOf, toWire } from "./wire.ts";

const thinking = { type: "thinking", thinking: "let me think about it", signature: "sig==" };
const use = { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Paris", days: [1, 2] } };

describe("a model of kind anthropic", () => {
  it.each([
    ["cut off", '{"city": "Par'],
    ["no object", "[1,2]"],
    ["deeper than is read", `${"[".repeat(200)}${"]".repeat(200)}`],
    [
      "of more values than are read",
      JSON.stringify(Object.fromEntries(Array.from({ length: 12_000 }, (_, n) => [n, 1]))),
    ],
  ])("goes on after a call whose arguments are %s: they are a text in an object", async (_, given) => {
    const model = await modelThat("anthropic", { raw: JSON.stringify(messageOf([{ type: "text", text: "ok" }])) });
    const asked = {
      model: "m",
      messages: [
        { role: "user", content: "hello" },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: given } }],
        },
      ],
    };
    await model.complete({ request: asked });
    const content = [{ type: "tool_use", id: "c", name: "f", input: { INVALID_JSON: given } }];
    expect(model.endpoint.requests[0]?.body["messages"]).toMatchObject([{}, { content }]);
  });

  it("is asked without texts that have no visible character, which it refuses", async () => {
    const model = await modelThat("anthropic", { raw: JSON.stringify(messageOf([{ type: "text", text: "ok" }])) });
    const called = (content: unknown) => ({
      role: "assistant",
      content,
      tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: " " } }],
    });
    const messages = [
      { role: "system", content: "\n" },
      {
        role: "user",
        content: [
          { type: "text", text: " " },
          { type: "text", text: " a " },
        ],
      },
      called("\n\n"),
      { role: "tool", tool_call_id: "c", content: "\n" },
      called([
        { type: "text", text: "\t" },
        { type: "refusal", refusal: " " },
      ]),
      { role: "tool", tool_call_id: "c", content: [{ type: "text", text: "\n" }] },
      { role: "assistant", content: null, refusal: " \n" },
    ];
    await model.complete({ request: { model: "m", messages } });
    const useOf = (id: string) => ({ type: "tool_use", id, name: "f", input: {} });
    expect(model.endpoint.requests[0]?.body).toEqual({
      model: "m",
      max_tokens: 8_192,
      messages: [
        { role: "user", content: [{ type: "text", text: " a " }] },
        { role: "assistant", content: [useOf("c")] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "c" }] },
        { role: "assistant", content: [useOf("c_2")] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "c_2" }] },
      ],
    });
  });

  it("gets pictures in the one form of base64 and of the type's name that it reads", async () => {
    const model = await modelThat("anthropic", { raw: JSON.stringify(messageOf([{ type: "text", text: "ok" }])) });
    const urls = [
      "data:image/jpg;base64,-_-\n_+w",
      "data:image/png;base64,QUJD\r\n RA==",
      "data:image/gif;base64,QUJD",
    ];
    const content = urls.map((url) => ({ type: "image_url", image_url: { url } }));
    await model.complete({ request: { model: "m", messages: [{ role: "user", content }] } });
    const sources = [
      { type: "base64", media_type: "image/jpeg", data: "+/+/+w==" },
      { type: "base64", media_type: "image/png", data: "QUJDRA==" },
      { type: "base64", media_type: "image/gif", data: "QUJD" },
    ].map((source) => ({ source }));
    expect(model.endpoint.requests[0]?.body["messages"]).toMatchObject([{ content: sources }]);
  });

  it.each([
    ["without the beginnings of its blocks", ({ type }: { type: string }) => type !== "content_block_start"],
    ["without beginnings and ends", ({ type }: { type: string }) => !/^content_block_(?:start|stop)$/.test(type)],
  ])("says all of a stream %s, and names a call that it cannot tell", async (_, keeps) => {
    const events = (messageEvents([thinking, { type: "text", text: "Good day." }, use]) as { type: string }[]).filter(
      keeps,
    );
    const said = gist(await recorded(await modelThat("anthropic", { raw: toWire(events) })));
    expect(said).toMatchObject({
      said: {
        content: "Good day.",
        reasoning_content: thinking.thinking,
        reasoning_details: [{ text: thinking.thinking, signature: "sig==" }],
        omitted: ["tool_use"],
      },
    });
  });

  it.each([false, true])("says what a stream's first event holds, with more of it behind (%s)", async (hasMore) => {
    const content = [thinking, { type: "text", text: "Good day." }, use];
    const [begin, ...others] = messageEvents(hasMore ? [...content, { type: "text", text: "More." }] : []) as {
      message: object;
    }[];
    const first = { ...begin, message: { ...begin?.message, content } };
    // Events about the blocks that the first event holds say nothing new.
    const rest = others.filter((event) => !("delta" in event) || (event as { index?: number }).index !== 1);
    const behind = hasMore ? rest.filter((event) => ((event as { index?: number }).index ?? 3) >= 3) : rest;
    const said = gist(await recorded(await modelThat("anthropic", { raw: toWire([first, ...behind]) })));
    expect(said).toMatchObject({
      said: {
        content: hasMore ? "Good day.More." : "Good day.",
        reasoning_content: thinking.thinking,
        reasoning_details: [{ text: thinking.thinking, signature: "sig==" }],
        tool_calls: [{ id: "toolu_1", function: { name: "get_weather", arguments: JSON.stringify(use.input) } }],
      },
    });
  });
});
