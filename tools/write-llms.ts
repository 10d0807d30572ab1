/**
 * Writes `llms.txt` (llmstxt.org): what the project is, and each page of `docs/` with its title and first sentence. With `--check` it only
 * says whether the file is as it would be written.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";

const FILE = "llms.txt";
/** Sections by the pages in them, in this order; a page is in the first one that takes it. */
const SECTIONS: readonly (readonly [title: string, takes: RegExp])[] = [
  ["Roles", /^docs\/roles\//],
  ["Guides", /^docs\/guides\//],
  ["Operating", /^docs\/(?:operations|commands|deploying|sizing|upgrading|runbook|engines|releasing)\.md$/],
  ["Reference", /^docs\/(?!decisions)/],
  ["Optional", /^docs\/decisions\//],
];

const read = (file: string) => readFileSync(file, "utf8");

/** The words of a page as plain text, without links, tables and code. */
function paragraphsOf(text: string): readonly string[] {
  return text
    .replaceAll(/<!--[\s\S]*?-->|^```[\s\S]*?^```/gm, "")
    .split(/\n{2,}/)
    .map((paragraph) =>
      paragraph
        .replaceAll("\n", " ")
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .trim(),
    )
    .filter((paragraph) => /^[\p{L}`*]/u.test(paragraph));
}

function toLine(file: string): string {
  const text = read(file);
  const title = /^# (.+)$/m.exec(text)?.[1] ?? file;
  const [sentence = ""] = /^.*?[.:](?= |$)/.exec(paragraphsOf(text)[0] ?? "") ?? [];
  return `- [${title}](${file})${sentence === "" ? "" : `: ${sentence.replace(/[.:]$/, "")}`}`;
}

const pages = globSync("docs/**/*.md").toSorted();
const sections = SECTIONS.map(([title, takes], at) => {
  const earlier = SECTIONS.slice(0, at);
  const own = pages.filter((page) => takes.test(page) && !earlier.some(([, before]) => before.test(page)));
  return `## ${title}\n\n${own.map(toLine).join("\n")}\n`;
});
const [summary = ""] = paragraphsOf(read("README.md"));
const text = `# Marrow\n\n> ${summary}\n\n${sections.join("\n")}`;

if (!process.argv.includes("--check")) {
  writeFileSync(FILE, text);
} else if (read(FILE) !== text) {
  console.error(`${FILE} is not what docs/ says: npm run llms`);
  process.exitCode = 1;
}
