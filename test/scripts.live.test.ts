import { globSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { hasShape } from "../src/redis/command-shapes.ts";
import type { Reply, Script } from "../src/redis/index.ts";
import { shapeOf } from "../src/redis/shape.ts";
import { liveTest } from "./live.ts";

const files = globSync("src/*/scripts.gen.ts");
const modules = (await Promise.all(files.map((file) => import(/* @vite-ignore */ resolve(file))))) as Record<
  string,
  unknown
>[];
const scripts = modules.flatMap((all) => Object.values(all)) as Script<string, string>[];
const sources = globSync("src/*/scripts/*.lua").map(
  (file) => [basename(file, ".lua"), readFileSync(file, "utf8")] as const,
);

/** What a script may answer, as far as it is written in its text: numbers, words and nil. */
function answersOf(lua: string): readonly Reply[] {
  const main = lua.replaceAll(/^local function \w+\((?:[^\n]* end$|.*?^end$)/gms, "");
  return [...main.matchAll(/\breturn (-?\d+|nil|false|"[^"]*"(?: \.\.)?)(?= end$|$| )/gm)].map(([, told = ""]) => {
    if (told === "nil" || told === "false") return null;
    return told.startsWith('"') ? told.split('"')[1]! : Number(told);
  });
}

describe("every script", () => {
  it("says of which shape its reply is, so that one of another command is no answer", () => {
    expect(scripts.length).toBeGreaterThan(90);
    const others: Reply[] = [null, 7_777, "another word", [], [[]], ["a", 7_777, null]];
    const wrong = scripts.filter(({ shape }) => others.every((reply) => shapeOf(shape)(reply)));
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it("has one that fits all that its text answers", () => {
    const wrong = sources.flatMap(([name, lua]) => {
      const shape = scripts.find((one) => one.name === name && lua.includes(`-- SHAPE ${one.shape}\n`))?.shape;
      if (shape === undefined) return [`${name}: no shape`];
      return answersOf(lua)
        .filter((reply) => !shapeOf(shape)(reply))
        .map((reply) => `${name}: ${JSON.stringify(reply)}`);
    });
    expect(wrong).toEqual([]);
  });
});

/** Commands whose replies have as many shapes as subcommands or callers' scripts, and those of subscriptions. */
const ANY: ReadonlySet<string> = new Set(
  "ACL CLIENT CLUSTER COMMAND CONFIG EVAL EVALSHA EXEC HELLO MEMORY MULTI OBJECT PUBSUB SCRIPT SLOWLOG SUBSCRIBE XINFO".split(
    " ",
  ),
);

describe("every command that is sent", () => {
  liveTest("has a shape of its reply, so that one of another command is no answer", async ({ redis }) => {
    const rooms = globSync("src/**/*.ts").filter(
      (file) => !/\.test\.ts$|\.gen\.ts$|^src\/(?:dashboard|redis)\//.test(file),
    );
    const words = rooms.flatMap((file) => [...readFileSync(file, "utf8").matchAll(/\[\s*"([A-Z][A-Z._]+)",/g)]);
    const commands = new Set(((await redis.send(["COMMAND", "LIST"])) as string[]).map((verb) => verb.toUpperCase()));
    const sent = new Set(
      words.map(([, verb = ""]) => verb).filter((verb) => commands.has(verb) || verb.startsWith("FT.")),
    );
    expect(sent.size).toBeGreaterThan(30);
    expect([...sent].filter((verb) => !hasShape(verb) && !ANY.has(verb))).toEqual([]);
  });
});
