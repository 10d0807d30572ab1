const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Escaped quotes that are searched for in one string. */
const SEARCHES_MAX = 256;

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Returns the number that begins at `at` of a JSON text, as it is written; "" without one. */
export function numberAt(text: string, at: number): string {
  NUMBER.lastIndex = at;
  const [number = ""] = NUMBER.exec(text) ?? [];
  return number;
}

/** Returns the place of the quote that ends the JSON string which begins at `at`; the text's length if nothing ends it. Linear. */
export function endOfString(text: string, at: number): number {
  let end = at;
  for (let searches = 0; searches < SEARCHES_MAX; searches += 1) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  // Searching for each escaped quote anew is slow where there are many: from here on each character is looked at.
  for (end += 1; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (code === QUOTE) return end;
    if (code === BACKSLASH) end += 1;
  }
  return text.length;
}
