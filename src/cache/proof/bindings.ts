import type { Alignment } from "./align.ts";
import type { Clause, Item } from "./clause.ts";
import { ONE_OF, THE_ONE } from "./item.ts";
import type { Level } from "./level.ts";
import { sameList } from "./same-list.ts";
import type { Veto } from "./veto.ts";

/** Negations, quantifiers and owners are bound to the same words. */
export function bindingsDiffer(
  a: Clause,
  b: Clause,
  { a: left, b: right, isSame }: Alignment,
  level: Level,
): Veto | undefined {
  if (isSame && !isBinding(a) && !isBinding(b)) {
    const [one, other] = [a.items[0] as Item, b.items[0] as Item];
    return isOrder(a, 0) !== isOrder(b, 0) && (isDone(one) || isDone(other)) ? "roles" : undefined;
  }
  const at = new Map(b.items.map((item, index) => [right[index] as number, item]));
  const generous = level !== "strict" || isGeneric(a) || isGeneric(b);
  let owners: [string[], string[]] = [[], []];
  const owned = [new Set<string>(), new Set<string>()] as const;
  const [boundA, boundB] = [[...weighed(a.loose, a)], [...weighed(b.loose, b)]];
  for (const [index, item] of a.items.entries()) {
    const other = at.get(left[index] as number);
    owners[0].push(...item.owners);
    for (const owner of item.owners) owned[0].add(`${owner} ${left[index]}`);
    if (
      other !== undefined &&
      isOrder(a, index) !== isOrder(b, b.items.indexOf(other)) &&
      (isDone(item) || isDone(other))
    )
      return "roles";
    if (other === undefined || (left[index] as number) < 0) {
      boundA.push(...weighed(item.bound, a));
      continue;
    }
    if (opposed(item.bound, other.bound)) return "quantifier";
    if (isOneOf(item, other) || isOneOf(other, item)) return "quantifier";
    if (!sameList(weighed(item.bound, a), weighed(other.bound, b)))
      return item.bound.includes("not") || other.bound.includes("not") ? "negation" : "quantifier";
  }
  b.items.forEach((item, index) => {
    owners[1].push(...item.owners);
    for (const owner of item.owners) owned[1].add(`${owner} ${right[index]}`);
    if ((right[index] as number) < 0) boundB.push(...weighed(item.bound, b));
  });
  if (!sameList(boundA.toSorted(), boundB.toSorted())) return "quantifier";
  owners = [owners[0], owners[1]].map((list) => [...new Set(list)].toSorted()) as [string[], string[]];
  // "My interest in savings" is not "the interest on my savings".
  if (sameList(owners[0], owners[1]))
    return isWithin(owned[0], owned[1]) || isWithin(owned[1], owned[0]) ? undefined : "person";
  // "My card" in a question how to do something is "the card".
  const onlyMine =
    [...owners[0], ...owners[1]].every((one) => one === "1" || one === "2") &&
    (owners[0].length === 0 || owners[1].length === 0);
  return onlyMine && generous ? undefined : "person";
}

/** Whether a sentence has negations, quantifiers or owners. */
function isBinding({ items, loose }: Clause): boolean {
  if (loose.length > 0) return true;
  for (const { bound, owners } of items) if (bound.length > 0 || owners.length > 0) return true;
  return false;
}

function isWithin(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return [...part].every((one) => whole.has(one));
}

/** "A chicken" and "chicken". */
function isOneOf(one: Item, other: Item): boolean {
  return (
    one.word === other.word && one.bound.includes(ONE_OF) && !other.bound.some((it) => it === ONE_OF || it === THE_ONE)
  );
}

/** "All files" are not "some files", even where either may be left out. */
function opposed(a: readonly string[], b: readonly string[]): boolean {
  return (a.includes("all") && b.includes("some")) || (a.includes("some") && b.includes("all"));
}

/** The first word of an instruction: "stop all containers". */
function isOrder({ form, items }: Clause, at: number): boolean {
  const item = items[at] as Item;
  return (
    at === 0 &&
    (form === "keywords" || form === "how") &&
    item.word === item.entry.lemma &&
    item.entry.parts.includes("v")
  );
}

/** A participle: "stopped". */
function isDone({ word, entry }: Item): boolean {
  return (word !== entry.lemma || entry.also.length > 0) && /(?:ed|en|wn|ght)$/.test(word);
}

function isGeneric({ form }: Clause): boolean {
  return form === "how" || form === "keywords" || form === "want" || form === "list" || form === "statement";
}

/** Returns the bound words that matter: "some" adds nothing, and a list implies "all". */
function weighed(bound: readonly string[], { form, negations }: Clause): string[] {
  return bound.filter(
    (one) =>
      one !== "some" &&
      one !== ONE_OF &&
      one !== THE_ONE &&
      // "Can I just pay the minimum" is not "can I pay it".
      !(one === "just" && form !== "yesno") &&
      !(one === "all" && form !== "yesno" && form !== "statement") &&
      // "Has not come yet" equals "still has not come".
      !(negations > 0 && (one === "still" || one === "yet")) &&
      !one.startsWith("owner"),
  );
}
