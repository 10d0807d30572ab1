import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

/** Times of a process of its own: of loading the proofs, and of the first lookups behind it, in milliseconds. */
const SCRIPT = `
  import { isPersonal, loadProofs, prove, readPrompt, toFingerprint } from "./src/cache/index.ts";
  const timeOf = (work) => {
    const sinceMs = performance.now();
    work();
    return performance.now() - sinceMs;
  };
  const loadMs = timeOf(loadProofs);
  const firstMs = timeOf(() => {
    const [one, other] = ["Who wrote the ballads of the northern harbour?", "Which author wrote the northern harbour's ballads?"];
    for (const prompt of [one, other]) [toFingerprint(prompt), isPersonal(prompt), readPrompt(prompt).readable()];
    prove(readPrompt(one), readPrompt(other), "strict");
  });
  console.log(JSON.stringify({ loadMs, firstMs }));
`;

it(
  "the first lookups of a process find word lists that are loaded, and code that is compiled",
  { timeout: 60_000 },
  () => {
    // A busy machine may spoil one measurement: the share of the first lookups is the least of some.
    const shares = Array.from({ length: 3 }, () => {
      const args = ["--conditions=@marrow/source", "--input-type=module-typescript", "--eval", SCRIPT];
      const said = execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
      const { loadMs, firstMs } = JSON.parse(said) as { loadMs: number; firstMs: number };
      return firstMs / loadMs;
    });
    expect(Math.min(...shares)).toBeLessThan(0.1);
  },
);
