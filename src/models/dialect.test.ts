import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { startScriptedModel, type ScriptedAnswer } from "../testing/index.ts";
import { createDialect } from "./dialect.ts";
import { openaiModel, THOUGHTS, type ChatRequest } from "./index.ts";

const messages = [{ role: "user", content: "Hi" }];
const refusal = (message: string, more: object = {}): ScriptedAnswer => ({
  status: 400,
  raw: JSON.stringify({ error: { message, ...more } }),
});
const USE_NEW =
  "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
const FASTAPI = {
  detail: [{ type: "extra_forbidden", loc: ["body", "max_completion_tokens"], msg: "Extra inputs are not permitted" }],
};

describe("an endpoint that refuses a field", () => {
  it.each([
    ["max_tokens", { max_tokens: 9 }, { max_completion_tokens: 9 }, refusal(USE_NEW, { param: "max_tokens" })],
    [
      "max_completion_tokens",
      { max_completion_tokens: 9 },
      { max_tokens: 9 },
      { status: 422, raw: JSON.stringify(FASTAPI) },
    ],
    ["stream_options", { stream_options: {} }, {}, refusal("Unrecognized request argument supplied: stream_options")],
    [
      "metadata",
      { metadata: { a: "b" } },
      {},
      refusal("The 'metadata' parameter is only allowed when 'store' is enabled."),
    ],
  ])("is asked again without it, and not asked with it again: %s", async (field, sent, wanted, answer) => {
    const endpoint = await startScriptedModel(({ body }) => (field in body ? answer : "fine"));
    const model = openaiModel({ baseUrl: endpoint.baseUrl });
    for (let nth = 0; nth < 2; nth += 1)
      expect(
        (await model.complete({ request: { model: "m", messages, ...sent } })).completion.choices[0]?.message.content,
      ).toBe("fine");
    expect(endpoint.requests.map(({ body }) => body)).toEqual([
      { model: "m", messages, ...sent },
      { model: "m", messages, ...wanted },
      { model: "m", messages, ...wanted },
    ]);
    await model.close();
    await endpoint.close();
  });

  it("is told to the client where it refuses the value, not the field", async () => {
    const endpoint = await startScriptedModel(() =>
      refusal("max_tokens is too large: 999. At most 4096.", { param: "max_tokens" }),
    );
    const model = openaiModel({ baseUrl: endpoint.baseUrl });
    await expect(model.complete({ request: { model: "m", messages, max_tokens: 999 } })).rejects.toMatchObject({
      details: { status: 400, error: { param: "max_tokens" } },
    });
    expect(endpoint.requests).toHaveLength(1);
    await model.close();
    await endpoint.close();
  });
});

describe("an endpoint that does not know hints", () => {
  const refusalOf = (field: string) => `{"error":{"message":"Unknown parameter: '${field}'."}}`;
  const cache_control = { type: "ephemeral" };
  const hinted: ChatRequest = {
    model: "m",
    reasoning_effort: "low",
    thinking: { type: "enabled", budget_tokens: 2_000 },
    cache_control,
    tools: [{ type: "function", function: { name: "f" }, cache_control }],
    messages: [
      { role: "user", content: [{ type: "text", text: "a", cache_control }] },
      {
        role: "assistant",
        content: null,
        reasoning_details: [{ data: "x" }],
        tool_calls: [{ id: "c", cache_control }],
      },
      { role: "tool", tool_call_id: "c", content: "r", is_error: true },
    ],
  };

  it.each([
    "thinking",
    "messages[0].content[0].cache_control",
    "messages[1].reasoning_details",
    "messages[2].is_error",
  ])("is asked without any after it refused %s, and so ever after", (field) => {
    const dialect = createDialect({});
    const amended = dialect.amend(hinted, refusalOf(field));
    const plain = {
      model: "m",
      reasoning_effort: "low",
      tools: [{ type: "function", function: { name: "f" } }],
      messages: [
        { role: "user", content: [{ type: "text", text: "a" }] },
        { role: "assistant", content: null, tool_calls: [{ id: "c" }] },
        { role: "tool", tool_call_id: "c", content: "r" },
      ],
    };
    expect(amended?.request).toEqual(plain);
    amended?.learn();
    expect(dialect.adapt(hinted)).toEqual(plain);
  });

  it("keeps a wish to think that nothing else says, and what it does not know as a hint", () => {
    const { reasoning_effort: _, ...wish } = hinted;
    const amended = createDialect({}).amend(wish, refusalOf("thinking"));
    expect(amended?.request).toHaveProperty("thinking");
    expect(createDialect({}).amend({ model: "m", messages: [] }, refusalOf("thinking"))).toBeUndefined();
    expect(createDialect({}).amend(hinted, refusalOf("top_k"))).toBeUndefined();
  });

  it("is asked without a wish for a summary of the thoughts, which changes no answer", () => {
    const { reasoning_effort: _, ...plain } = hinted;
    const wish = { ...plain, reasoning: { summary: "auto" } };
    const amended = createDialect({}).amend(wish, refusalOf("reasoning"));
    expect(amended?.request).not.toHaveProperty("reasoning");
    const deeper = createDialect({}).amend({ ...wish, reasoning: { max_tokens: 5 } }, refusalOf("reasoning"));
    expect(deeper?.request).toHaveProperty("reasoning");
    const pro = { ...hinted, reasoning: { mode: "pro" } };
    expect(createDialect({}).amend(pro, refusalOf("reasoning"))?.request).toHaveProperty("reasoning");
  });
});

