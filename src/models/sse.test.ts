import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LongText } from "../internal/long-text.ts";
import { createEventReader, toEvent, type EventData } from "./sse.ts";

describe("the reader of server-sent events", () => {
  it("reads the same events however the bytes are cut and the lines end", () => {
    const data = fc.array(
      fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => !/[\r\n]/.test(text)),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(
        data,
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.array(fc.nat(200), { maxLength: 10 }),
        (events, end, cuts) => {
          const bytes = Buffer.from(events.map((event) => `: comment${end}data: ${event}${end}${end}`).join("") + end);
          const reader = createEventReader();
          const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
          const read = places.slice(1).flatMap((place, at) => reader.read(bytes.subarray(places[at], place)));
          // A lone CR at the very end may be half of CRLF: it is read when more comes.
          expect([...read, ...reader.read(Buffer.from(":"))]).toEqual(events);
        },
      ),
    );
  });

  it("joins the data lines of one event and passes other fields over", () => {
    expect(createEventReader().read(Buffer.from("event: x\nid: 1\ndata:a\ndata: b\nretry: 5\n\n"))).toEqual(["a\nb"]);
  });

  it("passes over a byte order mark at the beginning, however it is cut", () => {
    const bytes = Buffer.from("\uFEFFdata: a\n\ndata: \uFEFFb\n\n");
    for (const cut of [0, 1, 2, 3, 4]) {
      const reader = createEventReader();
      expect([...reader.read(bytes.subarray(0, cut)), ...reader.read(bytes.subarray(cut))]).toEqual(["a", "\uFEFFb"]);
    }
  });

  it.each(['{"error":{"message":"gone"}}', "<html>502</html>"])(
    "misses nothing that is said beside events: %s",
    (line) => {
      expect(() => createEventReader().read(Buffer.from(`data: a\n\n${line}\n`))).toThrow("no field of an event");
    },
  );

  it("reads a long event in pieces, however the bytes are cut and the lines end", () => {
    const long = "long 😀 words ".repeat(30_000);
    for (const end of ["\n", "\r\n", "\r"])
      for (const size of [1_000, 16_383, 65_536, 1_000_000]) {
        const bytes = Buffer.from(
          `data: a${end}${end}data:${end}data: ${long}${end}data: b${end}${end}data: c${end}${end}:`,
        );
        const reader = createEventReader();
        const read: EventData[] = [];
        for (let from = 0; from < bytes.length; from += size)
          read.push(...reader.read(bytes.subarray(from, from + size)));
        expect(read.map(String)).toEqual(["a", `\n${long}\nb`, "c"]);
        expect(read[1]).toBeInstanceOf(LongText);
        expect(Buffer.byteLength(String(reader.end() ?? ""))).toBe(0);
      }
  });

  it("refuses an event that is longer than it may be, in however many pieces it comes", () => {
    const reader = createEventReader();
    const piece = Buffer.alloc(65_536, "x");
    reader.read(Buffer.from("data: "));
    expect(() => {
      for (let at = 0; at < 300; at += 1) reader.read(piece);
    }).toThrow("over 16777216 characters");
  });

  it("reads what is written", () => {
    expect(createEventReader().read(Buffer.from(toEvent('{"a":1}')))).toEqual(['{"a":1}']);
  });
});
