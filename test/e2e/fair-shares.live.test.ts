import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

/** One tenant's bodies in a process's common lines, beside another tenant's. */
const started: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.close();
});

/** Posts with the key of a scope, and answers the status and the time in milliseconds. */
async function open() {
  const gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
  started.push(gateway);
  const other = await gateway.keys.create({ scope: "other", user: "u1", name: "other", actsFor: "any" });
  return async (who: "flood" | "other", path: string, body: Buffer, encoding?: "gzip") => {
    const startMs = performance.now();
    const response = await fetch(`${gateway.baseURL}${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${who === "flood" ? gateway.key : other}`,
        "content-type": "application/json",
        ...(encoding !== undefined && { "content-encoding": encoding }),
      },
      body: new Uint8Array(body),
    });
    await response.arrayBuffer();
    return { status: response.status, ms: performance.now() - startMs };
  };
}

/** A chat of a model that is not there: it is decoded and parsed, and asks nobody. */
const chat = (content: string) =>
  Buffer.from(JSON.stringify({ model: "absent", messages: [{ role: "user", content }] }));

describe("a request of one scope, beside hundreds of another scope", { timeout: 60_000 }, () => {
  it("is decoded in its turn, and never refused because the other scope's bodies fill the line", async () => {
    const post = await open();
    const large = gzipSync(chat("a".repeat(3_900_000)));
    await post("other", "/chat/completions", gzipSync(chat("hello")), "gzip");
    const flood = Array.from({ length: 300 }, () => post("flood", "/chat/completions", large, "gzip"));
    let isOver = false;
    const refused = Promise.all(flood).then((all) => ((isOver = true), all.filter(({ status }) => status === 429)));
    const seen: { readonly status: number; readonly isOver: boolean }[] = [];
    for (let nth = 0; nth < 3; nth += 1) {
      const { status } = await post("other", "/chat/completions", gzipSync(chat(`hello ${nth}`)), "gzip");
      seen.push({ status, isOver });
    }
    expect(seen).toEqual(Array.from({ length: 3 }, () => ({ status: 404, isOver: false })));
    expect((await refused).length).toBeGreaterThan(0);
  });

  it("is parsed in a thread in its turn", async () => {
    const post = await open();
    const large = chat("\n".repeat(1_000_000));
    await post("other", "/chat/completions", chat("\n".repeat(70_000)));
    const flood = Array.from({ length: 40 }, () => post("flood", "/chat/completions", large));
    let ended = 0;
    for (const one of flood) void one.then(() => (ended += 1));
    const { status } = await post("other", "/chat/completions", chat("\n".repeat(70_000)));
    expect(status).toBe(404);
    expect(ended).toBeLessThan(40);
    await Promise.all(flood);
  });

  it("is read and handled in turns of the event loop that are its scope's, beside large bodies", async () => {
    const post = await open();
    const [large, body] = [chat("many words ".repeat(300_000)), chat("other words ".repeat(15_000))];
    await post("other", "/chat/completions", body);
    const beganMs = performance.now();
    let left = 60;
    const flood = Array.from({ length: left }, () => post("flood", "/chat/completions", large));
    for (const one of flood) void one.then(() => (left -= 1));
    // Their bodies come first.
    await flood[0];
    const waited: number[] = [];
    while (left > 0 && waited.length < 20) waited.push((await post("other", "/chat/completions", body)).ms);
    await Promise.all(flood);
    const allMs = performance.now() - beganMs;
    expect(median(waited)).toBeLessThan(allMs / 20);
  });
});

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
}
