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
/** Values within one value that are looked at; what lies beyond counts as text of its JSON. */
const NODES_MAX = 100_000;

/** Estimates the tokens of everything in a value that a model reads: texts of messages and parts, names, arguments. */
export function estimateTokens(value: unknown): number {
  const rest: unknown[] = [value];
  let tokens = 0;
  for (let nodes = 0; rest.length > 0; nodes += 1) {
    const next = rest.pop();
    if (typeof next === "string") tokens += ofString(next);
    else if (typeof next === "object" && next !== null) {
      if (nodes > NODES_MAX) return tokens + estimateText(JSON.stringify([next, ...rest]));
      const media = mediaTokens(next as Readonly<Record<string, unknown>>);
      if (media !== undefined) tokens += media;
      else for (const part of Object.values(next)) rest.push(part);
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

function tokensOf(text: string): number {
  if (text.length <= SAMPLE_CHARS) return weigh(text) / QUARTERS;
  const each = SAMPLE_CHARS / SAMPLES;
  const step = (text.length - each) / (SAMPLES - 1);
  let weight = 0;
  for (let nth = 0; nth < SAMPLES; nth += 1)
    weight += weigh(text.slice(Math.floor(nth * step), Math.floor(nth * step) + each));
  return (weight / SAMPLE_CHARS) * (text.length / QUARTERS);
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

/** A data URL is its medium; any other string is text. */
function ofString(text: string): number {
  const media = text.startsWith("data:") ? dataUrlTokens(text) : undefined;
  return media ?? tokensOf(text);
}

function dataUrlTokens(url: string): number | undefined {
  const head = url.slice(0, 256);
  const [, kind] = /^data:(image|audio|video|application|text)\/[^,]*;base64,/.exec(head) ?? [];
  if (kind === undefined) return undefined;
  // Four characters of base64 are three of the text that they encode.
  if (kind === "text") return (url.length * 3) / 4 / QUARTERS;
  return kind === "application" ? MEDIA_TOKENS.document : MEDIA_TOKENS[kind as "image" | "audio" | "video"];
}

function documentTokens(part: Readonly<Record<string, unknown>>, file: unknown): number {
  const data = part["file_data"] ?? (file as { readonly file_data?: unknown } | null | undefined)?.file_data;
  const text = typeof data === "string" && data.startsWith("data:text/") ? dataUrlTokens(data) : undefined;
  return text ?? MEDIA_TOKENS.document;
}
