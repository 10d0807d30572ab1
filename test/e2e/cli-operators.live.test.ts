import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, it } from "vitest";
import { createBus } from "../../src/bus/index.ts";
import { connect } from "../../src/index.ts";
import { createQueue, createWorker } from "../../src/queue/index.ts";
import { createCli, marrowHere } from "../cli.ts";
import { ask, startTestGateway } from "../gateway.ts";

const directory = mkdtempSync(join(tmpdir(), "marrow-operator-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const marrow = createCli(directory);
/** As a process in the first test of each command, and here in the others. */
const here = (args: readonly string[], own: Readonly<Record<string, string>> = env) => marrowHere(args, own);
const app = `o${randomUUID().slice(0, 8)}`;
const env = { MARROW_REDIS_URL: inject("redisUrl"), MARROW_APP: app };
/** Any answer: its fields are looked at by their matchers. */
// oxlint-disable-next-line typescript/no-explicit-any
type Answer = Record<string, any>;
const json = async (...args: string[]) => {
  const { code, out, err } = await here([...args, "--json"]);
  return { code, answer: JSON.parse(out === "" ? err : out) as Answer };
};

describe("marrow key", () => {
  it("makes a key with an end, lists keys in pages, rotates one with an overlap and revokes by id", async () => {
    const made = (await json("key", "create", "--scope", "acme", "--user", "ada", "--ends", "30d")).answer;
    expect(made).toMatchObject({ object: "key", scope: "acme", user: "ada", acts_for: "own", ended: false });
    expect(made["key"]).toMatch(/^mrw_/);
    expect(Math.abs(Number(made["ends_at_ms"]) - Date.now() - 30 * 86_400_000)).toBeLessThan(60_000);

    const rotated = await marrow(["key", "rotate", made["key"], "--overlap", "1h"], env);
    expect(rotated.out).toMatch(/^mrw_[\w-]{43}\nThe key [0-9a-f]{16} serves on for 1h, until \d{4}-/);
    const first = await json("key", "list", "--limit", "1");
    const second = await here(["key", "list", "--scope", "acme"]);
    expect(first.answer["data"]).toHaveLength(1);
    expect(first.answer["next"]).toMatch(/^[0-9a-f]{16}$/);
    expect(second.out.trim().split("\n")).toHaveLength(3);
    expect(second.out).not.toContain("mrw_");

    const cut = await here(["key", "rotate", made["id"], "--overlap", "1000d"]);
    expect(cut.out).toMatch(/serves on until \d{4}-[^,]+, its own end, which is sooner than after 1000d\./);

    expect((await json("key", "revoke", made["id"])).answer).toMatchObject({ deleted: true });
    expect(await here(["key", "revoke", made["id"]])).toMatchObject({ code: 1, out: "there is no such key\n" });
    const gone = await json("key", "rotate", made["id"]);
    expect([gone.code, gone.answer]).toEqual([1, expect.objectContaining({ deleted: false })]);
  }, 60_000);

  it("names what is wrong and what would be right, and repeats no key", async () => {
    const wrong = [
      await json("key", "create", "--ends", "soon"),
      await json("key", "create", "--ends", "2001-01-01"),
      await json("key", "create", "--ends", "2030-02-31"),
      await json("key", "create", "--scope", ""),
      await json("key", "rotate", "nobody"),
      await json("key", "list", "--limit", "0"),
    ];
    expect(wrong.map(({ code, answer }) => [code, (answer["error"] as { param: string }).param])).toEqual([
      [64, "ends"],
      [64, "ends"],
      [64, "ends"],
      [64, "scope"],
      [64, "key"],
      [64, "limit"],
    ]);
    const plan = await json("key", "create", "--plan", "nothere");
    expect([plan.code, plan.answer]).toMatchObject([1, { error: { code: "not_found", param: "plan" } }]);
    const { code, err } = await here(["key", "lst"]);
    expect([code, err]).toEqual([64, expect.stringContaining("did you mean marrow key list?")]);
  }, 60_000);
});

describe("marrow queue", () => {
  it("tells how queues stand, pauses a scope or all, and gives dead jobs another go", async () => {
    const gateway = await startTestGateway({ redisUrl: inject("redisUrl"), appName: app });
    try {
      const queue = createQueue(gateway.redis.scope("acme"), { name: "mine" });
      const worker = createWorker(gateway.redis, { name: "mine" }, async () => {
        throw new Error("no");
      });
      const id = await queue.push({ n: 1 }, { attempts: 1 });
      await expect.poll(async () => (await queue.counts()).deadKept, { timeout: 10_000 }).toBe(1);
      await worker.close();

      const stats = await json("queue", "stats", "mine", "--scope", "acme");
      expect(stats.answer["data"]).toMatchObject([
        { name: "mine", dead_kept: 1, paused: false, of_scope: { scope: "acme", dead_kept: 1 } },
      ]);
      expect((await marrow(["queue", "stats"], env)).out).toMatch(/^QUEUE +STATE[\s\S]*\ngateway [\s\S]*\ntasks /);

      const paused = await json("queue", "pause", "mine", "--scope", "acme");
      expect(paused.answer).toMatchObject({ state: "paused", scope: "acme", changed: true });
      expect((await queue.counts()).paused).toBe(true);
      expect((await here(["queue", "pause", "mine", "--all"])).out).toBe("mine is paused for all scopes\n");
      expect((await json("queue", "resume", "mine", "--all")).answer).toMatchObject({ changed: true, scope: null });
      expect((await json("queue", "resume", "mine", "--scope", "acme")).answer).toMatchObject({ changed: true });
      const neither = await here(["queue", "pause", "mine"]);
      expect([neither.code, neither.err]).toEqual([64, expect.stringContaining("one of --scope NAME")]);

      const typo = await json("queue", "pause", "mien", "--all");
      expect([typo.code, typo.answer]).toMatchObject([1, { error: { code: "not_found", param: "queue" } }]);
      const unknown = await json("queue", "redrive", "mine", "--scope", "acme", "--ids", "nope");
      expect([unknown.code, unknown.answer]).toMatchObject([1, { redriven: 0, left: ["nope"] }]);

      const redriven = await json("queue", "redrive", "mine", "--scope", "acme");
      expect(redriven.answer).toMatchObject({ redriven: 1, ids: [id] });
      expect(await queue.counts()).toMatchObject({ waiting: 1, deadKept: 0 });
    } finally {
      await gateway.close();
    }
  }, 60_000);
});

describe("marrow cache and marrow sessions", () => {
  it("tell what a gateway's cache saved, explain a prompt, and show a session without what was said", async () => {
    const name = `s${randomUUID().slice(0, 8)}`;
    // An upstream that names no models serves any.
    const own = { ...env, MARROW_APP: name, MARROW_UPSTREAM_URL: "http://127.0.0.1:9/v1" };
    const gateway = await startTestGateway({
      redisUrl: inject("redisUrl"),
      appName: name,
      config: { prices: { scripted: { input: 1, output: 4 } } },
      script: () => ({ content: "330 m" }),
    });
    try {
      const client = gateway.client({ headers: { "x-marrow-session": "talk" } });
      await ask(client, "How tall is the Eiffel Tower?");
      expect((await ask(gateway.client(), "How tall is the Eiffel Tower?")).cache).toBe("exact");
      await gateway.app.inject({ url: "/healthz" });

      const told = async (...args: string[]) => {
        const { out } = await here([...args, "--json"], own);
        return JSON.parse(out) as Answer;
      };
      await expect
        .poll(async () => told("cache", "stats", "--scope", "acme"), { timeout: 15_000 })
        .toMatchObject({
          object: "cache.stats",
          cache: { enabled: true, preset: "strict" },
          savings: { total: { answers: 2, hits: 1 }, wrong: null, wrong_reason: "no_evidence" },
        });
      expect((await here(["cache", "stats", "--scope", "acme"], own)).out).toMatch(/answers +2, of them 1 from/);

      const about = ["--scope", "acme", "--model", "scripted"];
      const hit = await told("cache", "explain", "How tall is the Eiffel Tower?", ...about);
      expect(hit).toMatchObject({ looked_up: true, hit: { match: "exact" } });
      expect(hit["hit"]).not.toHaveProperty("prompt");
      const miss = await marrow(["cache", "explain", "How old is the Eiffel Tower?", ...about], own);
      expect(miss.out).toMatch(
        /^A miss: the nearest stored question has \w+ against it\.\n\nNEAR ENTRY|^A miss: the nearest/,
      );

      const user = ["--scope", "acme", "--user", "u1"];
      expect(await told("sessions", "list", ...user)).toMatchObject({ data: [{ id: "talk", turns: 2 }] });
      const hidden = await told("sessions", "show", "talk", ...user);
      expect(hidden).toMatchObject({ hidden: true, version: 2, data: [{ role: "user" }, { role: "assistant" }] });
      expect(JSON.stringify(hidden)).not.toContain("330 m");
      expect((await marrow(["sessions", "show", "talk", ...user, "--content"], own)).out).toContain("330 m");
      const nobody = await here(["sessions", "show", "other", ...user], own);
      expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining("no session of this id")]);
    } finally {
      await gateway.close();
    }
  }, 60_000);
});

