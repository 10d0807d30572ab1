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
    ['{\\"api_key\\":\\"abcDEF-ghi\\"}', '{\\"api_key\\":\\"***"}'],
    ["connect redis://u:p@ss@10.0.0.1:6379 failed", "connect redis://***@10.0.0.1:6379 failed"],
    ["connect postgres://user:pa/ss@host/db failed", "connect postgres://***@host/db failed"],
    ["Server=db;Password='my pass word';Trusted=1", "Server=db;Password='***';Trusted=1"],
    ["AccountKey=abcd/efgh+ijkl==;EndpointSuffix=core", "AccountKey=***;EndpointSuffix=core"],
    ["https://a.blob.test/c?sv=2020&sig=2qBv%2Fabc9%3D 403", "https://a.blob.test/c?sv=2020&sig=*** 403"],
    ["passphrase=hunter2secret is wrong", "passphrase=*** is wrong"],
    ["login failed, password is hunter2secret", "login failed, password is ***"],
    ["-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN+kqh\nabc=\n-----END PRIVATE KEY----- read", "*** read"],
    ["-----BEGIN EC PRIVATE KEY-----\nMIIEvQIBADAN", "***"],
    ["Cookie: session=abcdef1234; sid=zzz", "Cookie: ***"],
    ["set-cookie: connect.sid=s%3Aabc.def", "set-cookie: ***"],
    [
      "post https://hooks.slack.com/services/T000/B000/XXXXabcd failed",
      "post https://hooks.slack.com/services/*** failed",
    ],
    [
      "https://api.telegram.org/bot123456789:AAEhBP0av28-abcDEF_ghiJKLmnoPQRstu/sendMessage",
      "https://api.telegram.org/bot***/sendMessage",
    ],
    ["GOCSPX-abcdefghijklmnop hvs.CAESIJabcdefgh dckr_pat_abcDEF12345", "*** *** ***"],
    ["dop_v1_abcdef1234567890 lin_api_abcdefghijkl1234567890", "*** ***"],
    ["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY rejected", "*** rejected"],
    ["secret wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY rejected", "secret *** rejected"],
    ["Token abcdef0123456789abcdef rejected", "Token *** rejected"],
    ['header "Bearer" "abcdefgh12345"', 'header "Bearer ***"'],
    ["x-auth: 0123456789abcdef", "x-auth: ***"],
    ["GET https://x.test:8080/users/me@x.test 404", "GET https://x.test:8080/users/me@x.test 404"],
    ["the token is invalid, the secret was not found", "the token is invalid, the secret was not found"],
    ["the bottom 12:30 of src/queue/worker.ts:35:10", "the bottom 12:30 of src/queue/worker.ts:35:10"],
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

  it("is made in linear time, whatever the text repeats", () => {
    const pieces = [
      "://a:",
      "cookie: a=",
      "-----BEGIN A-----",
      "password='",
      "token is ",
      "1234567:",
      'secret\\\\\\"',
      "aB3/",
      "?sig=",
      "@",
    ];
    for (const piece of pieces) {
      const startMs = performance.now();
      for (let n = 0; n < 3; n += 1) maskSecrets(piece.repeat(100_000), 500);
      expect(performance.now() - startMs).toBeLessThan(2_000);
    }
  });
});
