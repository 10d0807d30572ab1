import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { Tokenizer } from "@huggingface/tokenizers";
import { describe, expect, it } from "vitest";
import { createWordpiece } from "./wordpiece.ts";

const table = readFileSync("assets/static-table.bin");
const vocabulary = table.toString("utf8", 20, 20 + table.readUInt32LE(16)).split("\n");
const wordpiece = createWordpiece(vocabulary);

/** The reference implementation over the same vocabulary, as BERT's uncased models configure it. */
const reference = new Tokenizer(
  {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: null,
    decoder: null,
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((entry, id) => [entry, id])),
    },
  },
  {},
);

const TEXTS = [
  "What is the capital of France?",
  "How do I reset my password??",
  "don't stop: it's 3.14% of $1,000",
  "Crème brûlée, naïve façade",
  "北京 is the capital of 中国",
  "supercalifragilisticexpialidocious antidisestablishmentarianism",
  "emoji 😀 and tabs\tand\nlines",
  "snake_case camelCase kebab-case C++ Node.js",
  "ÀÉÎÕÜ ß Œ ﬁ",
  "",
  "   ",
  "x".repeat(120),
];

describe("the tokenizer", () => {
  it.each(TEXTS)("cuts %j as the reference does", (text) => {
    expect(wordpiece.encode(text)).toEqual(reference.encode(text).ids.map(Number));
  });

  it("cuts any printable text as the reference does", () => {
    const words = fc.array(
      fc.constantFrom(
        ..."the cat's 12,000 re-run e.g. Zürich (maybe) #42 a/b naïve 日本 don't ÅNGSTRÖM _x_ ~".split(" "),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(words, (list) => {
        const text = list.join(" ");
        expect(wordpiece.encode(text)).toEqual(reference.encode(text).ids.map(Number));
      }),
    );
  });

  it("cuts a long text as it cuts its words, wherever the text is read in parts", () => {
    const words = "the cat's ,,, Zürich 日本語 a😀b naïve re-run pneumonoultramicroscopic".split(" ");
    for (const separator of [" ", "\n", " ~ "]) {
      const list = Array.from({ length: 3_000 }, (_, nth) => words[(nth * 7) % words.length] as string);
      const cut = list.flatMap((word) => wordpiece.encode(`${word}${separator}`));
      expect(wordpiece.encode(list.map((word) => `${word}${separator}`).join(""))).toEqual(cut);
    }
    const long = `${"x".repeat(9_000)} the cat`;
    expect(wordpiece.encode(long)).toEqual([...wordpiece.encode("x".repeat(200)), ...wordpiece.encode("the cat")]);
  });

  it("stops at the bound and survives any string", () => {
    expect(wordpiece.encode("one two three four", 2)).toHaveLength(2);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => Array.isArray(wordpiece.encode(text))),
    );
  });
});
