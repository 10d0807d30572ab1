import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { WebSocket } from "ws";
import type { ScriptedAnswer, ScriptedRequest } from "../../src/testing/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

/** What of the Responses API is no response over HTTP: compaction, and turns in lanes of a WebSocket. */
type Fields = Record<string, unknown>;

interface Event {
  readonly type: string;
  readonly stream_id?: string;
  readonly sequence_number?: number;
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    script,
    config: { cache: { enabled: false }, limits: { enabled: false } },
  });
});
afterAll(() => gateway.close());

function script({ body }: ScriptedRequest): ScriptedAnswer {
  const said = JSON.stringify(body["messages"]);
  if (said.includes("BREAK")) return { content: "one two three", cutAfter: 3, eventDelayMs: 20 };
  if (said.includes("SLOW")) return { content: "one two", eventDelayMs: 500 };
  return "Done.";
}

const headers = () => ({ authorization: `Bearer ${gateway.key}`, "content-type": "application/json" });
const post = (path: string, body: unknown) =>
  fetch(`${gateway.baseURL}${path}`, { method: "POST", headers: headers(), body: JSON.stringify(body) });

describe("a compaction", () => {
  it("asks the model with the request's own fields, and refuses by name what has no meaning", async () => {
    const asked = {
      model: "scripted",
      input: "The launch is on Tuesday.",
      service_tier: "flex",
      prompt_cache_retention: "24h",
      prompt_cache_options: { mode: "implicit" },
      image: { context_compression: "auto" },
      reasoning: { effort: "low" },
      tools: [{ type: "function", name: "f", parameters: { type: "object" } }],
      store: false,
    };
    expect((await post("/responses/compact", asked)).status).toBe(200);
    expect(gateway.model.requests.at(-1)?.body).toMatchObject({
      service_tier: "flex",
      prompt_cache_retention: "24h",
      prompt_cache_options: { mode: "implicit" },
      image: { context_compression: "auto" },
      reasoning_effort: "low",
    });
    expect(gateway.model.requests.at(-1)?.body).not.toHaveProperty("tools");
    for (const [more, param] of [
      [{ stream: true }, "stream"],
      [{ conversation: "conv_1" }, "conversation"],
      [{ text: { format: { type: "json_object" } } }, "text.format"],
    ] as const) {
      const answer = await post("/responses/compact", { ...asked, ...more });
      expect([answer.status, ((await answer.json()) as { error: Fields }).error["param"]]).toEqual([400, param]);
    }
  });
});

describe("turns in lanes of one WebSocket", () => {
  it("are made side by side, in their order within a lane, and their events name it", async () => {
    const socket = new WebSocket(`${gateway.baseURL.replace("http", "ws")}/responses`, { headers: headers() });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const ends: string[] = [];
    const ended = new Promise<void>((resolve) => {
      socket.on("message", (data: Buffer) => {
        const { type, stream_id: lane, sequence_number: number } = JSON.parse(data.toString("utf8")) as Event;
        if (/^response\.(failed|completed)$/.test(type)) ends.push(`${lane}:${type}`);
        if (type === "error" && number === undefined) ends.push(`${lane}:refused`);
        if (ends.length === 4) resolve();
      });
    });
    const send = (stream_id: unknown, more: Fields) =>
      socket.send(JSON.stringify({ type: "response.create", model: "scripted", store: false, stream_id, ...more }));
    send("slow", { input: "SLOW" });
    send("slow", { input: "BREAK" });
    send("quick", { input: "Hi" });
    send("quick", { input: "Hi", prompt: { id: "p" } });
    await ended;
    expect(ends).toEqual([
      "quick:response.completed",
      "quick:refused",
      "slow:response.completed",
      "slow:response.failed",
    ]);
    const refused = new Promise((resolve) =>
      socket.once("message", (data: Buffer) => resolve(JSON.parse(String(data)))),
    );
    send("", { input: "Hi" });
    expect(await refused).toMatchObject({ type: "error", status: 400, error: { param: "stream_id" } });
    expect(gateway.model.requests.at(-1)?.body).not.toHaveProperty("stream_id");
    socket.close();
  });
});
