/** A content word in its place: the number of its pair, and how its phrase is bound. */
export interface Placed {
  readonly id: number;
  /** The preposition or conjunction before it; empty inside a phrase. */
  readonly mark: string;
  /** Whether it is the first word of a phrase. */
  readonly starts: boolean;
  readonly isNumber: boolean;
  /** A superlative: "largest". */
  readonly isSuperlative: boolean;
  /** An act: "skating". */
  readonly isAct: boolean;
  /** A search operator: "author:alice". */
  readonly isOperator: boolean;
  /** An act on one side, its noun on the other: "preventing burnout", "burnout prevention". */
  readonly isDerived: boolean;
  /** An adverb of manner: "permanently". */
  readonly isAdverb: boolean;
  /** True for a predicate: "open". */
  readonly isPredicate: boolean;
  /** Written with a capital inside a sentence, and no word that is always. */
  readonly isName: boolean;
  /** True for a keyword that may come first or last: "example", "download", "today". */
  readonly isHead: boolean;
  /** True for a noun that takes "of" and "for" with the same meaning: "requirement". */
  readonly isTopic: boolean;
  /** A common word, which is in the lexicon. */
  readonly isKnown: boolean;
  /** A verb in its base form: "wash". */
  readonly isVerb: boolean;
  /** A common noun. */
  readonly isThing: boolean;
  /** The owner of the word before it: "the seller's bank". */
  readonly isOwner: boolean;
}

/** Parts that may be rearranged between two sentences. */
export interface Freedom {
  /** Keywords in any order: one side is no full sentence. */
  readonly keywords: boolean;
  /** Marks that occur more than once in a sentence: their phrases may not move. */
  readonly repeated: ReadonlySet<string>;
  /** Whether two things are compared, where no adjective belongs to both: "compare two-factor and passkeys". */
  readonly compared: boolean;
  /** Whether phrases of keywords may change places that have no names on both sides. */
  readonly loose: boolean;
  /** Whether both ask how many there are of something: strings in a violin are on it. */
  readonly counted: boolean;
  /** Whether anything but both sides of a conjunction may move. */
  readonly moves: boolean;
}

/** Moves of whole phrases that may lead from one order to the other. */
const MOVES_MAX = 3;
/** Longest phrase that moves, in words. */
const BLOCK_MAX = 6;

/**
 * Returns true if two orders of the same words have the same roles: equal, or equal after moves that change no role. Both sides of "and" or
 * "or" may be swapped, a phrase with its own preposition may move, and a compound may become a phrase ("Texas city", "city in Texas").
 */
export function sameRoles(a: readonly Placed[], b: readonly Placed[], freedom: Freedom): boolean {
  return rearranged(a, b, freedom, MOVES_MAX) || rearranged(b, a, freedom, MOVES_MAX);
}

function rearranged(a: readonly Placed[], b: readonly Placed[], freedom: Freedom, moves: number): boolean {
  let start = 0;
  while (start < a.length && sameAt(a, b, start, freedom)) start += 1;
  if (start === a.length) return true;
  if (moves === 0) return false;
  // The word that stands here in `a` stands further on in `b`, at the start of the block that has moved.
  const wanted = (a[start] as Placed).id;
  for (let from = start + 1; from < b.length; from += 1) {
    if (b[from]?.id !== wanted) continue;
    const before = b.slice(start, from);
    for (let length = Math.min(BLOCK_MAX, b.length - from); length >= 1; length -= 1) {
      const block = b.slice(from, from + length);
      if (!block.every(({ id }, at) => a[start + at]?.id === id)) continue;
      const behind = b[from + length];
      const isWhole = behind?.starts !== false;
      const moved = moveOf(block, before, a, start, { ...freedom, isWhole, mayPart: mayPart(behind) });
      if (moved === undefined) continue;
      const next = [...b.slice(0, start), ...moved, ...b.slice(from + length)];
      if (rearranged(a, next, freedom, moves - 1)) return true;
    }
  }
  return false;
}

