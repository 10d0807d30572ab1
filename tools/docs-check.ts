/** Holds the documents to the code: error codes, keys, scripts, paths and commands that they name must be there. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { ERROR_CODES } from "../src/errors.ts";
import { resolveConfig } from "../src/gateway/index.ts";

const wrong: string[] = [];
const read = (file: string) => readFileSync(file, "utf8");

const rows = [...read("docs/errors.md").matchAll(/^\| `(\w+)` \| (\d+) \| (yes|no) \|/gm)];
const documented = new Map(rows.map(([, code = "", status, retryable]) => [code, `${status} ${retryable}`]));
for (const [code, { status, retryable }] of Object.entries(ERROR_CODES)) {
  const said = documented.get(code);
  const expected = `${status} ${retryable ? "yes" : "no"}`;
  if (said !== expected)
    wrong.push(`docs/errors.md says "${said ?? "nothing"}" of ${code}, the code says "${expected}"`);
}
for (const code of documented.keys())
  if (!(code in ERROR_CODES)) wrong.push(`docs/errors.md has ${code}, the code has not`);

const scripts = read("docs/protocol/scripts.md");
for (const file of globSync("src/*/scripts/*.lua")) {
  const name = file.split("/").at(-1) ?? "";
  if (!scripts.includes(`\`${name}\``)) wrong.push(`docs/protocol/scripts.md does not name ${name}`);
}

const { scripts: commands } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
for (const file of [...globSync("*.md"), ...globSync("docs/**/*.md"), ...globSync("assets/*.md")]) {
  const text = read(file);
  for (const [, name = ""] of text.matchAll(/npm run ([a-z][\w:-]*)/g)) {
    if (!(name in commands)) wrong.push(`${file} names npm run ${name}, which package.json has not`);
  }
  for (const [, path = ""] of text.matchAll(/`((?:src|docs|test|bench|tools|script|examples|assets)\/[\w./-]+)`/g)) {
    if (!existsSync(path)) wrong.push(`${file} names ${path}, which is not there`);
  }
  for (const [, path = ""] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
    const target = new URL(path, `file:///${file}`).pathname.slice(1);
    if (!existsSync(target)) wrong.push(`${file} links to ${path}, which is not there`);
  }
}

/** The anchors that headings have on GitHub: lower case, letters, digits, `_` and `-`, spaces as `-`, repeated ones numbered. */
function anchorsOf(file: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of read(file).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-");
    let anchor = slug;
    for (let times = 1; anchors.has(anchor); times += 1) anchor = `${slug}-${times}`;
    anchors.add(anchor);
  }
  return anchors;
}

for (const file of [...globSync("*.md"), ...globSync("docs/**/*.md")]) {
  for (const [, path = "", anchor = ""] of read(file).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)) {
    const target = path === "" ? file : new URL(path, `file:///${file}`).pathname.slice(1);
    if (!existsSync(target) || anchorsOf(target).has(anchor)) continue;
    wrong.push(`${file} links to ${path}#${anchor}, and ${target} has no such heading`);
  }
}

/** Lines without their indentation: an example shows a part of a file that may be nested there. */
const flat = (text: string) => text.replaceAll(/^[ \t]+/gm, "").trim();

// A block below `<!-- examples/name.ts -->` is a part of that file, which CI runs; one below `<!-- marrow.config.json -->` is a configuration.
for (const file of globSync("docs/**/*.md")) {
  for (const [, source = "", block = ""] of read(file).matchAll(/<!-- (\S+) -->\n```\w+\n([\s\S]*?)\n```/g)) {
    if (source === "marrow.config.json") {
      try {
        resolveConfig(JSON.parse(block));
      } catch (error) {
        wrong.push(`${file} has a configuration that Marrow refuses: ${String(error)}`);
      }
    } else if (!existsSync(source) || !flat(read(source)).includes(flat(block))) {
      wrong.push(`${file} shows ${source} as it is not`);
    }
  }
}

// Two sides of a conflict that were both kept show as topics and entries that a version has twice.
for (const version of read("CHANGELOG.md").split(/^## /m)) {
  const lines = version.split("\n").filter((line) => /^(?:###|\s*-) /.test(line));
  for (const line of lines.filter((one, at) => lines.indexOf(one) !== at))
    wrong.push(`CHANGELOG.md has twice in one version: ${line}`);
}

for (const line of wrong) console.error(line);
console.log(wrong.length === 0 ? "the documents agree with the code" : `${wrong.length} places where they do not`);
process.exitCode = wrong.length === 0 ? 0 : 1;
