import type { Clause, Item } from "./clause.ts";

/**
 * Returns true if articles change the number or definiteness: "name a river" and "name the rivers", "what is the cloud" and "what is a
 * cloud". Symmetric.
 */
export function articlesDiffer(a: Clause, b: Clause): boolean {
  return isOneOf(a, b) || isOneOf(b, a) || isThePlural(a, b) || areOrdersOfOther(a, b) || isOfOtherKind(a, b);
}

/** Returns true for one against all: "name a river" asks for any one; "some rivers" is equivalent. */
function isOneOf({ article }: Clause, other: Clause): boolean {
  return article.word === "a" && article.isRequest && other.form === "list" && other.article.word === "the";
}

/** "Name the king" and "name the kings". */
function isThePlural(a: Clause, b: Clause): boolean {
  return [a, b].every(({ article }) => article.word === "the" && article.isRequest) && arePluralApart(a, b);
}

/** Returns true for orders about one and several: "delete the row" and "delete the rows", "write a test" and "write tests". */
function areOrdersOfOther(a: Clause, b: Clause): boolean {
  if (a.form !== b.form || a.article.word === "some" || b.article.word === "some") return false;
  return (isOrder(a) || isOrder(b)) && arePluralApart(a, b);
}

function isOrder({ form, commands, article }: Clause): boolean {
  return (
    commands === "tells" || commands === "errand" || form === "write" || (article.isRequest && article.word === "a")
  );
}

function arePluralApart(a: Clause, b: Clause): boolean {
  const [one, other] = [headOf(a), headOf(b)];
  if (one === undefined || other === undefined || one.entry.lemma !== other.entry.lemma) return false;
  const isPlural = ({ word, entry }: Item) => word !== entry.lemma;
  return isPlural(one) !== isPlural(other);
}

/** The noun that ends the first phrase. */
function headOf({ items }: Clause): Item | undefined {
  const end = items.findIndex(({ starts }, at) => at > 0 && starts);
  return items.at(end < 0 ? -1 : end - 1);
}

/** Common nouns that mean the same with and without an article. */
const ALIKE = new Set("internet web universe equator economy brain heart".split(" "));

const ASKS_WHAT: ReadonlySet<Clause["form"]> = new Set(["list", "explain"] as const);

/**
 * Returns true for a definite thing against a kind, and for one thing against a substance or an idea: "what is the cloud" and "what is a
 * cloud", "the time" and "time", "a security" and "security".
 */
function isOfOtherKind(a: Clause, b: Clause): boolean {
  if (!ASKS_WHAT.has(a.form) || !ASKS_WHAT.has(b.form) || a.items.length !== 1 || b.items.length !== 1) return false;
  if (a.article.isRequest || b.article.isRequest || a.article.word === b.article.word) return false;
  return [...a.items, ...b.items].every(
    ({ exact, isName, word, entry }) =>
      !exact && !isName && !entry.isName && entry.parts.includes("n") && word === entry.lemma && !ALIKE.has(word),
  );
}
