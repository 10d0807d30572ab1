import type { Token } from "./token.ts";

const MONTHS = new Set(
  "january february march april may june july august september october november december".split(" "),
);
const DAY = /^(?:o?)(?:[1-9]|[12]\d|3[01])$/;

/** A day of a month in one way of writing: "March 2nd" and "the 2nd of March" as "2 March". */
export function withDates(tokens: readonly Token[]): readonly Token[] {
  if (!tokens.some(isMonth)) return tokens;
  const out: Token[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const [token, next, afterNext] = [tokens[at] as Token, tokens[at + 1], tokens[at + 2]];
    if (isMonth(token) && isDay(next) && !/^(?:am|pm|oclock|percent|%)$/.test(afterNext?.text ?? "")) {
      out.push(toDay(next as Token), token);
      at += 1;
    } else if (isDay(token) && next?.text === "of" && isMonth(afterNext)) {
      out.push(toDay(token), afterNext as Token);
      at += 2;
    } else if (isDay(token) && isMonth(next)) {
      out.push(toDay(token), next as Token);
      at += 1;
    } else out.push(token);
  }
  return out;
}

function isMonth(token: Token | undefined): boolean {
  return (
    token?.kind === "word" && !token.exact && MONTHS.has(token.text) && !(token.text === "may" && token.raw === "may")
  );
}

function isDay(token: Token | undefined): boolean {
  return token?.kind === "number" && DAY.test(token.text);
}

/** "2nd" before a month is the number 2. */
function toDay(token: Token): Token {
  return { ...token, text: token.text.replace(/^o/, "") };
}
