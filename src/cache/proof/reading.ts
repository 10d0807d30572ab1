import { readCapitals, type Capitals } from "./capitals.ts";
import { readClause, type Clause } from "./clause.ts";
import { readCodeNames, type CodeNames } from "./code-names.ts";
import { endMarksOf } from "./end-marks.ts";
import { fold } from "./fold.ts";
import { layoutOf, withLineFeeds } from "./layout.ts";
import { readLiteral, type Literal } from "./literal.ts";
import { toBag, type Bag } from "./matchable.ts";
import { readMention, type Mention } from "./mention.ts";
import { readOrder } from "./ordered.ts";
import { isReadable } from "./readable.ts";
import { sentencesOf, separate } from "./separate.ts";

/** A prompt, read once for all of its proofs. */
export interface ProofReading {
  readonly text: string;
  /** Whether it exceeds `READ_CHARS_MAX` characters. Then nothing else of it was read, and no proof is found. */
  readonly tooLong: boolean;
  /** Instructions, documents and quoted blocks around the question. */
  readonly context: string;
  /** White space and invisible characters that may carry meaning. */
  readonly layout: () => string;
  readonly question: string;
  readonly sentences: readonly Sentence[];
  readonly readable: () => boolean;
}

/**
 * A sentence, compared literally first, and by its clause only if it differs. Parts are computed on demand. A class, because many are
 * cached, and closures would take twice the memory.
 */
export class Sentence {
  readonly key: string;
  readonly #text: string;
  #bag: Bag | undefined;
  #clause: Clause | undefined;
  #literal: Literal | undefined;
  #capitals: Capitals | undefined;
  #codeNames: CodeNames | undefined;
  #mention: Mention | undefined;
  #order: { readonly words: readonly string[] | undefined } | undefined;

  constructor(text: string) {
    this.#text = text;
    this.key = keyOf(text);
  }

  /** Its words alone, for a first look. */
  bag(): Bag {
    return (this.#bag ??= toBag(this.key));
  }

  clause(): Clause {
    return (this.#clause ??= readClause(this.#text));
  }

  /** Returns its literal parts. */
  literal(): Literal {
    return (this.#literal ??= readLiteral(this.#text));
  }

  /** Returns its use of capitals. */
  capitals(): Capitals {
    return (this.#capitals ??= readCapitals(this.#text));
  }

  /** Names that are compared by their letters. */
  codeNames(): CodeNames {
    return (this.#codeNames ??= readCodeNames(this.#text));
  }

  /** Words and texts that it is about. */
  mention(): Mention {
    return (this.#mention ??= readMention(this.#text));
  }

  /** Its words, where their order counts even around "and". */
  order(): readonly string[] | undefined {
    return (this.#order ??= { words: readOrder(this.#text) }).words;
  }
}

/** Characters by which a question's language is recognised. */
const READABLE_CHARS_MAX = 4_096;

/** Prompts that were read last, the latest at the end: one that is asked is held against several, and popular ones come again. */
const readings = new Map<string, ProofReading>();
/** Bound on the cached prompts' memory, and an estimate for each: about 64 bytes per character once parsed, and a fixed part. */
const READINGS_BYTES_MAX = 4_194_304;
const BYTES_A_CHARACTER = 64;
const BYTES_BESIDE = 1_024;
/** Longer prompts are not remembered: one of them would push out many. */
const REMEMBERED_CHARS_MAX = 1_024;
let readingsBytes = 0;
/** Characters of a prompt that is read for proofs; a longer one is a matter for the exact tier. Reading so many takes about 20 ms. */
export const READ_CHARS_MAX = 32_768;
/** Characters of a question that is cut into sentences. */
const QUESTION_CHARS_MAX = 16_384;
/** Sentences of a question; a longer one is not compared by meaning. */
export const SENTENCES_MAX = 400;

/** Reads a prompt for proofs. Linear in its length; parts are computed on demand. */
export function read(text: string): ProofReading {
  const known = readings.get(text);
  if (known !== undefined) {
    readings.delete(text);
    readings.set(text, known);
    return known;
  }
  const reading = readAnew(text);
  if (text.length <= REMEMBERED_CHARS_MAX) remember(reading);
  return reading;
}

function remember(reading: ProofReading): void {
  readings.set(reading.text, reading);
  readingsBytes += bytesOf(reading);
  for (const [text, oldest] of readings) {
    if (readingsBytes <= READINGS_BYTES_MAX) return;
    readings.delete(text);
    readingsBytes -= bytesOf(oldest);
  }
}

function bytesOf({ text }: ProofReading): number {
  return BYTES_BESIDE + BYTES_A_CHARACTER * text.length;
}

function readAnew(text: string): ProofReading {
  if (text.length > READ_CHARS_MAX)
    return { text, tooLong: true, context: "", layout: () => "", question: "", sentences: [], readable: () => false };
  const folded = fold(withLineFeeds(text));
  const { context, question } = separate(folded);
  return {
    text,
    tooLong: false,
    context,
    layout: once(() => layoutOf(text, question)),
    question,
    sentences: (question.length > QUESTION_CHARS_MAX ? [question] : sentencesOf(question)).map(
      (sentence) => new Sentence(sentence),
    ),
    readable: once(() => isReadable(question.slice(0, READABLE_CHARS_MAX))),
  };
}

/** A sentence without the marks at its end, whatever its spaces and whether a capital begins it. */
function keyOf(sentence: string): string {
  let plain = UNUSUAL_SPACE.test(sentence) ? sentence.replaceAll(/\s+/g, " ") : sentence;
  if (OPENS_WITH_CAPITAL.test(plain)) plain = plain.charAt(0).toLowerCase() + plain.slice(1);
  let end = plain.length;
  while (end > 0 && /[.?!\s]/.test(plain[end - 1] as string)) end -= 1;
  // The factorial of "5!" is no mark of a sentence, nor is the dot of ":.".
  if (/[^\p{L}\p{M}"')]/u.test(plain[end - 1] ?? "") && /^[!.?]/.test(plain.slice(end))) end += 1;
  return plain.slice(0, end) + endMarksOf(sentence);
}

/** "What", but not "US", which is a name. */
const OPENS_WITH_CAPITAL = /^\p{Lu}(?!\p{Lu})/u;
const UNUSUAL_SPACE = /[^\S ]| {2}/;

function once<T>(work: () => T): () => T {
  let done: { readonly value: T } | undefined;
  return () => (done ??= { value: work() }).value;
}
