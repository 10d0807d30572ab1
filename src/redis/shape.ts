import type { Reply } from "./connection.ts";

/** Whether a reply has a shape. */
export type Fits = (reply: Reply) => boolean;

/**
 * Reads a shape of replies as the headers of scripts write it:
 *
 *     integer                       text                        nil                     any
 *     0 | 1 | -1                    "kept" | "lost"             text | nil
 *     [integer, text]               a list of just these
 *     [text, (text, integer)...]    a list whose end repeats, also not at all
 *
 * Text is a string or bytes. The check takes well under a microsecond however long a list is: of what repeats, it looks at how much there is, and
 * at the first and the last. A shape holds whatever is stored, also by other versions and by hand.
 * @throws Error for what is no shape: a bug
 */
export function shapeOf(source: string): Fits {
  let fits = known.get(source);
  if (fits === undefined) known.set(source, (fits = readShape(source)));
  return fits;
}

/** As many as there are scripts and kinds of commands. */
const known = new Map<string, Fits>();

const TOKEN = /"[^"]*"|-?\d+|\w+|\.\.\.|[[\](),|]/g;

function readShape(source: string): Fits {
  const tokens = source.match(TOKEN) ?? [];
  let at = 0;
  const isNext = (token: string) => tokens[at] === token && (at += 1) > 0;
  function need(token: string): void {
    if (!isNext(token))
      throw new Error(`"${source}" is no shape: ${tokens[at] ?? "its end"} stands where ${token} must`);
  }

  function one(): Fits {
    if (isNext("[")) return list();
    const token = tokens[at] ?? "its end";
    at += 1;
    if (token.startsWith('"')) return isWord(token.slice(1, -1));
    if (/^-?\d+$/.test(token)) return isNumber(Number(token));
    const kind = KINDS.get(token);
    if (kind === undefined) throw new Error(`"${source}" is no shape: ${token} is no kind of reply`);
    return kind;
  }

  function either(): Fits {
    const first = one();
    if (!isNext("|")) return first;
    const other = either();
    return (reply) => first(reply) || other(reply);
  }

  function list(): Fits {
    const heads: Fits[] = [];
    const group: Fits[] = [];
    while (!isNext("]")) {
      if (heads.length > 0) need(",");
      if (isNext("(")) {
        do group.push(either());
        while (isNext(","));
        need(")");
        need("...");
        need("]");
        break;
      }
      heads.push(either());
    }
    return isListOf(heads, group);
  }

  const fits = either();
  if (at !== tokens.length || source.replaceAll(TOKEN, "").trim() !== "") throw new Error(`"${source}" is no shape`);
  return fits;
}

const KINDS: ReadonlyMap<string, Fits> = new Map<string, Fits>([
  ["any", () => true],
  ["nil", (reply) => reply === null],
  ["text", (reply) => typeof reply === "string" || Buffer.isBuffer(reply)],
  // One that no double holds exactly comes as text.
  ["integer", (reply) => typeof reply === "number" || (typeof reply === "string" && /^-?\d{16,19}$/.test(reply))],
]);

function isWord(word: string): Fits {
  return (reply) =>
    reply === word || (Buffer.isBuffer(reply) && reply.length === word.length && String(reply) === word);
}

function isNumber(number: number): Fits {
  return (reply) => reply === number;
}

function isListOf(heads: readonly Fits[], group: readonly Fits[]): Fits {
  return (reply) => {
    if (!Array.isArray(reply)) return false;
    const list = reply as readonly Reply[];
    const more = list.length - heads.length;
    if (more === 0) return fitsAt(list, 0, heads);
    if (more < 0 || group.length === 0 || more % group.length !== 0) return false;
    return (
      fitsAt(list, 0, heads) && fitsAt(list, heads.length, group) && fitsAt(list, list.length - group.length, group)
    );
  };
}

function fitsAt(list: readonly Reply[], from: number, shapes: readonly Fits[]): boolean {
  for (let at = 0; at < shapes.length; at += 1) {
    const fits = shapes[at] as Fits;
    if (!fits(list[from + at] as Reply)) return false;
  }
  return true;
}
