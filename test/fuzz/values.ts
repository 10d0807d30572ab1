import type { Random } from "./random.ts";

/** Stands in every text that the fuzzer sends: no line of a log may hold it. */
export const CANARY = "zq-canary";

const NAMES = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "length",
  "",
  " ",
  "id",
];
const TEXTS = [
  "",
  " ",
  "\0",
  "\r\n",
  "a\r\nx-evil: 1",
  "\ud800",
  "\u202e\ufeff\u200b",
  "😀".repeat(50),
  "日本語の文章",
  "ﷺ".repeat(30),
  "../../etc/passwd",
  "%00%2e%2e%2f",
  "{{7*7}}",
  "' OR 1=1 --",
  "\\",
  "*",
  "{a}:b:{c}",
  "null",
  "NaN",
  "-0",
  "1e999",
  "https://127.0.0.1/",
  "http://[::ffff:0:7f00:1]/",
  "data:image/png;base64,AAAA",
];
const NUMBERS = [
  0,
  -0,
  -1,
  1,
  0.5,
  1e-9,
  1e9,
  2 ** 31,
  2 ** 40,
  2 ** 53,
  -(2 ** 53),
  1e21,
  1e308,
  Number.MIN_VALUE,
  65_537,
];

/** A value that no author of a handler had in mind. `depth` bounds its nesting. */
export function strangeValue(random: Random, depth = 3): unknown {
  switch (random.below(depth === 0 ? 5 : 9)) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
      return random.pick(NUMBERS);
    case 3:
      return strangeText(random);
    case 4:
      return `${CANARY} ${random.below(1_000)}`;
    case 5:
      return [];
    case 6:
      return Array.from({ length: 1 + random.below(3) }, () => strangeValue(random, depth - 1));
    case 7:
      return {};
    default:
      return Object.fromEntries(
        Array.from({ length: 1 + random.below(3) }, () => [strangeName(random), strangeValue(random, depth - 1)]),
      );
  }
}

/** A text: short and odd as a rule, long now and then. */
export function strangeText(random: Random): string {
  if (random.chance(0.02)) return `${CANARY} `.repeat(1 + random.below(400));
  if (random.chance(0.02)) return random.pick([" ", "a", "é", "to ", "1"]).repeat(1 + random.below(5_000));
  return random.pick(TEXTS);
}

/** The name of a field. */
export function strangeName(random: Random): string {
  return random.chance(0.7) ? random.pick(NAMES) : strangeText(random).slice(0, 40);
}

/** A copy of a body with one to three changes: fields replaced, left out, put in, repeated. */
export function mutate(random: Random, body: unknown): unknown {
  let changed: unknown = structuredClone(body);
  for (let left = 1 + random.below(3); left > 0; left -= 1) changed = mutateOnce(random, changed);
  return changed;
}

function mutateOnce(random: Random, body: unknown): unknown {
  if (typeof body !== "object" || body === null || random.chance(0.1)) return strangeValue(random);
  if (Array.isArray(body)) {
    if (body.length === 0) return [strangeValue(random)];
    const at = random.below(body.length);
    if (random.chance(0.15)) return [...body, body[at]];
    return body.map((one: unknown, place) => (place === at ? mutateOnce(random, one) : one));
  }
  const fields = Object.entries(body);
  const action = random.next();
  if (fields.length === 0 || action < 0.1)
    return Object.fromEntries([...fields, [strangeName(random), strangeValue(random)]]);
  const at = random.below(fields.length);
  if (action < 0.2) return Object.fromEntries(fields.toSpliced(at, 1));
  if (action < 0.5) return Object.fromEntries(fields.with(at, [fields[at]?.[0] ?? "", strangeValue(random)]));
  return Object.fromEntries(fields.map(([name, one], place) => [name, place === at ? mutateOnce(random, one) : one]));
}

/** Bytes that are called JSON: cut short, nested deep, wide, with names twice, in bad UTF-8. `bytesMax` bounds the large ones. */
export function strangeJson(random: Random, body: unknown, bytesMax: number): Buffer {
  const text = JSON.stringify(body ?? {}) ?? "{}";
  switch (random.below(9)) {
    case 0:
      return Buffer.from(text.slice(0, random.below(text.length)));
    case 1:
      return nested(random.pick(["[", '{"a":']), random.pick([10, 100, 1_000, 5_000]));
    case 2: {
      const names = Array.from({ length: random.pick([100, 1_000, 5_000]) }, (_, at) => `"k${at}":${at}`);
      return Buffer.from(text.replace(/\}$/, `${text === "{}" ? "" : ","}${names.join(",")}}`));
    }
    case 3:
      return Buffer.from(text.replace("{", '{"model":"a","model":"b",'));
    case 4:
      return Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xff, 0xfe, 0xc0, 0x80]), Buffer.from("}")]);
    case 5:
      return Buffer.from("");
    case 6:
      return Buffer.from(random.pick(["null", "1", '"a"', "[]", "[null]", "true", "{", "\0", "﻿{}", "{}{}", "NaN"]));
    case 7:
      return Buffer.from(text.replaceAll(":", ":  \t\n"));
    default:
      return random.chance(0.02) ? Buffer.from(JSON.stringify({ a: "x".repeat(bytesMax - 16) })) : Buffer.from(text);
  }
}

function nested(open: string, depth: number): Buffer {
  const close = open === "[" ? "]" : "}";
  return Buffer.from(`${open.repeat(depth)}${open === "[" ? "" : "1"}${close.repeat(depth)}`);
}
