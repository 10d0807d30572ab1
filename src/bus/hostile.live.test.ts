import { expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createBus, createTopic } from "./index.ts";

/** A listener to errors that throws. */
const refuse = () => {
  throw new Error("from the listener");
};
/** Errors that cannot be read. */
const unreadable = () => new Proxy(new Error("x"), { get: refuse, getPrototypeOf: refuse, has: refuse });

liveTest(
  "a handler that throws what cannot be read bounces its message, whatever the listener does",
  async ({ tenant }) => {
    const bus = createBus(tenant, { onError: refuse });
    const agent = await bus.register({ name: "writer" }, () => {
      throw unreadable();
    });
    expect(await bus.request("writer", 1, { ttlMs: 10_000 })).toMatchObject({ state: "bounced", reason: "failed" });
    await agent.close();
    await bus.close();
  },
);

liveTest(
  "a reader puts aside what fails, whatever is thrown and whatever the listener does, and reads on",
  async ({ tenant }) => {
    const topic = createTopic<string>(tenant, "orders", { partitions: 1 });
    const seen: string[] = [];
    const handler = ({ body }: { readonly body: string }) => {
      seen.push(body);
      if (body === "bad") throw unreadable();
    };
    const reader = topic.read("g", handler, { from: "start", leaseMs: 1_000, deliveriesMax: 1, onError: refuse });
    await topic.publishMany([{ body: "bad" }, { body: "good" }]);
    await expect.poll(async () => (await topic.deadLetters("g")).length, { timeout: 10_000 }).toBe(1);
    await expect.poll(() => seen, { timeout: 10_000 }).toContain("good");
    await reader.close();
  },
);

liveTest("a body that cannot be written as JSON is refused by its path", async ({ tenant }) => {
  const refused = { code: "invalid_input", details: { path: "body.big" } };
  const bus = createBus(tenant);
  await expect(bus.send("writer", { big: 1n })).rejects.toMatchObject(refused);
  await expect(bus.publish("news", { big: 1n })).rejects.toMatchObject(refused);
  await expect(createTopic(tenant, "t").publish({ big: 1n })).rejects.toMatchObject(refused);
  await expect(bus.board("b").put("e", 1n)).rejects.toMatchObject({ code: "invalid_input" });
  await bus.close();
});

liveTest("what an agent writes that is no text bounces its message, and other messages go on", async ({ tenant }) => {
  const bus = createBus(tenant);
  const agent = await bus.register({ name: "writer" }, ({ body, write }) => {
    write(body === null ? (undefined as unknown as string) : "a text");
    return "done";
  });
  const [bad, good] = [bus.request("writer", null, { ttlMs: 10_000 }), bus.request("writer", 1, { ttlMs: 10_000 })];
  expect(await bad).toMatchObject({ state: "bounced", reason: "invalid_input" });
  expect(await good).toMatchObject({ state: "handled", reply: "done" });
  await agent.close();
  await bus.close();
});
