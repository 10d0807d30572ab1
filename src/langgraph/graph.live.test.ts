import { Command, END, interrupt, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import {
  emptyCheckpoint,
  InMemoryStore,
  MemorySaver,
  type BaseCheckpointSaver,
  type BaseStore,
} from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { staticEmbedder } from "../embedders/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { losing } from "../testing/index.ts";
import { MarrowSaver, MarrowStore } from "./index.ts";

/** A graph that asks a person in the middle. */
function graphOn(redis: ScopedRedis, ttlMs?: number) {
  return graphWith(new MarrowSaver(redis, { name: "g", ttlMs }));
}

function graphWith(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(MessagesAnnotation)
    .addNode("plan", () => ({ messages: [{ role: "assistant", content: "a plan" }] }))
    .addNode("ask", () => ({ messages: [{ role: "user", content: String(interrupt("is it good?")) }] }))
    .addNode("do", () => ({ messages: [{ role: "assistant", content: "done" }] }))
    .addEdge(START, "plan")
    .addEdge("plan", "ask")
    .addEdge("ask", "do")
    .addEdge("do", END)
    .compile({ checkpointer });
}

const thread = (id: string) => ({ configurable: { thread_id: id } });
const said = (messages: readonly { readonly content: unknown }[]) => messages.map(({ content }) => content);
const HELLO = { messages: [{ role: "user", content: "hello" }] };

describe("a graph of LangGraph", () => {
  liveTest("keeps each write to a channel that is named as what every object inherits", async ({ tenant }) => {
    const saver = new MarrowSaver(tenant, { name: "g" });
    const config = await saver.put(thread("t"), emptyCheckpoint(), { source: "input", step: 0, parents: {} }, {});
    const writes: [string, string][] = [
      ["constructor", "first"],
      ["constructor", "second"],
      ["toString", "third"],
    ];
    await saver.putWrites(config, writes, "task");
    const { pendingWrites } = (await saver.getTuple(config)) ?? {};
    expect(pendingWrites).toEqual(writes.map((write) => ["task", ...write]));
  });

  liveTest("waits for a person, goes on in another process, and forks, as it does in memory", async ({ tenant }) => {
    const memory = new MemorySaver();
    const runs = [];
    for (const open of [() => graphOn(tenant), () => graphWith(memory)]) {
      await open().invoke(HELLO, thread("t"));
      const { messages } = await open().invoke(new Command({ resume: "yes" }), thread("t"));
      const history = [];
      for await (const state of open().getStateHistory(thread("t"))) history.push(state);
      const early = history.find(({ next }) => next.includes("plan"));
      const forked = await open().invoke(null, early?.config ?? {});
      const again = await open().invoke(new Command({ resume: "no" }), thread("t"));
      runs.push({
        said: [messages, forked.messages, again.messages].map(said),
        history: history.map(({ next, values, tasks }) => [next, said(values.messages ?? []), tasks.length]),
      });
    }
    expect(runs[0]?.said[0]).toEqual(["hello", "a plan", "yes", "done"]);
    expect(runs[0]?.said[2]).toEqual(["hello", "a plan", "no", "done"]);
    expect(runs[0]).toEqual(runs[1]);
  });

  liveTest("keeps threads apart whatever their names hold, and deletes one of them", async ({ tenant, redis }) => {
    const names = ["*", "a:b", "a", "{x}", "t|1", "é", "é", "__proto__", "[a-z]*"];
    for (const name of names)
      await graphOn(tenant).invoke({ messages: [{ role: "user", content: name }] }, thread(name));
    const saver = new MarrowSaver(tenant, { name: "g" });
    await saver.deleteThread("*");
    for (const name of names) {
      const tuple = await saver.getTuple(thread(name));
      const messages = (tuple?.checkpoint.channel_values["messages"] ?? []) as { content: string }[];
      expect(messages[0]?.content).toBe(name === "*" ? undefined : name);
    }
    const threads = new Set<unknown>();
    for await (const { config } of saver.list({})) threads.add(config.configurable?.["thread_id"]);
    expect(threads).toEqual(new Set(names.filter((name) => name !== "*")));
    const others = new MarrowSaver(redis.scope("other"), { name: "g" });
    for await (const tuple of others.list({})) throw new Error(`another scope's ${JSON.stringify(tuple.config)}`);
  });

  liveTest("ends all of a thread together, a life after its last use", async ({ tenant, redis, unique }) => {
    const graph = graphOn(tenant, 1_000);
    await graph.invoke(HELLO, thread("t"));
    for (let use = 0; use < 4; use += 1) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect((await graph.getState(thread("t"))).next).toEqual(["ask"]);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect((await graph.getState(thread("t"))).next).toEqual([]);
    const kept = (await redis.send(["KEYS", `{${unique}:*`])) as string[];
    expect(kept.filter((key) => !key.endsWith(":threads"))).toEqual([]);
  });

  liveTest("keeps a value once however many checkpoints hold it", async ({ tenant, redis, unique }) => {
    const graph = graphOn(tenant);
    await graph.invoke(HELLO, thread("t"));
    await graph.invoke(new Command({ resume: "yes" }), thread("t"));
    const start = `{${unique}:acme:t}:graph:g`;
    const fields = (await redis.send(["HKEYS", `${start}:values`])) as string[];
    const checkpoints = Number(await redis.send(["ZCARD", `${start}:order`]));
    expect(fields.filter((field) => field.includes("|messages|")).length).toBeLessThan(checkpoints + 1);
  });

  liveTest("stands where it stood when a command of it was lost", async ({ tenant }) => {
    for (const when of ["before", "after"] as const) {
      for (let nth = 1; nth <= 8; nth += 1) {
        const id = `${when}${nth}`;
        await graphOn(losing(tenant, nth, when))
          .invoke(HELLO, thread(id))
          .catch(() => {});
        const { next } = await graphOn(tenant).getState(thread(id));
        if (!next.includes("ask")) await graphOn(tenant).invoke(HELLO, thread(id));
        const { messages } = await graphOn(tenant).invoke(new Command({ resume: "yes" }), thread(id));
        expect(said(messages).slice(-2)).toEqual(["yes", "done"]);
      }
    }
  });
});

describe("a store of LangGraph", () => {
  liveTest("answers as LangGraph's own one does, over random histories", async ({ redis }) => {
    const part = fc.constantFrom("a", "b", "a|b", "*", "ä", "users");
    const namespace = fc.array(part, { minLength: 1, maxLength: 3 });
    const act = fc.oneof(
      fc.record({ put: namespace, key: part, value: fc.record({ n: fc.nat(5), s: part }) }),
      fc.record({ drop: namespace, key: part }),
      fc.record({ get: namespace, key: part }),
      fc.record({
        search: fc.array(part, { maxLength: 2 }),
        filter: fc.constantFrom(undefined, { n: { $gte: 3 } }, { s: "a" }),
      }),
      fc.record({ list: fc.constantFrom<1 | 2 | undefined>(1, 2, undefined) }),
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
        const ours: BaseStore = new MarrowStore(redis.scope(`s${(run += 1)}`), { name: "s" });
        const theirs: BaseStore = new InMemoryStore();
        const plain = (items: readonly { namespace: string[]; key: string; value: unknown }[]) =>
          items.map(({ namespace: at, key, value }) => JSON.stringify([at, key, value])).toSorted();
        for (const one of acts) {
          for (const store of [ours, theirs]) {
            if ("put" in one) await store.put(one.put, one.key, one.value);
            if ("drop" in one) await store.delete(one.drop, one.key);
          }
          if ("get" in one) {
            const [a, b] = await Promise.all([ours.get(one.get, one.key), theirs.get(one.get, one.key)]);
            expect(a?.value).toEqual(b?.value);
          }
          if ("search" in one) {
            const options = { limit: 100, ...(one.filter && { filter: one.filter }) };
            const [a, b] = await Promise.all([ours.search(one.search, options), theirs.search(one.search, options)]);
            expect(plain(a)).toEqual(plain(b));
          }
          if ("list" in one) {
            const options = one.list === undefined ? {} : { maxDepth: one.list };
            // LangGraph's own one lists namespaces from which everything was deleted, too.
            const items = await theirs.search([], { limit: 100 });
            const names = items.map(({ namespace: at }) => JSON.stringify(at.slice(0, one.list)));
            const listed = (await ours.listNamespaces(options)).map((at) => JSON.stringify(at));
            expect(listed.toSorted()).toEqual([...new Set(names)].toSorted());
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  liveTest("finds by meaning under a namespace, and forgets what was deleted or replaced", async ({ tenant }) => {
    const store = new MarrowStore(tenant, { name: "s", index: { embedder: staticEmbedder(), fields: ["text"] } });
    await store.put(["users", "ada"], "1", { text: "She likes strong coffee in the morning" });
    await store.put(["users", "ada"], "2", { text: "Her bicycle is green" });
    await store.put(["users", "bob"], "1", { text: "He likes strong coffee in the evening" });
    const [found] = await store.search(["users", "ada"], { query: "what does she drink? coffee?" });
    expect(found).toMatchObject({ namespace: ["users", "ada"], key: "1" });
    expect(found?.score).toBeGreaterThan(0.2);
    await store.put(["users", "ada"], "1", { text: "Her dog is called Max" });
    await store.delete(["users", "bob"], "1");
    const again = await store.search(["users"], { query: "strong coffee", limit: 5 });
    expect(again.map(({ value }) => value["text"])).not.toContain("She likes strong coffee in the morning");
    expect(again.every(({ namespace }) => namespace[1] === "ada")).toBe(true);
    await expect(new MarrowStore(tenant, { name: "t" }).search(["x"], { query: "q" })).rejects.toMatchObject({
      code: "unsupported",
    });
  });
});
