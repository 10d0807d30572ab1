import { describe, expect, it } from "vitest";
import { toQuestion } from "./cacheable.ts";
import { contextOf } from "./context.ts";
import { prepareLarge } from "./large-context.ts";

const user = (content: unknown) => ({ role: "user", content });
const requestOf = (...contents: unknown[]) => ({ model: "m", messages: [...contents.map(user), user("and now?")] });

describe("a large field beside the messages", () => {
  const toolsOf = (text: string) => [{ type: "function", function: { name: "f", description: text } }];
  const ask = (more: object) => ({ model: "m", messages: [user("what is bread")], ...more });
  const context = { digest: "", spoken: false };

  it("belongs to the question by its digest, the same whether it was hashed at once or in turns", async () => {
    const [atOnce, inTurns, other, small] = ["a", "a", "b", ""].map((text) =>
      ask({ tools: toolsOf(text.repeat(400_000)), temperature: 0, logprobs: true }),
    ) as [ReturnType<typeof ask>, ReturnType<typeof ask>, ReturnType<typeof ask>, ReturnType<typeof ask>];
    await prepareLarge(inTurns);
    const question = toQuestion(inTurns, context);
    expect(question).toEqual(toQuestion(atOnce, context));
    expect(JSON.stringify(question).length).toBeLessThan(1_000);
    expect(question).toMatchObject({ within: { parameters: { temperature: 0, logprobs: true } } });
    expect(toQuestion(other, context)).not.toEqual(question);
    expect(toQuestion(small, context)).toMatchObject({ within: { parameters: { tools: toolsOf("") } } });
  });

  it("that changes no answer belongs to no question", () => {
    const metadata = { note: "x".repeat(400_000) };
    expect(prepareLarge(ask({ metadata }))).toBeUndefined();
    expect(toQuestion(ask({ metadata }), context)).toEqual(toQuestion(ask({}), context));
  });
});

describe("the digest of a long context", () => {
  it("is the same whether it was hashed at once or in turns", async () => {
    for (const contents of [
      ["x".repeat(2_000_000)],
      ["😀".repeat(600_001), "\ud800 alone", '\n"\\'.repeat(200_000)],
      Array.from({ length: 400 }, (_, nth) => `${nth} ${"wörds ".repeat(200)}`),
      [[{ type: "text", text: "é".repeat(700_000) }], "", null, { a: undefined, b: {}, c: [1.5, true, undefined] }],
    ]) {
      const [atOnce, inTurns] = [requestOf(...contents), requestOf(...contents)];
      const preparing = prepareLarge(inTurns);
      expect(preparing).toBeInstanceOf(Promise);
      await preparing;
      expect(contextOf(inTurns, [])).toEqual(contextOf(atOnce, []));
    }
  });

  it("is not prepared for a short one", () => {
    expect(prepareLarge(requestOf("what is bread"))).toBeUndefined();
  });
});
