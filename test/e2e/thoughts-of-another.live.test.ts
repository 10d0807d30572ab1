import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startScriptedModel, type ScriptedAnswer, type ScriptedModel } from "../../src/testing/index.ts";
import { routingTests, type RoutingGateway } from "../routing.ts";
import { messageOf, responseOf } from "../upstreams/wire.ts";

type Kind = "responses" | "anthropic" | "chat";
const { gateway } = routingTests();
const TOOLS: OpenAI.Responses.Tool[] = [
  { type: "function", name: "look", parameters: { type: "object" }, strict: false },
];
const question = { role: "user", content: "Look" } as const;
const result = { type: "function_call_output", call_id: "call_1", output: "a dog" } as const;

let door: RoutingGateway;
let client: OpenAI;
let endpoints: readonly ScriptedModel[];
/** Names of endpoints that answer nothing but 500. */
let down: Set<string>;

const json = (body: object, status?: number): ScriptedAnswer => ({
  raw: JSON.stringify(body),
  contentType: "application/json",
  ...(status !== undefined && { status }),
});

/** What an endpoint signs with its name, and calls a tool. */
const CALLING: Record<Kind, (name: string) => object> = {
  responses: (name) =>
    responseOf([
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: `SIG-${name}` },
      { type: "function_call", id: "fc_1", call_id: "call_1", name: "look", arguments: "{}" },
    ]),
  anthropic: (name) =>
    messageOf([
      { type: "thinking", thinking: "deep", signature: `SIG-${name}` },
      { type: "tool_use", id: "call_1", name: "look", input: {} },
    ]),
  chat: (name) =>
    completion({
      content: null,
      tool_calls: [
        {
          id: "call_1",
          type: "function",
          function: { name: "look", arguments: "{}" },
          extra_content: { google: { thought_signature: `SIG-${name}` } },
        },
      ],
    }),
};
const SAYING: Record<Kind, () => object> = {
  responses: () =>
    responseOf([
      {
        type: "message",
        id: "msg_1",
        role: "assistant",
        content: [{ type: "output_text", text: "A dog.", annotations: [] }],
      },
    ]),
  anthropic: () => messageOf([{ type: "text", text: "A dog." }]),
  chat: () => completion({ content: "A dog." }),
};
const REFUSAL: Record<Kind, object> = {
  responses: {
    error: {
      message: "The encrypted content SIG... could not be verified. Reason: it could not be decrypted or parsed.",
      type: "invalid_request_error",
      param: null,
      code: "invalid_encrypted_content",
    },
  },
  anthropic: {
    type: "error",
    error: { type: "invalid_request_error", message: "messages.1.content.0: Invalid `signature` in `thinking` block" },
  },
  chat: { error: { message: "thought_signature is not valid", type: "invalid_request_error" } },
};