describe("an endpoint that compresses its answers", () => {
  const completion = JSON.stringify({
    id: "c",
    choices: [{ index: 0, message: { role: "assistant", content: "packed" } }],
  });
  const events = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "packed" } }] })}\n\ndata: [DONE]\n\n`;
  it.each([
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ] as const)("is read in %s, whole and streamed", async (encoding, encode) => {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece) => (body += String(piece)));
      request.on("end", () => {
        const streams = body.includes('"stream":true');
        const type = streams ? "text/event-stream" : "application/json";
        response.writeHead(200, { "content-type": type, "content-encoding": encoding });
        response.end(encode(streams ? events : completion));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const model = openaiModel({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` });
    const request = { model: "m", messages };
    expect((await model.complete({ request })).completion.choices[0]?.message.content).toBe("packed");
    const chunks: unknown[] = [];
    for await (const part of await model.stream({ request: { ...request, stream: true } })) chunks.push(...part.chunks);
    expect(chunks).toMatchObject([{ choices: [{ delta: { content: "packed" } }] }]);
    await model.close();
    server.closeAllConnections();
    server.close();
  });
});

describe("an endpoint that says what it thinks", () => {
  const turn = (thoughts?: string, more: object = {}) => ({
    role: "assistant",
    content: null,
    tool_calls: [{ id: "c" }],
    ...(thoughts !== undefined && { [THOUGHTS]: thoughts }),
    ...more,
  });
  const looping: ChatRequest = {
    model: "m",
    messages: [
      { role: "user", content: "a" },
      turn("before"),
      { role: "user", content: "b" },
      turn("now"),
      { role: "tool", tool_call_id: "c", content: "r" },
      turn("then", { reasoning_content: "as its client said" }),
    ],
  };
  const told = (request: ChatRequest | undefined) =>
    (JSON.parse(JSON.stringify(request?.messages ?? [])) as Record<string, unknown>[])
      .filter(({ role }) => role === "assistant")
      .map(({ reasoning_content: content, reasoning }) => content ?? (reasoning === undefined ? null : { reasoning }));

  it("is given back what it thought since the user's last message, in its own field; another is not", () => {
    const dialect = createDialect({});
    expect(told(dialect.adapt(looping))).toEqual([null, null, "as its client said"]);
    dialect.thinks("m", "reasoning_content");
    expect(told(dialect.adapt(looping))).toEqual([null, "now", "as its client said"]);
    dialect.thinks("m", "reasoning");
    expect(told(dialect.adapt(looping))).toEqual([null, { reasoning: "now" }, "as its client said"]);
    expect(dialect.adapt({ ...looping, model: "other" }).messages).toBe(looping.messages);
  });

  it.each([
    "Missing `reasoning_content` field in the assistant message at message index 2.",
    "The `reasoning_content` in the thinking mode must be passed back to the API.",
    "thinking is enabled but reasoning_content is missing in assistant tool call message at index 13",
  ])("is given all of it after it said: %s", (words) => {
    const dialect = createDialect({});
    const amended = dialect.amend(looping, words);
    expect(told(amended?.request)).toEqual(["before", "now", "as its client said"]);
    amended?.learn();
    expect(told(dialect.adapt(looping))).toEqual(["before", "now", "as its client said"]);
    const unknown = { model: "m", messages: [{ role: "assistant", content: "a" }] };
    expect(told(dialect.adapt(unknown))).toEqual([""]);
    expect(dialect.amend(dialect.adapt(unknown), words)).toBeUndefined();
  });

  it("is given none after it refused it", () => {
    const dialect = createDialect({});
    dialect.thinks("m", "reasoning_content");
    const amended = dialect.amend(
      dialect.adapt(looping),
      "Please remove the reasoning_content from your message, which is for display only.",
    );
    expect(told(amended?.request)).toEqual([null, null, null]);
    amended?.learn();
    expect(told(dialect.adapt(looping))).toEqual([null, null, null]);
  });
});

describe("an endpoint that refuses what another one said", () => {
  const request: ChatRequest = {
    model: "m",
    messages: [
      { role: "user", content: "a", vendor_x: 1 },
      {
        role: "assistant",
        content: null,
        vendor_x: { a: 1 },
        vendor_y: 2,
        tool_calls: [
          { id: "c", type: "function", function: { name: "f", arguments: "{}" }, extra_content: { google: {} } },
        ],
      },
    ],
  };

  it.each([
    ["Unknown parameter: 'messages[1].vendor_x'.", "vendor_x"],
    ["messages.1.assistant.vendor_y: Extra inputs are not permitted", "vendor_y"],
    ["property 'messages.1.tool_calls.0.extra_content' is unsupported", "extra_content"],
  ])("is asked again without it, and not asked with it again: %s", (words, field) => {
    const dialect = createDialect({});
    const amended = dialect.amend(request, words);
    amended?.learn();
    for (const plain of [amended?.request, dialect.adapt(request)]) {
      expect(JSON.stringify(plain?.messages[1])).not.toContain(field);
      expect(JSON.stringify(plain?.messages).match(/vendor_x|vendor_y|extra_content/g)).toHaveLength(3);
    }
    expect(dialect.adapt({ ...request, model: "other" }).messages).toBe(request.messages);
  });

  it("tells its client where it refuses what every endpoint knows, or what its user said", () => {
    expect(createDialect({}).amend(request, "Unknown parameter: 'messages[1].content'.")).toBeUndefined();
    const said = { model: "m", messages: [{ role: "user", content: "a", vendor_x: 1 }] };
    expect(createDialect({}).amend(said, "Unknown parameter: 'messages[0].vendor_x'.")).toBeUndefined();
  });
});
