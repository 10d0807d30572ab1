import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import type { Fields } from "../../src/internal/fields.ts";
import { gatewaysInBackground } from "../gateway.ts";
import { messageOf } from "../upstreams/wire.ts";

const start = gatewaysInBackground();
const question = { role: "user", content: "Look" } as const;
const WRONG: readonly (readonly [string, Fields])[] = [
  ["summary", { summary: "text" }],
  ["summary.0", { summary: ["text"] }],
  [
    "summary.1.text",
    {
      summary: [
        { type: "summary_text", text: "a" },
        { type: "summary_text", text: 5 },
      ],
    },
  ],
  ["content", { content: "text" }],
  ["content.0.text", { content: [{ type: "reasoning_text" }] }],
  ["encrypted_content", { encrypted_content: "marrow1.e30" }],
  ["encrypted_content", { encrypted_content: "marrow1.???" }],
];

describe("reasoning that a client sends in another shape", () => {
  it("is a 400 that names the field, in responses, conversations and messages; nothing of it is repeated", async () => {
    const { client: open, baseURL, key, model } = await start(() => "fine");
    const client = open();
    const { id } = await client.conversations.create();
    for (const [field, more] of WRONG) {
      const item = { type: "reasoning", ...more } as never;
      const asked = client.responses.create({ model: "scripted", input: [question, item, question] });
      await expect(asked).rejects.toMatchObject({ status: 400, param: `input.1.${field}` });
      const added = client.conversations.items.create(id, { items: [{ ...question, type: "message" }, item] });
      await expect(added).rejects.toMatchObject({ status: 400, param: `items.1.${field}` });
    }
    const secret = { type: "reasoning", summary: [{ text: ["secret"] }] } as never;
    const error = (await client.responses
      .create({ model: "scripted", input: [secret] })
      .catch((one: unknown) => one)) as Error;
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error.message).not.toContain("secret");
    const anthropic = new Anthropic({ baseURL: baseURL.replace(/\/v1$/, ""), apiKey: key, maxRetries: 0 });
    for (const [field, block] of [
      ["thinking", { type: "thinking", signature: "s" }],
      ["signature", { type: "thinking", thinking: "t", signature: 5 }],
      ["data", { type: "redacted_thinking" }],
      ["data", { type: "redacted_thinking", data: "marrow1.e30" }],
    ] as const) {
      const messages = [question, { role: "assistant" as const, content: [block as never] }, question];
      const asked = anthropic.messages.create({ model: "scripted", max_tokens: 9, messages });
      await expect(asked).rejects.toMatchObject({ status: 400 });
      await expect(asked).rejects.toThrow(`messages.1.content.0.${field}`);
    }
    expect(model.requests).toHaveLength(0);
  });
});

describe("a long signature", () => {
  const asked = { model: "scripted", max_tokens: 9, messages: [question] };
  async function startSigning(signature: string) {
    const said = messageOf([
      { type: "thinking", thinking: "deep", signature },
      { type: "tool_use", id: "call_1", name: "look", input: {} },
    ]);
    const { client, baseURL, key, model } = await start(
      () => ({ raw: JSON.stringify(said), contentType: "application/json" }),
      { kind: "anthropic", config: { bodyBytesMax: 16_777_216 } },
    );
    const anthropic = new Anthropic({ baseURL: baseURL.replace(/\/v1$/, ""), apiKey: key, maxRetries: 0 });
    return { client: client(), anthropic, model };
  }

  it("of 1,048,576 characters goes back whole, in Anthropic's API and in responses", async () => {
    const signature = "s".repeat(1_048_576);
    const { client, anthropic, model } = await startSigning(signature);
    const sent = () => JSON.stringify(model.requests.at(-1)?.body).includes(`"${signature}"`);
    const first = await anthropic.messages.create(asked);
    const content = [{ type: "tool_result" as const, tool_use_id: "call_1", content: "a dog" }];
    await anthropic.messages.create({
      ...asked,
      messages: [question, { role: "assistant", content: first.content }, { role: "user", content }],
    });
    expect(sent()).toBe(true);
    const made = await client.responses.create({ model: "scripted", input: [question] });
    const result = { type: "function_call_output" as const, call_id: "call_1", output: "a dog" };
    await client.responses.create({ model: "scripted", input: [question, ...made.output, result] as never });
    expect(sent()).toBe(true);
    await client.responses.create({ model: "scripted", previous_response_id: made.id, input: [result] });
    expect(sent()).toBe(true);
  });

  it("of more is a failure of its model that names the bound, and from a client a 413 that names its place", async () => {
    const signature = "s".repeat(3_500_000);
    const { client, anthropic } = await startSigning(signature);
    await expect(anthropic.messages.create(asked)).rejects.toThrow("a signature of more than 1048576 characters");
    const detail = { type: "reasoning.text", text: "deep", signature, format: "anthropic-claude-v1" };
    const carried = `marrow1.${Buffer.from(JSON.stringify(detail)).toString("base64url")}`;
    const item = { type: "reasoning" as const, id: "rs", summary: [], encrypted_content: carried };
    const given = client.responses.create({ model: "scripted", input: [question, item, question] as never });
    await expect(given).rejects.toMatchObject({ status: 413, param: "input.1.encrypted_content" });
  });
});
