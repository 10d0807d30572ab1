import { readClause, type Clause } from "./clause.ts";
import { fold } from "./fold.ts";
import { isReadable } from "./readable.ts";
import { sentencesOf, separate } from "./separate.ts";

/** A prompt, read once for every proof that it takes part in. */
export interface ProofReading {
  readonly text: string;
  /** Whether it has more than `READ_CHARS_MAX` characters: then nothing else of it was read, and no proof is found. */
  readonly tooLong: boolean;
  /** Instructions, documents and quoted blocks around the question, with white space folded. */
  readonly context: string;
  readonly question: string;
  readonly sentences: readonly Sentence[];
  readonly readable: () => boolean;
}

/** A sentence, compared word for word first, and by its clause only where it differs. */
export interface Sentence {
  readonly key: string;
  readonly clause: () => Clause;
}

/** Characters by which the language of a question is told. */
const READABLE_CHARS_MAX = 4_096;

/** Prompts that were read last: one that is asked is held against several, and popular ones come again. */
const readings = new Map<string, ProofReading>();
const READINGS_MAX = 256;
/** Longer ones are not remembered. */
const REMEMBERED_CHARS_MAX = 1_024;
/** Characters of a prompt that is read for proofs; a longer one is a matter for the exact tier. Reading so many takes about 20 ms. */
export const READ_CHARS_MAX = 32_768;
/** Characters of a question that is cut into sentences. */
const QUESTION_CHARS_MAX = 16_384;
/** Sentences of a question; a longer one is not compared by meaning. */
export const SENTENCES_MAX = 400;

/** Reads a prompt for proofs. Linear in its length; what no proof asks for is not worked out. */
export function read(text: string): ProofReading {
  const known = readings.get(text);
  if (known !== undefined) return known;
  const reading = readAnew(text);
  if (text.length > REMEMBERED_CHARS_MAX) return reading;
  const [oldest] = readings.keys();
  if (readings.size >= READINGS_MAX && oldest !== undefined) readings.delete(oldest);
  readings.set(text, reading);
  return reading;
}

function readAnew(text: string): ProofReading {
  if (text.length > READ_CHARS_MAX)
    return { text, tooLong: true, context: "", question: "", sentences: [], readable: () => false };
  const folded = fold(text);
  const { context, question } = separate(folded);
  return {
    text,
    tooLong: false,
    context: context.replaceAll(/\s+/g, " "),
    question,
    sentences: (question.length > QUESTION_CHARS_MAX ? [question] : sentencesOf(question)).map((sentence) => ({
      key: keyOf(sentence),
      clause: once(() => readClause(sentence)),
    })),
    readable: once(() => isReadable(question.slice(0, READABLE_CHARS_MAX))),
  };
}

/** A sentence without the marks at its end, whatever its spaces and the capitals that begin its words. */
function keyOf(sentence: string): string {
  // Capitals inside a word may be a name in code, and "US" is not "us".
  const plain = sentence
    .replaceAll(/(?<!\p{L})\p{Lu}(?!\p{Lu})/gu, (letter) => letter.toLowerCase())
    .replaceAll(/\s+/g, " ");
  let end = plain.length;
  while (end > 0 && /[.?!\s]/.test(plain[end - 1] as string)) end -= 1;
  return plain.slice(0, end);
}

function once<T>(work: () => T): () => T {
  let done: { readonly value: T } | undefined;
  return () => (done ??= { value: work() }).value;
}
