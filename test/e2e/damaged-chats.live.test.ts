/** Chats while keys that they touch are damaged, family by family. The test finds the families by itself. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { createApiKeys, openGateway } from "../../src/gateway/index.ts";
import { connect, type Redis } from "../../src/index.ts";
import { upstreamModel, type ChatModel } from "../../src/models/index.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/testing/index.ts";
import { damage, DAMAGES, familiesOf, takeSnapshot, type Snapshot } from "../damage.ts";

let redis: Redis;
let scripted: ScriptedModel;
let model: ChatModel & { close(): Promise<void> };
let snapshot: Snapshot;
let keys: { readonly acme: string; readonly other: string };
let response: string;
let conversation: string;

const LIMITS = [
  "userRequests",
  "userTokens",
  "appRequests",
  "keyUsers",
  "userReads",
  "userWrites",
  "appReads",
  "appWrites",
];
const plan = {
  requestsPerMinute: 100_000,
  tokensPerMinute: 1_000_000_000,
  tokensPerDay: 1_000_000_000,
  budgetPerMonth: 1_000_000,
  concurrentStreams: 1_000,
};

/** Opens a gateway that remembers nothing. */
function open(): FastifyInstance {
  return openGateway({
    redis,
    models: [model],
    embedder: staticEmbedder(),
    config: {
      logLevel: "silent",
      plans: { all: plan },
      defaultPlan: "all",
      prices: { scripted: { input: 1, output: 2 } },
      limits: Object.fromEntries(LIMITS.map((name) => [name, { limit: 1_000_000_000 }])),
    },
  }).app;
}

type Ask = readonly [path: string, body: object, headers?: Readonly<Record<string, string>>];
const SAID = "Paris, of course.";
const KNOWN = "What is the capital of France?";
const said = (content: string) => ({ model: "scripted", messages: [{ role: "user", content }] });
let asked = 0;
/** A question that resembles no other, so that all of a request's keys are read and written. */
const fresh = () => `${randomUUID()} is number ${(asked += 1)}: what is it?`;
const once = (key: string, session?: string) => ({
  "idempotency-key": key,
  ...(session !== undefined && { "x-marrow-session": session }),
});

/** Requests that touch all kinds of keys. */
const ASKS: Readonly<Record<string, () => Ask>> = {
  chat: () => ["/v1/chat/completions", said(fresh()), { ...once(`n${asked}`, "s"), "x-marrow-user": "bob" }],
  stream: () => ["/v1/chat/completions", { ...said(fresh()), stream: true }, { "x-marrow-session": "t" }],
  exact: () => ["/v1/chat/completions", said(KNOWN)],
  similar: () => ["/v1/chat/completions", said("What's the capital of France?")],
  repeated: () => ["/v1/chat/completions", said(KNOWN), once("k1")],
  response: () => ["/v1/responses", { model: "scripted", input: fresh() }, once(`n${asked}`, "r")],
  next: () => ["/v1/responses", { model: "scripted", input: fresh(), previous_response_id: response }],
  "in a conversation": () => ["/v1/responses", { model: "scripted", input: fresh(), conversation }],
  message: () => ["/v1/messages", { ...said(fresh()), max_tokens: 100 }, once(`n${asked}`, "m")],
  embedding: () => ["/v1/embeddings", { model: "static-256", input: fresh() }, once(`n${asked}`)],
};

async function ask(app: FastifyInstance, what: string, key = keys.acme): Promise<{ status: number; text: string }> {
  const [url, payload, headers = {}] = ASKS[what]?.() ?? ["", {}];
  const given = { method: "POST", url, payload, headers: { authorization: `Bearer ${key}`, ...headers } } as const;
  const { statusCode, payload: text } = await app.inject(given);
  return { status: statusCode, text };
}

/** Whether an answer is the model's. */
function isAnswer(what: string, { status, text }: { readonly status: number; readonly text: string }): boolean {
  return status === 200 && (what === "embedding" ? text.includes('"embedding":') : text.includes("course"));
}

beforeAll(async () => {
  redis = await connect(inject("redisUrl"), { app: `d${randomUUID().slice(0, 8)}` });
  scripted = await startScriptedModel(() => SAID);
  model = upstreamModel("chat", { baseUrl: scripted.baseUrl, ids: ["scripted"] });
  const made = createApiKeys(redis);
  keys = {
    acme: await made.create({ scope: "acme", user: "ann", name: "acme", actsFor: "any" }),
    other: await made.create({ scope: "other", user: "eve", name: "other", actsFor: "any" }),
  };
  const app = open();
  const headers = { authorization: `Bearer ${keys.acme}` };
  const make = async (url: string, payload: object) =>
    (await app.inject({ method: "POST", url, payload, headers })).json<{ readonly id: string }>().id;
  response = await make("/v1/responses", { model: "scripted", input: "hi" });
  conversation = await make("/v1/conversations", { items: [{ role: "user", content: "hi" }] });
  for (const what of [...Object.keys(ASKS), "exact", "repeated"])
    expect(isAnswer(what, await ask(app, what))).toBe(true);
  await app.close();
  snapshot = await takeSnapshot(redis);
}, 60_000);
afterAll(async () => {
  await model.close();
  await scripted.close();
  await redis.close();
});

describe("a chat whose stored data is damaged", () => {
  it("is answered by the model, and other tenants notice nothing", async () => {
    const failures: unknown[] = [];
    const id = await redis.send(["CLIENT", "ID"]);
    const families = familiesOf(snapshot.keys);
    expect([...families.keys()]).toEqual(
      expect.arrayContaining([expect.stringContaining(":memory:chat"), expect.stringContaining(":idempotent")]),
    );
    for (const [family, members] of families) {
      // Whoever asks is known by the keys; a test of the keys' own says what holds while these are damaged.
      if (family.endsWith(":gateway:keys")) continue;
      const app = open();
      for (const how of DAMAGES) {
        await snapshot.restore();
        const damaged = await Promise.all(members.map((key) => damage(redis, key, how)));
        if (!damaged.includes(true)) continue;
        for (const what of Object.keys(ASKS)) {
          const answer = await ask(app, what);
          // What a request names explicitly is not left out in silence.
          const isNamed = what === "next" && family.endsWith(":response");
          const isRight = isAnswer(what, answer) || (isNamed && answer.text.includes("previous_response_not_found"));
          if (!isRight) failures.push([family, how, what, answer]);
        }
        const other = await ask(app, "chat", keys.other);
        if (!isAnswer("chat", other)) failures.push([family, how, "of another tenant", other]);
      }
      await app.close();
    }
    expect(failures).toEqual([]);
    // The connection that all tenants share is the same.
    expect(await redis.send(["CLIENT", "ID"])).toBe(id);
  }, 300_000);
});
