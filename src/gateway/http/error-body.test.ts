import { describe, expect, it } from "vitest";
import { MarrowError } from "../../errors.ts";
import { toErrorAnswer } from "./error-body.ts";

describe("the answer to what cannot be served now", () => {
  it.each(["answersBytesMax", "bodyBytesMax", "formBytesMax"])("names the bound %s of the process", (path) => {
    const { status, body } = toErrorAnswer(new MarrowError("unavailable", "no room now", { details: { path } }));
    expect([status, body.error]).toMatchObject([503, { message: "no room now", param: path, code: "unavailable" }]);
  });

  it("says nothing of the servers behind it", () => {
    for (const details of [undefined, { path: "redis" }, { state: "full" }]) {
      const error = new MarrowError("unavailable", "redis.internal:6379 refused", details && { details });
      expect(toErrorAnswer(error).body.error.message).not.toContain("internal");
    }
  });
});
