import { readFileSync, writeFileSync } from "node:fs";
import { Redis as Client } from "ioredis";
import type OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { createTopic } from "../../src/bus/index.ts";
import type { Redis } from "../../src/redis/index.ts";
import { askStream, ask, startTestGateway, type TestGateway } from "../gateway.ts";
import { keysOf, readStored, restoreStored, type Stored } from "../stored.ts";

/**
 * What each release stored, which all later ones read. With a release comes its fixture: MARROW_KEEP_RECORDS=1 runs the scenario below and
 * writes what is then in Redis.
 */
const RELEASES = ["0.1.0", "0.2.0"];
const APP = "kept-records";
const KEPT = process.env["MARROW_KEEP_RECORDS"] === "1";
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const fileOf = (release: string) => `test/data/records-${release}.json`;

/** What a release kept, and how it is asked for. */
interface Kept {
  readonly key: string;
  readonly response: string;
  readonly conversation: string;
  readonly task: string;
  readonly stored: readonly Stored[];
}

const SESSION = { "x-marrow-session": "s1" };
const LONG = "A long turn that is compressed where it is stored. ".repeat(40);

const gateways: TestGateway[] = [];
let client: Client;
beforeAll(() => (client = new Client(inject("redisUrl").replace("unix://", ""))));
const empty = async () => {
  for (const key of await keysOf(client, APP)) await client.del(key);
};
afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
  await empty();
  client.disconnect();
});

async function startGateway(): Promise<TestGateway> {
  // Vectors are kept by commands that every server has.
  await client.set(`{${APP}}:vectors:engine`, "local");
  const gateway = await startTestGateway({
    redisUrl: inject("redisUrl"),
    appName: APP,
    config: { cache: { ttlMs: 366 * 86_400_000 } },
    script: () => "an answer",
  });
  gateways.push(gateway);
  return gateway;
}

const topicOf = (redis: Redis) => createTopic<string>(redis.scope("acme"), "news", { partitions: 2 });

/** Uses every role that keeps something. */
async function use(gateway: TestGateway): Promise<Omit<Kept, "stored">> {
  const openai = gateway.client();
  await ask(openai, "What does the fixture say?");
  await ask(openai, "first question", { headers: SESSION });
  await ask(openai, LONG, { headers: SESSION });
  const response = await openai.responses.create({ model: "scripted", input: "kept", store: true });
  const conversation = await openai.conversations.create({
    items: [{ type: "message", role: "user", content: "an item" }],
  });
  await openai.post("/memories", { body: { text: "The user lives in Oslo.", key: "home" } });
  const task = await openai.post<{ id: string }>("/tasks", { body: { payload: { text: LONG, n: 1 } } });
  await topicOf(gateway.redis).publish("an event", { key: "k" });
  return { key: gateway.key, response: response.id, conversation: conversation.id, task: task.id };
}

describe.runIf(KEPT)("this release", () => {
  it("writes what it keeps into its fixture", async () => {
    await empty();
    const kept = await use(await startGateway());
    const stored = await readStored(client, APP);
    writeFileSync(fileOf(version), `${JSON.stringify({ ...kept, stored }, null, 1)}\n`);
    expect(stored.length).toBeGreaterThan(10);
  });
});

describe("every release", () => {
  it("has a fixture of what it keeps", () => {
    expect(RELEASES).toContain(version);
  });
});

