import { zstdCompressSync } from "node:zlib";
import { expect, it } from "vitest";
import { WebSocket } from "ws";
import { gatewaysInBackground, type TestGateway } from "../gateway.ts";

const start = gatewaysInBackground();
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
type Fields = Record<string, unknown>;

const headersOf = ({ key }: TestGateway) => ({ authorization: `Bearer ${key}`, "content-type": "application/json" });
async function post(gateway: TestGateway, path: string, body: unknown): Promise<[number, Fields]> {
  const init = { method: "POST", headers: headersOf(gateway), body: JSON.stringify(body) };
  const answer = await fetch(`${gateway.baseURL}${path}`, init);
  return [answer.status, (await answer.json()) as Fields];
}

async function connect(gateway: TestGateway, headers: Record<string, string> = {}) {
  const url = `${gateway.baseURL.replace("http", "ws")}/responses`;
  const socket = new WebSocket(url, { headers: { ...headersOf(gateway), ...headers } });
  const events: Fields[] = [];
  socket.on("message", (data: Buffer) => events.push(JSON.parse(data.toString("utf8")) as Fields));
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("open", resolve));
  return { socket, events, closed };
}

it("a WebSocket says in an event that a message was too large, and closes", async () => {
  const gateway = await start(undefined, { config: { bodyBytesMax: 65_536 } });
  const { socket, events, closed } = await connect(gateway);
  socket.send(JSON.stringify({ type: "response.create", model: "scripted", input: "x".repeat(5_000_000) }));
  expect(await closed).toBe(1009);
  expect(events).toMatchObject([{ type: "error", status: 413, error: { code: "too_large" } }]);
});

it("a WebSocket's long messages are read as bodies are, in turns, and answered in order", async () => {
  const gateway = await start(({ body }) => String((body["messages"] as { content: string }[]).at(-1)?.content));
  const { socket, events } = await connect(gateway);
  const ask = (input: string) => JSON.stringify({ type: "response.create", model: "scripted", input });
  socket.send(`${" ".repeat(2_000_000)}${ask("first")}`);
  socket.send(ask("second"));
  const said = () => events.filter(({ type }) => type === "response.completed").map((event) => JSON.stringify(event));
  await expect.poll(() => said().length, { timeout: 5_000 }).toBe(2);
  expect(said().map((text) => /first|second/.exec(text)?.[0])).toEqual(["first", "second"]);
  socket.send(ask("third").replace('"input"', `${"\n".repeat(100_000)}"model":"other","input"`));
  await expect
    .poll(() => events.at(-1), { timeout: 5_000 })
    .toMatchObject({ type: "error", status: 400, error: { code: "invalid_input", param: "model" } });
  socket.close();
});

it("a WebSocket's turns belong to the session that its head names", async () => {
  const gateway = await start(({ body }) => `${(body["messages"] as unknown[]).length} messages`);
  const { socket, events } = await connect(gateway, { "x-marrow-session": "chat-9" });
  for (const [input, said] of [
    ["a", "1 messages"],
    ["b", "3 messages"],
  ]) {
    socket.send(JSON.stringify({ type: "response.create", model: "scripted", input }));
    await expect.poll(() => events.at(-1)?.["type"], { timeout: 5_000 }).toBe("response.completed");
    expect(JSON.stringify(events.splice(0).at(-1))).toContain(said);
  }
  socket.send(JSON.stringify({ type: "response.create", model: "scripted", input: "c", conversation: "conv_1" }));
  await expect
    .poll(() => events.at(-1))
    .toMatchObject({ type: "error", status: 400, error: { param: "conversation" } });
  socket.close();
});

it("a stored response after one that was not stored is continued on its connection, and nowhere else", async () => {
  const gateway = await start(({ body }) => `${(body["messages"] as unknown[]).length} messages`);
  const { socket, events } = await connect(gateway);
  const say = async (fields: Fields): Promise<Fields> => {
    socket.send(JSON.stringify({ type: "response.create", model: "scripted", ...fields }));
    await expect.poll(() => events.at(-1)?.["type"], { timeout: 5_000 }).toBe("response.completed");
    return events.splice(0).at(-1)?.["response"] as Fields;
  };
  const first = await say({ input: "my name is Zoe", store: false });
  const second = await say({ input: "two", previous_response_id: first["id"] });
  const third = await say({ input: "three", previous_response_id: second["id"] });
  expect(JSON.stringify(third["output"])).toContain("5 messages");
  for (const { id } of [second, third]) {
    const [status, body] = await post(gateway, "/responses", {
      model: "scripted",
      input: "x",
      previous_response_id: id,
    });
    expect([status, body["error"]]).toMatchObject([
      404,
      { code: "previous_response_not_found", message: expect.stringContaining(String(first["id"])) },
    ]);
  }
  socket.close();
});

