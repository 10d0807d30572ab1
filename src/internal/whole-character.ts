/** Returns the end of a piece of a text, or one more where it would lie between the two halves of one character. Pure. */
export function endOfCharacter(text: string, end: number): number {
  return end < text.length && isFirstHalf(text.charCodeAt(end - 1)) ? end + 1 : end;
}

/** Returns the end of a piece of a text, or one less where its last character is the first half of one. Pure. */
export function endBeforeHalf(text: string, end: number): number {
  return isFirstHalf(text.charCodeAt(end - 1)) ? end - 1 : end;
}

/**
 * Moves the first half of a character at the end of a piece to the begin of the next one: JSON may write the two halves as two escapes. The last piece
 * stays as it is. Pure.
 */
export function inWholeCharacters(pieces: readonly string[]): readonly string[] {
  let half = "";
  return pieces.map((piece, at) => {
    const whole = half + piece;
    const end = at < pieces.length - 1 ? endBeforeHalf(whole, whole.length) : whole.length;
    half = whole.slice(end);
    return whole.slice(0, end);
  });
}

function isFirstHalf(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
