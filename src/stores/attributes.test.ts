import { describe, expect, it } from "vitest";
import { toFilter } from "../vectors/filter.ts";
import {
  allot,
  checkFileAttributes,
  CHUNK_ATTRIBUTES,
  toChunkAttributes,
  toWhere,
  type FileFilter,
} from "./attributes.ts";

const slots = allot({}, { lang: "en", year: 2026, open: true });

describe("attributes of any name", () => {
  it("get places, and keep them", () => {
    expect(slots).toEqual({ "word lang": "t0", "number year": "n0", "word open": "t1" });
    expect(allot(slots, { lang: "de", more: 1 })).toEqual({ ...slots, "number more": "n1" });
    expect(toChunkAttributes(slots, { lang: "en", open: false })).toEqual({ t0: "sen", t1: "bfalse", n0: undefined });
  });

  it("are told when there are too many", () => {
    const many = Object.fromEntries(Array.from({ length: 13 }, (_, at) => [`n${at}`, at]));
    expect(() => allot({}, many)).toThrow(
      expect.objectContaining({ code: "too_large", details: { path: "attributes.n12" } }),
    );
  });

  it.each([
    ["attributes", ["list"]],
    ["attributes", Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`a${at}`, 1]))],
    ["attributes", { "": 1 }],
    ["attributes.a", { a: Number.NaN }],
    ["attributes.a", { a: "x".repeat(513) }],
    ["attributes.a", { a: {} }],
  ])("are refused at %s", (path, attributes) => {
    expect(() => checkFileAttributes(attributes as never)).toThrow(
      expect.objectContaining({ code: "invalid_input", details: { path } }),
    );
  });
});

describe("a filter in OpenAI's words", () => {
  it.each<[FileFilter, unknown]>([
    [{ type: "eq", key: "lang", value: "en" }, { t0: "sen" }],
    [{ type: "ne", key: "open", value: true }, { not: { t1: "btrue" } }],
    [{ type: "gte", key: "year", value: 2024 }, { n0: { gte: 2024 } }],
    [{ type: "in", key: "lang", value: ["en", 5] }, { or: [{ t0: "sen" }, { or: [] }] }],
    [{ type: "nin", key: "unknown", value: ["x"] }, { not: { or: [{ or: [] }] } }],
    [{ type: "lt", key: "lang", value: 1 }, { or: [] }],
    [{ type: "and", filters: [{ type: "eq", key: "year", value: 1 }] }, { and: [{ n0: 1 }] }],
  ])("%j is one of the collection's", (filter, where) => {
    expect(toWhere(slots, filter)).toEqual(where);
    expect(toFilter(CHUNK_ATTRIBUTES, toWhere(slots, filter))).toBeDefined();
  });

  it.each([
    ["filters", null],
    ["filters.type", { type: "like", key: "a", value: "b" }],
    ["filters.key", { type: "eq", key: "", value: "b" }],
    ["filters.value", { type: "eq", key: "a", value: ["b"] }],
    ["filters.value", { type: "in", key: "a", value: "b" }],
    ["filters.value", { type: "gt", key: "a", value: "b" }],
    ["filters.filters", { type: "or", filters: "x" }],
    ["filters.filters.0.type", { type: "or", filters: [{ type: "x", key: "a", value: 1 }] }],
  ])("that is wrong is refused at %s", (path, filter) => {
    expect(() => toWhere(slots, filter as never)).toThrow(
      expect.objectContaining({ code: "invalid_input", details: { path } }),
    );
  });
});
