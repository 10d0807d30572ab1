import { describe, expect, it } from "vitest";
import { hostOf, isLoopbackHost, originHost } from "./hosts.ts";

describe("a host", () => {
  it.each([
    ["localhost", "localhost"],
    ["LOCALHOST:8080", "localhost"],
    ["localhost.", "localhost"],
    ["localhost.:8080", "localhost"],
    ["127.0.0.1:8080", "127.0.0.1"],
    ["2130706433", "127.0.0.1"],
    ["0x7f.1", "127.0.0.1"],
    ["[::1]:8080", "::1"],
    ["[0:0:0:0:0:0:0:1]", "::1"],
    ["[::ffff:127.0.0.1]", "::ffff:7f00:1"],
    ["Gateway.Example.com:443", "gateway.example.com"],
  ])("%s is read as %s", (header, host) => {
    expect(hostOf(header)).toBe(host);
  });

  it.each([
    "",
    "a@localhost",
    "localhost/",
    "localhost#",
    "localhost\\",
    "localhost:x",
    "[::1",
    "a b",
    "x".repeat(400),
  ])("%s is none", (header) => {
    expect(hostOf(header)).toBeUndefined();
  });

  it("is loopback by what it is, not by how it begins", () => {
    for (const host of [
      "localhost",
      "LOCALHOST.",
      "a.localhost",
      "127.0.0.1",
      "127.9.9.9",
      "::1",
      "[::1]",
      "2130706433",
    ])
      expect([host, isLoopbackHost(host)]).toEqual([host, true]);
    for (const host of ["::ffff:127.0.0.1", "[::ffff:127.0.0.1]"])
      expect([host, isLoopbackHost(host)]).toEqual([host, true]);
    for (const host of [
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "evil-localhost",
      "0.0.0.0",
      "::",
      "128.0.0.1",
      "127.evil",
      "",
    ])
      expect([host, isLoopbackHost(host)]).toEqual([host, false]);
  });
});

describe("an origin", () => {
  it("names its host, and nothing else is an origin", () => {
    expect(originHost("http://localhost:3000")).toBe("localhost");
    expect(originHost("HTTPS://Example.com")).toBe("example.com");
    for (const origin of [
      "null",
      "file://",
      "http://a@localhost",
      "http://localhost/x",
      "localhost",
      "chrome-extension://x",
    ])
      expect([origin, originHost(origin)]).toEqual([origin, undefined]);
  });
});
