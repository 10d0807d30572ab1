import { globSync, readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import type { Command } from "../../src/cli/command.ts";
import { readCommand } from "../../src/cli/read-command.ts";
import { SIZE_NUMBERS } from "../../src/cli/size-flags.ts";
import { runSize } from "../../src/cli/size.ts";

const size = COMMANDS.get("size") as Command;
const documents = ["README.md", ...globSync("docs/**/*.md")].flatMap((file) =>
  [...readFileSync(file, "utf8").matchAll(/marrow (size --[^`\n]*)/g)].map(([, line = ""]) => [file, line] as const),
);
const complete = documents.filter(([, line]) => !line.includes("…") && !line.includes("--from-redis"));

/** What `marrow size` prints of some arguments. @throws MarrowError `invalid_option` */
async function printed(args: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  onTestFinished(() => log.mockRestore());
  await runSize(readCommand("size", size, [...args, "--json"]));
  return lines.join("\n");
}

describe("marrow size", () => {
  it.each(complete)("is called by %s as it may be: %s", async (_, line) => {
    expect(await printed(line.trim().split(" ").slice(1))).toContain("serverBytes");
  });

  it("is called by the documents", () => expect(complete.length).toBeGreaterThanOrEqual(4));

  const counts = ["entries", "sessions", "facts", "jobs", "identities", "vectors", "messages"];
  const flags = [...Object.keys(SIZE_NUMBERS), "compact", "bounded", "quantisation"].filter(
    (flag) => !counts.includes(flag),
  );
  const VALUES: Readonly<Record<string, readonly string[]>> = {
    compact: [],
    bounded: [],
    quantisation: ["none"],
    rules: ["5"],
    replicas: ["4"],
    fragmentation: ["2"],
    headroom: ["0.7"],
    "compressed-share": ["0.9"],
  };

  // Records are compressed from 1 KB on: a share of that says nothing about smaller ones, which is no mistake.
  const LARGE: Readonly<Record<string, readonly string[]>> = {
    sessions: ["--turn-bytes", "3000"],
    facts: ["--fact-bytes", "3000"],
    jobs: ["--payload-bytes", "3000"],
    vectors: ["--vector-payload-bytes", "3000"],
    messages: ["--message-bytes", "3000"],
  };

  it.each(flags)("refuses --%s where it changes nothing", async (flag) => {
    const value = VALUES[flag] ?? ["4321"];
    for (const count of counts) {
      const load = [`--${count}`, "1000", ...(flag === "compressed-share" ? (LARGE[count] ?? []) : [])];
      const plain = await printed(load);
      const changed = await printed([...load, `--${flag}`, ...value]).catch((error: unknown) => error);
      if (typeof changed === "string") expect([count, changed]).not.toEqual([count, plain]);
      else expect(changed).toMatchObject({ code: "invalid_option", details: { path: flag } });
    }
  });
});
