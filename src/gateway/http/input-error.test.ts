import { describe, expect, it } from "vitest";
import { responseBody } from "../responses/request.ts";
import { toInputError } from "./input-error.ts";

const errorOf = (body: object) => {
  const { error } = responseBody.safeParse({ model: "m", ...body });
  return error === undefined ? undefined : toInputError(error);
};

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
});
