import { endBeforeHalf } from "../../internal/whole-character.ts";
import { malformed } from "../failures.ts";
import { textOfInput } from "./custom-tools.ts";

/** Reads the text within the JSON of an input while it is streamed. */
export interface TextReader {
  /**
   * Returns the text that a piece of the JSON completes.
   * @throws MarrowError `model_failed` if the object has a second field for the text: `JSON.parse` would read that one, and the first was sent
   */
  add(json: string): string;
  /** Returns the rest at the end: what cannot be told before it. Nothing the second time. */
  end(): string;
}

/** So much of an input is held before its text, in characters. An input of another form that has more is passed on as it comes. */
const HELD_CHARS_MAX = 65_536;

/**
 * Begins to read one input. However its JSON is cut, the text is the one that {@link textOfInput} returns for the same input as a whole; what is no
 * JSON is passed on as it is. Linear: what is held is read once, and has a bound.
 */
export function createTextReader(): TextReader {
  let state: "begin" | "fields" | "value" | "text" | "behind" | "as it is" | "over" = "begin";
  let held = "";
  /** Whether the text is a field of an object, and not all of the input. */
  let isField = false;
  const scan = createFieldScanner();

  function add(json: string): string {
    const more = state === "begin" ? json.trimStart() : json;
    if (state === "over" || more === "") return "";
    if (state === "behind") return endWithObject(more);
    held += more;
    if (state === "begin") state = more.startsWith("{") ? "fields" : JSON_VALUE.test(more) ? "value" : "as it is";
    if (state === "fields") readFields(more);
    if ((state === "fields" || state === "value") && held.length > HELD_CHARS_MAX) passOn();
    if (state === "text") return takeText();
    return state === "as it is" ? take(endBeforeHalf(held, held.length)) : "";
  }

  /** Reads the fields before the text, which are left out. */
  function readFields(more: string): void {
    const found = scan(more, "text");
    if (found === "end") state = "value";
    else if (found !== undefined) [state, held, isField] = ["text", more.slice(found), true];
  }

  function passOn(): void {
    if (held.startsWith('"')) [state, held] = ["text", held.slice(1)];
    else state = "as it is";
  }

  /** Takes the text that is held, but for an escape or a character that has not come whole. */
  function takeText(): string {
    let [end, last] = [0, 0];
    while (end < held.length && held[end] !== '"') {
      const length = held[end] !== "\\" ? 1 : held[end + 1] === "u" ? 6 : 2;
      if (end + length > held.length) break;
      last = end;
      end += length;
    }
    const isWhole = held[end] === '"';
    if (!isWhole && FIRST_HALF.test(unescaped(held.slice(last, end)))) end = last;
    const text = unescaped(take(end));
    if (!isWhole) return text;
    const behind = held.slice(1);
    [state, held] = [isField ? "behind" : "over", ""];
    return text + (isField ? endWithObject(behind) : "");
  }

  /** Reads what comes behind the text of a field. */
  function endWithObject(more: string): string {
    const found = scan(more, "field");
    if (found === "end") state = "over";
    else if (found !== undefined) throw malformed(`the input of a tool call has the field ${TEXT_FIELD} twice`);
    return "";
  }

  function take(end: number): string {
    const taken = held.slice(0, end);
    held = held.slice(end);
    return taken;
  }

  return {
    add,
    end() {
      const left = state === "fields" || state === "value" ? textOfWhole(held) : state === "as it is" ? held : "";
      [state, held] = ["over", ""];
      return left;
    },
  };
}

/** The beginning of a JSON value that is no object. */
const JSON_VALUE = /^["[\d\-tfn]/;

/** The name of the field that has the text. */
const TEXT_FIELD = "input";
/** Characters of this name where each is an escape. */
const NAME_CHARS_MAX = 6 * TEXT_FIELD.length;

/**
 * Scans an object whose JSON comes in pieces for the field of the text: returns the place in this piece where its text begins (`text`: behind the
 * quote), or where its name ends (`field`); `end` where the object ends. Reads each character once.
 */
function createFieldScanner(): (piece: string, wanted: "text" | "field") => number | "end" | undefined {
  let [depth, name] = [0, ""];
  let [isInside, isEscaped, isName, isWanted] = [false, false, true, false];
  return (piece, wanted) => {
    for (let at = 0; at < piece.length; at += 1) {
      const character = piece[at] as string;
      if (isInside) {
        const isEnd = character === '"' && !isEscaped;
        if (isEnd) {
          isInside = false;
          if (depth === 1 && isName) isWanted = unescaped(name) === TEXT_FIELD;
          if (depth === 1 && isName && isWanted && wanted === "field") return at;
        } else if (isName && name.length <= NAME_CHARS_MAX) name += character;
        isEscaped = character === "\\" && !isEscaped;
      } else if (character === '"') {
        if (depth === 1 && !isName && isWanted) return at + 1;
        [isInside, name] = [true, ""];
      } else if (character === "{" || character === "[") depth += 1;
      else if (character === "}" || character === "]") {
        depth -= 1;
        if (depth === 0) return "end";
      } else if (depth === 1 && character === ":") isName = false;
      else if (depth === 1 && character === ",") [isName, isWanted] = [true, false];
    }
    return undefined;
  };
}

/** Returns the text of a whole input; the input as it is if it is no JSON. */
function textOfWhole(json: string): string {
  try {
    return String(textOfInput(JSON.parse(json)));
  } catch {
    return json;
  }
}

/** The first half of a surrogate pair at the end. */
const FIRST_HALF = /[\uD800-\uDBFF]$/;

const ESCAPE = /\\(?:u[\da-fA-F]{4}|["\\/bfnrt])/g;

/** Decodes the escapes within a JSON string. What is none stays as it is. */
function unescaped(inside: string): string {
  if (!inside.includes("\\")) return inside;
  return inside.replace(ESCAPE, (escape) => JSON.parse(`"${escape}"`) as string);
}
