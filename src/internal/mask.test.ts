import { describe, expect, it } from "vitest";
import { maskSecrets, maskUrl } from "./mask.ts";

describe("the masking of secrets", () => {
  it.each([
    "Incorrect API key provided: sk-proj-abcdef0123456789",
    "authorization: Bearer abcdef0123456789",
    "https://user:abcdef0123456789@internal.example/v1",
    "redis://:abcdef0123456789@10.0.0.1:6379",
    "https://internal.example/v1?key=abcdef0123456789",
    "mrw_abcdef0123456789abcdef0123456789abcdef01234",
    "whsec_abcdef0123456789",
    "AKIAABCDEF0123456789 abcdef".replace(" abcdef", ""),
    'password="abcdef0123456789"',
    "token=abcdef0123456789",
    "AWS_SECRET_ACCESS_KEY=abcdef0123456789",
    "client_secret: abcdef0123456789",
    '"private_key": "abcdef0123456789"',
    "AccountKey=abcdef0123456789;EndpointSuffix=core.example",
    "-----BEGIN RSA PRIVATE KEY-----\nabcdef0123456789\n-----END RSA PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9.eyJabcdef0123456789.c2ln",
  ])("hides what %s holds", (text) => {
    const masked = maskSecrets(text);
    expect(masked).toContain("***");
    expect(masked).not.toMatch(/abcdef0123456789|ABCDEF0123456789/);
  });

  it("hides what is known here, bounds the rest and leaves words alone", () => {
    expect(maskSecrets("the key 7f3a9c2e is over its quota", ["7f3a9c2e"])).toBe("the key *** is over its quota");
    expect(maskSecrets("x".repeat(5_000)).length).toBeLessThan(1_010);
    const plain = "This model's maximum context length is 8192 tokens, see https://example.com/docs.";
    expect(maskSecrets(plain)).toBe(plain);
  });

  it("takes linear time on texts that are nearly secrets", () => {
    for (const piece of [
      "sk-",
      "eyJ",
      "Bearer ",
      "a://",
      "token=",
      "https://a?",
      "access_key",
      "-----BEGIN A PRIVATE KEY-----",
    ])
      expect(maskSecrets(piece.repeat(100_000), [], 200_000).length).toBeGreaterThan(0);
  });

  it("shows where a URL leads and nothing else", () => {
    expect(maskUrl("https://ann:pw@example.com/v1?key=1#x")).toBe("https://***@example.com/v1?***");
    expect(maskUrl("https://example.com/v1")).toBe("https://example.com/v1");
    expect(maskUrl("no url")).toBe("***");
  });
});
