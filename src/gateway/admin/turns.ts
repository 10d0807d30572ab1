import type { Reading, Turn } from "../../memory/index.ts";
import type { ContextAnswer } from "./answers-roles.ts";
import type { TurnsAnswer } from "./answers.ts";

/** Turns of a session as answers tell of them; what was said only where `shows` says so. Pure. */
export function toTurnsAnswer(read: Reading, shows: boolean): TurnsAnswer {
  const first = read.turns[0]?.sequence;
  return {
    object: "session.turns",
    hidden: !shows,
    version: read.version,
    data: read.turns.map(({ sequence, turn, incomplete }) => ({
      sequence,
      role: turn.role,
      calls: Array.isArray(turn["tool_calls"]) ? turn["tool_calls"].length : 0,
      incomplete: incomplete === true,
      characters: JSON.stringify(turn.content ?? "").length,
      ...(shows && { turn }),
    })),
    ...(first !== undefined && first > read.oldest && { next: String(first) }),
  };
}

/** The turns that a model would be told, in their order; what they say only where `shows` says so. Pure. */
export function toContext(turns: readonly Turn[], shows: boolean): ContextAnswer["data"] {
  return turns.map((turn) => ({
    role: turn.role,
    characters: JSON.stringify(turn.content ?? "").length,
    calls: Array.isArray(turn["tool_calls"]) ? turn["tool_calls"].length : 0,
    ...(shows && { message: turn }),
  }));
}
