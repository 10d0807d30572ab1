import type { Reading, Turn } from "../../memory/index.ts";
import type { ContextAnswer } from "./answers-roles.ts";
import type { TurnsAnswer } from "./answers.ts";

/** Converts a session's turns for a response; includes content only with `shows`. Pure. */
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

/** Converts the turns for a model, in order; includes content only with `shows`. Pure. */
export function toContext(turns: readonly Turn[], shows: boolean): ContextAnswer["data"] {
  return turns.map((turn) => ({
    role: turn.role,
    characters: JSON.stringify(turn.content ?? "").length,
    calls: Array.isArray(turn["tool_calls"]) ? turn["tool_calls"].length : 0,
    ...(shows && { message: turn }),
  }));
}
