import { describe, expect, it } from "vitest";
import { encodeWritable, unwritablePath } from "./unwritable-path.ts";

const cycle: Record<string, unknown> = { a: [1] };
cycle["self"] = { up: cycle };

describe("what JSON cannot write", () => {
  it.each<[unknown, string | undefined]>([
    [1n, "result"],
    [{ a: [0, { b: 2n }] }, "result.a[1].b"],
    [cycle, "result.self.up"],
    [{ at: { toJSON: () => 1n } }, "result.at"],
    [
      {
        get x() {
          throw new Error("no");
        },
      },
      "result",
    ],
    [{ a: 1, b: undefined, c: [new Date(0)], d: Symbol("s") }, undefined],
    [null, undefined],
  ])("is found by its path (%#)", (value, path) => {
    expect(unwritablePath(value)).toBe(path);
  });

  it("is found below the same object in two places that are no cycle", () => {
    const twice = { n: 1 };
    expect(unwritablePath({ a: twice, b: twice, c: 3n })).toBe("result.c");
  });
});

it("is named also where it is found in a later turn of the event loop", async () => {
  const encoded = encodeWritable("result", { a: 1n }, () => Promise.reject(new TypeError("no")));
  await expect(encoded).rejects.toMatchObject({ code: "invalid_input", details: { path: "result.a" } });
});
