import { describe, expect, it } from "vitest";
import { resolveConfig } from "./config.ts";
import { toShownConfig } from "./shown-config.ts";

const baseUrl = "https://api.example.com/v1";

describe("the configuration of upstreams", () => {
  it("takes what was written before there were names, and names upstreams by their place", () => {
    const { upstreams } = resolveConfig({ upstreams: [{ baseUrl, apiKey: "k", models: ["gpt-5"] }, { baseUrl }] });
    expect(upstreams).toMatchObject([
      { name: "upstream-1", kind: "chat", baseUrl, apiKey: "k", models: ["gpt-5"], firstByteTimeoutMs: 300_000 },
      { name: "upstream-2", headers: {} },
    ]);
  });

  it.each([
    ["upstreams.0.kind", { kind: "soap" }],
    ["upstreams.0.baseUrl", { baseUrl: "ftp://a" }],
    ["upstreams.0.name", { name: "a/b" }],
    ["upstreams.0.name", { name: "x".repeat(65) }],
    ["upstreams.0.weight", { weight: 0 }],
    ["upstreams.0.concurrency", { concurrency: 1.5 }],
    ["upstreams.0.connectTimeoutMs", { connectTimeoutMs: 0 }],
    ["upstreams.0.apiKeyFile", { apiKey: "a", apiKeyFile: "b" }],
    ["upstreams.0.headers.x-team", { headers: { "x-team": "a\r\nb: c" } }],
    ["upstreams.0.headers.Host", { headers: { Host: "a" } }],
    ["upstreams.0.headers.a b", { headers: { "a b": "c" } }],
    ["upstreams.0.headers", { headers: "x" }],
    ["upstreams.0.models.gpt-5", { models: { "gpt-5": "" } }],
    ["upstreams.0.models.0", { models: [""] }],
    ["upstreams.0.models", { models: [] }],
  ])("names the field %s when it is wrong", (path, wrong) => {
    expect(() => resolveConfig({ upstreams: [{ baseUrl, ...wrong }] })).toThrow(
      expect.objectContaining({ code: "invalid_option", details: { path } }) as Error,
    );
  });

  it("knows the nearest name of an unknown field, and refuses two upstreams of one name", () => {
    expect(() => resolveConfig({ upstreams: [{ baseUrl, header: {} }] })).toThrow(
      "the configuration has no field upstreams.0.header; did you mean headers?",
    );
    expect(() =>
      resolveConfig({
        upstreams: [
          { baseUrl, name: "a" },
          { baseUrl, name: "a" },
        ],
      }),
    ).toThrow("configuration field upstreams.1.name: must be another name than a");
    expect(() => resolveConfig({ upstreams: "https://api.example.com" })).toThrow("configuration field upstreams:");
  });

  it("shows names, models and limits, and no key, header or query", () => {
    const written = { baseUrl: `${baseUrl}?key=geheim`, apiKey: "geheim", headers: { "x-key": "geheim" } };
    const shown = toShownConfig(
      resolveConfig({ upstreams: [{ ...written, name: "azure", models: { "gpt-5": "d1" } }] }),
    );
    expect(JSON.stringify(shown)).not.toContain("geheim");
    expect(shown).toMatchObject({ upstreams: [{ name: "azure", kind: "chat", models: { "gpt-5": "d1" } }] });
  });
});
