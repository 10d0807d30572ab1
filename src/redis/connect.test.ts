import { describe, expect, it } from "vitest";
import { connect } from "./connect.ts";
import { parseTarget } from "./target.ts";

describe("a connection URL", () => {
  it.each([
    ["redis://localhost", { kind: "standalone", hosts: [{ host: "localhost", port: 6379 }], db: 0, tls: false }],
    ["redis://u:p%40ss@h:7000/3", { username: "u", password: "p@ss", hosts: [{ host: "h", port: 7000 }], db: 3 }],
    ["redis://:secret@h", { password: "secret" }],
    ["rediss://[::1]:6380", { tls: true, hosts: [{ host: "::1", port: 6380 }] }],
    ["unix:///tmp/r.sock?db=2", { path: "/tmp/r.sock", db: 2 }],
    [
      "redis+sentinel://a:1,b:2/main?db=1",
      {
        kind: "sentinel",
        master: "main",
        db: 1,
        hosts: [
          { host: "a", port: 1 },
          { host: "b", port: 2 },
        ],
      },
    ],
    [
      "rediss+cluster://a:1,b",
      {
        kind: "cluster",
        tls: true,
        hosts: [
          { host: "a", port: 1 },
          { host: "b", port: 6379 },
        ],
      },
    ],
  ])("%s is understood", (url, expected) => {
    expect(parseTarget(url)).toMatchObject(expected);
  });

  it.each([
    "http://h",
    "redis//h",
    "",
    "redis://h:99999",
    "redis://h/x",
    "redis+sentinel://h:1",
    "redis://h:1,h:2",
    7 as unknown as string,
  ])("%s is refused without being repeated", (url) => {
    const refusal = expect.objectContaining({ code: "invalid_option", details: { path: "url" } });
    expect(() => parseTarget(url)).toThrow(refusal);
  });

  it("never shows its password in an error", async () => {
    const failed = connect("redis://user:hunter2@127.0.0.1:1", { connectTimeoutMs: 200 });
    const error: unknown = await failed.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "unavailable" });
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain("hunter2");
  });
});
