import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMPRESS_FROM_BYTES, decodeRecord, decodeRecordInTurns, encodeRecord, encodeRecordBody } from "./record.ts";

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

describe("a record whose body would be over 64 MiB", () => {
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000, 0, 0, 0, 0]);
  frame.writeUInt32LE(2 ** 32 - 1, 5);
  const record = Buffer.concat([Buffer.from([1, 1]), frame, Buffer.alloc(100)]);

  it.each([
    ["at once", () => decodeRecord(record)],
    ["in turns", () => decodeRecordInTurns(record)],
  ])("is refused by what its header says: %s", async (_, read) => {
    await expect(async () => read()).rejects.toMatchObject({
      code: "corrupt_record",
      message: expect.stringContaining("4294967295 bytes") as string,
    });
  });
});

/** What a reader makes of a record: its value, or the code of its error. */
async function outcomeOf(read: () => unknown): Promise<unknown> {
  try {
    return { value: await read() };
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

describe("a record that is decoded in turns of the event loop", () => {
  const noise = Array.from({ length: 40_000 }, (_, at) => ({ at, text: `word ${(at * 7_919) % 104_729}` }));
  const large = encodeRecord(noise);
  const changed = (change: (record: Buffer) => void): Buffer => {
    const record = Buffer.from(large);
    change(record);
    return record;
  };

  it.each<[string, Buffer]>([
    ["a small one", encodeRecord({ role: "user" })],
    ["one that is large once it is decompressed", encodeRecord("x".repeat(500_000))],
    ["a large one", large],
    ["a large one of brotli", encodeRecordBody(Buffer.from(JSON.stringify(noise.slice(0, 2_500))), "dense")],
    ["a large one that is plain", Buffer.concat([Buffer.from([1, 0]), Buffer.from(JSON.stringify(noise))])],
    ["a large one that is cut off", large.subarray(0, large.length - 9)],
    ["a large one that is no JSON", Buffer.concat([Buffer.from([1, 0]), Buffer.alloc(200_000, "[")])],
    ["a large one of a newer version", changed((record) => (record[0] = 2))],
    ["a large one of no version", changed((record) => (record[0] = 200))],
    ["a large one of an unknown encoding", changed((record) => (record[1] = 7))],
  ])("is what it is at once: %s", async (_, record) => {
    expect(await outcomeOf(() => decodeRecordInTurns(record))).toEqual(await outcomeOf(() => decodeRecord(record)));
  });

  it("lets other work run in between where it is large, and takes no turn where it is small", async () => {
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 0);
    await decodeRecordInTurns(encodeRecord([...noise, ...noise, ...noise]));
    clearInterval(counting);
    expect(turns).toBeGreaterThan(2);
    expect(decodeRecordInTurns(encodeRecord({ small: 1 }))).toEqual({ small: 1 });
  });

  it("is decompressed outside the event loop where a few bytes become many", async () => {
    const record = encodeRecord("x".repeat(100_000));
    expect(record.length).toBeLessThan(COMPRESS_FROM_BYTES);
    const decoded = decodeRecordInTurns(record);
    expect(decoded).toBeInstanceOf(Promise);
    expect(await decoded).toHaveLength(100_000);
  });

  it("waits for a turn of its own where many small ones come at once", async () => {
    const record = encodeRecord("words and more ".repeat(2_000));
    const decoded = Array.from({ length: 100 }, () => decodeRecordInTurns(record));
    expect(decoded.filter((one) => typeof one === "string").length).toBeLessThan(25);
    expect(new Set(await Promise.all(decoded))).toEqual(new Set(["words and more ".repeat(2_000)]));
    expect(decodeRecordInTurns(record)).toBeTypeOf("string");
  });
});