/** Equal words under marks that say the same. */
function sameAt(a: readonly Placed[], b: readonly Placed[], at: number, { counted }: Freedom): boolean {
  const [one, other] = [a[at] as Placed, b[at] as Placed];
  if (one.id !== other.id) return false;
  if (sameMark(one.mark, other.mark))
    return !isOtherHead(a, b, at) && (counted || !isOtherPlace(one, other, a[at - 1]));
  // "Boston to Denver" is from Boston.
  const marks = `${one.mark}${other.mark}`;
  return marks === "from" && a[at + 1]?.mark === "to" && b[at + 1]?.mark === "to";
}

/**
 * Returns true if a preposition changes the meaning of two common words: "a living city" and "living in a city", "wrote the novel" and
 * "wrote in the novel". With a name, a number or a time it does not: "weather in Sydney".
 */
function isOtherHead(a: readonly Placed[], b: readonly Placed[], at: number): boolean {
  const [one, other, before] = [a[at] as Placed, b[at] as Placed, a[at - 1]];
  if (before === undefined || (one.mark === "") === (other.mark === "")) return false;
  const [bound, free] = one.mark === "" ? [other, one] : [one, other];
  if (free.starts || !PLACES.has(bound.mark) || !bound.isKnown || bound.isHead || bound.isNumber) return false;
  return before.isAct || before.isVerb || before.isThing;
}

const PLACES = new Set(["in", "on", "at", "about"]);

/**
 * Whether two prepositions that mostly say the same place a common thing otherwise: on the box and in the box, a speech for a mayor and that of a
 * mayor. Of a name, a number or what only heads it they say the same: "in Linux" and "on Linux", "a recipe for soup" and "of soup".
 */
function isOtherPlace(one: Placed, other: Placed, before: Placed | undefined): boolean {
  if (one.mark === other.mark) return false;
  const marks = [one.mark, other.mark].toSorted().join(" ");
  if (marks === "in on") return one.isThing && one.isKnown && !one.isHead && !one.isNumber;
  // Songs about somebody are not songs of his, but a tutorial of a thing is about it.
  if (marks === "about of") return before?.isHead !== true;
  return marks === "for of" && before?.isHead === false && !before.isTopic;
}

const WEAK = new Set(["of", "in", "on", "for", "about", "inf", "at"]);
const ALIKE = new Set([
  "of in",
  "in of",
  "on about",
  "about on",
  "of about",
  "about of",
  "of for",
  "for of",
  "in at",
  "at in",
  "inf for",
  "for inf",
  "inf of",
  "of inf",
  "inf to",
  "to inf",
  "on in",
  "in on",
]);

/** Whether two prepositions bind alike. */
export function sameMark(a: string, b: string): boolean {
  if (a === b) return true;
  if (a === "") return WEAK.has(b);
  if (b === "") return WEAK.has(a);
  return ALIKE.has(`${a} ${b}`);
}

/** Prepositions of possession or place, which belong to the noun before them. */
const ATTACHED = new Set(["with", "in", "on", "at", "near", "under", "over", "behind"]);

