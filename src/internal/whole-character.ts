/** Returns the end of a piece of a text, or one more where it would lie between the two halves of one character. Pure. */
export function endOfCharacter(text: string, end: number): number {
  const code = end < text.length ? text.charCodeAt(end - 1) : 0;
  return code >= 0xd800 && code <= 0xdbff ? end + 1 : end;
}
