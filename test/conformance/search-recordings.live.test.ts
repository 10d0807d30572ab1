/**
 * The FT.* driver and the stand-in, held to recordings of a real server (Redis 8.0.2 with RediSearch 8.0, RESP2 and RESP3). The
 * recordings are not part of this project; without them these tests are skipped.
 */
import { Redis as Ioredis } from "ioredis";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { fromIoredis } from "../../src/index.ts";
import { readSearchReply } from "../../src/vectors/search/reply.ts";
import { haveRecordings, readRecording, RECORDINGS, startReplayServer } from "../replay-server.ts";
import { startSearchServer } from "../search-server.ts";
import { ownServer } from "../servers.ts";

type View =
  | string
  | number
  | null
  | { readonly b64: string }
  | { readonly "%": readonly (readonly [View, View])[] }
  | { readonly "+": string }
  | { readonly "-": string }
  | { readonly ",": string }
  | readonly View[];

/** A recorded reply as the port gives it. */
function toPlain(view: View): unknown {
  if (typeof view === "string") return Buffer.from(view).toString("latin1");
  if (view === null || typeof view !== "object") return view;
  if (Array.isArray(view)) return (view as readonly View[]).map(toPlain);
  if ("b64" in view) return Buffer.from(view.b64, "base64").toString("latin1");
  if ("%" in view) return view["%"].flatMap(([key, value]) => [toPlain(key), toPlain(value)]);
  if ("+" in view) return view["+"];
  return "," in view ? view[","] : view;
}

/** The hits of a recorded reply with the fields that came with them; those whose hash was gone are not among them. */
function hitsOf(view: View, protocol: 2 | 3): [string, string[]][] {
  const plain = toPlain(view) as unknown[];
  if (protocol === 2) {
    return Array.from({ length: (plain.length - 1) / 2 }, (_, at) => [plain[at * 2 + 1], plain[at * 2 + 2]]).filter(
      (pair): pair is [string, string[]] => Array.isArray(pair[1]) && pair[1].length > 0,
    );
  }
  const results = plain[plain.indexOf("results") + 1] as unknown[][];
  return results
    .map((row) => [row[row.indexOf("id") + 1], row[row.indexOf("extra_attributes") + 1]])
    .filter((pair): pair is [string, string[]] => Array.isArray(pair[1]) && pair[1].length > 0);
}

const toText = (bytes: Buffer | undefined) => (bytes as Buffer).toString("latin1");

describe.skipIf(!haveRecordings)(`recordings in ${RECORDINGS}`, () => {
  it.each([2, 3] as const)("of searches in RESP%i are read as they were answered", async (protocol) => {
    let read = 0;
    for (const scenario of ["01-create", "03-query", "04-documents", "02-errors"]) {
      const server = await startReplayServer(scenario, protocol);
      const client = new Ioredis({ port: server.port, protocol });
      const redis = fromIoredis(client, { app: "replay" });
      const searches = readRecording(scenario, protocol).filter(
        ({ words, conn = "main" }) =>
          conn === "main" && String(words[0]) === "FT.SEARCH" && words.some((word) => String(word) === "RETURN"),
      );
      for (const { words, reply } of searches) {
        const sent = redis.send(words, { reply: "bytes" });
        if (JSON.stringify(reply).startsWith('{"-"')) {
          await expect(sent).rejects.toMatchObject({
            code: expect.stringMatching(/redis_rejected|unsupported/) as string,
          });
          continue;
        }
        const plain = toPlain(reply as View) as unknown[];
        if (words.some((word) => /^WITH|^NOCONTENT/.test(String(word)))) continue;
        if (protocol === 3 && JSON.stringify(plain).includes("Timeout")) {
          expect(() => readSearchReply(plain as never)).toThrow(expect.objectContaining({ code: "timeout" }));
          continue;
        }
        const returned = words.findIndex((word) => String(word) === "RETURN");
        if (String(words[returned + 1]) === "0") continue;
        const found = readSearchReply(await sent);
        const hits = hitsOf(reply as View, protocol);
        expect(found.map(({ key }) => key)).toEqual(hits.map(([key]) => Buffer.from(key, "latin1").toString()));
        for (const [at, [, fields]] of hits.entries()) {
          for (let field = 0; field < fields.length; field += 2)
            expect(toText(found[at]?.fields.get(fields[field] as string))).toBe(fields[field + 1]);
        }
        read += 1;
      }
      client.disconnect();
      await server.close();
    }
    expect(read).toBeGreaterThan(40);
  });

  it.each([2, 3] as const)("of queries in RESP%i are answered alike by the stand-in", async (protocol) => {
    const own = await ownServer(inject("redisBinary"));
    onTestFinished(() => own.stop());
    await own.start();
    const server = await startSearchServer(own.url);
    onTestFinished(() => server.close());
    const client = new Ioredis({ port: server.port, protocol });
    onTestFinished(() => client.disconnect());
    const redis = fromIoredis(client, { app: "stand-in" });
    let compared = 0;
    for (const { words, reply, conn = "main" } of readRecording("03-query", protocol)) {
      const [verb, ...rest] = words.map(String);
      if (conn !== "main" || !["FT.CREATE", "HSET", "FT.SEARCH"].includes(verb ?? "")) continue;
      if (verb !== "FT.SEARCH") {
        await redis.send(words);
        continue;
      }
      const answer = await redis.send(words, { reply: "bytes" }).catch(() => undefined);
      // What the stand-in does not speak it refuses.
      if (answer === undefined) continue;
      expect([rest.join(" "), round(answer)]).toEqual([rest.join(" "), round(toPlain(reply as View))]);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(25);
  });

  it("of searches within scripts are answered alike by the stand-in, with and without threads", async () => {
    const steps = readRecording("06-multi-eval", 2);
    const workersAt = steps.findIndex(({ words }) => String(words[2]) === "search-workers");
    const isSearch = ({ words }: (typeof steps)[number]) =>
      String(words[0]) === "EVAL" && /FT\.SEARCH/.test(String(words[1])) && !/setresp/.test(String(words[1]));
    for (const threads of [false, true]) {
      const own = await ownServer(inject("redisBinary"));
      onTestFinished(() => own.stop());
      await own.start();
      const server = await startSearchServer(own.url, "redis", { threads });
      onTestFinished(() => server.close());
      const client = new Ioredis({ port: server.port });
      onTestFinished(() => client.disconnect());
      const send = ([verb = "", ...rest]: readonly (string | Buffer)[]) => client.callBuffer(String(verb), ...rest);
      for (const { words } of steps.slice(0, workersAt))
        if (/^(FT\.CREATE|HSET)$/.test(String(words[0]))) await send(words as (string | Buffer)[]).catch(() => {});
      // What the recording had put and queued by then.
      const asked = steps.slice(...(threads ? [workersAt] : [0, workersAt])).filter(isSearch);
      for (const { words, reply } of asked) {
        const answer = await send(words as (string | Buffer)[]).catch(
          (error: Error) => error.message.split(" script:")[0],
        );
        const wanted = JSON.stringify(reply).startsWith('{"-"')
          ? (reply as { "-": string })["-"].split(" script:")[0]
          : toPlain(reply as View);
        expect([String(words[1]), round(answer)]).toEqual([String(words[1]), round(wanted)]);
      }
      expect(asked.length).toBeGreaterThan(2);
    }
  });
});

/** Distances to five places: the stand-in counts in 64 bits. */
function round(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(round);
  if (Buffer.isBuffer(value)) return round(value.toString("latin1"));
  return typeof value === "string" && /^-?\d+\.\d+(e-\d+)?$/.test(value) ? Number(value).toFixed(5) : value;
}
