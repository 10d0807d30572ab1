import { describe, expect, it } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

describe("canonical JSON", () => {
  it("is one text for equal values, whatever the order of their fields", () => {
    expect(canonicalJson({ b: [1, { d: 1, c: undefined }], a: null })).toBe('{"a":null,"b":[1,{"d":1}]}');
  });

  it("reads the same JSON anew as the same text", () => {
    const odd = { at: new Date(0), url: new URL("https://a.example/b"), list: [undefined, Number.NaN], no: undefined };
    expect(canonicalJson(odd)).toBe(canonicalJson(JSON.parse(JSON.stringify(odd))));
  });

  it("tells apart what differs only in how it writes itself", () => {
    expect(canonicalJson({ at: new Date(0) })).not.toBe(canonicalJson({ at: new Date(1) }));
  });
});
