import { describe, expect, it } from "vitest";
import { resolveConfig } from "./config.ts";
import { fromEnvironment } from "./environment.ts";
import { nearestName } from "../../internal/nearest-name.ts";

describe("the gateway's configuration", () => {
  it("has a default for everything", () => {
    expect(resolveConfig({})).toMatchObject({
      port: 8080,
      host: "127.0.0.1",
      auth: "keys",
      cache: { preset: "strict", ttlMs: 86_400_000 },
      sessions: { ttlMs: 3_600_000 },
      limits: { onUnavailable: "allow", userRequests: { limit: 3_000, windowMs: 60_000 } },
    });
  });

  it("keeps a part that is written and fills the rest", () => {
    expect(resolveConfig({ limits: { userRequests: { limit: 5 } } }).limits.userRequests).toEqual({
      limit: 5,
      windowMs: 60_000,
    });
  });

  it.each([
    [{ prot: 1 }, "prot", "did you mean port?"],
    [{ cache: { tlMs: 1 } }, "cache.tlMs", "did you mean ttlMs?"],
    [{ upstreams: [{ baseUrl: "http://x", apikey: "secret" }] }, "upstreams.0.apikey", "did you mean apiKey?"],
    [{ quux: 1 }, "quux", "has no field quux"],
  ])("refuses an unknown field and names the nearest: %j", (input, path, words) => {
    expect(() => resolveConfig(input)).toThrow(
      expect.objectContaining({
        code: "invalid_option",
        details: { path },
        message: expect.stringContaining(words) as string,
      }),
    );
  });

  it.each([
    [{ port: 99_999 }, "port"],
    [{ port: "80" }, "port"],
    [{ cache: { ttlMs: 0 } }, "cache.ttlMs"],
    [{ upstreams: [{ baseUrl: "ftp://x" }] }, "upstreams.0.baseUrl"],
    [{ auth: "off", host: "0.0.0.0" }, "auth"],
    [{ embedder: { kind: "openai", baseUrl: "http://h/v1", model: "m" } }, "embedder.dimensions"],
    [{ embedder: { kind: "magic" } }, "embedder.kind"],
  ])("refuses a wrong value with its field: %j", (input, path) => {
    expect(() => resolveConfig(input)).toThrow(expect.objectContaining({ code: "invalid_option", details: { path } }));
  });

  it("takes single fields from the environment", () => {
    const input = fromEnvironment({
      MARROW_PORT: "9000",
      MARROW_UPSTREAM_URL: "http://h/v1",
      MARROW_UPSTREAM_KEY: "k",
    });
    expect(resolveConfig(input)).toMatchObject({ port: 9000, upstreams: [{ baseUrl: "http://h/v1", apiKey: "k" }] });
    expect(() => resolveConfig(fromEnvironment({ MARROW_PORT: "high" }))).toThrow(
      expect.objectContaining({ code: "invalid_option" }),
    );
  });

  it("knows the nearest name, and when none is near", () => {
    expect(nearestName("sreve", ["serve", "config"])).toBe("serve");
    expect(nearestName("zzzzzz", ["serve", "config"])).toBeUndefined();
  });
});
