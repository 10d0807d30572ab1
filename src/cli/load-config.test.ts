import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

/** Reads without a file, with one, and after it was deleted: prints what came of each. A process has one working directory. */
const STORY = `
const { rmSync, writeFileSync } = await import("node:fs");
const { createConfigReader } = await import(process.argv[1]);
const read = createConfigReader();
const told = [await read()];
writeFileSync("marrow.config.json", JSON.stringify({ upstreams: [{ baseUrl: "http://h/v1" }] }));
told.push(await read());
rmSync("marrow.config.json");
told.push(await read().catch(({ code, message }) => ({ code, message })));
console.log(JSON.stringify(told));
`;

it("a file of the configuration that was there once must not be missing later", () => {
  const home = mkdtempSync(join(tmpdir(), "marrow-config-"));
  try {
    const module = new URL("load-config.ts", import.meta.url).href;
    const out = execFileSync(process.execPath, ["--input-type=module", "-e", STORY, module], { cwd: home });
    expect(JSON.parse(String(out))).toMatchObject([
      {},
      { upstreams: [{ baseUrl: "http://h/v1" }] },
      { code: "invalid_option", message: expect.stringContaining("is gone") as string },
    ]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