it("a body may be of several zstd frames, and what is cut or no frame is refused", async () => {
  const gateway = await start();
  const text = JSON.stringify({ model: "scripted", input: `frames ${"of many words ".repeat(2_000)}` });
  const halves = [text.slice(0, 900), text.slice(900)].map((half) => zstdCompressSync(Buffer.from(half)));
  const whole = Buffer.concat(halves);
  const send = (body: Buffer) =>
    fetch(`${gateway.baseURL}/responses`, {
      method: "POST",
      headers: { ...headersOf(gateway), "content-encoding": "zstd" },
      body: new Uint8Array(body),
    });
  expect((await send(whole)).status).toBe(200);
  expect((await send(whole.subarray(0, -4))).status).toBe(400);
  expect((await send(Buffer.concat([whole, Buffer.from("rubbish!")]))).status).toBe(400);
});

it("a response that is cancelled is answered with what was said", async () => {
  const gateway = await start(() => ({ content: "one two three four five six seven eight", eventDelayMs: 100 }));
  const client = gateway.client();
  const stream = await client.responses.create({ model: "scripted", input: "Go", background: true, stream: true });
  let id = "";
  for await (const event of stream) {
    if (event.type === "response.created") id = event.response.id;
    if (event.type === "response.output_text.delta") break;
  }
  const { status, output } = await client.responses.cancel(id);
  expect([status, output]).toMatchObject(["cancelled", [{ content: [{ text: expect.stringMatching(/^one /) }] }]]);
  expect((await client.responses.retrieve(id)).output).toEqual(output);
});

it("what may be asked to be included is known by name", async () => {
  const gateway = await start();
  const { id } = await gateway.client().responses.create({ model: "scripted", input: "Hi" });
  for (const path of [`/responses/${id}`, `/responses/${id}/input_items`]) {
    const of = (query: string) => fetch(`${gateway.baseURL}${path}?${query}`, { headers: headersOf(gateway) });
    expect((await of("include[]=message.output_text.logprobs&include[]=reasoning.encrypted_content")).status).toBe(200);
    const wrong = await of("include[]=foo");
    expect([wrong.status, ((await wrong.json()) as { error: Fields }).error["param"]]).toEqual([400, "include[]"]);
  }
});

it("a picture is a picture, whatever its file's name is", async () => {
  const gateway = await start();
  const { files } = gateway.client();
  const input = (file_id: string) => [{ role: "user", content: [{ type: "input_image", file_id }] }];
  const [picture, text] = [
    await files.create({ file: new File([PIXEL], "photo"), purpose: "user_data" }),
    await files.create({ file: new File(["words"], "a.png"), purpose: "user_data" }),
  ];
  expect((await post(gateway, "/responses", { model: "scripted", input: input(picture.id) }))[0]).toBe(200);
  expect(JSON.stringify(gateway.model.requests.at(-1)?.body)).toContain("data:image/png;base64,iVBOR");
  const [status, { error }] = await post(gateway, "/responses", { model: "scripted", input: input(text.id) });
  expect([status, error]).toMatchObject([400, { param: "input.0.content.0.file_id" }]);
});

it("a tool in the form of a chat's is told in the form of a response's", async () => {
  const gateway = await start();
  const tools = [
    { type: "function", function: { name: "f", parameters: { type: "object" } } },
    { type: "custom", custom: { name: "c" } },
  ];
  const [, { tools: told }] = await post(gateway, "/responses", { model: "demo", input: "x", tools });
  expect(told).toEqual([
    { type: "function", name: "f", description: null, parameters: { type: "object" }, strict: null },
    { type: "custom", name: "c" },
  ]);
});

it("a picture among a conversation's items has its detail, as clients require it", async () => {
  const gateway = await start();
  const content = [{ type: "input_image" as const, image_url: "https://example.com/a.png" }];
  const { conversations } = gateway.client();
  const { id } = await conversations.create({ items: [{ role: "user", content: content as never }] });
  const { data } = await conversations.items.list(id);
  expect(data).toMatchObject([{ content: [{ type: "input_image", detail: "auto" }] }]);
});

const long = "n".repeat(65);
it.each([
  ["/responses", { input: "x", prompt_cache_key: long }, "prompt_cache_key"],
  ["/responses", { input: "x", safety_identifier: long }, "safety_identifier"],
  ["/responses", { input: "x", metadata: { [long]: "v" } }, /^metadata/],
  ["/responses", { input: "x", tools: [{ type: "function", name: long, parameters: {} }] }, "tools.0.name"],
  ["/responses", { input: "x", tools: [{ type: "custom", name: long }] }, "tools.0.name"],
  ["/responses", { input: "x", text: { format: { type: "json_schema", name: long, schema: {} } } }, "text.format.name"],
  ["/conversations", { metadata: { [long]: "v" } }, /^metadata/],
  ["/vector_stores", { metadata: { [long]: "v" } }, /^metadata/],
  ["/vector_stores", { metadata: { k: "v".repeat(513) } }, /^metadata/],
])("what OpenAI's API bounds is bounded by name: %s %j", async (path, body, param) => {
  const gateway = await start();
  const [status, { error }] = await post(gateway, path, { model: "scripted", ...body });
  expect(status).toBe(400);
  expect((error as Fields)["param"]).toMatch(param);
});