function completion(message: object): object {
  const finish_reason = "tool_calls" in message ? "tool_calls" : "stop";
  const choices = [{ index: 0, message: { role: "assistant", ...message }, finish_reason }];
  return { id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m", choices };
}

/** An endpoint that reads no signature but its own. */
async function endpoint(kind: Kind, name: string): Promise<ScriptedModel> {
  return startScriptedModel(({ body }) => {
    if (down.has(name)) return { status: 500 };
    const told = JSON.stringify(body);
    if ([...told.matchAll(/SIG-(\w+)/g)].some(([, maker]) => maker !== name)) return json(REFUSAL[kind], 400);
    const isResult = /function_call_output|tool_result|"role":"tool"/.test(told);
    return json(isResult ? SAYING[kind]() : CALLING[kind](name));
  });
}

async function open(kinds: readonly [Kind, Kind], groupsOf: (model: string) => string[][]): Promise<void> {
  endpoints = await Promise.all([endpoint(kinds[0], "one"), endpoint(kinds[1], "two")]);
  // A model for each way: a target that failed is left alone for a while.
  const ids = Object.keys(WAYS).map((_, nth) => `m${nth}`);
  door = await gateway({
    limits: { enabled: false },
    cache: { enabled: false },
    upstreams: ["one", "two"].map((name, at) => ({
      name,
      kind: kinds[at] as Kind,
      baseUrl: (endpoints[at] as ScriptedModel).baseUrl,
      models: [...ids, `m-${name}`],
    })),
    routes: Object.fromEntries(ids.map((id) => [id, { groups: groupsOf(id) }])),
    routing: { backoffMs: 1 },
  });
  client = new OpenAI({ baseURL: door.url, apiKey: door.key, maxRetries: 0 });
}

beforeEach(() => {
  down = new Set();
});
afterEach(() => Promise.all(endpoints.map((one) => one.close())));

type Asking = (asked: object) => Promise<OpenAI.Responses.Response>;
const respond =
  (model: string): Asking =>
  (asked) =>
    client.responses.create({ model, tools: TOOLS, ...asked } as OpenAI.Responses.ResponseCreateParamsNonStreaming);
const back = (output: readonly unknown[]) => ({ input: [question, ...output, result] });
const calls = () => endpoints.map(({ requests }) => requests.length);
const told = (at: number) => JSON.stringify(endpoints[at]?.requests.at(-1)?.body);

/** Ways by which the second turn of a tool loop comes back. */
const WAYS: Record<string, (ask: Asking) => Promise<OpenAI.Responses.Response>> = {
  async "the response before"(ask) {
    const { id } = await ask({ input: [question] });
    return ask({ previous_response_id: id, input: [result] });
  },
  async "items as they were shown"(ask) {
    return ask(back((await ask({ input: [question] })).output));
  },
  async "items with their encrypted content"(ask) {
    const plain = { store: false, include: ["reasoning.encrypted_content"] };
    const { output } = await ask({ ...plain, input: [question] });
    return ask({ ...plain, ...back(output.map(({ id: _, ...item }) => item)) });
  },
  async "a conversation"(ask) {
    const { id: conversation } = await client.conversations.create();
    await ask({ conversation, input: [question] });
    return ask({ conversation, input: [result] });
  },
};
const WAYS_BACK = Object.entries(WAYS).map(([way, go], nth) => ({ way, go, model: `m${nth}` }));

describe("a tool loop over a group of two upstreams that read no reasoning but their own", () => {
  it.each(["responses", "anthropic", "chat"] as const)("goes on at the one that began it: kind %s", async (kind) => {
    await open([kind, kind], (model) => [[`one/${model}`, `two/${model}`]]);
    for (const { way, go, model } of WAYS_BACK)
      for (let round = 0; round < 3; round += 1)
        expect([way, (await go(respond(model))).output_text]).toEqual([way, "A dog."]);
    const all = endpoints.flatMap(({ requests }) => requests.map(({ body }) => JSON.stringify(body)));
    expect(all).toHaveLength(WAYS_BACK.length * 6);
    const results = all.filter((body) => body.includes("a dog"));
    expect(results.filter((body) => !body.includes("SIG"))).toEqual([]);
    expect(all.filter((body) => body.includes("marrow"))).toEqual([]);
  });
});

describe("a tool loop whose upstream fails in the middle", () => {
  it.each([
    ["responses", "responses"],
    ["anthropic", "anthropic"],
    ["chat", "chat"],
    ["responses", "chat"],
    ["anthropic", "chat"],
    ["chat", "anthropic"],
  ] as const)("goes on at another without its reasoning: kind %s, then %s", async (...kinds) => {
    await open(kinds, (model) => [[`one/${model}`], [`two/${model}`]]);
    for (const { way, go, model } of WAYS_BACK) {
      let turns = 0;
      const answer = await go((asked) => {
        if (turns === 1) down.add("one");
        turns += 1;
        return respond(model)(asked);
      });
      expect([way, answer.output_text]).toEqual([way, "A dog."]);
      expect(told(0)).toContain("SIG-one");
      expect(told(1)).not.toMatch(/SIG|marrow/);
      down.clear();
    }
    // The client itself names another model.
    const before = calls();
    const { id } = await respond("m-one")({ input: [question] });
    const next = await respond("m-two")({ previous_response_id: id, input: [result] });
    expect(next.output_text).toBe("A dog.");
    expect(told(1)).not.toMatch(/SIG|marrow/);
    expect(calls()).toEqual(before.map((one) => one + 1));
  });
});

describe("reasoning of which nothing tells its maker", () => {
  it.each(["responses", "anthropic", "chat"] as const)(
    "is left out once an endpoint of kind %s refuses it",
    async (kind) => {
      await open([kind, kind], (model) => [[`one/${model}`]]);
      const ask = respond("m0");
      if (kind === "chat") {
        const call = { id: "call_1", type: "function", function: { name: "look", arguments: "{}" } };
        const signature = { extra_content: { google: { thought_signature: "SIG-three" } } };
        const messages = [
          question,
          { role: "assistant", content: null, tool_calls: [{ ...call, ...signature }] },
          { role: "tool", tool_call_id: "call_1", content: "a dog" },
        ];
        const answer = await client.chat.completions.create({ model: "m0", messages } as never);
        expect((answer as OpenAI.ChatCompletion).choices[0]?.message.content).toBe("A dog.");
      } else if (kind === "responses") {
        const foreign = { type: "reasoning", summary: [], encrypted_content: "SIG-three" };
        const call = { type: "function_call", call_id: "call_1", name: "look", arguments: "{}" };
        expect((await ask(back([foreign, call]))).output_text).toBe("A dog.");
      } else {
        const anthropic = new Anthropic({ baseURL: door.url.replace(/\/v1$/, ""), apiKey: door.key, maxRetries: 0 });
        const content = [
          { type: "thinking" as const, thinking: "deep", signature: "SIG-three" },
          { type: "tool_use" as const, id: "call_1", name: "look", input: {} },
        ];
        const results = [{ type: "tool_result" as const, tool_use_id: "call_1", content: "a dog" }];
        const asked = {
          model: "m0",
          max_tokens: 99,
          tools: [{ name: "look", input_schema: { type: "object" as const } }],
        };
        const messages = [
          question,
          { role: "assistant" as const, content },
          { role: "user" as const, content: results },
        ];
        expect((await anthropic.messages.create({ ...asked, messages })).content).toMatchObject([{ text: "A dog." }]);
      }
      expect(calls()[0]).toBe(2);
      // Nothing was learned: the endpoint's own reasoning goes back as before.
      await WAYS["the response before"]?.(ask);
      expect(told(0)).toContain("SIG-one");
      expect(calls()[0]).toBe(4);
    },
  );
});
