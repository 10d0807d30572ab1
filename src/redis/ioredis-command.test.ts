import { Cluster, Command as IoredisCommand, Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { fromIoredis } from "./from-ioredis.ts";
import { isOrdinary, QueuedCommand, toWire as toParts } from "./ioredis-command.ts";

/** What the client's own class writes. */
const byClient = ([verb = "", ...words]: readonly (string | Buffer)[]) =>
  Buffer.from(new IoredisCommand(String(verb), words).toWritable(undefined as never));

function toWire(words: Parameters<typeof toParts>[0]): Buffer {
  const parts: Uint8Array[] = [];
  const end = toParts(words, (part) => parts.push(part));
  return Buffer.concat([...parts, end]);
}

describe("a command on the wire", () => {
  it.each([
    ["of ASCII", ["SET", "a", "1"]],
    ["with an empty word", ["SET", "a", ""]],
    ["with characters of several bytes", ["SET", "schlüssel", "値 🙂"]],
    ["with half a character", ["SET", "a", "\ud83d"]],
    ["with line ends", ["SET", "a", "b\r\nc"]],
    ["with bytes", ["SET", "a", Buffer.from([0, 255, 13, 10]), "é"]],
    ["with empty bytes", ["SET", "a", Buffer.alloc(0)]],
    ["with long bytes", ["SET", "a", Buffer.alloc(200_000, "x"), "PX", "1"]],
    ["with long bytes at its end, and a long text", ["HSET", "a", "y".repeat(99_000), Buffer.alloc(65_536, "x")]],
    ["of its name alone", ["PING"]],
  ])("is what the client's own class writes: %s", (_, words) => {
    expect(Buffer.from(toWire(words))).toEqual(byClient(words));
  });

  it("may have bytes of any array", () => {
    expect(String(toWire(["SET", "a", new Uint8Array([98, 99])]))).toBe(String(toWire(["SET", "a", "bc"])));
  });

  it("passes long bytes on without a copy", () => {
    const long = Buffer.alloc(1_000_000, "x");
    const parts: Uint8Array[] = [];
    toParts(["SET", "a", long], (part) => parts.push(part));
    expect(parts[1]).toBe(long);
  });
});

describe("an answer", () => {
  const answer = (reply: unknown, bytes: boolean) => {
    let heard: unknown;
    new QueuedCommand(["GET", "a"], bytes, (_, told) => (heard = told)).resolve(reply);
    return heard;
  };

  it("is text where text was asked for, in lists of lists too", () => {
    expect(answer([Buffer.from("é"), null, 7, [Buffer.from("b")]], false)).toEqual(["é", null, 7, ["b"]]);
  });

  it("is bytes where bytes were asked for", () => {
    expect(answer([Buffer.from([255])], true)).toEqual([Buffer.from([255])]);
  });

  it("tells the client which words failed", () => {
    expect(new QueuedCommand(["GET", "a"], false, () => {}).args).toEqual(["a"]);
  });
});

describe("what the client treats specially", () => {
  it.each(["MULTI", "BLPOP", "SUBSCRIBE", "SELECT", "XREADGROUP", "hgetall"])("is left to it: %s", (verb) => {
    expect(isOrdinary(verb)).toBe(false);
  });

  it("is every verb that its own table has", () => {
    const flags = (IoredisCommand as unknown as { readonly FLAGS: Readonly<Record<string, readonly string[]>> }).FLAGS;
    const named = Object.values(flags).flat();
    expect(named.filter((verb) => isOrdinary(verb.toUpperCase()))).toEqual([]);
  });
});

describe("a borrowed client", () => {
  it("that reads numbers as strings is refused: scripts answer with numbers", () => {
    const refused = expect.objectContaining({
      code: "invalid_option",
      details: { path: "client.options.stringNumbers" },
    });
    const single = new Redis({ lazyConnect: true, stringNumbers: true });
    expect(() => fromIoredis(single)).toThrow(refused);
    const cluster = new Cluster([{ port: 1 }], { lazyConnect: true, redisOptions: { stringNumbers: true } });
    expect(() => fromIoredis(cluster)).toThrow(refused);
    single.disconnect();
    cluster.disconnect();
  });
});
