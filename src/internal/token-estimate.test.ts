import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";
import { estimateText, estimateTokens } from "./token-estimate.ts";

const SAMPLES: Readonly<Record<string, string>> = {
  english: "The quick brown fox jumps over the lazy dog, and then it sleeps under a tree for the rest of the day. ",
  german: "Der schnelle braune Fuchs springt über den faulen Hund und schläft danach unter einem Baum. ",
  chinese: "敏捷的棕色狐狸跳过了懒狗，然后在树下睡了一整天。请告诉我今天北京的天气怎么样？",
  japanese: "素早い茶色の狐がのろまな犬を飛び越え、その後は木の下で一日中眠りました。",
  korean: "빠른 갈색 여우가 게으른 개를 뛰어넘고 나서 나무 아래에서 하루 종일 잤습니다.",
  russian: "Быстрая коричневая лиса перепрыгивает через ленивую собаку и потом спит под деревом. ",
  arabic: "الثعلب البني السريع يقفز فوق الكلب الكسول ثم ينام تحت شجرة طوال اليوم. ",
  hindi: "तेज भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है और फिर पूरे दिन पेड़ के नीचे सोती है। ",
  code: "export function add(a: number, b: number): number { return a + b; }\n",
};

describe("an estimate of tokens", () => {
  it.each(Object.entries(SAMPLES))("is within a factor of two and a half of the encoding, for %s", (_, text) => {
    for (const said of [text, text.repeat(40), text.repeat(400)]) {
      const ratio = estimateText(said) / countTokens(said);
      expect(ratio).toBeGreaterThan(0.6);
      expect(ratio).toBeLessThan(2.5);
    }
  });

  it.each([
    ["a picture", { type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(2_800_000)}` } }, 1_024],
    ["a picture at low detail", { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "low" }, 85],
    ["a picture by URL", { type: "input_image", image_url: "https://example.com/a.png" }, 1_024],
    [
      "Anthropic's picture",
      { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
      1_024,
    ],
    ["a recording", { type: "input_audio", input_audio: { data: "A".repeat(900_000), format: "wav" } }, 1_500],
    ["a document", { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AAAA" } }, 4_000],
    ["a document by id", { type: "input_file", file_id: "file-1" }, 4_000],
    ["a picture in the result of a tool", { output: `data:image/jpeg;base64,${"A".repeat(1_000_000)}` }, 1_024],
  ])("is flat for %s", (_, part, tokens) => {
    expect(estimateTokens([{ content: [part] }])).toBe(tokens);
  });

  it("counts the text of a text file, and of a field that only looks like a medium", () => {
    const data = `data:text/plain;base64,${Buffer.from("word ".repeat(4_000)).toString("base64")}`;
    expect(estimateTokens([{ type: "file", file: { filename: "a.txt", file_data: data } }])).toBeGreaterThan(4_500);
    expect(estimateTokens({ type: "image", note: "x".repeat(400) })).toBeGreaterThan(99);
  });
});
