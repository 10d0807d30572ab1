import { describe, expect, it } from "vitest";
import type { ChatChunk, ChatRequest } from "./chat.ts";
import { MAKER } from "./known-makers.ts";
import { forMaker, loopMakerOf, toMaker } from "./maker.ts";
import type { ChatModel, StreamPart } from "./model.ts";
import { signedModel } from "./signed-model.ts";

const detail = { type: "reasoning.encrypted", data: "SIG", format: "openai-responses-v1" };
const call = { id: "c1", type: "function", function: { name: "look", arguments: "{}" } };
const tools = [{ type: "function", function: { name: "look" } }];

/** A model that streams one delta, and says the same bytes whatever it is. */
function streaming(delta: object, bytes: string): ChatModel {
  const chunk = { id: "c", choices: [{ index: 0, delta }] } as unknown as ChatChunk;
  const parts: StreamPart[] = [{ bytes: Buffer.from(bytes), chunks: [chunk], done: false }];
  return {
    serves: () => true,
    list: async () => [],
    complete: () => Promise.reject(new Error("unasked")),
    stream: async () => ({
      async *[Symbol.asyncIterator]() {
        yield* parts;
      },
    }),
  };
}

async function streamed(model: ChatModel, request: Partial<ChatRequest>): Promise<StreamPart[]> {
  const parts: StreamPart[] = [];
  for await (const part of await model.stream({ request: { model: "m", messages: [], ...request } })) parts.push(part);
  return parts;
}

describe("a streamed answer with signed reasoning", () => {
  it.each(["chat", "translated"] as const)("names its maker in chunks and bytes: %s", async (kind) => {
    const model = signedModel(streaming({ reasoning_details: [detail] }, "data: raw\n\n"), "m1", kind);
    const [part] = await streamed(model, { tools });
    expect(part?.chunks[0]?.choices?.[0]?.delta).toEqual({ reasoning_details: [{ ...detail, [MAKER]: "m1" }] });
    expect(String(part?.bytes)).toBe(`data: ${JSON.stringify(part?.chunks[0])}\n\n`);
  });

  it("keeps an endpoint's own bytes where these may end within an event", async () => {
    const model = signedModel(streaming({ reasoning_details: [detail] }, "data: raw\n\n"), "m1", "chat");
    const [part] = await streamed(model, {});
    expect(String(part?.bytes)).toBe("data: raw\n\n");
    expect(part?.chunks[0]?.choices?.[0]?.delta).toMatchObject({ reasoning_details: [{ [MAKER]: "m1" }] });
  });

  it("is told as it came where nothing in it is signed", async () => {
    const model = signedModel(
      streaming({ content: "a", tool_calls: [{ index: 0, ...call }] }, "data: raw\n\n"),
      "m1",
      "translated",
    );
    expect((await streamed(model, { tools })).map(({ bytes }) => String(bytes))).toEqual(["data: raw\n\n"]);
  });
});

describe("a request with reasoning of several makers", () => {
  const beside = { ...call, extra_content: { google: { thought_signature: "S" } } };
  const assistant = (maker: string) => ({
    role: "assistant",
    content: null,
    reasoning_details: [{ ...detail, data: `of ${maker}`, [MAKER]: maker }],
    tool_calls: [{ ...beside, [MAKER]: maker }],
  });
  const request = { model: "m", messages: [{ role: "user", content: "q" }, assistant("m1"), assistant("m2")] };

  it("has only the maker's own, without a name", () => {
    expect(forMaker(request, "m1").messages.slice(1)).toEqual([
      { role: "assistant", content: null, reasoning_details: [{ ...detail, data: "of m1" }], tool_calls: [beside] },
      { role: "assistant", content: null, tool_calls: [call] },
    ]);
  });

  it("goes on with the newest maker of its tool loop, and with nobody's once the user spoke", () => {
    expect(loopMakerOf(request)).toBe("m2");
    expect(loopMakerOf({ ...request, messages: [...request.messages, { role: "tool", content: "r" }] })).toBe("m2");
    expect(
      loopMakerOf({ ...request, messages: [...request.messages, { role: "user", content: "r" }] }),
    ).toBeUndefined();
  });

  it("is the same object where nobody's name is in it", () => {
    const plain = {
      model: "m",
      messages: [{ role: "assistant", content: "a", tool_calls: [beside], reasoning_details: [{ data: "?" }] }],
    };
    expect(forMaker(plain, "m1")).toBe(plain);
  });

  it("knows one endpoint by one name, and tells nothing of its address", () => {
    expect(toMaker("chat", "http://h/v1")).toBe(toMaker("chat", "http://h/v1/"));
    expect(toMaker("chat", "http://h/v1")).not.toBe(toMaker("responses", "http://h/v1"));
    expect(toMaker("chat", "http://h/v1")).toMatch(/^[\da-f]{12}$/);
  });
});
