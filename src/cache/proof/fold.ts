import { normalise } from "../../internal/normalise.ts";

/** Superscripts, subscripts and fractions: Unicode's compatibility form would turn "x²" into "x2". */
const MEANT_AS_WRITTEN = /[\u00B2\u00B3\u00B9\u00BC-\u00BE\u2070-\u209F\u2150-\u218F\u2460-\u24FF]/u;
const NOT_ASCII = /[^\x20-\x7E\n]/;
/** Characters that cannot be seen between two Latin letters or digits, where they change nothing. */
const INVISIBLE_INSIDE = /(?<=[\p{Script=Latin}\p{N}\s]|^)[\u200C\u200D]+(?=[\p{Script=Latin}\p{N}\s]|$)/gu;
/** Characters that are invisible wherever they stand: soft hyphen, zero-width space, word joiner, byte order mark. */
const INVISIBLE = /[\u00AD\u200B\u2060\uFEFF]/g;

/** Removes invisible characters that cannot change the meaning. Joiners within emoji and Indic or Arabic words stay. */
export function stripInvisible(text: string): string {
  return NOT_ASCII.test(text) ? text.replaceAll(INVISIBLE, "").replaceAll(INVISIBLE_INSIDE, "") : text;
}

/**
 * A text in one way of writing: compatibility forms (full-width letters, ligatures), curly quotes, dashes, ellipses and invisible
 * characters. Case and words stay. Linear.
 */
export function fold(text: string): string {
  if (!NOT_ASCII.test(text)) return text;
  const seen = stripInvisible(text);
  const normal = MEANT_AS_WRITTEN.test(seen)
    ? seen.replaceAll(/[^\u00B2\u00B3\u00B9\u00BC-\u00BE\u2070-\u209F\u2150-\u218F\u2460-\u24FF]+/gu, (part) =>
        normalise(part, "NFKC"),
      )
    : normalise(seen, "NFKC");
  return normal
    .replaceAll(/[‘’‛ʼ`´]/g, (mark) => (mark === "`" ? mark : "'"))
    .replaceAll(/[“”„‟«»]/g, '"')
    .replaceAll(/[‐‑‒–−]/g, "-")
    .replaceAll("—", " , ")
    .replaceAll(/\uFE0F/g, "");
}
