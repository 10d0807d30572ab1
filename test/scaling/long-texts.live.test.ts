import { fork, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startScriptedModel, type ScriptedModel } from "../../src/testing/index.ts";
import { UPSTREAM_KINDS, type UpstreamKind } from "../../src/models/index.ts";

/** Longest that one request may hold the event loop in one go: 20 ms on an idle machine, with room for one that is not. */
const HELD_MS_MAX = 50;
/** Compiling code and collecting garbage may come in between: a delay counts when it comes each time. */
const TRIES = 4;

let gateway: ChildProcess;
let endpoint: ScriptedModel;
let base = "";

beforeAll(async () => {
  endpoint = await startScriptedModel(({ url }) => {
    const kind = UPSTREAM_KINDS.find((one) => url.startsWith(`/v1/${one}/`)) ?? "chat";
    return { raw: JSON.stringify(SHORT_ANSWERS[kind]), contentType: "application/json" };
  });
  const args = [inject("redisUrl"), `s${randomUUID().slice(0, 8)}`, endpoint.baseUrl];
  const execArgv = ["--conditions=@marrow/source"];
  gateway = fork(resolve("test/scaling/gateway-process.ts"), args, { execArgv });
  const [{ port }] = (await once(gateway, "message")) as [{ port: number }];
  base = `http://127.0.0.1:${port}`;
});

afterAll(async () => {
  gateway.disconnect();
  await endpoint.close();
});

function send(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const type = { "content-type": "application/json" };
  return fetch(base + path, { method: "POST", headers: { ...type, ...headers }, body: JSON.stringify(body) });
}

/** The longest time that some requests hold the event loop in one go, the least of several tries. */
async function heldBy(work: () => Promise<Response>): Promise<number> {
  let least = Infinity;
  for (let nth = 0; nth < TRIES && least > HELD_MS_MAX; nth += 1) {
    await ask();
    await (await work()).arrayBuffer();
    least = Math.min(least, await ask());
  }
  return least;
}

async function ask(): Promise<number> {
  gateway.send("how long?");
  const [{ heldMs }] = (await once(gateway, "message")) as [{ heldMs: number }];
  return heldMs;
}

/** Nearly 4 MB, with characters of more than a byte: as one string it would have twice as many. */
const MIXED = "plain words here 漢 and more of them ".repeat(105_000);
const PICTURE = `data:image/png;base64,${"iVBORw0KGgoAAAANSUhEUgAA".repeat(160_000)}`;
const SHORT_ANSWERS: Readonly<Record<UpstreamKind, object>> = {
  chat: { id: "c", choices: [{ index: 0, message: { role: "assistant", content: "yes" }, finish_reason: "stop" }] },
  anthropic: { type: "message", content: [{ type: "text", text: "yes" }], stop_reason: "end_turn" },
  responses: {
    id: "r",
    status: "completed",
    output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "yes" }] }],
  },
};
const said = (model: string, content: unknown) => ({ model, messages: [{ role: "user", content }] });
const LONG_TEXTS: Readonly<Record<string, () => Promise<Response>>> = {
  "one text": () => send("/v1/chat/completions", said("chat", MIXED)),
  "one text for Anthropic's API": () => send("/v1/chat/completions", said("anthropic", MIXED)),
  "one text for the Responses API": () => send("/v1/chat/completions", said("responses", MIXED)),
  "a turn of a session that has as much": () =>
    send("/v1/chat/completions", said("chat", MIXED), { "x-marrow-session": "long" }),
  "a picture for Anthropic's API": () =>
    send("/v1/chat/completions", said("anthropic", [{ type: "image_url", image_url: { url: PICTURE } }])),
  "one text of Anthropic's API": () => send("/v1/messages", { ...said("chat", MIXED), max_tokens: 9, system: "brief" }),
  "instructions of Anthropic's API": () => send("/v1/messages", { ...said("chat", "x"), max_tokens: 9, system: MIXED }),
  "a document of Anthropic's API": () =>
    send("/v1/messages", {
      ...said("anthropic", [{ type: "document", source: { type: "text", media_type: "text/plain", data: MIXED } }]),
      max_tokens: 9,
    }),
  "a payload of a task": () => send("/v1/tasks", { payload: { text: MIXED } }),
  "metadata, which no cached answer depends on": () =>
    send("/v1/chat/completions", { ...said("chat", "x"), metadata: { note: MIXED } }),
  "a document to rerank": () => send("/v1/rerank", { model: "chat", query: "x", documents: [MIXED] }),
};

describe.each(Object.entries(LONG_TEXTS))("nearly 4 MB of %s", (_, work) => {
  it("is read, counted and sent on in turns of the event loop", { timeout: 60_000 }, async () => {
    expect((await work()).ok).toBe(true);
    expect(await heldBy(work)).toBeLessThanOrEqual(HELD_MS_MAX);
  });
});

describe.each([
  ["/v1/memories", { text: MIXED }],
  ["/v1/limits/long/take", { subjects: { user: MIXED } }],
  ["/v1/webhooks", { url: `https://example.org/${MIXED}` }],
])("nearly 4 MB for %s, whose valid bodies are small,", (path, body) => {
  it("are refused unread", async () => {
    const work = () => send(path, body);
    const refused = await work();
    expect([refused.status, await refused.json()]).toMatchObject([413, { error: { code: "too_large" } }]);
    expect(await heldBy(work)).toBeLessThanOrEqual(HELD_MS_MAX);
  });
});
