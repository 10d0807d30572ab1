import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

describe("marrow --version", () => {
  it("prints the version of the package, and nothing else", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    for (const word of ["--version", "-v"])
      expect(execFileSync(process.execPath, ["src/cli/main.ts", word], { encoding: "utf8" })).toBe(`${version}\n`);
  });
});
