import { describe, expect, it } from "vitest";
import { maskSecrets } from "./mask-secrets.ts";

describe("a message that is kept", () => {
  it.each([
    [
      "OpenAI says: 401 Incorrect API key provided: sk-proj-abc123DEF456",
      "OpenAI says: 401 Incorrect API key provided: ***",
    ],
    ["Authorization: Bearer abc.def-ghi failed", "Authorization: *** *** failed"],
    ["connect to redis://user:pa:ss@db:6379 refused", "connect to redis://***@db:6379 refused"],
    ['{"api_key":"12345","model":"m"}', '{"api_key":"***","model":"m"}'],
    ["https://x.test/?token=abc&page=2", "https://x.test/?token=***&page=2"],
    ["eyJhbGciOi.eyJzdWIi.sig expired", "*** expired"],
    ["AKIAIOSFODNN7EXAMPLE is not valid", "*** is not valid"],
    ["key 0123456789abcdef0123456789abcdef", "key ***"],
    ["line one\nline two\tend", "line one line two end"],
    ["a skeletonised schedule is kept", "a skeletonised schedule is kept"],
    ["the token limit is 4096", "the token limit is 4096"],
    ["job 6f1a0d8e-33c3-4d0c-8d0e-1f2a3b4c5d6e is lost", "job 6f1a0d8e-33c3-4d0c-8d0e-1f2a3b4c5d6e is lost"],
  ])("of %j is %j", (text, masked) => {
    expect(maskSecrets(text, 200)).toBe(masked);
  });

  it("is bounded and well-formed", () => {
    expect(maskSecrets("é😀".repeat(400), 50).length).toBeLessThanOrEqual(50);
    expect(maskSecrets("😀".repeat(400), 50).isWellFormed()).toBe(true);
  });
});
