import { describe, expect, it } from "vitest";
import { hear as listen } from "../internal/signals.ts";
import type { Command } from "./connection.ts";
import { createRedis, toReply, type Driver } from "./driver.ts";

/** A driver that answers by a script: values resolve, errors reject, `never` hangs. */
function scripted(answers: unknown[], ready = true): Driver & { calls: number; redials: number; verbs: string[] } {
  const driver = {
    calls: 0,
    redials: 0,
    verbs: [] as string[],
    call([verb]: Command) {
      driver.verbs.push(String(verb));
      const answer = answers[Math.min(driver.calls, answers.length - 1)];
      driver.calls += 1;
      if (answer === "never") return new Promise(() => {});
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    isReady: () => ready,
    redial: () => (driver.redials += 1),
    listen: () => {
      throw new Error("not in this test");
    },
    dedicate: () => Promise.reject(new Error("not in this test")),
    close: () => Promise.resolve(),
  };
  return driver;
}

const said = (message: string) => new Error(message);

describe("a command", () => {
  it("that is refused unsent leaves the event loop its turns, even if its caller asks again at once", async () => {
    const redis = createRedis(scripted(["OK"]));
    await redis.close();
    let asked = 0;
    let turned = false;
    setTimeout(() => (turned = true), 1);
    for (; !turned && asked < 1_000_000; asked += 1)
      await expect(redis.send(["PING"])).rejects.toMatchObject({ code: "unavailable" });
    expect(turned).toBe(true);
  });

  it.each(["LOADING Redis is loading", "BUSY Redis is busy", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN Link"])(
    "that Redis did not run (%s) is sent again, a write too",
    async (message) => {
      const driver = scripted([said(message), said(message), "OK"]);
      expect(await createRedis(driver).send(["SET", "a", "1"])).toBe("OK");
      expect(driver.calls).toBe(3);
    },
  );

  it("that finds the connection of a master of a cluster lost waits for it in this process' own time", async () => {
    const lost = Object.assign(said("Connection is closed."), { code: "ECONNRESET" });
    const driver = { ...scripted([lost, lost, "OK"]), ownerOf: () => "10.0.0.1:6379" };
    const reply = createRedis(driver).send(["GET", "{a}b"]);
    // Between the first failure and the second one.
    await new Promise((resolve) => setImmediate(resolve));
    for (const untilMs = performance.now() + 400; performance.now() < untilMs;);
    expect(await reply).toBe("OK");
  });

  it("that meets a demoted master dials again and is sent again", async () => {
    const driver = scripted([said("READONLY You can't write against a read only replica."), "OK"]);
    expect(await createRedis(driver).send(["SET", "a", "1"])).toBe("OK");
    expect(driver.redials).toBe(1);
  });

  it.each([
    ["of another command", 7],
    ["with an error within", [said("ERR of a transaction")]],
  ])("whose answer comes behind its deadline, and is one %s, fails once and nowhere else", async (_, late) => {
    const unheard: unknown[] = [];
    const hear = (reason: unknown) => void unheard.push(reason);
    process.on("unhandledRejection", hear);
    const answer = Promise.withResolvers<unknown>();
    const driver = { ...scripted([]), call: () => answer.promise };
    const failed = createRedis(driver).send(["SET", "a", "1"], { timeoutMs: 20 });
    await expect(failed).rejects.toMatchObject({ code: "timeout" });
    answer.resolve(late);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", hear);
    expect(unheard).toEqual([]);
  });

  it("is told once to those who hear commands, with what came of it: an answer, a failure, a late answer, a try that was repeated", async () => {
    const heard: unknown[] = [];
    // Other tests' connections of this process may send in the meantime.
    const verbs = new Set(["GET", "INCR", "GETEX", "EXISTS", "HGET", "TTL"]);
    const deafen = listen("redis:command", ({ command }, _, error, result) => {
      if (verbs.has(command)) heard.push([command, error === undefined ? result : (error as { code: string }).code]);
    });
    const send = async (verb: string, driver: Driver, timeoutMs?: number) =>
      createRedis(driver)
        .send([verb, "a"], { timeoutMs })
        .catch(() => {});
    await send("GET", scripted(["1"]));
    await send("INCR", scripted([said("Connection is closed.")]));
    await send("GETEX", scripted([said("LOADING Redis is loading"), "2"]));
    await send("EXISTS", scripted(["of another command"]));
    const late = Promise.withResolvers<unknown>();
    await send("HGET", { ...scripted([]), call: () => late.promise }, 20);
    late.resolve("3");
    const closed = createRedis(scripted(["4"]));
    await closed.close();
    await closed.send(["TTL", "a"]).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
    deafen();
    expect(heard).toEqual([
      ["GET", "1"],
      ["INCR", "unavailable"],
      ["GETEX", "2"],
      ["EXISTS", expect.any(String)],
      ["HGET", "timeout"],
      ["TTL", "unavailable"],
    ]);
  });

  it("whose answer is another's is asked for again, but behind its deadline only the connection is", async () => {
    for (const late of [false, true]) {
      const answer = Promise.withResolvers<unknown>();
      let [calls, proofs] = [0, 0];
      const driver = {
        ...scripted([]),
        call: () => ((calls += 1) === 1 ? answer.promise : Promise.resolve("own")),
        prove: () => Promise.resolve((proofs += 1) < 0),
      };
      const sent = createRedis(driver).send(["GET", "a"], { timeoutMs: late ? 20 : 1_000 });
      if (late) await expect(sent).rejects.toMatchObject({ code: "timeout" });
      answer.resolve(7);
      if (!late) expect(await sent).toBe("own");
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect([late, calls, proofs]).toEqual([late, late ? 1 : 2, 1]);
    }
  });

  it("whose answer was lost is sent again when it only reads", async () => {
    const driver = scripted([said("Connection is closed."), "1"]);
    expect(await createRedis(driver).send(["GET", "a"])).toBe("1");
  });

  it("whose answer was lost is not sent again when it writes, and says that it may have run", async () => {
    const driver = scripted([said("Connection is closed."), "OK"]);
    const failed = createRedis(driver).send(["INCR", "a"]);
    await expect(failed).rejects.toMatchObject({ code: "unavailable", details: { mayHaveRun: true } });
    expect(driver.calls).toBe(1);
  });

  it("that writes is sent again when its caller says that twice is once", async () => {
    const driver = scripted([said("ECONNRESET"), "OK"]);
    expect(await createRedis(driver).send(["SET", "a", "1"], { retry: "safe" })).toBe("OK");
  });

  it("never waits beyond its bound", async () => {
    const startMs = performance.now();
    await expect(createRedis(scripted(["never"])).send(["GET", "a"], { timeoutMs: 60 })).rejects.toMatchObject({
      code: "timeout",
    });
    expect(performance.now() - startMs).toBeLessThan(500);
  });

  it("fails at once when Redis has been away for a while", async () => {
    const redis = createRedis(
      scripted([said("Stream isn't writeable and enableOfflineQueue options is false")], false),
    );
    await expect(redis.send(["GET", "a"])).rejects.toMatchObject({
      code: "unavailable",
      details: { mayHaveRun: false },
    });
    const startMs = performance.now();
    await expect(redis.send(["GET", "a"])).rejects.toMatchObject({ code: "unavailable" });
    expect(performance.now() - startMs).toBeLessThan(50);
  });

  it("fails at once when Redis has answered nothing for a while, but for one that tries", async () => {
    const driver = scripted(["never", "never", "never", "never", "OK"]);
    const redis = createRedis(driver, { commandTimeoutMs: 30 });
    for (let time = 0; time < 3; time += 1)
      await expect(redis.send(["GET", "a"])).rejects.toMatchObject({ code: "timeout" });
    await expect(redis.send(["GET", "a"])).rejects.toMatchObject({ code: "timeout" });
    await expect(redis.send(["GET", "a"])).rejects.toMatchObject({
      code: "unavailable",
      details: { mayHaveRun: false },
    });
    expect(driver.calls).toBe(4);
    await new Promise((resolve) => setTimeout(resolve, 260));
    expect(await redis.send(["GET", "a"])).toBe("OK");
    expect(await redis.send(["GET", "a"])).toBe("OK");
  });

  it.each([
    ["OOM command not allowed", "redis_full"],
    ["NOAUTH Authentication required.", "unavailable"],
    ["WRONGPASS invalid", "unavailable"],
    ["DENIED Redis is running in protected mode", "redis_denied"],
    ["NOPERM this user has no permissions", "redis_denied"],
    ["WRONGTYPE Operation against a key", "redis_rejected"],
    ["ERR unknown command 'VADD'", "unsupported"],
    ["ERR Unknown Redis command called from script", "unsupported"],
  ])("that Redis refuses with %s fails with %s, and at once", async (message, code) => {
    const driver = scripted([said(message)]);
    await expect(createRedis(driver).send(["GET", "secret-key"])).rejects.toMatchObject({ code });
    // An error that names the server asks who it is.
    expect(driver.verbs.filter((verb) => verb === "GET")).toHaveLength(1);
  });

  it("that failed hides no other answer of its pipeline", async () => {
    const redis = createRedis(scripted(["1", said("WRONGTYPE x"), "3"]));
    const [first, second, third] = await redis.pipeline([
      ["GET", "a"],
      ["GET", "b"],
      ["GET", "c"],
    ]);
    expect([first, third]).toEqual(["1", "3"]);
    expect(second).toMatchObject({ code: "redis_rejected" });
  });

  it("whose answer holds an error in a list fails by that error", async () => {
    const redis = createRedis(scripted([["OK", said("WRONGTYPE x")]]));
    await expect(redis.send(["EXEC"])).rejects.toMatchObject({ code: "redis_rejected" });
  });

  it("is refused after the connection was closed", async () => {
    const redis = createRedis(scripted(["1"]));
    await redis.close();
    await expect(redis.send(["GET", "a"])).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("a reply", () => {
  it.each([
    [new Map([["a", 1]]), ["a", 1]],
    [{ a: "b" }, ["a", "b"]],
    [new Set(["x"]), ["x"]],
    [1.5, "1.5"],
    [true, 1],
    [12n, "12"],
    [undefined, null],
    [[["a", null]], [["a", null]]],
  ])("of any protocol has one shape (%#)", (reply, expected) => {
    expect(toReply(reply)).toEqual(expected);
  });
});