/** The words of `before` and `block` with the block first, or `undefined` where that would change a role. */
function moveOf(
  block: readonly Placed[],
  before: readonly Placed[],
  a: readonly Placed[],
  start: number,
  freedom: Freedom & { readonly isWhole: boolean; readonly mayPart: boolean },
): readonly Placed[] | undefined {
  const target = a.slice(start, start + block.length);
  const first = block[0] as Placed;
  const goal = target[0] as Placed;
  // The words that were before it, as they stand behind it in `a`.
  const behind = a.slice(start + block.length, start + block.length + before.length);
  const opens = before[0] as Placed;
  const isNeighbour = behind.length === before.length && behind.every(({ id }, at) => id === before[at]?.id);
  if (
    isJoint(first.mark) &&
    isNeighbour &&
    isJoint(behind[0]?.mark ?? "") &&
    // "The seller's bank or the buyer" is not "the buyer's bank or the seller".
    !opens.isOwner &&
    areParallel(before, block, freedom.compared ? "vs" : first.mark)
  ) {
    // "A and B" as "B and A".
    return [
      ...withMark(block, before[0]?.mark ?? "", before[0]?.starts ?? true),
      ...withMark(before, first.mark, true),
    ];
  }
  if (!freedom.moves) return undefined;
  const afterBlock = a[start + block.length];
  if (
    first.starts &&
    first.mark !== "" &&
    !joins(first.mark) &&
    goal.starts &&
    sameMoved(first.mark, goal.mark, start) &&
    !freedom.repeated.has(first.mark) &&
    // "A lake and a pond in Canada" is not "a lake in Canada and a pond".
    !(start > 0 && before.some(({ mark }) => joins(mark))) &&
    // "A man with a dog in a park" is not "a man in a park with a dog".
    !(
      ATTACHED.has(first.mark) &&
      !block.some(({ isNumber, isHead }) => isNumber || isHead) &&
      before.some(({ mark }) => ATTACHED.has(mark))
    ) &&
    // "A block on a cube" differs from "a cube on a block", and "rooms in a house" from "houses for a room".
    !(isNeighbour && goal.mark === "" && opens.mark === "" && isOtherPhrase(first.mark, behind[0]?.mark ?? ""))
  ) {
    // A phrase with a preposition of its own stands elsewhere; one with "of" belongs to its noun.
    if (
      first.mark !== "of" &&
      freedom.isWhole &&
      // "Is the shop open on Sunday" does not ask for the Sunday shop.
      !(goal.mark === "" && afterBlock?.starts === false && before.at(-1)?.isPredicate === true) &&
      (afterBlock?.starts !== false || (start === 0 && (goal.mark === "" || (block.length === 1 && first.isNumber))))
    )
      return [...block, ...before];
  }
  if (
    isNeighbour &&
    freedom.isWhole &&
    first.starts &&
    WEAK.has(first.mark) &&
    // The best engine to go is not the best "go" engine.
    first.mark !== "inf" &&
    block.length <= 3 &&
    before.length <= 3 &&
    sameMark(goal.mark, opens.mark) &&
    afterBlock?.starts === false &&
    isPlain(before) &&
    before.at(-1)?.isPredicate !== true &&
    !first.isNumber &&
    // "Kansas City" is a name, and no city in Kansas; nor is Miami University that of Miami.
    !before.at(-1)?.isName &&
    // "Songs about Bob Dylan" are not Bob Dylan songs.
    !(first.mark === "about" && !block.every(({ isKnown }) => isKnown) && before.at(-1)?.isHead !== true) &&
    !block.some(({ isAct }) => isAct)
  ) {
    // "City in Texas" as "Texas city".
    return [...withMark(block, opens.mark, opens.starts), ...withMark(before, "", false)];
  }
  if (
    start === 0 &&
    block.length === 1 &&
    first.isSuperlative &&
    isNeighbour &&
    first.mark === "" &&
    (a[behind.length + 1] === undefined || (a[behind.length + 1]?.starts === true && a[behind.length + 1]?.mark !== ""))
  ) {
    // "Which city is the largest" equals "the largest city".
    return [withMark(block, opens.mark, opens.starts), withMark(before, "", false)].flat();
  }
  if (
    isNeighbour &&
    ((block.length === 1 && first.isDerived && isPlain(before)) ||
      (before.length === 1 && opens.isDerived && isPlain(block))) &&
    isWeak(first.mark)
  )
    return [
      ...withMark(block, opens.mark, opens.starts),
      ...withMark(before, behind[0]?.mark ?? "", behind[0]?.starts ?? false),
    ];
  if (block.length === 1 && first.isAdverb && first.mark === "") return [{ ...first, starts: goal.starts }, ...before];
  if (before.length === 1 && opens.isAdverb && opens.mark === "" && isNeighbour)
    return [...withMark(block, first.mark, true), ...before];
  if (
    freedom.keywords &&
    block.length + before.length <= 8 &&
    // "Dog food" is no "food dog", nor are flights "Oslo Rome" those "Rome Oslo".
    (isLoose(block, goal, first.mark === "" ? mayPart(afterBlock) : freedom.mayPart) ||
      before.every(({ isHead, isDerived }) => isHead || isDerived) ||
      (freedom.loose &&
        block.length + before.length >= LOOSE_FROM &&
        !(block.some(isBearing) && before.some(isBearing)))) &&
    // An act stands first or last among keywords: a "water tank pump" is no "water pump tank".
    (!(block.some(isActThing) || before.some(isActThing)) ||
      (start === 0 && behind.length === a.length - block.length)) &&
    movesFreely(block) &&
    movesFreely(before.slice(1)) &&
    !isStrong(opens.mark)
  )
    return [...withMark(block, goal.mark, goal.starts), ...before];
  return undefined;
}

