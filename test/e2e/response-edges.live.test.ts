import type { OpenAI } from "openai";
import { describe, expect, it } from "vitest";
import type { ScriptedAnswer } from "../../src/testing/index.ts";
import { gatewaysInBackground } from "../gateway.ts";

const start = gatewaysInBackground();

const event = (delta: object, reason: string | null = null) =>
  `data: ${JSON.stringify({ id: "c1", model: "m", choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
const parts = [
  { type: "thinking", thinking: [{ type: "text", text: "Hm." }] },
  { type: "text", text: "So " },
  { type: "text", text: "be it." },
];
const inParts = (isStream: boolean): ScriptedAnswer =>
  isStream
    ? { raw: `${parts.map((part) => event({ content: [part] })).join("")}${event({}, "stop")}data: [DONE]\n\n` }
    : { message: { role: "assistant", content: parts } };
const refusing = {
  status: 400,
  raw: JSON.stringify({ error: { message: "Too long by 7.", code: "context_length_exceeded" } }),
};
const ended = async (client: OpenAI, id: string) => {
  const done = async () => !["queued", "in_progress"].includes((await client.responses.retrieve(id)).status ?? "");
  await expect.poll(done, { timeout: 5_000, interval: 20 }).toBe(true);
  return client.responses.retrieve(id);
};

describe("an answer whose content is a list of parts", () => {
  it.each([false, true])("has its text and its thoughts in every API (stream %s)", async (stream) => {
    const { client: open, baseURL, key } = await start(({ body }) => inParts(body["stream"] === true));
    const client = open();
    const response = stream
      ? await client.responses.stream({ model: "scripted", input: "Hi" }).finalResponse()
      : await client.responses.create({ model: "scripted", input: "Hi" });
    expect(response.output_text).toBe("So be it.");
    expect(response.output[0]).toMatchObject({ type: "reasoning", summary: [{ text: "Hm." }] });
    const message = await fetch(`${baseURL}/messages`, {
      method: "POST",
      headers: { "x-api-key": key, "content-type": "application/json" },
      body: JSON.stringify({ model: "scripted", max_tokens: 9, stream, messages: [{ role: "user", content: "Ho" }] }),
    });
    const text = await message.text();
    for (const said of ["Hm.", "So ", "be it."]) expect(text).toContain(said);
    expect(text).toMatch(/"type":"thinking"[\s\S]*"type":"text"/);
  });
});

describe("a response in the background that its upstream refuses", () => {
  it("says why in the words that are answered at once, and its stream begins as every other one", async () => {
    const { client: open } = await start(() => refusing);
    const client = open();
    const asked = { model: "scripted", input: "Hi" };
    const now = await client.responses.create(asked).catch((error: { code: unknown; error: unknown }) => error);
    expect(now).toMatchObject({ code: "context_length_exceeded", error: { message: "Too long by 7." } });
    const failed = { code: "context_length_exceeded", message: "Too long by 7." };
    const { id } = await client.responses.create({ ...asked, background: true });
    expect(await ended(client, id)).toMatchObject({ status: "failed", error: failed });
    const types: string[] = [];
    const stream = client.responses.stream({ ...asked, background: true });
    for await (const { type, sequence_number: number } of stream) types.push(`${number} ${type}`);
    expect(types).toEqual(["0 response.created", "1 response.in_progress", "2 response.failed"]);
    const lost = await client.responses.create({ model: "nobody", input: "Hi", background: true });
    expect(await ended(client, lost.id)).toMatchObject({ status: "failed", error: { code: "model_not_found" } });
  });
});

describe("a response that goes on from others", () => {
  it("is refused by name where one of them was deleted", async () => {
    const { client: open } = await start();
    const client = open();
    let previous: string | null = null;
    const ids: string[] = [];
    for (const input of ["a", "b", "c"]) {
      const { id }: { id: string } = await client.responses.create({
        model: "scripted",
        input,
        previous_response_id: previous,
      });
      ids.push(id);
      previous = id;
    }
    await client.responses.delete(ids[1] ?? "");
    await expect(
      client.responses.create({ model: "scripted", input: "d", previous_response_id: previous }),
    ).rejects.toMatchObject({
      status: 404,
      code: "previous_response_not_found",
      message: expect.stringContaining(ids[1] ?? "-"),
    });
  });
});

describe("the items that were asked", () => {
  it("are shown with every field that clients require", async () => {
    const { client: open } = await start();
    const client = open();
    const { id } = await client.responses.create({
      model: "scripted",
      input: [
        { role: "user", content: [{ type: "input_image", image_url: "https://example.com/a.png" } as never] },
        { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
        { type: "function_call_output", call_id: "c1", output: "out" },
      ],
    });
    const { data } = await client.responses.inputItems.list(id, { order: "asc" });
    expect(data).toMatchObject([
      { status: "completed", content: [{ type: "input_image", detail: "auto" }] },
      { type: "function_call", status: "completed" },
      { type: "function_call_output", status: "completed" },
    ]);
  });
});

describe("a response in a session", () => {
  it("belongs to it as a chat does, at once and in the background, and has no other history", async () => {
    const { model, client: open } = await start(({ body }) => `${(body["messages"] as unknown[]).length} messages`);
    const client = open();
    const headers = { "x-marrow-session": "chat-7" };
    const ask = (input: string, more = {}) =>
      client.responses.create({ model: "scripted", input, ...more }, { headers });
    expect((await ask("a")).output_text).toBe("1 messages");
    const { id } = await ask("b", { background: true });
    expect((await ended(client, id)).output_text).toBe("3 messages");
    expect((await ask("c")).output_text).toBe("5 messages");
    const { choices } = await client.chat.completions.create(
      { model: "scripted", messages: [{ role: "user", content: "d" }] },
      { headers },
    );
    expect(choices[0]?.message.content).toBe("7 messages");
    expect(model.requests).toHaveLength(4);
    for (const more of [{ previous_response_id: id }, { conversation: "conv_1" }])
      await expect(ask("e", more)).rejects.toMatchObject({ status: 400, param: Object.keys(more)[0] });
  });
});

describe("what an upstream leaves open", () => {
  it("is what clients can read: the arguments of a call without any, and counts of tokens", async () => {
    const call = { index: 0, id: "c1", type: "function", function: { name: "f", arguments: "" } };
    const usage = { prompt_tokens: null, completion_tokens: 3 };
    const raw = `${event({ tool_calls: [call] }, "tool_calls")}data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`;
    const { client: open } = await start(() => ({ raw }));
    const stream = open().responses.stream({ model: "scripted", input: "Hi" });
    const { output, usage: counted } = await stream.finalResponse();
    expect(output[0]).toMatchObject({ type: "function_call", arguments: "{}" });
    expect(counted).toMatchObject({ input_tokens: 0, output_tokens: 3, total_tokens: 3 });
  });
});
