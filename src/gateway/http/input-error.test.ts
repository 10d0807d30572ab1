import { describe, expect, it } from "vitest";
import { z } from "zod";
import { messagesBody } from "../anthropic/request.ts";
import { responseBody } from "../responses/request.ts";
import { metadataPairs } from "../openai/metadata.ts";
import { parseBody, toInputError } from "./input-error.ts";

const errorOf = (body: object) => {
  const { error } = parseBody(responseBody, { model: "m", ...body });
  return error === undefined ? undefined : toInputError(error);
};

const many = (one: unknown) => Array.from({ length: 4_900 }, () => one);

describe("what is wrong with a body", () => {
  it.each([
    [{ input: { role: "user" } }, "input: must be string or array, not object"],
    [{ input: ["a"] }, "input.0: must be object, not string"],
    [{ input: [{ content: 5 }] }, "input.0.content: must be string, array or null, not number"],
    [{ input: [{ content: ["a"] }] }, "input.0.content.0: must be object, not string"],
    [{ temperature: "hot" }, "temperature: must be number, not string"],
    [{ model: undefined }, "model: must be string"],
    [{ truncation: "always" }, "truncation: must be auto or disabled"],
    [{ conversation: "" }, "conversation: too small: expected string to have >=1 characters"],
    [{ conversation: { id: 7 } }, "conversation.id: must be string, not number"],
  ])("is told by its field, what was expected, and its type: %j", (body, message) => {
    const error = errorOf(body);
    expect(error?.message).toBe(message);
    expect(error?.details?.["path"]).toBe(message.split(":")[0]);
  });

  it("holds nothing of the value", () => {
    expect(errorOf({ input: ["my secret"], user: 5 })?.message).not.toContain("secret");
  });

  it.each([
    ["messages of no known role", messagesBody, { messages: many({ role: "x", content: 3 }) }],
    ["messages that are numbers", messagesBody, { messages: many(7) }],
    ["parts that are numbers", messagesBody, { messages: [{ role: "user", content: many(7) }] }],
    ["items that are numbers", responseBody, { input: many(7) }],
    ["items without content", responseBody, { input: many({ role: "x", content: 3 }) }],
    [
      "pairs that are numbers",
      z.object({ metadata: metadataPairs }),
      { metadata: Object.fromEntries(many(7).entries()) },
    ],
  ])("is looked for up to the first problem: %s", (_, schema, body) => {
    const { error } = parseBody(schema as z.ZodType, { model: "m", max_tokens: 1, ...body });
    expect(error?.issues.length).toBe(1);
    expect(JSON.stringify(error?.issues).length).toBeLessThan(2_000);
  });

  it("names no more pairs than there may be", () => {
    const given = Object.fromEntries(Array.from({ length: 17 }, (_, nth) => [`k${nth}`, "v"]));
    const error = parseBody(metadataPairs, given).error;
    expect(error?.issues).toEqual([{ code: "custom", path: [], message: "must be at most 16 pairs" }]);
    expect(parseBody(metadataPairs, { k: "v" }).data).toEqual({ k: "v" });
  });
});
