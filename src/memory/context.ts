import { MarrowError } from "../errors.ts";
import type { CountTokens } from "./tokens.ts";
import type { Kept, Summary, Turn } from "./turn.ts";

/** Parts that a context is built from. */
export interface ContextParts {
  /** Instructions, always included. */
  readonly system: readonly Turn[];
  readonly summary: Summary | undefined;
  /** Facts, most relevant first. */
  readonly facts: readonly string[];
  /** Oldest first. */
  readonly turns: readonly Kept[];
  /** Sequence numbers of turns that are always included. */
  readonly pinned: ReadonlySet<number>;
  readonly maxTokens: number;
}

/** Messages for a model. */
export interface Context {
  /** Instructions, the summary, facts, then turns, newest last. */
  readonly turns: readonly Turn[];
  readonly tokens: number;
  /** Number of included facts. */
  readonly facts: number;
  /** Sequence number of the newest turn that did not fit, 0 if all did. */
  readonly leftTo: number;
}

/** Part of what instructions and pinned turns leave that facts may take. */
const FACTS_SHARE = 0.25;

/**
 * Builds the messages for a model within a token budget.
 *
 * Instructions and pinned turns are always included. Then come the summary, facts within a quarter of the rest, and turns from the newest
 * back. A tool call and its results are included or left out together; results without their call are left out, and so are calls without
 * results unless they end the session. If turns are left out, the first included turn is a user's. Pure and deterministic.
 * @throws MarrowError `too_large` if instructions and pinned turns alone do not fit
 */
export function toContext(
  { system, summary, facts, turns, pinned, maxTokens }: ContextParts,
  count: CountTokens,
): Context {
  const units = toUnits(turns);
  const cost = (list: readonly Turn[]) => list.reduce((sum, turn) => sum + count(turn), 0);
  const isPinned = (unit: Unit) => unit.some(({ sequence }) => pinned.has(sequence));
  const chosen = new Set(units.filter(isPinned));
  let left = maxTokens - cost(system) - [...chosen].reduce((sum, unit) => sum + cost(unit.map(({ turn }) => turn)), 0);
  if (left < 0) {
    throw new MarrowError(
      "too_large",
      `instructions and pinned turns alone take ${maxTokens - left} tokens of ${maxTokens}`,
      {
        details: { path: "maxTokens", tokens: maxTokens - left, maxTokens },
      },
    );
  }
  const before: Turn[] = [...system];
  const summed = summary && toSummaryTurn(summary);
  if (summed !== undefined && count(summed) <= left) {
    before.push(summed);
    left -= count(summed);
  }
  const known = fitFacts(facts, Math.floor(left * FACTS_SHARE), count);
  if (known !== undefined) {
    before.push(known.turn);
    left -= known.tokens;
  }
  let leftTo = 0;
  for (const unit of units.toReversed()) {
    if (chosen.has(unit)) continue;
    const tokens = cost(unit.map(({ turn }) => turn));
    if (tokens > left) {
      leftTo = unit.at(-1)?.sequence ?? 0;
      break;
    }
    chosen.add(unit);
    left -= tokens;
  }
  // A cut window begins with a user's turn: an answer without its question misleads a model, and some providers reject it.
  if (leftTo > 0) {
    for (const unit of units) {
      if (!chosen.has(unit) || isPinned(unit)) continue;
      if (unit[0]?.turn.role === "user") break;
      chosen.delete(unit);
      left += cost(unit.map(({ turn }) => turn));
      leftTo = unit.at(-1)?.sequence ?? leftTo;
    }
  }
  const said = units.filter((unit) => chosen.has(unit)).flatMap((unit) => unit.map(({ turn }) => turn));
  return { turns: [...before, ...said], tokens: maxTokens - left, facts: known?.count ?? 0, leftTo };
}

/** Turns that come together. */
type Unit = readonly Kept[];

/** Groups calls of tools with their results, and leaves out what lacks its other half. */
function toUnits(turns: readonly Kept[]): Unit[] {
  const units: Unit[] = [];
  for (let at = 0; at < turns.length; at += 1) {
    const kept = turns[at] as Kept;
    if (isResult(kept.turn)) continue;
    const wanted = callsOf(kept.turn);
    if (wanted.size === 0) {
      units.push([kept]);
      continue;
    }
    const unit = [kept];
    let next = at + 1;
    for (; next < turns.length && isResult((turns[next] as Kept).turn); next += 1) {
      const result = turns[next] as Kept;
      if (wanted.delete(String(result.turn["tool_call_id"]))) unit.push(result);
    }
    if (wanted.size === 0 || next === turns.length) units.push(unit);
  }
  return units;
}

function isResult({ role }: Turn): boolean {
  return role === "tool" || role === "function";
}

/** Ids of the calls in a turn. */
function callsOf(turn: Turn): Set<string> {
  const calls = turn["tool_calls"];
  return new Set(Array.isArray(calls) ? calls.map((call: { id?: unknown } | null) => String(call?.id)) : []);
}

function toSummaryTurn({ text }: Summary): Turn {
  return { role: "system", content: `What was said before, in short:\n${text}` };
}

function fitFacts(facts: readonly string[], room: number, count: CountTokens) {
  // By halves: counting all facts anew for each further one would be quadratic in their number.
  const toTurn = (many: number): Turn => ({
    role: "system",
    content: ["What is known of the user, from earlier conversations:", ...facts.slice(0, many)].join("\n- "),
  });
  let [fits, tooMany] = [0, facts.length + 1];
  let fitting: { readonly turn: Turn; readonly tokens: number; readonly count: number } | undefined;
  while (tooMany - fits > 1) {
    const many = Math.floor((fits + tooMany) / 2);
    const turn = toTurn(many);
    const tokens = count(turn);
    if (tokens > room) tooMany = many;
    else {
      fits = many;
      fitting = { turn, tokens, count: many };
    }
  }
  return fitting;
}
