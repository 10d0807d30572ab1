/** A JSON text whose long strings were taken out. */
export interface LiftedJson {
  /** The text with empty strings in their places, and one space for each long run of white space between tokens. */
  readonly text: string;
  /** Where each of them begins in the text, and what stands between its quotes, cut between characters and escapes. */
  readonly strings: ReadonlyMap<number, readonly string[]>;
}

/** Characters and escapes between two turns. */
const STEPS = 8_192;
/** Where so many characters stand between two strings, white space in a row becomes one space: a text could be nothing else. */
const GAP_CHARS = 16;
const GAP = /[ \t\n\r]{2,}/g;

/**
 * Takes strings of more than `charsMax` characters out of a JSON text in pieces, and long white space between its tokens. The steps between
 * its turns are short. Linear.
 */
export function* liftStrings(pieces: readonly string[], charsMax: number): Generator<undefined, LiftedJson> {
  const texts: string[] = [];
  /** What is kept of this piece. */
  let kept: string[] = [];
  const strings = new Map<number, readonly string[]>();
  /** Earlier pieces of a string that has begun, and their characters. */
  let begun: string[] = [];
  let [begunChars, chars, steps] = [0, 0, 0];
  let isInside = false;
  /** Half an escape at the end of a piece. */
  let half = "";

  const add = (text: string): void => {
    if (text === "") return;
    kept.push(text);
    chars += text.length;
  };
  const endPiece = (): void => {
    texts.push(kept.join(""));
    kept = [];
  };

  for (const next of pieces) {
    const piece = half === "" ? next : half + next;
    half = "";
    /** What was not added yet, and the inside of the string. */
    let [from, start, at] = [0, 0, 0];
    let [quote, escape] = [-1, -1];
    let end = piece.length;
    /** Leaves out long white space between `at` and the next string. */
    const squeeze = (to: number): void => {
      if (to - at < GAP_CHARS) return;
      const between = piece.slice(at, to);
      const squeezed = between.replaceAll(GAP, " ");
      if (squeezed.length === between.length) return;
      add(piece.slice(from, at));
      add(squeezed);
      from = to;
    };
    for (;;) {
      steps += 1;
      if (steps % STEPS === 0) yield;
      if (quote < at) quote = indexOrEnd(piece, '"', at);
      if (!isInside) {
        squeeze(quote);
        if (quote === piece.length) break;
        isInside = true;
        start = at = quote + 1;
        continue;
      }
      if (escape < at) escape = indexOrEnd(piece, "\\", at);
      if (escape < quote) {
        at = escape + (piece.charCodeAt(escape + 1) === LETTER_U ? 6 : 2);
        if (at <= piece.length) continue;
        end = escape;
        break;
      }
      if (quote === piece.length) break;
      if (begunChars + quote - start > charsMax) {
        add(piece.slice(from, start));
        strings.set(chars - 1, [...begun, piece.slice(start, quote)]);
        from = quote;
      } else for (const text of begun) add(text);
      [begun, begunChars, isInside, at] = [[], 0, false, quote + 1];
    }
    half = piece.slice(end);
    if (isInside) {
      add(piece.slice(from, start));
      begun.push(piece.slice(start, end));
      begunChars += end - start;
    } else add(piece.slice(from));
    endPiece();
    yield;
  }
  // A string without an end is an error of the one who parses the text.
  for (const text of [...begun, half]) add(text);
  endPiece();
  return { text: texts.join(""), strings };
}

const LETTER_U = 0x75;

function indexOrEnd(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at === -1 ? text.length : at;
}
