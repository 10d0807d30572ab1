import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, inject, it } from "vitest";
import { staticEmbedder } from "../../src/embedders/index.ts";
import { MarrowError } from "../../src/errors.ts";
import { createPrices } from "../../src/models/index.ts";
import type { Redis } from "../../src/redis/index.ts";
import { replay, type ReplayOptions, type ReplayReport } from "../../src/replay/index.ts";
import { createCli, marrowHere } from "../cli.ts";
import { liveTest } from "../live.ts";
import { generateStream } from "./stream.ts";

const directory = mkdtempSync(join(tmpdir(), "marrow-replay-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const prices = createPrices({ scripted: { input: 1, output: 4 } });

function logOf(lines: readonly unknown[]): string {
  const file = join(directory, `${randomUUID()}.jsonl`);
  writeFileSync(file, lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"));
  return file;
}

const optionsOf = (redis: Redis, log: string, more: Partial<ReplayOptions> = {}): ReplayOptions => ({
  redis,
  log,
  name: log,
  presets: ["strict"],
  ttlsMs: [3_600_000],
  embedder: staticEmbedder(),
  sharing: { per: "scope", personal: "user" },
  prices,
  ...more,
});

async function reportOf(options: ReplayOptions): Promise<ReplayReport> {
  const replayed = await replay(options);
  if (replayed.kind !== "done") throw new Error("it was stopped");
  return replayed.report;
}

/** Kills a replay at a line, and answers what it had written down at an earlier one. */
async function killedAfter(options: ReplayOptions, noteAt: number, killAt: number): Promise<ReplayOptions["state"]> {
  let state: ReplayOptions["state"];
  const killed = replay({
    ...options,
    async onProgress(progress) {
      if (progress.lines === noteAt) {
        state = JSON.parse(JSON.stringify(progress.state())) as ReplayOptions["state"];
        await progress.noted();
      }
      if (progress.lines === killAt) throw new Error("killed");
    },
  });
  await expect(killed).rejects.toThrow("killed");
  return state;
}

async function keysOf(redis: Redis): Promise<string[]> {
  const keys: string[] = [];
  let cursor = "0";
  do {
    const [next, page] = (await redis.send(["SCAN", cursor, "MATCH", `*${redis.app}*`, "COUNT", "1000"])) as [
      string,
      string[],
    ];
    [cursor] = [next, keys.push(...page)];
  } while (cursor !== "0");
  return keys;
}

const asked = (time: number, prompt: string, more = {}) => ({
  time: new Date(time).toISOString(),
  user: "ada",
  model: "scripted",
  prompt,
  answer: "330 m",
  usage: { prompt_tokens: 1_000, completion_tokens: 500 },
  ...more,
});
const HOUR = 3_600_000;
const START = Date.parse("2026-11-01T00:00:00Z");

describe("a replay", () => {
  liveTest(
    "lets answers live by the log's time, whatever time it is, and leaves Redis as it was",
    async ({ redis }) => {
      const tower = "How tall is the Eiffel Tower?";
      const log = logOf([
        asked(START, tower),
        asked(START + HOUR - 1, tower),
        // The hour is over: asked again, and stored anew.
        asked(START + HOUR, tower),
        asked(START + 2 * HOUR - 1, tower),
        asked(START + 3 * HOUR, "What is the capital of Peru?"),
      ]);
      const report = await reportOf(optionsOf(redis, log, { ttlsMs: [HOUR, 24 * HOUR] }));
      expect(report.settings).toMatchObject([
        { ttl_seconds: 3_600, hits: 2, saved: { cost: 0.006 }, spent: { cost: 0.009 }, memory: { entries_most: 1 } },
        { ttl_seconds: 86_400, hits: 3, saved: { cost: 0.009 }, memory: { entries_most: 2 } },
      ]);
      const left = (await keysOf(redis)).filter((key) => !key.includes(":vectors:"));
      expect(left).toEqual([]);
    },
  );

  liveTest("shares a personal question with nobody else, as the gateway does", async ({ redis }) => {
    const question = "What is my balance?";
    const log = logOf([
      asked(START, question),
      asked(START + 1, question, { user: "bob" }),
      asked(START + 2, question),
    ]);
    expect((await reportOf(optionsOf(redis, log))).settings).toMatchObject([{ requests: 3, hits: 1 }]);
  });

  liveTest(
    "counts broken and foreign lines, names broken ones by number, and never repeats what is in them",
    async ({ redis }) => {
      const log = logOf([
        asked(START, "Hello there, who are you?"),
        '{"secret": "hunter2',
        "",
        { model: "m", input: "hunter2" },
        "hunter2",
      ]);
      const report = await reportOf(optionsOf(redis, log));
      expect(report.log).toMatchObject({ lines: 5, requests: 1, broken: 2, broken_lines: [2, 5], other: 1 });
      expect(JSON.stringify(report)).not.toContain("hunter2");
    },
  );

  liveTest(
    "goes on where it was stopped, and comes to the same",
    async ({ redis }) => {
      const log = logOf(generateStream(400));
      const options = optionsOf(redis, log, { presets: ["strict", "aggressive"] });
      const whole = await reportOf(options);
      const stop = new AbortController();
      const stopped = await replay({
        ...options,
        signal: stop.signal,
        onProgress: ({ lines }) => void (lines >= 200 && stop.abort()),
      });
      if (stopped.kind !== "stopped") throw new Error("it ended");
      const state = JSON.parse(JSON.stringify(stopped.state)) as typeof stopped.state;
      expect(await reportOf({ ...options, state })).toEqual(whole);
      await expect(reportOf({ ...options, ttlsMs: [HOUR * 2], state })).rejects.toMatchObject({
        code: "invalid_option",
      });
    },
    60_000,
  );

  liveTest(
    "after a run that was killed takes back what that one stored beyond its last note",
    async ({ redis }) => {
      const log = logOf(generateStream(500));
      const options = optionsOf(redis, log, { ttlsMs: [7 * 24 * HOUR] });
      const whole = await reportOf(options);
      expect(await reportOf({ ...options, state: await killedAfter(options, 200, 400) })).toEqual(whole);
    },
    60_000,
  );

  liveTest(
    "does so where the clock of the log stands still or goes back, and stores again what ended since the note",
    async ({ redis }) => {
      const lines = Array.from({ length: 500 }, (_, at) => {
        // Whole seconds, with many requests in each, one of them late; the life of an answer ends between note and kill.
        const second = Math.floor(at / 150) * 1_000 - (at % 7 === 0 ? 5_000 : 0);
        return asked(START + second, `How many rooms has house number ${at % 230} in the street of the mills?`);
      });
      for (const ttlMs of [2_000, HOUR]) {
        const options = optionsOf(redis, logOf(lines), { ttlsMs: [ttlMs], embedder: undefined });
        const whole = await reportOf(options);
        expect(whole.settings[0]?.hits).toBeGreaterThan(0);
        expect(await reportOf({ ...options, state: await killedAfter(options, 200, 400) })).toEqual(whole);
      }
    },
    60_000,
  );

  liveTest(
    "asks a judge about the doubtful pairs alone, where one is named",
    async ({ redis }) => {
      const log = logOf(generateStream(300));
      const heard: string[] = [];
      const model = {
        complete: async ({ request }: { request: { messages: readonly { content?: unknown }[] } }) => {
          heard.push(String(request.messages[1]?.content));
          if (heard.length === 1) throw new MarrowError("model_failed", "the model is away");
          const message = { role: "assistant", content: '{"verdict":"different"}' };
          const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
          return { completion: { choices: [{ index: 0, message, finish_reason: "stop" }], usage } };
        },
      };
      const judge = { model, id: "scripted" } as unknown as NonNullable<ReplayOptions["judge"]>;
      const report = await reportOf(optionsOf(redis, log, { presets: ["strict", "aggressive"], judge }));
      expect(report.doubtful.length).toBeGreaterThan(0);
      expect(heard).toHaveLength(report.doubtful.length);
      const judged = heard.length - 1;
      const cost = expect.closeTo(judged * 0.00014) as number;
      expect(report.judge).toEqual({ model: "scripted", asked: heard.length, failed: 1, cost });
      expect(report.doubtful.filter(({ verdict }) => verdict === "different")).toHaveLength(judged);
      expect(report.valuable.every(({ verdict }) => verdict === null)).toBe(true);
    },
    60_000,
  );
});

describe("marrow replay", () => {
  const marrow = createCli(directory);
  const env = { MARROW_CACHE: join(process.cwd(), ".cache"), MARROW_APP: `r${randomUUID().slice(0, 8)}` };

  it("writes a report as a page and as JSON, in a scope of a Redis that is named", async () => {
    writeFileSync(
      join(directory, "marrow.config.json"),
      JSON.stringify({ prices: { scripted: { input: 1, output: 4 } } }),
    );
    const log = logOf(generateStream(150));
    const args = ["replay", "--log", log, "--redis", inject("redisUrl"), "--presets", "strict", "--ttls", "24h"];
    const { code, out, err } = await marrow([...args, "--json"], env);
    expect([code, err]).toEqual([0, expect.stringMatching(/^$|requests/)]);
    const told = JSON.parse(out) as ReplayReport;
    expect(told.settings).toMatchObject([{ preset: "strict", requests: 150 }]);
    const place = join(directory, "marrow-replay");
    expect(JSON.parse(readFileSync(join(place, "report.json"), "utf8"))).toEqual(told);
    expect(readFileSync(join(place, "report.html"), "utf8")).toContain("What the cache would have served");
    expect(statSync(join(place, "report.html")).mode & 0o077).toBe(0);
    expect(existsSync(join(place, "state.json"))).toBe(false);
  }, 60_000);

  it("runs a Redis of its own, goes on where Ctrl-C stopped it, and leaves the reports alone", async () => {
    const log = logOf(generateStream(400));
    const out = join(directory, "own");
    const args = ["replay", "--log", log, "--out", out, "--presets", "strict", "--ttls", "24h"];
    const main = join(process.cwd(), "src/cli/main.ts");
    const child = spawn(process.execPath, ["--conditions=@marrow/source", main, ...args], {
      cwd: directory,
      env: { ...process.env, ...env, MARROW_REDIS_URL: "" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    // The first line of its progress: 200 requests.
    child.stderr.once("data", () => child.kill("SIGINT"));
    const [code] = (await once(child, "exit")) as [number];
    expect([code, existsSync(join(out, "state.json"))]).toEqual([130, true]);
    const other = await marrowHere([...args, "--ttls", "1h"], env);
    expect([other.code, other.err]).toEqual([1, expect.stringContaining("start over")]);
    const told = await marrowHere([...args, "--json"], env);
    expect(JSON.parse(told.out)).toMatchObject({ log: { lines: 400, requests: 400 } });
    expect(readdirSync(out).toSorted()).toEqual(["report.html", "report.json"]);
  }, 120_000);

  it("reads a log that is packed or an array, and says what a file is that has no request", async () => {
    const lines = [asked(START, "How tall is the Eiffel Tower?"), asked(START + 1, "How tall is the Eiffel Tower?")];
    const files = {
      "packed.jsonl.gz": gzipSync(lines.map((line) => JSON.stringify(line)).join("\n")),
      "array.json": JSON.stringify(lines, null, 2),
      "table.csv": "time,model,prompt\n1,m,hi\n",
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
    const args = ["--redis", inject("redisUrl"), "--out", join(directory, "packed"), "--presets", "strict", "--json"];
    for (const name of ["packed.jsonl.gz", "array.json"]) {
      const { code, out } = await marrowHere(["replay", "--log", join(directory, name), ...args], env);
      expect([code, JSON.parse(out)]).toMatchObject([
        0,
        { log: { requests: 2, broken: 0 }, settings: [{ hits: 1 }, {}, {}] },
      ]);
    }
    const none = await marrowHere(["replay", "--log", join(directory, "table.csv"), ...args], env);
    expect([none.code, none.err]).toEqual([1, expect.stringContaining("it is a table such as CSV")]);
    expect(readdirSync(join(directory, "packed")).toSorted()).toEqual(["report.html", "report.json"]);
  }, 60_000);

  it.each([
    [["--log", "none.jsonl"], 1, "--log must be a file that can be read (ENOENT)"],
    [[], 64, "needs --log FILE"],
    [["--log", "x", "--presets", "strict,loose"], 64, "--presets must be some of strict,balanced,aggressive"],
    [["--log", "x", "--ttls", "1 week"], 64, "--ttls must be a time"],
  ])(
    "%j is told what is wrong",
    async (args, code, words) => {
      const at = args.length > 0 ? ["--redis", inject("redisUrl"), "--out", join(directory, "wrong")] : [];
      const told = await marrowHere(["replay", ...args, ...at], env);
      expect([told.code, told.err]).toEqual([code, expect.stringContaining(words)]);
    },
    60_000,
  );
});
