import { isFollowUp } from "./follow-up.ts";
import { isPersonal } from "./personal.ts";
import { prove, read } from "./proof/index.ts";
import { isTimeBound } from "./time-bound.ts";

let isBegun = false;

/**
 * Loads the word lists of the proofs, and runs each kind of step once, so that its code and its expressions are compiled (about 60 ms, once per
 * process). Otherwise the first lookups do so and block the event loop meanwhile: call it before a server listens.
 */
export function loadProofs(): void {
  isBegun = true;
  for (const work = steps(); work.next().done !== true;);
}

/**
 * Does the same soon, step by step in turns of the event loop, unless this process has begun before. It keeps no process alive. A lookup
 * meanwhile does itself what is left of it.
 */
export function loadProofsLater(): void {
  if (isBegun) return;
  isBegun = true;
  const work = steps();
  const goOn = () => {
    if (work.next().done !== true) later();
  };
  const later = () => setTimeout(goOn, 1).unref();
  later();
}

/** The work in steps. The longest loads the word list of English, or compiles an expression. */
function* steps(): Generator<void, void> {
  for (const [one, other] of FIRST) {
    const [a, b] = [read(one), read(other)];
    yield;
    // Whether a text is English is told by a word list of its own.
    const areReadable = a.readable() && b.readable();
    yield;
    if (areReadable) prove(a, b, "strict");
    for (const text of [one, other])
      for (const guard of [isFollowUp, isPersonal, isTimeBound]) {
        yield;
        guard(text);
      }
  }
}

/** Pairs of questions that between them have numbers, names, orders, negation, comparison, and words that point elsewhere. */
const FIRST: readonly (readonly [string, string])[] = [
  ["Which word lists are read first?", "What word lists are read before others?"],
  ["What is the capital of France?", "Name the capital of France, please."],
  ["How many km is it from Berlin to Rome in 2024?", "What's the distance between Rome and Berlin in kilometres?"],
  ["Why don't cats like water? Explain it in three sentences.", "Explain why cats do not like water."],
  ["Is copper cheaper than silver?", "Is silver more expensive than copper?"],
  ["Translate to German: good morning and good night", "Translate into German: good night and good morning"],
  ["And what did he say about my last order 4711 today?", "What about this: how old is she?"],
];
