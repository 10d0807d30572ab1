import { randomUUID } from "node:crypto";
import { liftStrings } from "./lifted-json.ts";
import { LongText } from "./long-text.ts";
import { createTimeSlice, takeInSlices } from "./time-slice.ts";
import { inWholeCharacters } from "./whole-character.ts";

/** A JSON text in which marks stand in the places of its long strings, and one space in the place of long white space between its tokens. */
export interface LiftedTexts {
  readonly text: string;
  /**
   * Puts the strings in the places of their marks in the value of the text: as a {@link LongText} where `keepsPieces` says so. Returns false where a mark is the
   * name of a field, or the whole text: the value is then not what the text says. `undefined` where no string was taken out. @throws SyntaxError for a string that is no JSON
   */
  readonly putBack: ((value: unknown, keepsPieces?: KeepsPieces) => Promise<boolean>) | undefined;
}

/** Returns whether the string of a field stays in pieces, by its characters; the name is empty for an item of a list. */
export type KeepsPieces = (field: string, chars: number) => boolean;

/** Takes the strings of more than `charsMax` characters out of a JSON text in pieces, in slices of the event loop. */
export async function liftTexts(pieces: readonly string[], charsMax: number): Promise<LiftedTexts> {
  const { text, strings } = await takeInSlices(liftStrings(pieces, charsMax));
  if (strings.size === 0) return { text, putBack: undefined };
  const slice = createTimeSlice();
  const mark = randomUUID();
  const marked: string[] = [];
  const lifted = [...strings.values()];
  let from = 0;
  for (const [nth, start] of [...strings.keys()].entries()) {
    marked.push(text.slice(from, start + 1), mark, String(nth));
    from = start + 1;
  }

  /** The string of a mark. As one string, V8 joins it where it is first read. */
  async function stringOf(nth: number, field: string, keepsPieces: KeepsPieces): Promise<string | LongText> {
    const read: string[] = [];
    for (const piece of lifted[nth] ?? []) {
      read.push(JSON.parse(`"${piece}"`) as string);
      const rest = slice();
      if (rest !== undefined) await rest;
    }
    const long = new LongText(inWholeCharacters(read));
    return keepsPieces(field, long.length) ? long : long.toString();
  }

  return {
    text: [...marked, text.slice(from)].join(""),

    async putBack(value, keepsPieces = () => false) {
      if (typeof value === "string") return false;
      const open: unknown[] = [value];
      while (open.length > 0) {
        const next = open.pop();
        if (typeof next !== "object" || next === null) continue;
        for (const name of Object.keys(next)) {
          if (name.startsWith(mark)) return false;
          const part = (next as Record<string, unknown>)[name];
          if (typeof part === "object") open.push(part);
          else if (typeof part === "string" && part.startsWith(mark))
            (next as Record<string, unknown>)[name] = await stringOf(
              Number(part.slice(mark.length)),
              Array.isArray(next) ? "" : name,
              keepsPieces,
            );
        }
      }
      return true;
    },
  };
}
