/** Returns the end of a piece of a text, or one more where it would lie between the two halves of one character. Pure. */
export function endOfCharacter(text: string, end: number): number {
  return end < text.length && isFirstHalf(text.charCodeAt(end - 1)) ? end + 1 : end;
}

/** Returns the end of a piece of a text, or one less where its last character is the first half of one. Pure. */
export function endBeforeHalf(text: string, end: number): number {
  return isFirstHalf(text.charCodeAt(end - 1)) ? end - 1 : end;
}

function isFirstHalf(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
