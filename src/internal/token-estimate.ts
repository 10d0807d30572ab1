import { LongText } from "./long-text.ts";

/**
 * Estimates tokens before anybody counted them: text by its script, pictures, sound and documents flat by their kind. The provider's own count
 * settles what an estimate reserved, so it must be cheap and roughly right, never exact.
 */

/** Flat token counts of one image, recording, document or film of ordinary size, as common models count. */
export const MEDIA_TOKENS: Readonly<Record<MediaKind, number>> = {
  image: 1_024,
  audio: 1_500,
  document: 4_000,
  video: 8_000,
};
/** A picture that was asked for at low detail (OpenAI's flat count). */
const LOW_DETAIL_TOKENS = 85;

/** Kind of a message part other than text. */
export type MediaKind = "image" | "audio" | "document" | "video";

/** Types of message parts, as OpenAI's two APIs and Anthropic's name them. */
const KINDS: ReadonlyMap<unknown, MediaKind> = new Map([
  ["image_url", "image"],
  ["input_image", "image"],
  ["image", "image"],
  ["input_audio", "audio"],
  ["audio", "audio"],
  ["file", "document"],
  ["input_file", "document"],
  ["document", "document"],
  ["input_video", "video"],
  ["video_url", "video"],
  ["video", "video"],
]);

/** Characters of a text that are looked at one by one; a longer text counts like its samples. */
const SAMPLE_CHARS = 16_384;
const SAMPLES = 8;
/** Values within one value that are looked at: of those beyond, texts count by their length and others as a token. */
const NODES_MAX = 100_000;
/** Characters that are weighed within one value; texts beyond count like those before them. */
const WEIGHED_CHARS_MAX = 2_097_152;

/** Estimates the tokens of everything in a value that a model reads: texts of messages and parts, names, arguments. */
export function estimateTokens(value: unknown): number {
  const rest: unknown[] = [value];
  let [tokens, nodes, weighed] = [0, 0, 0];
  /** Characters of the texts that were weighed, and their tokens. */
  let [chars, ofTexts] = [0, 0];

  function take(text: string | LongText): void {
    const media = mediaOf(text);
    if (media !== undefined) tokens += media;
    else if (weighed >= WEIGHED_CHARS_MAX) tokens += (text.length * ofTexts) / chars;
    else {
      const some = tokensOf(text);
      weighed += Math.min(text.length, SAMPLE_CHARS);
      chars += text.length;
      ofTexts += some;
      tokens += some;
    }
  }

  while (rest.length > 0) {
    const next = rest.pop();
    if (typeof next === "string" || next instanceof LongText) take(next);
    else if (typeof next === "object" && next !== null) {
      const media = mediaTokens(next as Readonly<Record<string, unknown>>);
      if (media !== undefined) tokens += media;
      else
        for (const part of Array.isArray(next) ? (next as readonly unknown[]) : Object.values(next)) {
          nodes += 1;
          if (nodes <= NODES_MAX) rest.push(part);
          else tokens += typeof part === "string" ? part.length / QUARTERS : 1;
        }
    }
  }
  return Math.ceil(tokens);
}

/** Returns the flat tokens of a message part that is not text; `undefined` for text. */
export function mediaTokens(part: Readonly<Record<string, unknown>>): number | undefined {
  const { type, image_url: image, input_audio: audio, file, source } = part;
  const kind = KINDS.get(type);
  if (kind === undefined) return undefined;
  // The same words name other things elsewhere: only a part that holds its medium is one.
  const held = [
    image,
    audio,
    file,
    source,
    part["file_data"],
    part["file_url"],
    part["file_id"],
    part["video_url"],
    part["data"],
  ];
  if (held.every((one) => one === undefined || one === null)) return undefined;
  if (kind === "document") return documentTokens(part, file);
  const detail = part["detail"] ?? (image as { readonly detail?: unknown } | null | undefined)?.detail;
  return kind === "image" && detail === "low" ? LOW_DETAIL_TOKENS : MEDIA_TOKENS[kind];
}

/** Estimates the tokens of a text by its script. Linear in at most 16,384 characters. */
export function estimateText(text: string): number {
  return Math.ceil(tokensOf(text));
}

function tokensOf(text: string | LongText): number {
  if (text instanceof LongText) return tokensOfPieces(text);
  if (text.length <= SAMPLE_CHARS) return weigh(text) / QUARTERS;
  const each = SAMPLE_CHARS / SAMPLES;
  const step = (text.length - each) / (SAMPLES - 1);
  let weight = 0;
  for (let nth = 0; nth < SAMPLES; nth += 1)
    weight += weigh(text.slice(Math.floor(nth * step), Math.floor(nth * step) + each));
  return (weight / SAMPLE_CHARS) * (text.length / QUARTERS);
}

/** The same for a text in pieces, of which the begins of some are looked at: no copy of the whole is made. */
function tokensOfPieces({ pieces, length }: LongText): number {
  let [weight, chars] = [0, 0];
  for (let nth = 0; nth < SAMPLES; nth += 1) {
    const piece = pieces[Math.floor((nth * (pieces.length - 1)) / (SAMPLES - 1))] ?? "";
    const sample = piece.slice(0, SAMPLE_CHARS / SAMPLES);
    weight += weigh(sample);
    chars += sample.length;
  }
  return chars === 0 ? 0 : (weight / chars) * (length / QUARTERS);
}

const QUARTERS = 4;

/** Weight of a text in quarters of a token: Latin 4 characters a token, other alphabets 2, Chinese, Japanese, Korean and emoji 1. */
function weigh(text: string): number {
  let weight = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    weight += code < 0x250 ? 1 : code < 0x2e80 ? 2 : 4;
  }
  return weight;
}

/** Returns the flat tokens of a data URL, which is its medium; `undefined` for any other string, which is text. */
function mediaOf(text: string | LongText): number | undefined {
  const begin = typeof text === "string" ? text : (text.pieces[0] ?? "");
  return begin.startsWith("data:") ? dataUrlTokens(begin, text.length) : undefined;
}

/** Of a URL, or the begin of one of so many characters. */
function dataUrlTokens(url: string, length: number = url.length): number | undefined {
  const head = url.slice(0, 256);
  const [, kind] = /^data:(image|audio|video|application|text)\/[^,]*;base64,/.exec(head) ?? [];
  if (kind === undefined) return undefined;
  // Four characters of base64 are three of the text that they encode.
  if (kind === "text") return (length * 3) / 4 / QUARTERS;
  return kind === "application" ? MEDIA_TOKENS.document : MEDIA_TOKENS[kind as "image" | "audio" | "video"];
}

function documentTokens(part: Readonly<Record<string, unknown>>, file: unknown): number {
  const data = part["file_data"] ?? (file as { readonly file_data?: unknown } | null | undefined)?.file_data;
  const begin = data instanceof LongText ? (data.pieces[0] ?? "") : data;
  const isOfText = typeof begin === "string" && begin.startsWith("data:text/");
  const text = isOfText ? dataUrlTokens(begin, (data as string | LongText).length) : undefined;
  return text ?? MEDIA_TOKENS.document;
}
