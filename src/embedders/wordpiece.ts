import { normalise } from "../internal/normalise.ts";
import { endBeforeHalf } from "../internal/whole-character.ts";

/** Longest word that is looked up, in characters; a longer one is unknown, as in BERT. */
const WORD_CHARS_MAX = 100;

/** Converts text to the token ids of an uncased BERT vocabulary. */
export interface Wordpiece {
  /** Number of entries in the vocabulary. */
  readonly size: number;
  /** Returns the token ids of a text without `[CLS]` and `[SEP]`, at most `maxTokens`. Unknown words are `[UNK]`. */
  encode(text: string, maxTokens?: number): number[];
  /** Returns the id of one entry, such as `[CLS]`, or `undefined`. */
  idOf(entry: string): number | undefined;
}

/**
 * Makes the WordPiece tokenizer of uncased BERT models: lower-cases, removes accents, separates punctuation and CJK characters, and takes
 * the longest matching entries from the left. Linear in the text's length; reads at most 64 characters per requested token.
 *
 * @source Devlin et al., "BERT" (2019), and the reference `BasicTokenizer` and `WordpieceTokenizer`
 */
export function createWordpiece(vocabulary: readonly string[]): Wordpiece {
  const ids = new Map(vocabulary.map((entry, id) => [entry, id]));
  const unknown = ids.get("[UNK]") ?? 0;
  const known = new Map<string, readonly number[]>();

  function piecesOf(word: string): readonly number[] {
    const whole = ids.get(word);
    if (whole !== undefined) return [whole];
    if (word.length > WORD_CHARS_MAX) return [unknown];
    const pieces: number[] = [];
    for (let start = 0; start < word.length;) {
      let end = word.length;
      let id: number | undefined;
      for (; end > start; end -= 1) {
        id = ids.get(start === 0 ? word.slice(0, end) : `##${word.slice(start, end)}`);
        if (id !== undefined) break;
      }
      if (id === undefined) return [unknown];
      pieces.push(id);
      start = end;
    }
    return pieces;
  }

  return {
    size: vocabulary.length,
    idOf: (entry) => ids.get(entry),
    encode(text, maxTokens = Number.MAX_SAFE_INTEGER) {
      const out: number[] = [];
      // Text far behind the last needed token is not read, so the cost is bounded.
      const read =
        text.length / CHARS_READ_PER_TOKEN > maxTokens
          ? text.slice(0, endBeforeHalf(text, maxTokens * CHARS_READ_PER_TOKEN))
          : text;
      for (const word of splitWords(read)) {
        let pieces = known.get(word);
        if (pieces === undefined) {
          pieces = piecesOf(word);
          if (word.length <= WORD_CHARS_MAX) {
            if (known.size >= KNOWN_WORDS_MAX) known.clear();
            known.set(word, pieces);
          }
        }
        for (const piece of pieces) {
          if (out.length >= maxTokens) return out;
          out.push(piece);
        }
      }
      return out;
    },
  };
}

/** Characters of a text that are read for each token that is wanted; English has about five. */
const CHARS_READ_PER_TOKEN = 64;

/** Words whose pieces are remembered; the table is emptied when full. */
const KNOWN_WORDS_MAX = 20_000;

/** Characters of a text that are split into words at once, or more up to the end of a word. */
const PART_CHARS = 4_096;

const ACCENTS = /\p{Mn}/gu;
const WORDS =
  /[\p{P}$+<=>^`|~]|[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF]|[^\s\p{P}$+<=>^`|~\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF]+/gu;
/** What ends a word, for both ways to split: a text may be cut in front of it. */
const SEPARATOR = /[\s\p{P}$+<=>^`|~\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF]/gu;
const INVISIBLE = /[\p{Cc}\p{Cf}\uFFFD]/gu;
// oxlint-disable-next-line no-control-regex -- the test is exactly "is it all plain ASCII?"
const ASCII = /^[\x20-\x7E]*$/;
const ASCII_WORDS = /[a-z0-9]+|[!-/:-@[-`{-~]/g;

function withoutAccents(lower: string): string {
  const seen = lower.replaceAll(/[\t\n\r]/g, " ").replaceAll(INVISIBLE, "");
  return normalise(seen, "NFD").replaceAll(ACCENTS, "");
}

/** Reads the words of a long text in parts: one list of all of them costs more for each word than many short ones. */
function* splitWords(text: string): Generator<string> {
  const lower = text.toLowerCase();
  const isAscii = ASCII.test(lower);
  const plain = isAscii ? lower : withoutAccents(lower);
  for (let at = 0; at < plain.length;) {
    SEPARATOR.lastIndex = at + PART_CHARS;
    const end = SEPARATOR.exec(plain)?.index ?? plain.length;
    yield* plain.slice(at, end).match(isAscii ? ASCII_WORDS : WORDS) ?? [];
    at = end;
  }
}
