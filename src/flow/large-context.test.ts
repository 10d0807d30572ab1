import { describe, expect, it } from "vitest";
import { contextOf } from "./context.ts";
import { prepareDigest } from "./large-context.ts";

const user = (content: unknown) => ({ role: "user", content });
const requestOf = (...contents: unknown[]) => ({ model: "m", messages: [...contents.map(user), user("and now?")] });

describe("the digest of a long context", () => {
  it("is the same whether it was hashed at once or in turns", async () => {
    for (const contents of [
      ["x".repeat(2_000_000)],
      ["😀".repeat(600_001), "\ud800 alone", '\n"\\'.repeat(200_000)],
      Array.from({ length: 400 }, (_, nth) => `${nth} ${"wörds ".repeat(200)}`),
      [[{ type: "text", text: "é".repeat(700_000) }], "", null, { a: undefined, b: {}, c: [1.5, true, undefined] }],
    ]) {
      const [atOnce, inTurns] = [requestOf(...contents), requestOf(...contents)];
      const preparing = prepareDigest(inTurns);
      expect(preparing).toBeInstanceOf(Promise);
      await preparing;
      expect(contextOf(inTurns, [])).toEqual(contextOf(atOnce, []));
    }
  });

  it("is not prepared for a short one", () => {
    expect(prepareDigest(requestOf("what is bread"))).toBeUndefined();
  });
});
