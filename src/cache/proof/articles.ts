import { ONE_OF, THE_ONE } from "./item.ts";
import { lookUp } from "./lexicon.ts";
import { isCapital, type Token } from "./token.ts";
import { FUNCTION_WORDS } from "./words/function-words.ts";
import { MASS_OR_COUNT } from "./words/mass-and-count.ts";

const ARTICLES = new Set(["a", "an", "the"]);
/** Nouns that are names of products without an article: "the limit of a node" is not the limit of Node. */
const NOUN_OR_NAME = new Set(
  (
    "node react go swift express spring rust apple windows python ruby java docker flask oracle shell slack word excel access chrome edge meta amazon target gap square stripe notion " +
    "figma angular ember backbone meteor bun julia dart flutter elixir crystal kafka hive spark storm flink beam pig drill impala presto puppet chef salt vagrant consul vault ansible " +
    "nomad jest mocha cypress playwright vite rollup parcel grunt gulp bower yarn turbo gatsby ghost strapi electron unity unreal godot blender maya visa discord zoom signal telegram steam epic switch"
  ).split(" "),
);

/**
 * Returns the meaning of an article before a mass or abstract noun: "a chicken" is one thing, "the chicken" a certain one or the substance,
 * "chicken" the substance. Empty for other nouns, and if the noun does not end its phrase.
 */
export function countOf(
  { text, kind }: Token,
  next: Token | undefined,
  afterNext: Token | undefined,
): typeof ONE_OF | typeof THE_ONE | "" {
  if (kind !== "word" || !ARTICLES.has(text) || next?.kind !== "word" || next.exact) return "";
  if (!MASS_OR_COUNT.has(next.text) || isCapital(next.raw)) return "";
  const isEnd =
    afterNext?.kind !== "word" || FUNCTION_WORDS.has(afterNext.text) || lookUp(afterNext.text).parts.startsWith("a");
  return isEnd ? (text === "the" ? THE_ONE : ONE_OF) : "";
}

/**
 * Returns true if an article distinguishes a noun from a name. It does if the noun ends its phrase: the article of "a Windows 11 password"
 * belongs to "password".
 */
export function tellsNounFromName(
  { text, kind }: Token,
  next: Token | undefined,
  afterNext: Token | undefined,
): boolean {
  if (kind !== "word" || !ARTICLES.has(text) || next === undefined) return false;
  if (next.exact || !NOUN_OR_NAME.has(next.text) || isCapital(next.raw)) return false;
  return afterNext === undefined || afterNext.kind === "stop" || FUNCTION_WORDS.has(afterNext.text);
}
