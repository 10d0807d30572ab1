import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { needsOf } from "./rights.ts";

/** Wanted only where vectors are found by vector sets, where somebody asks how large something is, or by topics, which do without. */
const ELSEWHERE = ["VADD", "VCARD", "VEMB", "VRANDMEMBER", "VREM", "VSETATTR", "VSIM", "MEMORY", "INFO"];

describe("the rights that /readyz looks for", () => {
  const known = new Set([...needsOf({ app: "a" }).map(({ words }) => words[0]), ...ELSEWHERE]);

  it("hold every command that a script sends", () => {
    const sent = new Set<string>();
    for (const path of globSync("src/*/scripts/**/*.lua"))
      for (const [, verb] of readFileSync(path, "utf8").matchAll(/redis\.p?call\("([A-Z]+)"/g))
        sent.add(verb as string);
    expect(sent.size).toBeGreaterThan(50);
    expect([...sent].filter((verb) => !known.has(verb))).toEqual([]);
  });

  it("hold the keys of the app and of scopes, of an app whose name needs escaping too", () => {
    const keys = needsOf({ app: "my app" }).filter(({ right }) => right.startsWith("keys of"));
    expect(keys.map(({ words }) => words[1])).toEqual([
      "{my%20app}:gateway:installed",
      "{my%20app:any}:key",
      "my%20app:vectors:any",
    ]);
  });
});
