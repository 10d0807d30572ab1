import { describe, expect, it } from "vitest";
import { gatewaysInBackground } from "../gateway.ts";

const start = gatewaysInBackground();

const WORDS = Array.from({ length: 60 }, (_, n) => `word${n} `).join("");
const slow = { content: WORDS, eventDelayMs: 15 };
describe("a response at once", () => {
  it("is made, kept with what was asked, goes on from the one before, and is deleted", async () => {
    const { model, client: open } = await start(({ body }) => `${(body["messages"] as unknown[]).length} messages`);
    const client = open();
    const first = await client.responses.create({
      model: "scripted",
      instructions: "Be short.",
      input: "Hello",
      max_output_tokens: 50,
      metadata: { a: "b" },
    });
    expect(first).toMatchObject({
      object: "response",
      status: "completed",
      output_text: "2 messages",
      metadata: { a: "b" },
    });
    expect(first.usage).toMatchObject({ input_tokens: 10, output_tokens: 5, total_tokens: 15 });
    const second = await client.responses.create({
      model: "scripted",
      previous_response_id: first.id,
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "And this?" },
            { type: "input_image", image_url: "https://example.com/a.png", detail: "low" },
          ],
        },
      ],
    });
    expect(second.output_text).toBe("3 messages");
    expect(model.requests[0]?.body).toMatchObject({
      max_completion_tokens: 50,
      messages: [{ role: "system" }, { content: "Hello" }],
    });
    expect(model.requests[1]?.body["messages"]).toMatchObject([
      { role: "user", content: "Hello" },
      { role: "assistant", content: "2 messages" },
      {
        role: "user",
        content: [
          { type: "text" },
          { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } },
        ],
      },
    ]);
    expect(await client.responses.retrieve(second.id)).toMatchObject({ id: second.id, output_text: "3 messages" });
    const items = await client.responses.inputItems.list(second.id);
    expect(items.data).toMatchObject([
      { type: "message", role: "user", content: [{ type: "input_text" }, { type: "input_image" }] },
    ]);
    await client.responses.delete(first.id);
    await expect(client.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
    await expect(
      client.responses.create({ model: "scripted", previous_response_id: first.id, input: "?" }),
    ).rejects.toMatchObject({ status: 404 });
    const unkept = await client.responses.create({ model: "scripted", input: "Secret", store: false });
    await expect(client.responses.retrieve(unkept.id)).rejects.toMatchObject({ status: 404 });
  });

  it("is streamed event by event, as the official client reads it, and kept though its reader left", async () => {
    const { client: open } = await start((_, nth) => (nth === 1 ? "one two three" : slow));
    const client = open();
    const types: string[] = [];
    const numbers: number[] = [];
    const stream = client.responses.stream({ model: "scripted", input: "Hello" });
    for await (const event of stream) {
      types.push(event.type);
      numbers.push(event.sequence_number);
    }
    expect(types).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      ...["one", "two", "three"].map(() => "response.output_text.delta"),
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(numbers).toEqual(types.map((_, at) => at));
    const final = await stream.finalResponse();
    expect(final).toMatchObject({ status: "completed", output_text: "one two three", usage: { total_tokens: 15 } });
    const left = await client.responses.create({ model: "scripted", input: "Leave", stream: true });
    let id = "";
    for await (const event of left) {
      if (event.type === "response.created") id = event.response.id;
      if (event.type === "response.output_text.delta") break;
    }
    await expect
      .poll(
        () =>
          client.responses.retrieve(id).then(
            ({ output_text: text }) => text,
            () => "",
          ),
        { timeout: 5_000 },
      )
      .toBe(WORDS);
  });

  it("calls functions and takes their results", async () => {
    const call = { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } };
    const other = { id: "call_2", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } };
    const { model, client: open } = await start((_, nth) =>
      nth % 2 === 1
        ? {
            message: {
              role: "assistant",
              content: null,
              tool_calls: [
                { index: 0, ...call },
                { index: 1, ...other },
              ],
            },
            finishReason: "tool_calls",
          }
        : "Sunny.",
    );
    const client = open();
    const tools = [
      { type: "function" as const, name: "weather", description: "w", parameters: { type: "object" }, strict: true },
    ];
    for (const streams of [false, true]) {
      const asked = {
        model: "scripted",
        input: `Weather? ${streams}`,
        tools,
        tool_choice: { type: "function" as const, name: "weather" },
      };
      const first = streams
        ? await client.responses.stream(asked).finalResponse()
        : await client.responses.create(asked);
      expect(first.output).toMatchObject([
        {
          type: "function_call",
          call_id: "call_1",
          name: "weather",
          arguments: '{"city":"Rome"}',
          status: "completed",
        },
        { type: "function_call", call_id: "call_2" },
      ]);
      const results = ["call_1", "call_2"].map((id) => ({
        type: "function_call_output" as const,
        call_id: id,
        output: "20 C",
      }));
      const second = await client.responses.create({
        model: "scripted",
        previous_response_id: first.id,
        input: results,
        tools,
      });
      expect(second.output_text).toBe("Sunny.");
      await expect(
        client.responses.create({
          model: "scripted",
          previous_response_id: second.id,
          input: [{ role: "user", content: "again" }, ...results],
        }),
      ).rejects.toMatchObject({ status: 400, param: "input.1.call_id" });
    }
    expect(model.requests[0]?.body).toMatchObject({
      tools: [{ type: "function", function: { name: "weather", strict: true } }],
      tool_choice: { type: "function", function: { name: "weather" } },
    });
    expect(model.requests[1]?.body["messages"]).toMatchObject([
      { role: "user" },
      { role: "assistant", tool_calls: [{ id: "call_1" }, { id: "call_2" }] },
      { role: "tool", tool_call_id: "call_1", content: "20 C" },
      { role: "tool", tool_call_id: "call_2" },
    ]);
  });

  it("may be incomplete, refused, of a form, in a conversation, from the cache, and limited", async () => {
    const { model, client: open } = await start(({ body }) => {
      const last = String((body["messages"] as { content: unknown }[]).at(-1)?.content);
      if (last === "long") return { content: "cut of", finishReason: "length" };
      if (last === "bad") return { message: { role: "assistant", content: null, refusal: "No." } };
      return '{"a":1}';
    });
    const client = open();
    const ask = (input: string, more: object = {}) => client.responses.create({ model: "scripted", input, ...more });
    expect(await ask("long")).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
    });
    expect((await ask("bad")).output).toMatchObject([{ content: [{ type: "refusal", refusal: "No." }] }]);
    const format = { type: "json_schema", name: "a", schema: { type: "object" }, strict: true } as const;
    expect(await ask("form", { text: { format }, reasoning: { effort: "low" } })).toMatchObject({
      text: { format: { name: "a" } },
    });
    expect(model.requests.at(-1)?.body).toMatchObject({
      reasoning_effort: "low",
      response_format: { type: "json_schema", json_schema: { name: "a", strict: true } },
    });
    const count = model.requests.length;
    const sum = "What is two and two?";
    expect((await ask(sum)).output_text).toBe((await ask(sum)).output_text);
    expect(model.requests).toHaveLength(count + 1);
    const conversation = await client.conversations.create();
    await ask("My name is Ada", { conversation: conversation.id });
    expect((await ask("Who am I?", { conversation: { id: conversation.id } })).conversation).toEqual({
      id: conversation.id,
    });
    expect(model.requests.at(-1)?.body["messages"]).toHaveLength(3);
    expect((await client.conversations.items.list(conversation.id)).data).toHaveLength(4);
  });

  it("names what is wrong", async () => {
    const { client: open } = await start();
    const client = open();
    const wrong = (body: object) => client.responses.create({ model: "scripted", ...body } as never);
    await expect(wrong({})).rejects.toMatchObject({ status: 400, param: "input" });
    await expect(wrong({ input: 1 })).rejects.toMatchObject({ status: 400, param: "input" });
    await expect(wrong({ input: [{ type: "function_call" }] })).rejects.toMatchObject({
      status: 400,
      param: "input.0.call_id",
    });
    await expect(wrong({ input: "a", background: true, store: false })).rejects.toMatchObject({
      status: 400,
      param: "store",
    });
    await expect(wrong({ input: "a", conversation: "c", previous_response_id: "r" })).rejects.toMatchObject({
      status: 400,
    });
    await expect(wrong({ input: "a", model: "nobody" })).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
    await expect(client.responses.retrieve("resp_none")).rejects.toMatchObject({ status: 404 });
    const kept = await client.responses.create({ model: "scripted", input: "a" });
    await expect(client.responses.cancel(kept.id)).rejects.toMatchObject({ status: 400 });
    await expect(client.responses.retrieve(kept.id, { stream: true })).rejects.toMatchObject({ status: 400 });
  });
});
