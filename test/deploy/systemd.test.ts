import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cliCommands, environmentNames } from "./promises.ts";

/** The settings of a unit, in order. */
function settingsOf(unit: string): (readonly [name: string, value: string])[] {
  return readFileSync(`deploy/systemd/${unit}.service`, "utf8")
    .split("\n")
    .filter((line) => /^\w+=/.test(line))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const);
}

describe.each(["marrow-gateway", "marrow-worker"])("the unit %s", (unit) => {
  const settings = settingsOf(unit);
  const of = (name: string) => settings.filter(([one]) => one === name).map(([, value]) => value);
  const environment = new Map(of("Environment").map((text) => text.split("=") as [string, string]));

  it("starts a program that Marrow has, with variables that it reads", () => {
    const [, command] = of("ExecStart")[0]?.split(" ") ?? [];
    expect(cliCommands()).toContain(command);
    const file = readFileSync("deploy/systemd/marrow.env", "utf8");
    const names = [...environment.keys(), ...[...file.matchAll(/^(\w+)=/gm)].map(([, name = ""]) => name)];
    const known = environmentNames();
    expect(names.filter((name) => !known(name))).toEqual([]);
    expect(file).not.toMatch(/PASSWORD=|_KEY=/);
  });

  it("gives it longer to stop than it takes, and no rights", () => {
    const drainMs = Number(environment.get("MARROW_DRAIN_MS")) + Number(environment.get("MARROW_DRAIN_DELAY_MS") ?? 0);
    expect(1_000 * Number(of("TimeoutStopSec")[0])).toBeGreaterThan(drainMs + 3_000);
    expect(of("KillSignal")).toEqual(["SIGTERM"]);
    for (const name of ["DynamicUser", "NoNewPrivileges", "PrivateTmp"]) expect(of(name)).toEqual(["yes"]);
    expect(of("ProtectSystem")).toEqual(["strict"]);
  });
});
