/**
 * Search commands within scripts, for the stand-in of FT.*: the Redis behind it has none. A script is run with a prelude that ends it at
 * its first search, with the words of the command; the search is answered here, and the script run again with that answer in hand. Only
 * scripts that write nothing before they search come out as on a real server.
 */
import { createHash } from "node:crypto";
import type { Answer } from "./resp.ts";

/** The scripts that clients of a stand-in have sent. */
export interface SearchScripts {
  /** Remembers the text of a script that is sent, and answers the text of the one that is run. */
  textOf(words: readonly Buffer[]): string | undefined;
  /** Runs a script that may search. */
  run(text: string, words: readonly Buffer[], how: Behind): Promise<Buffer>;
}

/** What a script is run with. */
export interface Behind {
  /** Runs a command on the Redis behind; its answer on the wire. */
  readonly ask: (words: readonly (Buffer | string)[]) => Promise<Buffer>;
  /** Answers a search command as RESP2 does. */
  readonly search: (words: readonly Buffer[]) => Promise<Answer>;
}

const SEARCHES_MAX = 8;

const PRELUDE = `
local __told = cjson.decode(table.remove(ARGV))
local __redis, __asked = redis, 0
local function __hex(text) return (string.gsub(text, ".", function(c) return string.format("%02x", string.byte(c)) end)) end
local function __value(told)
  if type(told) == "table" then
    if told.err then return { err = told.err } end
    local list = {}
    for i, one in ipairs(told) do list[i] = __value(one) end
    return list
  end
  if type(told) ~= "string" then return told end
  return (string.gsub(string.sub(told, 2), "%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end
local function __call(how, raise)
  return function(...)
    local words = { ... }
    if string.upper(string.sub(words[1], 1, 3)) ~= "FT." then return how(...) end
    __asked = __asked + 1
    if __told[__asked] == nil then
      for i, word in ipairs(words) do words[i] = __hex(tostring(word)) end
      error({ err = "SEARCHES " .. table.concat(words, " ") })
    end
    local answer = __value(__told[__asked])
    if raise and type(answer) == "table" and answer.err then error(answer) end
    return answer
  end
end
local redis = setmetatable({ call = __call(__redis.call, true), pcall = __call(__redis.pcall, false) }, { __index = __redis })
`;

/** Makes an empty set of scripts. */
export function createSearchScripts(): SearchScripts {
  const texts = new Map<string, string>();
  return {
    textOf(words) {
      const verb = String(words[0]).toUpperCase();
      if (verb === "EVALSHA") return texts.get(String(words[1]).toLowerCase());
      const text = verb === "EVAL" ? words[1] : verb === "SCRIPT" ? words[2] : undefined;
      if (text === undefined) return undefined;
      texts.set(createHash("sha1").update(text).digest("hex"), String(text));
      return verb === "EVAL" ? String(text) : undefined;
    },
    async run(text, words, { ask, search }) {
      const told: unknown[] = [];
      for (;;) {
        const reply = await ask(["EVAL", `${PRELUDE}${text}`, ...words.slice(2), JSON.stringify(told)]);
        const [, asked] = /^-SEARCHES ([0-9a-f ]+)/.exec(reply.toString("latin1")) ?? [];
        if (asked === undefined || told.length === SEARCHES_MAX) return reply;
        told.push(
          toTold(
            await search(
              asked
                .trim()
                .split(" ")
                .map((word) => Buffer.from(word, "hex")),
            ),
          ),
        );
      }
    },
  };
}

/** Whether a script may search. */
export const searches = (text: string, words: readonly Buffer[]): boolean =>
  text.includes("FT.") || words.some((word) => /^FT\./i.test(word.toString("latin1", 0, 10)));

function toTold(answer: Answer): unknown {
  if (typeof answer === "string" || Buffer.isBuffer(answer)) return `s${Buffer.from(answer).toString("hex")}`;
  if (Array.isArray(answer)) return (answer as readonly Answer[]).map(toTold);
  if (typeof answer === "object" && answer !== null && "error" in answer) return { err: answer.error };
  return typeof answer === "number" ? answer : false;
}
