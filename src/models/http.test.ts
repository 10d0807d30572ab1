import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { sendRequest, textOf } from "./http.ts";

let server: Server;
let pool: Pool;
afterEach(async () => {
  await pool.destroy();
  await new Promise((resolve) => server.close(resolve));
});

/** The answer of a server that writes as much as is read of it. */
async function answerOf(bytes: number, breaks = false) {
  const sent = { bytes: 0 };
  server = createServer((_, response) => {
    const piece = Buffer.alloc(16_384, "x");
    const write = () => {
      while (sent.bytes < bytes) {
        sent.bytes += piece.length;
        if (!response.write(piece)) return response.once("drain", write);
      }
      return breaks ? setTimeout(() => response.destroy(), 30) : response.end();
    };
    write();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { sent, answer: await sendRequest(pool, { path: "/", method: "GET" }, undefined) };
}

describe("an answer that is pushed", () => {
  const MUCH = 64 * 1_048_576;

  it("waits at its maker's while its sink is paused, and comes whole once it is resumed", async () => {
    const { sent, answer } = await answerOf(MUCH);
    let got = 0;
    await new Promise<void>((resolve, reject) => {
      const pushing = answer.push({
        take(piece) {
          const isFirst = got === 0;
          got += piece.length;
          if (!isFirst) return;
          pushing.pause();
          void sleep(300).then(() => {
            // What a connection and its two ends hold on their way.
            expect(sent.bytes).toBeLessThan(MUCH / 2);
            expect(got).toBe(piece.length);
            pushing.resume();
          }, reject);
        },
        end: resolve,
        fail: reject,
      });
      pushing.resume();
    });
    expect(got).toBe(MUCH);
  });

  it("leaves turns of the event loop to others while much of it comes at once", async () => {
    const { answer } = await answerOf(1_048_576);
    let [turn, inTurn, most] = [0, 0, 0];
    const timer = setInterval(() => {}, 1);
    const next = () => {
      turn += 1;
      inTurn = 0;
      if (turn > 0) setImmediate(next);
    };
    next();
    await new Promise<void>((resolve, reject) => {
      const pushing = answer.push({
        take() {
          // Two milliseconds of work on each piece.
          for (const until = performance.now() + 2; performance.now() < until;);
          inTurn += 1;
          most = Math.max(most, inTurn);
        },
        end: resolve,
        fail: reject,
      });
      pushing.resume();
    });
    turn = -Infinity;
    clearInterval(timer);
    expect(most).toBeLessThan(8);
  });

  it("fails behind what came of it, once that is wanted", async () => {
    const { answer } = await answerOf(16_384, true);
    const told: string[] = [];
    await new Promise<void>((resolve) => {
      const pushing = answer.push({
        take: () => void told.push("piece"),
        end: () => resolve(void told.push("end")),
        fail: () => resolve(void told.push("failure")),
      });
      setTimeout(() => {
        expect(told).toEqual([]);
        pushing.resume();
      }, 100);
    });
    expect(told.at(-1)).toBe("failure");
    expect(told.filter((one) => one !== "piece")).toHaveLength(1);
  });
});

async function writeSlowly(response: ServerResponse, pieces: readonly (string | Buffer)[]): Promise<void> {
  response.socket?.setNoDelay(true);
  for (const piece of pieces) {
    response.write(piece);
    await sleep(5);
  }
  response.end();
}

describe("the text of an answer", () => {
  it("has no byte order mark, wherever its bytes are cut; a second one belongs to the text", async () => {
    const mark = Buffer.from("\uFEFF");
    for (const pieces of [
      [mark, "{}"],
      [mark.subarray(0, 1), mark.subarray(1, 2), mark.subarray(2), "{}"],
      [mark.subarray(0, 2), Buffer.concat([mark.subarray(2), Buffer.from("{}")])],
      [Buffer.concat([mark, Buffer.from("{}")])],
      ["{", "}"],
    ]) {
      server = createServer((_, response) => void writeSlowly(response, pieces));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const answer = await sendRequest(pool, { path: "/", method: "GET" }, undefined);
      expect(await textOf(answer, 1_000)).toBe("{}");
      await pool.destroy();
      server.close();
    }
    server = createServer((_, response) => response.end("\uFEFF\uFEFF{}"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await textOf(await sendRequest(pool, { path: "/", method: "GET" }, undefined), 1_000)).toBe("\uFEFF{}");
  });
});