describe("marrow topics", () => {
  it("lists a scope's topics in pages, and shows one with its groups", async () => {
    const redis = await connect(inject("redisUrl"), { app });
    try {
      const bus = createBus(redis.scope("acme"));
      for (const name of ["orders", "bills"]) await bus.topic(name).publish({ n: 1 });
      await bus.topic("orders").seek("billing", "start");
      const scope = ["--scope", "acme"];
      const first = await json("topics", "list", ...scope, "--limit", "1");
      expect(first.answer).toMatchObject({ data: [{ name: "bills", size: 1, groups: [] }], next: "bills" });
      const rest = await here(["topics", "list", ...scope, "--after", "bills"]);
      expect(rest.out).toMatch(/^TOPIC +MESSAGES +BYTES +GROUPS +LAG +DEAD\norders +1 +\d+ +1 +1 +0\n$/);
      const shown = await marrow(["topics", "show", "orders", ...scope], env);
      expect(shown.out).toMatch(/^1 messages of 100000 at most, \d+ bytes, 8 partitions, 0 dead letters\n/);
      expect(shown.out).toMatch(/\nbilling +1 +0 +0 +\d{4}-/);
    } finally {
      await redis.close();
    }
  }, 60_000);
});

describe("a command that names what is not there", () => {
  const nowhere: readonly (readonly [args: string, says: string, param: string | undefined])[] = [
    ["key rotate 0123456789abcdef", "there is no such key", undefined],
    ["key revoke 0123456789abcdef", "there is no such key", undefined],
    ["key create --plan nothere", "there is no plan", "plan"],
    ["queue stats nothere", "there is no queue", "queue"],
    ["queue pause nothere --all", "there is no queue", "queue"],
    ["queue resume nothere --scope acme", "there is no queue", "queue"],
    ["queue redrive nothere --scope acme", "there is no queue", "queue"],
    ["cache explain Hello --model nothere", "no upstream or route of the configuration serves this model", "model"],
    ["sessions show nothere --user ada", "no session of this id", "session"],
    ["topics show nothere", "no topic of this name", "topic"],
  ];

  it.each(nowhere)("marrow %s", async (args, says, param) => {
    const words = args.split(" ");
    const told = await here(words);
    expect([told.code, `${told.out}${told.err}`]).toEqual([1, expect.stringContaining(says)]);
    const { code, answer } = await json(...words);
    expect([code, answer["error"]?.param]).toEqual([1, param]);
    if (param !== undefined) expect(answer["error"].code).toBe("not_found");
  });
});

