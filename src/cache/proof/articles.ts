import { isCapital, type Token } from "./token.ts";
import { FUNCTION_WORDS } from "./words/function-words.ts";

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
 * Whether an article tells a noun from a name. It does where the noun ends its phrase: "a Windows 11 password" has the article of "password".
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