describe.each(KEPT ? [] : RELEASES)("what %s kept", (release) => {
  const kept = JSON.parse(readFileSync(fileOf(release), "utf8")) as Kept;
  let gateway: TestGateway;
  let openai: OpenAI;
  beforeAll(async () => {
    gateway = await startGateway();
    openai = gateway.client({ apiKey: kept.key });
  });

  describe("is read by this version:", () => {
    beforeAll(async () => {
      await empty();
      await restoreStored(client, kept.stored);
    });

    it("API keys, sessions and the cache", async () => {
      const asked = gateway.model.requests.length;
      expect((await ask(openai, "third question", { headers: SESSION })).text).toBe("an answer");
      const { body } = gateway.model.requests.at(-1) ?? {};
      const { messages } = (body ?? {}) as { messages: { content: string }[] };
      expect(messages.map(({ content }) => content)).toEqual([
        "first question",
        "an answer",
        LONG,
        "an answer",
        "third question",
      ]);
      // A cached answer may have come to its end since, which is a miss like any other.
      expect(["exact", "miss"]).toContain((await ask(openai, "What does the fixture say?")).cache);
      expect(gateway.model.requests.length).toBeGreaterThan(asked);
    });

    it("responses and conversations", async () => {
      expect(await openai.responses.retrieve(kept.response)).toMatchObject({ status: "completed" });
      const items = await openai.conversations.items.list(kept.conversation);
      expect(JSON.stringify(items.data)).toContain("an item");
      const next = { model: "scripted", input: "go on", previous_response_id: kept.response };
      expect((await openai.responses.create(next)).output_text).toBe("an answer");
    });

    it("facts, by their key and by their meaning", async () => {
      const { data } = await openai.post<{ data: { text: string }[] }>("/memories/recall", {
        body: { about: "Where does the user live?" },
      });
      expect(data.map(({ text }) => text)).toEqual(["The user lives in Oslo."]);
    });

    it("jobs and messages, each once", async () => {
      const { data } = await openai.post<{ data: Claimed[] }>("/tasks/claim", { body: { limit: 10 } });
      expect(data).toMatchObject([{ id: kept.task, payload: { text: LONG, n: 1 } }]);
      await openai.post(`/tasks/${kept.task}/finish`, { body: { fence: data[0]?.fence, result: null } });
      const read: string[] = [];
      const reader = topicOf(gateway.redis).read("g", async ({ body }) => void read.push(body), { from: "start" });
      await expect.poll(() => read).toEqual(["an event"]);
      await reader.close();
    });
  });

  describe("as a newer version would keep it is refused, and stays as it is:", () => {
    const newer = kept.stored.map((one) => ({ ...one, values: one.values.map(toNewer) }));
    beforeEach(async () => {
      await empty();
      await restoreStored(client, newer);
    });
    /** The fixture's keys, as they are now. */
    const now = async () => {
      const names = new Set(newer.map(({ key }) => key));
      return (await readStored(client, APP)).filter(({ key }) => names.has(key));
    };

    it("has newer records in it", () => {
      expect(newer.filter((one, at) => one.values.join() !== kept.stored[at]?.values.join()).length).toBeGreaterThan(5);
    });

    it("an API key is told of, and not taken for a wrong one", async () => {
      const stranger = await startGateway();
      await restoreStored(client, newer);
      const refused = ask(stranger.client({ apiKey: kept.key }), "hi");
      await expect(refused).rejects.toMatchObject({ status: 500, code: "newer_record" });
    });

    it.each([
      ["a response", () => openai.responses.retrieve(kept.response)],
      ["a conversation", () => openai.conversations.items.list(kept.conversation)],
      ["a fact", () => openai.post("/memories/recall", { body: { about: "home" } })],
      ["a session", () => askStream(openai, "third question", { headers: SESSION })],
    ])("%s", async (_, read) => {
      const before = (await now()).filter(({ key }) => /memory|responses|conversations/.test(key));
      await expect(read()).rejects.toMatchObject({ status: 500, code: "newer_record" });
      expect((await now()).filter(({ key }) => /memory|responses|conversations/.test(key))).toEqual(before);
    });

    it("an answer of the cache is passed by", async () => {
      expect((await ask(openai, "What does the fixture say?")).text).toBe("an answer");
    });
  });
});

interface Claimed {
  readonly id: string;
  readonly fence: string;
  readonly payload: unknown;
}

/** Makes every record in some bytes one of the next version: the byte before the encoding, wherever a record begins. */
function toNewer(value: string): string {
  const bytes = Buffer.from(value, "base64");
  for (let at = 0; at + 2 < bytes.length; at += 1) {
    if (bytes[at] !== 1) continue;
    const [encoding, first] = [bytes[at + 1], bytes[at + 2] as number];
    const isRecord = encoding === 0 ? '{["'.includes(String.fromCharCode(first)) : encoding === 1 && first === 0x28;
    if (isRecord) bytes[at] = 2;
  }
  return bytes.toString("base64");
}
