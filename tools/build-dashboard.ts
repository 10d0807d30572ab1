/** Builds the page of the dashboard from `src/dashboard` into `dist/dashboard`: one script, one style sheet, each in brotli. */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { build } from "esbuild";

const SOURCE = join(import.meta.dirname, "../src/dashboard");
const TARGET = join(import.meta.dirname, "../dist/dashboard");

/** Whose work the script contains. */
const BANNER =
  "/* With Preact, (c) 2015-present Jason Miller and contributors, and uPlot, (c) 2022 Leon Sorokin, both under the MIT licence. */";

/** A file of the built page. */
export interface BuiltFile {
  readonly name: string;
  readonly bytes: number;
  readonly packedBytes: number;
}

/** Builds the page and tells of its files. A page that is being served stays whole: files are put in place when all are made. */
export async function buildDashboard(target: string = TARGET): Promise<readonly BuiltFile[]> {
  const { outputFiles } = await build({
    entryPoints: { dashboard: join(SOURCE, "main.tsx"), style: join(SOURCE, "style.css") },
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022"],
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    banner: { js: BANNER },
    outdir: target,
    write: false,
    logLevel: "error",
  });
  const made = outputFiles.map(({ path, contents }): [string, Uint8Array] => [
    path.endsWith(".css") ? "dashboard.css" : "dashboard.js",
    contents,
  ]);
  for (const name of ["index.html", "icon.svg"]) made.push([name, await readFile(join(SOURCE, name))]);
  await mkdir(target, { recursive: true });
  const fresh = await mkdtemp(`${target}.`);
  const files = await Promise.all(
    made.map(async ([name, contents]) => {
      const packed = brotliCompressSync(contents, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
      await writeFile(join(fresh, `${name}.br`), packed);
      return { name, bytes: contents.length, packedBytes: packed.length };
    }),
  );
  for (const { name } of files) {
    await rename(join(fresh, `${name}.br`), join(target, `${name}.br`));
    // Earlier versions stored it plain, too.
    await rm(join(target, name), { force: true });
  }
  await rm(fresh, { recursive: true });
  return files;
}

if (import.meta.main) {
  const files = await buildDashboard();
  const sum = files.reduce((bytes, { packedBytes }) => bytes + packedBytes, 0);
  console.log(`the dashboard: ${files.length} files, ${(sum / 1000).toFixed(1)} kB in brotli`);
}
