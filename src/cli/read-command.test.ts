import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "./commands.ts";
import { readCommand } from "./read-command.ts";

function read(name: string, ...args: string[]) {
  const command = COMMANDS.get(name);
  if (command === undefined) throw new Error(`there is no command ${name}`);
  return readCommand(name, command, args);
}

describe("a command line", () => {
  it("is read by the act, with defaults", () => {
    const given = read("key", "rotate", "0123456789abcdef", "--json");
    expect([given.act, given.positionals, given.text("overlap"), given.has("json")]).toEqual([
      "rotate",
      ["0123456789abcdef"],
      "24h",
      true,
    ]);
    expect(read("cache", "explain", "--model=m", "Is --this a flag?").positionals).toEqual(["Is --this a flag?"]);
    expect(read("cache", "explain", "--model", "m", "--", "--help me").positionals).toEqual(["--help me"]);
  });

  it.each([
    ["key", ["lst"], "did you mean marrow key list?"],
    ["key", [], "expected marrow key create | marrow key list"],
    ["key", ["list", "--lmit", "3"], "did you mean --limit?"],
    ["key", ["list", "--limit"], "--limit needs N behind it"],
    ["key", ["list", "--limit", "--json"], "--limit needs N behind it"],
    ["key", ["list", "--json=yes"], '--json takes no value, got "yes"'],
    ["key", ["create", "--role", "root"], '--role must be one of admin, viewer, got "root"'],
    ["key", ["rotate"], "marrow key rotate needs KEY|ID: marrow key rotate KEY|ID [--overlap TIME] [--json]"],
    ["queue", ["redrive", "tasks"], "needs --scope NAME"],
    ["sessions", ["show", "s"], "needs --user NAME"],
    ["worker", ["--fast"], "it takes no flags"],
    ["config", ["constructor"], "takes 0 of these, got 1"],
    ["key", ["list", "--constructor", "x"], "has no"],
  ])("of marrow %s %j says what is wrong and what would be right", (name, args, words) => {
    expect(() => read(name, ...args)).toThrow(
      expect.objectContaining({ code: "invalid_option", message: expect.stringContaining(words) }),
    );
  });

  it("never repeats a key or an argument that stands in a wrong place", () => {
    const key = `mrw_${"a".repeat(43)}`;
    for (const args of [[key], ["list", key], ["create", "--role", key], ["revoke", key, "my prompt"]])
      expect(() => read("key", ...args)).toThrow(
        expect.objectContaining({ message: expect.not.stringMatching(/aaaa|my prompt/) }),
      );
  });

  it("has something that runs for every command of the table", () => {
    const main = readFileSync("src/cli/run.ts", "utf8");
    expect([...COMMANDS.keys()].filter((name) => !main.includes(`  ["${name}", async () =>`))).toEqual([]);
  });
});
