import { describe, expect, it } from "vitest";
import { resolveConfig } from "./config.ts";
import { toShownConfig } from "./shown-config.ts";

const SECRET = "s3cret-0123456789";

describe("a configuration that is shown", () => {
  it("holds no secret of an upstream, of an embedder or of a URL", () => {
    const shown = toShownConfig(
      resolveConfig({
        upstreams: [{ baseUrl: `https://user:${SECRET}@up.example/v1?key=${SECRET}`, apiKey: SECRET, models: ["m"] }],
        embedder: { kind: "openai", baseUrl: "https://e.example/v1", apiKey: SECRET, model: "e", dimensions: 3 },
        publicUrl: `https://user:${SECRET}@marrow.example`,
      }),
    );
    expect(JSON.stringify(shown)).not.toContain(SECRET);
    expect(shown).toMatchObject({
      host: "127.0.0.1",
      auth: "keys",
      upstreams: [{ baseUrl: "https://***@up.example/v1?***", apiKey: "***", models: ["m"] }],
      embedder: { kind: "openai", baseUrl: "https://e.example/v1", apiKey: "***", model: "e", dimensions: 3 },
    });
  });

  it("shows names and numbers as they are", () => {
    const config = {
      plans: { free: { requestsPerMinute: 5 } },
      defaultPlan: "free",
      prices: { m: { input: 1, output: 2 } },
      allowedHosts: ["gw.example"],
      webhooks: { allowNetworks: ["10.0.0.0/8"] },
      cors: { origins: ["*", "https://app.example"] },
      limits: { timeZone: "Europe/Berlin" },
    };
    expect(toShownConfig(resolveConfig(config))).toMatchObject({
      ...config,
      cors: { origins: ["*", "https://app.example/"] },
    });
  });

  it("hides every text that the schema does not call open, also of fields that nobody thought of", () => {
    const config = { ...resolveConfig({}), redisUrl: SECRET, vault: { deep: [SECRET, { er: SECRET }] } };
    expect(JSON.stringify(toShownConfig(config))).not.toContain(SECRET);
  });
});
