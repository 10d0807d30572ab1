import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ACTS, follow, hear, isHeard, signalling, signalsOf, type Follower } from "./signals.ts";

const rows = [...readFileSync("docs/signals.md", "utf8").matchAll(/^\| `marrow:([a-z:]+)` \| .+? \| (.*?) ?\|$/gm)];
const source = readFileSync("src/internal/signals.ts", "utf8");

describe("signals", () => {
  it("are documented, each with its fields", () => {
    expect(rows.map(([, act]) => act)).toEqual([...ACTS]);
    for (const [, act = "", told = ""] of rows) {
      const type = new RegExp(`"${act}": (\\w+);`).exec(source)?.[1];
      const fields = new RegExp(`interface ${type} \\{([\\s\\S]*?)\\n\\}`).exec(source)?.[1] ?? "";
      const names = [...fields.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, name]) => name);
      const documented = [...told.matchAll(/`(\w+)`/g)].map(([, name]) => name);
      // Stages share a type: each has its own part of it.
      const known = type === "FlowStageSignal" ? names.filter((name) => documented.includes(name)) : names;
      expect({ act, fields: new Set(documented) }).toEqual({ act, fields: new Set(known) });
    }
  });

  it("are made only while somebody listens", async () => {
    let made = 0;
    const make = () => {
      made += 1;
      return { tool: "search" };
    };
    expect(isHeard("cache:tool")).toBe(false);
    expect(await signalling("cache:tool", make, async (signal) => signal)).toBeUndefined();
    expect(made).toBe(0);
    const heard: unknown[] = [];
    const ears = { asyncEnd: (signal: object) => void heard.push({ ...signal }) };
    // Node's own channel of the name is the same one.
    tracingChannel<unknown, object>("marrow:cache:tool").subscribe(ears as never);
    expect(await signalling("cache:tool", make, async () => 42)).toBe(42);
    tracingChannel<unknown, object>("marrow:cache:tool").unsubscribe(ears as never);
    expect({ made, heard }).toEqual({ made: 1, heard: [{ tool: "search", result: 42 }] });
    expect(isHeard("cache:tool")).toBe(false);
  });

  it("tell of a failure, and throw it on", async () => {
    const failure = new Error("no");
    const heard: unknown[] = [];
    const ears = { error: ({ error }: { error?: unknown }) => void heard.push(error) };
    signalsOf("cache:tool").subscribe(ears as never);
    const running = signalling(
      "cache:tool",
      () => ({ tool: "search" }),
      () => Promise.reject(failure),
    );
    await expect(running).rejects.toBe(failure);
    signalsOf("cache:tool").unsubscribe(ears as never);
    expect(heard).toEqual([failure]);
  });

  it("are told to an ear with the time, and the error or what came of it, beside subscribers or without", async () => {
    const heard: unknown[] = [];
    const end = hear("cache:tool", ({ tool }, seconds, error, result) => {
      heard.push([tool, seconds >= 0 && seconds < 60, error, result]);
    });
    expect(isHeard("cache:tool")).toBe(true);
    const run = (act: () => Promise<unknown>) => signalling("cache:tool", () => ({ tool: "search" }), act);
    const failure = new Error("no");
    const traced: unknown[] = [];
    const subscriber = { asyncEnd: ({ tool }: { tool: string }) => void traced.push(tool) };
    for (const isTraced of [false, true]) {
      if (isTraced) signalsOf("cache:tool").subscribe(subscriber as never);
      expect(await run(async () => 42)).toBe(42);
      await expect(run(() => Promise.reject(failure))).rejects.toBe(failure);
    }
    signalsOf("cache:tool").unsubscribe(subscriber as never);
    end();
    expect(await run(async () => 7)).toBe(7);
    const both = [
      ["search", true, undefined, 42],
      ["search", true, failure, undefined],
    ];
    expect(heard).toEqual([...both, ...both]);
    expect(traced).toEqual(["search", "search"]);
    expect(isHeard("cache:tool")).toBe(false);
  });

  it("make current what a subscriber binds, within the act and its promises alone", async () => {
    const current = new AsyncLocalStorage<string>();
    signalsOf("cache:tool").start.bindStore(current, ({ tool }) => tool);
    const seen = await signalling(
      "cache:tool",
      () => ({ tool: "search" }),
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return current.getStore();
      },
    );
    signalsOf("cache:tool").start.unbindStore(current);
    expect([seen, current.getStore()]).toEqual(["search", undefined]);
  });

  it("are gone along with by followers, each within the one before it, beside ears and subscribers", async () => {
    const current = new AsyncLocalStorage<string>();
    const told: unknown[] = [];
    const follower = (name: string): Follower<"cache:tool"> => ({
      begin({ tool }) {
        if (tool === "nothing") return undefined;
        const own = `${current.getStore() ?? ""}/${name}`;
        return {
          within: (run, given) => current.run(own, run, given),
          end: (error, result) => void told.push([own, tool, error, result]),
        };
      },
    });
    const endings = [follow("cache:tool", follower("a")), follow("cache:tool", follower("b"))];
    const heard: unknown[] = [];
    endings.push(hear("cache:tool", (_, __, error, result) => void heard.push(error ?? result)));
    const ears = { asyncEnd: ({ tool }: { tool: string }) => void heard.push(tool) };
    signalsOf("cache:tool").subscribe(ears as never);
    const run = (tool: string, work: () => Promise<unknown>) => signalling("cache:tool", () => ({ tool }), work);
    const look = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return current.getStore();
    };
    expect(await run("search", look)).toBe("/a/b");
    const failure = new Error("no");
    await expect(run("search", () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await run("nothing", look)).toBeUndefined();
    expect(told).toEqual([
      ["/a/b", "search", undefined, "/a/b"],
      ["/a", "search", undefined, "/a/b"],
      ["/a/b", "search", failure, undefined],
      ["/a", "search", failure, undefined],
    ]);
    signalsOf("cache:tool").unsubscribe(ears as never);
    for (const end of endings) end();
    expect(heard).toEqual(["search", "/a/b", "search", failure, "nothing", undefined]);
    expect([isHeard("cache:tool"), await run("search", look)]).toEqual([false, undefined]);
  });

  it("are followed across copies of this file, as applications that are bundled in pieces have", async () => {
    const copy = (await import(`${import.meta.resolve("./signals.ts").replace(/^file:\/\//, "")}?copy`)) as {
      follow: typeof follow;
    };
    expect(copy.follow).not.toBe(follow);
    const ended: string[] = [];
    const end = copy.follow("cache:tool", {
      begin: ({ tool }) => ({ within: (run, given) => run(given), end: () => void ended.push(tool) }),
    });
    await signalling(
      "cache:tool",
      () => ({ tool: "search" }),
      async () => 1,
    );
    end();
    expect(ended).toEqual(["search"]);
  });
});