/** A verb that may be a thing in a compound: "pump". */
function isActThing({ isVerb, mark, isDerived }: Placed): boolean {
  return isVerb && mark === "" && !isDerived;
}

/** Whether keywords may be parted before a word: it begins a phrase, or is a head, or a name. */
function mayPart(next: Placed | undefined): boolean {
  return next === undefined || next.starts || next.isHead || !next.isKnown;
}

/**
 * Returns true for keywords that may come before or after others: heads and acts, a year, and a phrase with a preposition on one side: "in
 * npm audit".
 */
function isLoose(block: readonly Placed[], goal: Placed, isWhole: boolean): boolean {
  const [first] = block as [Placed];
  // "Fertilizer for indoor plants" is not "indoor fertilizer plants".
  return (
    ((first.mark === "") !== (goal.mark === "") && isWhole) ||
    block.every(({ isHead, isDerived, isAct, isThing }) => isHead || isDerived || (isAct && !isThing))
  );
}

/** Words from which phrases of keywords may change places where they are not asked to be proven strictly. */
const LOOSE_FROM = 4;

/** Returns true for a word whose order relative to other such words matters: a name, a number, code, or an unknown word. */
function isBearing({ isHead, isKnown, isNumber }: Placed): boolean {
  return isNumber || (!isHead && !isKnown);
}

/** Two sides of a conjunction: one phrase each, or phrases of the same build. */
function areParallel(one: readonly Placed[], other: readonly Placed[], joint: string): boolean {
  // "Red wine and cheese" is not "cheese and red wine", and who washes and dries does so in this order.
  if (isPlain(one) && isPlain(other))
    return joint !== "and" || (one.length === other.length && !(one[0]?.isVerb && other[0]?.isVerb));
  return one.length === other.length && one.every(({ mark }, at) => at === 0 || mark === other[at]?.mark);
}

/** Returns true if two things swap around a preposition, unless one describes the other: "statistics: definition of variance". */
function isOtherPhrase(one: string, other: string): boolean {
  return one === other || (other !== "" && other !== "of");
}

function sameMoved(one: string, other: string, start: number): boolean {
  return one === other || (start === 0 && other === "");
}

/** Words of keywords that may stand anywhere: bound by nothing, or weakly. */
function movesFreely(block: readonly Placed[]): boolean {
  return block.every(({ mark }) => mark === "" || WEAK.has(mark));
}

function isWeak(mark: string): boolean {
  return mark === "" || WEAK.has(mark);
}

function isStrong(mark: string): boolean {
  return mark !== "" && !WEAK.has(mark);
}

function isJoint(mark: string): boolean {
  return mark === "and" || mark === "or" || mark === "vs";
}

/** "and", and "and to". */
function joins(mark: string): boolean {
  return isJoint(mark) || /^(?:and|or) /.test(mark);
}

/** A block of one phrase. */
function isPlain(block: readonly Placed[]): boolean {
  return block.length <= 4 && block.slice(1).every(({ mark, starts }) => mark === "" && !starts);
}

function withMark(block: readonly Placed[], mark: string, starts: boolean): readonly Placed[] {
  const [first, ...rest] = block;
  return first === undefined ? [] : [{ ...first, mark, starts }, ...rest];
}