describe("every command", () => {
  it("answers JSON where that is asked for, errors too", async () => {
    const doctor = await json("doctor");
    const size = await json("size", "--entries", "1000");
    const health = await json("health", "--url", "http://127.0.0.1:1");
    const version = await json("--version");
    const config = await json("config");
    expect(doctor.answer).toMatchObject({ object: "doctor", servers: [{ name: "Redis", state: "ready" }] });
    expect(size.answer).toMatchObject({
      roles: [{ role: "entries", count: 1_000 }],
      ruleOfThumb: { bytesEach: 8_500, bytes: 8_500_000 },
    });
    const measured = await json("size", "--from-redis", "--samples", "10");
    expect(measured.answer["plan"].serverBytes).toBeGreaterThan(measured.answer["usedBytes"]);
    expect(measured.answer["plan"]).toMatchObject({
      totalBytes: measured.answer["plan"].serverBytes * 2,
      fits: [{}, {}, {}],
    });
    const both = await json("size", "--from-redis", "--entries", "5");
    expect([both.code, both.answer]).toMatchObject([64, { error: { param: "entries" } }]);
    const none = await json("qeue");
    expect([none.code, none.answer]).toMatchObject([64, { error: { param: "command" } }]);
    const nobody = await here(["qeue"]);
    expect([nobody.out, nobody.err]).toEqual([
      "",
      expect.stringContaining('there is no command "qeue"; did you mean queue?'),
    ]);
    expect((await here(["config", "--json"])).out.trim().split("\n")).toHaveLength(1);
    expect([health.code, health.answer]).toEqual([1, expect.objectContaining({ ok: false, path: "/healthz" })]);
    expect(version.answer["version"]).toMatch(/^\d+\.\d+\.\d+/);
    expect(config.answer).toHaveProperty("port");
  }, 60_000);

  it("says how it is called", async () => {
    const { code, out } = await here(["queue", "--help"]);
    expect([code, out]).toEqual([0, expect.stringContaining("marrow queue redrive QUEUE --scope NAME")]);
  });
});

describe("completion in bash", () => {
  it("knows commands, acts, flags and their values", async () => {
    const { out } = await here(["completion", "bash"]);
    writeFileSync(join(directory, "completion.bash"), out);
    const complete = (...words: string[]) => {
      const script = [
        `source ${join(directory, "completion.bash")}`,
        `COMP_WORDS=(marrow ${words.map((word) => `'${word}'`).join(" ")})`,
        `COMP_CWORD=${words.length}`,
        "_marrow",
        'echo "${COMPREPLY[@]}"',
      ];
      return execFileSync("bash", ["-c", script.join("; ")], { encoding: "utf8" }).trim();
    };
    expect(complete("qu")).toBe("queue");
    expect(complete("queue", "re")).toBe("resume redrive");
    expect(complete("key", "rotate", "--o")).toBe("--overlap");
    expect(complete("key", "create", "--role", "")).toBe("admin viewer");
    expect(complete("size", "--ent")).toBe("--entries");
    expect(complete("size", "--quantisation", "b")).toBe("binary");
  });

  it("is there for zsh and fish, with every command and flag", async () => {
    const [zsh, fish] = [await here(["completion", "zsh"]), await here(["completion", "fish"])];
    expect(zsh.out).toMatch(/^#compdef marrow\n[\s\S]*bashcompinit/);
    for (const word of ["-a queue", "-a redrive", "-l overlap", "-a 'admin viewer'"]) expect(fish.out).toContain(word);
  });
});
