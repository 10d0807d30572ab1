/** Builds the documentation site into `site/dist`: pages out of `docs/`, the API reference out of docstrings, the HTTP API out of OpenAPI. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { toApiPage, type OpenApi } from "./api-page.ts";
import { findDeadLinks } from "./dead-links.ts";
import { readOpenApi } from "./openapi.ts";
import { OUTLINE, toRoute } from "./outline.ts";
import { titleOf, toPage } from "./page.ts";

const WORK = ".cache/site";
const PAGES = join(WORK, "pages");
const DIST = "site/dist";

const read = (file: string) => readFileSync(file, "utf8");
function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
const run = (command: string, ...args: readonly string[]) => execFileSync(command, args, { stdio: "inherit" });

/** The site's tools are a package of their own, so that `npm ci` of the library stays small. */
function installTools(): void {
  const installed = "site/node_modules/.package-lock.json";
  const kept = "site/node_modules/.built-from";
  const lock = read("site/package-lock.json");
  if (existsSync(installed) && existsSync(kept) && read(kept) === lock) return;
  run("npm", "ci", "--prefix", "site", "--ignore-scripts", "--no-audit", "--no-fund");
  write(kept, lock);
}

/** Draws diagrams as SVG files, for light and dark pages. */
async function createPen(): Promise<(diagram: string) => string> {
  const entry = pathToFileURL("site/node_modules/beautiful-mermaid/dist/index.js").href;
  const { renderMermaidSVG } = (await import(entry)) as {
    renderMermaidSVG: (diagram: string, options: Record<string, unknown>) => string;
  };
  const THEMES = { light: { bg: "#ffffff", fg: "#27272a" }, dark: { bg: "#1b1b1f", fg: "#e4e4e7" } };
  return (diagram) => {
    const name = createHash("sha256").update(diagram).digest("hex").slice(0, 12);
    for (const [theme, colors] of Object.entries(THEMES)) {
      const svg = renderMermaidSVG(diagram, { ...colors, transparent: true, font: "system-ui" });
      // A page loads nothing from other sites.
      write(join(PAGES, `public/diagrams/${name}-${theme}.svg`), svg.replaceAll(/@import url\([^)]*\);/g, ""));
    }
    return name;
  };
}

/** The address of files that are not pages: the repository in whose workflow the site is built, or the one that is named. */
function repositoryOf(environment: NodeJS.ProcessEnv): string | undefined {
  const { MARROW_SITE_REPOSITORY: named, GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = environment;
  const address = named ?? (server !== undefined && repository !== undefined ? `${server}/${repository}` : undefined);
  return address === undefined ? undefined : `${address}/blob/main`;
}

/** A page for each entry point of the package, made of the docstrings in its declarations. */
function writeReference(): readonly string[] {
  const types = join(WORK, "types");
  run("tsc", "-p", "tsconfig.build.json", "--emitDeclarationOnly", "--declarationMap", "false", "--sourceMap", "false",
    "--outDir", types, "--tsBuildInfoFile", join(WORK, "types.tsbuildinfo")); // prettier-ignore
  write(join(types, "package.json"), '{ "type": "module" }');
  const compilerOptions = {
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    module: "nodenext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
  };
  write(join(types, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["**/*.d.ts"] }));
  if (!existsSync(join(types, "node_modules")))
    symlinkSync(join(process.cwd(), "node_modules"), join(types, "node_modules"));
  const { exports } = JSON.parse(read("package.json")) as { exports: Record<string, string | { types: string }> };
  const entries = Object.values(exports).flatMap((entry) => (typeof entry === "string" ? [] : [entry.types]));
  run("site/node_modules/.bin/typedoc", "--options", "site/typedoc.json", "--tsconfig", join(types, "tsconfig.json"),
    "--basePath", types, "--out", join(PAGES, "reference/api"),
    ...entries.map((entry) => join(types, entry.replace("./dist/", "")))); // prettier-ignore
  rmSync(join(PAGES, "reference/api/README.md"), { force: true });
  const pages = globSync("reference/api/**/*.md", { cwd: PAGES }).toSorted();
  for (const page of pages) {
    const door = page.replace("reference/api/", "").replace(/\.md$/, "");
    const text = read(join(PAGES, page)).replace(/^# .+$/m, `# marrow${door === "index" ? "" : `/${door}`}`);
    write(join(PAGES, page), text);
  }
  return pages;
}

async function build(): Promise<void> {
  installTools();
  rmSync(PAGES, { recursive: true, force: true });
  const draw = await createPen();
  const decisions = globSync("docs/decisions/*.md").toSorted().toReversed();
  const sections = [...OUTLINE, { title: "Decisions", files: decisions }];
  const files = new Set(sections.flatMap((section) => section.files));
  const parts = { files, repository: repositoryOf(process.env), draw };
  for (const file of files) write(join(PAGES, `${toRoute(file)}.md`), toPage(file, read(file), parts));
  write(join(PAGES, "index.md"), read("site/home.md"));
  cpSync("docs/images", join(PAGES, "public/images"), { recursive: true });
  cpSync("src/dashboard/icon.svg", join(PAGES, "public/icon.svg"));
  cpSync("llms.txt", join(PAGES, "public/llms.txt"));

  const openapi = await readOpenApi();
  write(join(PAGES, "public/openapi.json"), openapi);
  write(join(PAGES, "reference/http.md"), toApiPage(JSON.parse(openapi) as OpenApi));
  const reference = writeReference();

  const item = (route: string) => ({ text: titleOf(read(join(PAGES, `${route}.md`))), link: `/${route}` });
  const sidebar = sections.map(({ title, files: own }) => ({
    text: title,
    collapsed: title === "Decisions",
    items: [...(title === "Reference" ? [item("reference/http")] : []), ...own.map((file) => item(toRoute(file)))],
  }));
  const api = {
    text: "API of the library",
    collapsed: true,
    items: reference.map((page) => item(page.replace(/\.md$/, ""))),
  };
  write(join(WORK, "navigation.json"), JSON.stringify({ sidebar: sidebar.toSpliced(-1, 0, api) }));

  rmSync(DIST, { recursive: true, force: true });
  run("site/node_modules/.bin/vitepress", "build", "site");

  const base = process.env["MARROW_SITE_BASE"] ?? "/";
  const built = globSync("**/*.*", { cwd: DIST });
  const pages = new Map(
    built.filter((file) => file.endsWith(".html")).map((file) => [base + file, read(join(DIST, file))]),
  );
  const dead = findDeadLinks(pages, new Set(built.map((file) => base + file)));
  for (const link of dead) console.error(link);
  if (dead.length > 0) throw new Error(`${dead.length} links of the site lead nowhere`);
  console.log(`${pages.size} pages in ${DIST}, no dead link`);
}

await build();
