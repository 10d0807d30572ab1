import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createTopic } from "./index.ts";

describe("dead letters of a topic", () => {
  liveTest("go again as far as the topic has room, each once, and the rest stays", async ({ tenant }) => {
    const topic = createTopic<string>(tenant, "orders", { partitions: 1, messagesMax: 4, keepMessages: 0 });
    await topic.publishMany([{ body: "a" }, { body: "b" }]);
    const fail = () => {
      throw new Error("no");
    };
    const failing = topic.read("g", fail, { from: "start", deliveriesMax: 1 });
    await expect.poll(async () => (await topic.deadLetters("g")).length, { timeout: 8_000 }).toBe(2);
    await failing.close();
    const ids = (await topic.deadLetters("g")).map(({ id }) => id);
    await topic.publishMany([{ body: "1" }, { body: "2" }, { body: "3" }]);
    expect(await topic.redrive("g", { ids: ids.flatMap((id) => [id, id]) })).toEqual(ids.slice(0, 1));
    expect(await topic.size()).toBe(4);
    expect(await topic.redrive("g")).toEqual([]);
    expect((await topic.deadLetters("g")).map(({ body }) => body)).toEqual(["b"]);
    const seen: string[] = [];
    const reader = topic.read("g", ({ body }) => void seen.push(body));
    await expect.poll(() => seen.length, { timeout: 8_000 }).toBe(4);
    await expect.poll(() => topic.redrive("g"), { timeout: 5_000 }).toEqual(ids.slice(1));
    await expect.poll(() => seen.length, { timeout: 8_000 }).toBe(5);
    expect(seen).toEqual(["1", "2", "3", "a", "b"]);
    await reader.close();
  });
});
