import { describe, expect, it } from "vitest";
import { MarrowError } from "../errors.ts";
import { REDIS_ERRORS } from "../../test/redis-errors.ts";
import {
  cannotServe,
  classify,
  createPatience,
  lacking,
  outageOf,
  tellable,
  unavailable,
  verdictOf,
} from "./failure.ts";

const errorOf = (text: string, connected = true): MarrowError => {
  const failure = classify(new Error(text), connected);
  return failure.kind === "final" ? failure.error : unavailable(failure);
};

describe("an error of Redis", () => {
  it.each(REDIS_ERRORS.map(({ text, verdict, state }) => [text.slice(0, 90), text, verdict, state] as const))(
    "(%s) has one meaning for every role",
    (_, text, verdict, state) => {
      const error = errorOf(text);
      expect([verdictOf(error), cannotServe(error), outageOf(error)]).toEqual([verdict, verdict === "not_now", state]);
      expect(verdictOf(errorOf(`-${text}`))).toBe(verdict);
    },
  );

  it("is no broken connection because it repeats a caller's words", () => {
    expect(errorOf("ERR unknown subcommand 'ECONNRESET'").code).toBe("redis_rejected");
    expect(errorOf("ERR invalid 'Connection is closed.'").code).toBe("redis_rejected");
  });

  it("about a command that the server lacks names it, and nothing else that the server repeats", () => {
    const error = errorOf("ERR unknown command 'VADD', with args beginning with: 'secret-key' ");
    expect(error.message).toBe("the server lacks a required command (VADD); see docs/engines.md");
    const told = lacking(new Error("x"), { ...error.details, server: "redis", version: "7.0.15" });
    expect(told.message).toMatch(/^the server \(redis 7\.0\.15\) lacks a required command \(VADD\);/);
    expect(told.details).toEqual({ command: "VADD", server: "redis", version: "7.0.15" });
  });

  it("says no more than its state: neither the key nor the text of the server", () => {
    for (const { text } of REDIS_ERRORS) expect(errorOf(`${text} secret-key`).message).not.toContain("secret-key");
  });

  it.each([
    ["Connection is closed.", true, true],
    ["Command timed out", true, true],
    ["Command timed out", false, false],
    ["Command timeout during maintenance. Waited to write command for more than 10ms.", true, false],
    ["connect ECONNREFUSED 127.0.0.1:6379", false, true],
    ["Stream isn't writeable and enableOfflineQueue options is false", false, false],
    ["read ETIMEDOUT", true, true],
    ["getaddrinfo ENOTFOUND nowhere.invalid", true, true],
    ["All sentinels are unreachable. Retrying from scratch after 20ms.", true, true],
    ["All the root nodes are unavailable", true, true],
    ["Socket timeout. Expecting data, but didn't receive any in 3000ms.", true, true],
  ])("of the connection (%s) says whether the command may have run", (text, connected, mayHaveRun) => {
    const error = errorOf(text, connected);
    expect([verdictOf(error), outageOf(error), error.details?.["mayHaveRun"]]).toEqual([
      "not_now",
      "unreachable",
      mayHaveRun,
    ]);
  });

  it.each([
    'Unknown RESP type 63 "?". Please report this.',
    "Command queue state error. If you can reproduce this, please report it. Last reply: a prompt",
    "ERR Protocol error: expected '$', got ' '",
    'Protocol error, got "?" as reply type byte. Please report this.',
    "Redis answered out of step: an unsolicited reply",
  ])("of the protocol (%s) is a connection that ended", (text) => {
    expect([verdictOf(errorOf(text)), errorOf(text).details?.["mayHaveRun"]]).toEqual(["not_now", true]);
  });

  it.each([
    ["Command queue state error. Last reply: a prompt", "Command queue state error"],
    ["ERR unknown command 'x', with args beginning with: 'a prompt'", "ERR, an error of Redis"],
    ["WRONGTYPE a prompt", "WRONGTYPE, an error of Redis"],
    ["PROMPT a prompt", "an error of Redis"],
    ["WRONGPASS a prompt", "WRONGPASS (Redis refuses the password)"],
    ["connect ETIMEDOUT a prompt", "ETIMEDOUT"],
    ["something odd: a prompt", "Error"],
  ])("(%s) is told without what it repeats", (text, told) => {
    expect(tellable(new Error(text))).toBe(told);
  });

  it("of TLS or of the network is known by its code, whatever it says", () => {
    const expired = Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" });
    expect(classify(expired, false)).toMatchObject({ kind: "lost" });
    const alert = Object.assign(new Error("TLS alert"), { code: "ERR_SSL_TLSV1_ALERT" });
    expect(classify(alert, false)).toMatchObject({ kind: "lost" });
  });

  it("is told from an error of Marrow's own", () => {
    expect(verdictOf(new MarrowError("invalid_input", "no"))).toBeUndefined();
    expect(verdictOf(new Error("OOM"))).toBeUndefined();
  });
});

describe("waiting for the end of a state", () => {
  it("is worth it for a while, then every command fails at once until the state was gone for a second", () => {
    const isWorthWaiting = createPatience();
    expect(isWorthWaiting("busy", 0)).toBe(true);
    for (let nowMs = 100; nowMs < 2_000; nowMs += 100) expect(isWorthWaiting("busy", nowMs)).toBe(true);
    expect(isWorthWaiting("busy", 2_000)).toBe(false);
    expect(isWorthWaiting("busy", 2_900)).toBe(false);
    expect(isWorthWaiting("busy", 4_000)).toBe(true);
  });

  it("is never worth it when memory is short", () => {
    expect(createPatience()("full", 0)).toBe(false);
  });
});
