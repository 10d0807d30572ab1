import { describe, expect, it } from "vitest";
import { createMemory } from "../../src/memory/index.ts";
import { gatewaysInBackground } from "../gateway.ts";
import { liveTest } from "../live.ts";

/** A picture of two megabytes at default limits: 2,000,000 tokens a minute, bodies of 8 MiB. */
const PICTURE = `data:image/png;base64,${Buffer.alloc(2 * 1_048_576, 7).toString("base64")}`;
const SOUND = Buffer.alloc(1_048_576, 5).toString("base64");
const seen = [
  { type: "text" as const, text: "What is this?" },
  { type: "image_url" as const, image_url: { url: PICTURE } },
];
const shown = [
  { type: "input_text" as const, text: "What is this?" },
  { type: "input_image" as const, image_url: PICTURE, detail: "auto" as const },
];
const start = gatewaysInBackground();

describe("a picture of two megabytes", () => {
  it("passes at default limits in chat, a session, responses and the background", async () => {
    const { client: open, model } = await start(() => "A cat.", { lanes: true });
    const client = open();
    const chat = await client.chat.completions.create({
      model: "scripted",
      messages: [{ role: "user", content: seen }],
    });
    expect(chat.choices[0]?.message.content).toBe("A cat.");
    const inSession = { headers: { "x-marrow-session": "s1" } };
    await client.chat.completions.create({ model: "scripted", messages: [{ role: "user", content: seen }] }, inSession);
    await client.chat.completions.create(
      { model: "scripted", messages: [{ role: "user", content: "And its colour?" }] },
      inSession,
    );
    expect(model.requests.at(-1)?.body["messages"]).toMatchObject([{ content: seen }, { content: "A cat." }, {}]);
    const input = [{ role: "user" as const, content: shown }];
    const whole = await client.responses.create({ model: "scripted", input });
    expect(whole.output_text).toBe("A cat.");
    const begun = await client.responses.create({ model: "scripted", input, background: true });
    await expect
      .poll(async () => (await client.responses.retrieve(begun.id)).output_text, { timeout: 10_000 })
      .toBe("A cat.");
  });

  it("passes as an item of a conversation, and before a response", async () => {
    const { client: open, model } = await start(() => "A cat.");
    const client = open();
    const item = { type: "message" as const, role: "user" as const, content: shown.slice(1) };
    const { id } = await client.conversations.create({ items: [item] });
    await client.responses.create({ model: "scripted", conversation: id, input: "What is it?" });
    const image = { type: "image_url", image_url: { url: PICTURE, detail: "auto" } };
    expect(model.requests.at(-1)?.body["messages"]).toMatchObject([{ content: [image] }, { content: "What is it?" }]);
    const kept = [];
    for await (const { type } of client.conversations.items.list(id)) kept.push(type);
    expect(kept).toHaveLength(3);
    const first = await client.responses.create({ model: "scripted", input: [item] });
    await client.responses.create({ model: "scripted", previous_response_id: first.id, input: "And its colour?" });
    expect(model.requests.at(-1)?.body["messages"]).toMatchObject([{ content: [image] }, { content: "A cat." }, {}]);
  });

  it("and a recording and a document count by their kind", async () => {
    const { client: open } = await start(() => "Heard.", { lanes: true });
    const content = [
      { type: "input_audio" as const, input_audio: { data: SOUND, format: "wav" as const } },
      { type: "file" as const, file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${SOUND}` } },
    ];
    const { response } = await open()
      .chat.completions.create({ model: "scripted", messages: [{ role: "user", content }] })
      .withResponse();
    expect(Number(response.headers.get("x-ratelimit-remaining-tokens"))).toBeGreaterThan(1_990_000);
  });

  it("that no limit could ever let pass fails at once, in the background too", async () => {
    const { client: open } = await start(() => "Never.", { config: { limits: { userTokens: { limit: 500 } } } });
    const client = open();
    const begun = await client.responses.create({ model: "scripted", input: "x".repeat(9_000), background: true });
    await expect
      .poll(async () => (await client.responses.retrieve(begun.id)).status, { timeout: 10_000 })
      .toBe("failed");
    expect((await client.responses.retrieve(begun.id)).error?.message).toContain("larger than the limit");
  });
});

describe("a context with pictures", () => {
  liveTest("counts them by their kind, and never begins with an answer", async ({ tenant }) => {
    const session = createMemory(tenant, { name: "m", turnBytesMax: 8 * 1_048_576 }).session({ user: "u", id: "s" });
    await session.append([
      { role: "user", content: seen },
      { role: "assistant", content: "A cat." },
      { role: "user", content: "Thanks." },
    ]);
    expect((await session.context({ maxTokens: 2_000 })).turns).toHaveLength(3);
    expect((await session.context({ maxTokens: 200 })).turns.map(({ role }) => role)).toEqual(["user"]);
  });
});
