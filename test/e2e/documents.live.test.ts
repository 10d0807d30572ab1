/** The commands that documents show for a running gateway, run by a shell as they stand there. */
import { execFile, spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

const ADDRESS = "http://localhost:8080";
const PAGES = ["README.md", ...globSync("docs/{roles,guides}/*.md").toSorted()];
/** The blocks of a page that call a gateway, without the commands that start one. */
const BLOCKS = PAGES.flatMap((page) =>
  [...readFileSync(page, "utf8").matchAll(/^```sh\n([\s\S]*?)\n```/gm)]
    .map(([, block = ""]) => block.replaceAll(/^script\/.*$/gm, ""))
    .filter((block) => block.includes(ADDRESS))
    .map((block, at) => ({ page, at: at + 1, block })),
);

/** A bare machine may lack it. */
const hasCurl = spawnSync("curl", ["--version"]).status === 0;

let gateway: TestGateway;
let adminKey: string;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
  adminKey = await gateway.keys.create({
    scope: "docs",
    user: "writer",
    name: "writer",
    role: "admin",
    actsFor: "any",
  });
});
afterAll(() => gateway.close());

describe("the commands of the documents", () => {
  it("are there", () => expect(BLOCKS.length).toBeGreaterThanOrEqual(5));

  it.skipIf(!hasCurl).each(BLOCKS)("are answered by a gateway: $page, block $at", async ({ block }) => {
    const commands = block.replaceAll(ADDRESS, gateway.baseURL.replace(/\/v1$/, ""));
    const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", commands], {
      env: { ...process.env, MARROW_KEY: adminKey },
    });
    expect(stdout).not.toBe("");
    expect(stdout).not.toMatch(/"error"|"statusCode"/);
    const told = [...block.matchAll(/# prints (\w+)$/gm)].map(([, word]) => word);
    const printed = stdout.split("\n").filter((line) => /^\d{3}$/.test(line));
    expect(printed).toEqual(told);
  });

  it.skipIf(!hasCurl)("of the README's first minute say what its comments say", async () => {
    const { block = "" } = BLOCKS.find(({ page, block: text }) => page === "README.md" && text.includes("ask ")) ?? {};
    const expected = [...block.matchAll(/# (x-marrow-cache: \w+)/g)].map(([, line]) => line);
    const key = await gateway.keys.create({ scope: "first-minute", user: "reader", name: "reader", actsFor: "any" });
    const commands = block.replaceAll(ADDRESS, gateway.baseURL.replace(/\/v1$/, ""));
    const { stdout } = await promisify(execFile)("bash", ["-c", commands], {
      env: { ...process.env, MARROW_KEY: key },
    });
    expect(expected).toHaveLength(3);
    expect(stdout.split("\n").flatMap((line) => /x-marrow-cache: \w+/.exec(line) ?? [])).toEqual(expected);
  });
});
