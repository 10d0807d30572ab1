import { isFollowUp } from "./follow-up.ts";
import { isPersonal } from "./personal.ts";
import { prove, read } from "./proof/index.ts";
import { isTimeBound, TIME_BOUND_PATTERNS } from "./time-bound.ts";

/** What of it has begun in this process. */
const begun = { guards: false, proofs: false };

/**
 * Loads the word lists of the proofs, and runs each kind of step once, so that its code and its expressions are compiled (about 60 ms, once per
 * process). Otherwise the first lookups do so and block the event loop meanwhile: call it before a server listens.
 */
export function loadProofs(): void {
  begun.proofs = true;
  loadGuards();
  for (const work = proofSteps(); work.next().done !== true;);
}

/** Does the part of {@link loadProofs} that caches without similar answers need, too. */
export function loadGuards(): void {
  begun.guards = true;
  for (const work = guardSteps(); work.next().done !== true;);
}

/**
 * Does the same soon, step by step in turns of the event loop, unless this process has begun before: all of {@link loadProofs}, or of
 * {@link loadGuards}. It keeps no process alive. A lookup meanwhile does itself what is left of it.
 */
export function loadLater(what: "guards" | "proofs"): void {
  if (begun[what]) return;
  begun[what] = true;
  if (what === "proofs") loadLater("guards");
  const work = what === "proofs" ? proofSteps() : guardSteps();
  const goOn = () => {
    if (work.next().done !== true) later();
  };
  const later = () => setTimeout(goOn, 1).unref();
  later();
}

/** Compiles the expressions that tell which answers may be shared, and for how long. */
function* guardSteps(): Generator<void, void> {
  const [[first]] = FIRST;
  // Twice: V8 compiles an expression to machine code at its second use.
  for (const pattern of [...TIME_BOUND_PATTERNS, ...TIME_BOUND_PATTERNS]) {
    pattern.test(first.toLowerCase());
    yield;
  }
  for (const text of FIRST.flat())
    for (const guard of [isFollowUp, isPersonal, isTimeBound]) {
      guard(text);
      yield;
    }
}

/** The work of the proofs in steps. The longest loads the word list of English, or compiles an expression. */
function* proofSteps(): Generator<void, void> {
  for (const [one, other] of FIRST) {
    const [a, b] = [read(one), read(other)];
    yield;
    // Whether a text is English is told by a word list of its own.
    const areReadable = a.readable() && b.readable();
    yield;
    if (areReadable) prove(a, b, "strict");
    yield;
  }
}

/** Pairs of questions that between them have numbers, names, orders, negation, comparison, and words that point elsewhere. */
const FIRST: readonly [readonly [string, string], ...(readonly [string, string])[]] = [
  ["Which word lists are read first?", "What word lists are read before others?"],
  ["What is the capital of France?", "Name the capital of France, please."],
  ["How many km is it from Berlin to Rome in 2024?", "What's the distance between Rome and Berlin in kilometres?"],
  ["Why don't cats like water? Explain it in three sentences.", "Explain why cats do not like water."],
  ["Is copper cheaper than silver?", "Is silver more expensive than copper?"],
  ["Translate to German: good morning and good night", "Translate into German: good night and good morning"],
  ["And what did he say about my last order 4711 today?", "What about this: how old is she?"],
];
