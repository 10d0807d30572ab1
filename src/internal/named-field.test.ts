import { describe, expect, it } from "vitest";
import { MarrowError } from "../errors.ts";
import { namedField } from "./named-field.ts";

const refusal = (status: number, param: unknown) =>
  new MarrowError("model_failed", "refused", { details: { status, error: { message: "m", param } } });

describe("the field that an error names", () => {
  it("is the path of an own refusal, which its message begins with", () => {
    const named = namedField(new MarrowError("invalid_input", "a.0 must be text", { details: { path: "a.0" } }));
    expect(named).toMatchObject({ path: "a.0", isUpstreams: false });
    expect(named?.as("b")).toMatchObject({ message: "b must be text", details: { path: "b" } });
  });

  it.each([
    ["messages[0].content[1].text", "messages.0.content.1.text"],
    ["messages.[2].role", "messages.2.role"],
    ["stop", "stop"],
  ])("is what an endpoint names, in dots: %s", (param, path) => {
    const named = namedField(refusal(400, param));
    expect(named).toMatchObject({ path, isUpstreams: true });
    expect(named?.as("own").details).toEqual({ status: 400, error: { message: "m", param: "own" } });
    expect(named?.as(undefined).details).toEqual({ status: 400, error: { message: "m" } });
  });

  it("is absent where there is none, or the endpoint failed", () => {
    for (const error of [new Error("x"), refusal(500, "stop"), refusal(400, null)])
      expect(namedField(error)).toBeUndefined();
  });
});
