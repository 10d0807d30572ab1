import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { vi } from "vitest";
import { runMarrow } from "../src/cli/run.ts";

const run = promisify(execFile);

/** What a run of `marrow` came to. */
export interface CliOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `marrow` as a process of its own, in a directory, whose modules are compiled once: takes its arguments and what the environment has besides. */
export function createCli(
  directory: string,
): (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<CliOutcome> {
  return async (args, env = {}) => {
    const command = ["--conditions=@marrow/source", resolve("src/cli/main.ts"), ...args];
    try {
      const { stdout, stderr } = await run(process.execPath, command, {
        cwd: directory,
        env: { ...process.env, NODE_COMPILE_CACHE: resolve(".cache/compile"), ...env },
        maxBuffer: 64 * 1_048_576,
      });
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  };
}

/** The same without a process of its own, which takes a second: for tests that run many commands, one after the other. */
export async function marrowHere(args: readonly string[], env: Readonly<Record<string, string>>): Promise<CliOutcome> {
  const [out, err]: [string[], string[]] = [[], []];
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const spies = [
    vi.spyOn(console, "log").mockImplementation((line: unknown) => void out.push(`${String(line)}\n`)),
    vi.spyOn(console, "error").mockImplementation((line: unknown) => void err.push(`${String(line)}\n`)),
  ];
  try {
    return { code: await runMarrow(args), out: out.join(""), err: err.join("") };
  } finally {
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
  }
}
