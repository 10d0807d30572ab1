/** A made-up word that no vocabulary has, another one for each number. */
export function madeUp(nth: number): string {
  return `zq${nth.toString(36).replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "")}`;
}

const PROSE =
  "The quick brown fox did not jump over 12 lazy dogs, because Mrs. Miller's gate was shut. Why? Nobody in London knows! ";

/** Fills a text of some characters out of pieces, one for each number. */
function filled(chars: number, piece: (nth: number) => string): string {
  const pieces: string[] = [];
  for (let length = 0, nth = 0; length < chars; nth += 1) {
    const next = piece(nth);
    pieces.push(next);
    length += next.length;
  }
  return pieces.join("").slice(0, chars).toWellFormed();
}

/** Texts of any length on which a step that is not linear shows. */
export const TEXTS: Readonly<Record<string, (chars: number) => string>> = {
  prose: (chars) => filled(chars, () => PROSE),
  "white space": (chars) => `${" ".repeat(chars - 1)}x`,
  "white space within": (chars) => `x${"\t".repeat(chars - 2)}y`,
  "line ends": (chars) => `a${"\n".repeat(chars - 2)}b`,
  "one repeated word": (chars) => filled(chars, () => "bread "),
  "one long word": (chars) => "a".repeat(chars),
  "made-up words": (chars) => filled(chars, (nth) => `${madeUp(nth)} `),
  "direction words": (chars) => filled(chars, (nth) => `to ${madeUp(nth)} `),
  pronouns: (chars) => `zz ${filled(chars - 3, () => "it ")}`,
  digits: (chars) => filled(chars, (nth) => String(nth)),
  "numbers with commas": (chars) => filled(chars, () => "1,"),
  emoji: (chars) => filled(chars, () => "👩‍💻😀"),
  CJK: (chars) => filled(chars, () => "漢字テキスト"),
  "combining marks": (chars) => `a${"\u0301".repeat(chars - 1)}`,
  "marks in turn": (chars) => `a${"\u0301\u0323".repeat(chars / 2)}`.slice(0, chars),
  "marks in blocks": (chars) => `a${"\u0301".repeat(chars / 2)}${"\u0323".repeat(chars / 2)}`.slice(0, chars),
  "marks on each letter": (chars) => filled(chars, () => `e${"\u0301".repeat(15)}${"\u0323".repeat(15)}`),
  commas: (chars) => `${",".repeat(chars - 1)}x`,
  marks: (chars) => `${"?!".repeat(chars / 2)}x`,
  quotes: (chars) => filled(chars, () => "\"'`“"),
  escapes: (chars) => filled(chars, () => '"\\\n'),
  base64: (chars) => filled(chars, (nth) => Buffer.from(madeUp(nth * 7919)).toString("base64url")),
  "code-like words": (chars) => filled(chars, (nth) => `a_b${nth}.js --x `),
  "capitalised words": (chars) => filled(chars, (nth) => `and ${"ABCDEFG"[nth % 7]}lice${nth % 100} `),
  "words of orders": (chars) => filled(chars, () => "curl -curl ignore system : #"),
};
