import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMPRESS_FROM_BYTES, decodeRecord, encodeRecord } from "./record.ts";

describe("a record", () => {
  it("gives any JSON back", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(decodeRecord(encodeRecord(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("is smaller than its body when the body is large", () => {
    const body = "Redis keeps what was said. ".repeat(200);
    expect(encodeRecord(body).length).toBeLessThan(COMPRESS_FROM_BYTES);
    expect(decodeRecord(encodeRecord(body))).toBe(body);
  });

  it.each([
    ["plain", { role: "user", content: "hi" }],
    ["compressed", "Redis keeps what was said. ".repeat(200)],
  ])("of a newer version, %s, is refused as newer", (_, value) => {
    const record = encodeRecord(value);
    record[0] = 2;
    expect(() => decodeRecord(record)).toThrow(expect.objectContaining({ code: "newer_record" }));
  });

  it.each([
    ["empty", []],
    ["of version 0", [0, 0]],
    ["cut off", [1]],
    ["of an unknown encoding", [1, 7, 49]],
    ["no JSON", [1, 0, 123]],
    ["no zstd", [1, 1, 1, 2, 3]],
    ["of a version that nothing will have", [200, 0, 49]],
    ["of a high version and no JSON", [9, 0, 123]],
    ["of a high version and an unknown encoding", [9, 7, 49]],
    ["of a high version and no zstd", [9, 1, 1, 2, 3]],
    ["text", [...Buffer.from("\tgarbage")]],
  ])("that is %s is refused as corrupt", (_, bytes) => {
    expect(() => decodeRecord(Buffer.from(bytes))).toThrow(expect.objectContaining({ code: "corrupt_record" }));
  });

  it("of random bytes is refused as corrupt, not as newer", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 3, maxLength: 40 }), fc.integer({ min: 2, max: 255 }), (rest, version) => {
        // The few that have the form of a record are told from damage by nothing.
        fc.pre(rest[0] !== 0 || rest.length > 4);
        const record = Buffer.from([version, ...rest]);
        expect(() => decodeRecord(record)).toThrow(expect.objectContaining({ code: "corrupt_record" }));
      }),
    );
  });

  it("of any bytes is read or refused, never anything else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeRecord(bytes);
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^(corrupt|newer)_record$/);
        }
      }),
    );
  });
});
