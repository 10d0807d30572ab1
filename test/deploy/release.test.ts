import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly needs?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly "timeout-minutes"?: number;
  readonly steps: readonly Step[];
}
const workflow = parse(readFileSync(".github/workflows/release.yml", "utf8")) as {
  readonly on: { readonly push: { readonly tags: readonly string[] } };
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
};
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
const runs = steps.flatMap(({ run }) => (run === undefined ? [] : [run])).join("\n");
const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Readonly<Record<string, string>> };

describe("the release workflow", () => {
  it("publishes a tagged version alone, once every test passed on it", () => {
    expect(workflow.on.push.tags).toEqual(["v*"]);
    expect(workflow.jobs["publish"]?.needs).toBe("check");
    expect(workflow.jobs["check"]?.steps.map(({ run }) => run)).toContain(".ci/run");
    expect(runs).toContain("$GITHUB_REF_NAME");
  });

  it("needs no stored token: the publishing job alone may show who it is, and writes nothing else", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
    expect(workflow.jobs["check"]?.permissions).toBeUndefined();
    expect(workflow.jobs["publish"]?.permissions).toEqual({ contents: "read", "id-token": "write" });
    expect(JSON.stringify(workflow)).not.toMatch(/secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN/);
    const [, major, minor] = /npm@(\d+)\.(\d+)\./.exec(runs) ?? [];
    expect(Number(major) * 100 + Number(minor)).toBeGreaterThanOrEqual(1_105);
  });

  it("pins every action to a commit, bounds every job, and runs commands that exist", () => {
    for (const { uses } of steps.filter((step) => step.uses !== undefined)) expect(uses).toMatch(/@[0-9a-f]{40}$/);
    for (const job of Object.values(workflow.jobs)) expect(job["timeout-minutes"]).toBeGreaterThan(0);
    const named = [...runs.matchAll(/npm run ([\w:-]+)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    expect(existsSync(".ci/run")).toBe(true);
    expect(readFileSync(".ci/run", "utf8")).toMatch(/for check in [^;]*\bpack:check\b/);
  });
});

describe("the changelog", () => {
  it("has what each version changed, the newest first, and says how to move to the version of the package", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    const text = readFileSync("CHANGELOG.md", "utf8");
    const versions = [...text.matchAll(/^## (\d+\.\d+\.\d+)$/gm)].map(([, one = ""]) => one);
    expect(versions).toContain("0.1.0");
    expect(versions.toSorted((one, other) => other.localeCompare(one, "en", { numeric: true }))).toEqual(versions);
    expect(text).toMatch(
      new RegExp(`^### How do I move from \\d+\\.\\d+\\.\\d+ to ${version.replaceAll(".", "\\.")}\\?$`, "m"),
    );
  });
});
