import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl"), config: { limits: { enabled: false } } });
});
afterAll(() => gateway.close());

async function post(path: string, body: string | Uint8Array<ArrayBuffer>) {
  const url = path.startsWith("/v1") ? gateway.baseURL.replace("/v1", path) : gateway.baseURL.replace("/v1", path);
  const response = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${gateway.key}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body,
  });
  const answer = (await response.json()) as { error?: { code?: string; param?: string } };
  return { status: response.status, cache: response.headers.get("x-marrow-cache"), error: answer.error };
}

const chat = (last: object, more: object = {}) =>
  post("/v1/chat/completions", JSON.stringify({ model: "scripted", messages: [last], ...more }));
const respond = (last: object) => post("/v1/responses", JSON.stringify({ model: "scripted", input: [last] }));

describe("a stored answer", () => {
  const text = (words: string, more: object = {}) => ({
    role: "user",
    content: [{ type: "text", text: words, ...more }],
  });
  it.each([
    [
      "name",
      { role: "user", name: "ann", content: "Who wrote Emma?" },
      { role: "user", name: "bob", content: "Who wrote Emma?" },
    ],
    [
      "a field of its part",
      text("Who wrote Lear?", { annotations: [1] }),
      text("Who wrote Lear?", { annotations: [2] }),
    ],
    [
      "a field nobody knows",
      { role: "user", content: "Who wrote Ulysses?", images: ["a"] },
      { role: "user", content: "Who wrote Ulysses?", images: ["b"] },
    ],
    [
      "where its parts end",
      {
        role: "user",
        content: [
          { type: "text", text: "Who wrote" },
          { type: "text", text: "Dracula and Carmilla?" },
        ],
      },
      {
        role: "user",
        content: [
          { type: "text", text: "Who wrote Dracula" },
          { type: "text", text: "and Carmilla?" },
        ],
      },
    ],
  ])("serves no request whose last message differs by %s", async (_, one, other) => {
    expect((await chat(one)).cache).toBe("miss");
    expect((await chat(other)).cache).toBe("miss");
    expect((await chat(one)).cache).toBe("exact");
  });

  it("serves no request for a response whose last item differs by more than its text", async () => {
    const item = (annotations: unknown[]) => ({
      role: "user",
      content: [{ type: "input_text", text: "Who wrote Faust?", annotations }],
    });
    expect((await respond(item([1]))).cache).toBe("miss");
    expect((await respond(item([2]))).cache).toBe("miss");
    expect((await respond(item([2]))).cache).toBe("exact");
  });

  it("serves no request with another number, also where a double is the same", async () => {
    const seeded = (seed: string) =>
      post(
        "/v1/chat/completions",
        `{"model":"scripted","messages":[{"role":"user","content":"Who wrote Candide?"}],"seed":${seed}}`,
      );
    expect((await seeded("9007199254740992")).cache).toBe("miss");
    expect((await seeded("9007199254740993")).cache).toBe("miss");
    expect((await seeded("9007199254740993")).cache).toBe("exact");
  });
});

describe("a body that two readers may take for two things", () => {
  const routes = [
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/embeddings",
    "/v1/conversations",
    "/v1/memories",
    "/v1/tasks",
    "/v1/webhooks",
    "/v1/batches",
    "/v1/vector_stores",
    "/v1/admin/keys",
    "/mcp",
    "/a2a/nobody",
  ];
  const bodies: readonly (readonly [string, string | Uint8Array<ArrayBuffer>])[] = [
    ["a field twice", '{"model":"demo","model":"scripted","messages":[{"role":"user","content":"a"}]}'],
    ["a field twice, once by escapes", String.raw`{"model":"demo","m\u006fdel":"scripted"}`],
    ["bytes that are no UTF-8", new Uint8Array([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d])],
    ["a number without end", '{"model":"demo","temperature":1e400}'],
    ["a field that changes objects", '{"model":"demo","__proto__":{"n":2}}'],
  ];
  it.each(routes)("is refused at %s", async (route) => {
    for (const [, body] of bodies) {
      const { status, error } = await post(route, body);
      // Whoever may not be here is told that first.
      expect(status).toBe(route.startsWith("/v1/admin") ? 403 : 400);
      expect(error?.code).toBe(route.startsWith("/v1/admin") ? "forbidden" : "invalid_input");
    }
  });
});
