import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { toApiPage } from "../tools/site/api-page.ts";
import { findDeadLinks } from "../tools/site/dead-links.ts";
import { OUTLINE, toRoute } from "../tools/site/outline.ts";
import { titleOf, toAnchor, toPage } from "../tools/site/page.ts";

const read = (file: string) => readFileSync(file, "utf8");
const listed = OUTLINE.flatMap(({ files }) => files);

describe("the documentation site", () => {
  it("has a place for every document, and one only", () => {
    const documents = globSync("docs/**/*.md").filter((file) => !file.startsWith("docs/decisions/"));
    expect(documents.filter((file) => !listed.includes(file))).toEqual([]);
    expect(listed.filter((file, at) => listed.indexOf(file) !== at)).toEqual([]);
  });

  it("gives every document a title and a path of its own", () => {
    const files = [...listed, ...globSync("docs/decisions/*.md")];
    expect(files.filter((file) => titleOf(read(file)) === "Untitled")).toEqual([]);
    expect(new Set(files.map(toRoute)).size).toBe(files.length);
  });

  it("shows a picture on the page of each role", () => {
    const concepts = OUTLINE.find(({ title }) => title === "Concepts")?.files ?? [];
    expect(concepts.filter((file) => !read(file).includes("```mermaid"))).toEqual([]);
  });

  it("is built with tools whose versions are exact, out of a lock of their own", () => {
    const { devDependencies } = JSON.parse(read("site/package.json")) as { devDependencies: Record<string, string> };
    const { packages } = JSON.parse(read("site/package-lock.json")) as {
      packages: Record<string, { version: string }>;
    };
    const locked = Object.keys(devDependencies).map((name) => [name, packages[`node_modules/${name}`]?.version]);
    expect(Object.fromEntries(locked)).toEqual(devDependencies);
  });

  it("lists links on its home page that are pages", () => {
    const links = [...read("site/home.md").matchAll(/link: (\/[\w/-]*)/g)].map(([, link]) => link);
    const routes = new Set([...listed.map((file) => `/${toRoute(file)}`), "/reference/http"]);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((link = "") => !routes.has(link))).toEqual([]);
  });
});

describe("a page of the site", () => {
  const parts = { files: new Set(["README.md", "docs/roles/cache.md"]), draw: () => "abc" };

  it("links to other pages by their path on the site", () => {
    const text = "[cache](../roles/cache.md#what-is-it-for) and [start](../../README.md)";
    expect(toPage("docs/guides/x.md", text, parts)).toBe(
      "[cache](/roles/cache.md#what-is-it-for) and [start](/start.md)",
    );
  });

  it("links to files that are no pages in the repository, where its address is known", () => {
    const text = "[the example](../../examples/cache.ts)";
    expect(toPage("docs/guides/x.md", text, parts)).toBe("the example");
    expect(toPage("docs/guides/x.md", text, { ...parts, repository: "https://host/a/b/blob/main" })).toBe(
      "[the example](https://host/a/b/blob/main/examples/cache.ts)",
    );
  });

  it("leaves code and other sites' addresses as they are", () => {
    const text = "```md\n[cache](../roles/cache.md)\n```\n[other](https://example.com/a)\n";
    expect(toPage("docs/guides/x.md", text, parts)).toBe(text);
  });

  it("shows diagrams as pictures for light and dark, and images from its own files", () => {
    const text = "# Cache\n```mermaid\nflowchart LR\n```\n![board](../images/board.png)";
    const page = toPage("docs/roles/cache.md", text, parts);
    expect(page).toContain("![Diagram: Cache](/diagrams/abc-light.svg){.light-only}");
    expect(page).toContain("![Diagram: Cache](/diagrams/abc-dark.svg){.dark-only}");
    expect(page).toContain("![board](/images/board.png)");
  });

  it("has the anchors of GitHub", () => {
    expect(toAnchor("What does `take` cost? (in Redis)")).toBe("what-does-take-cost-in-redis");
  });
});

describe("the check of links", () => {
  const page = (path: string, html: string): [string, string] => [path, html];

  it("names links to pages, files and headings that the site does not have", () => {
    const pages = new Map([
      page("/index.html", '<a href="/roles/cache#ttl">a</a><a href="/roles/none">b</a><img src="/none.png">'),
      page("/roles/cache.html", '<h2 id="ttl"></h2><a href="./cache#none">c</a><a href="#ttl">d</a>'),
    ]);
    expect(findDeadLinks(pages, new Set())).toEqual([
      "/index.html links to /roles/none",
      "/index.html links to /none.png",
      "/roles/cache.html links to ./cache#none",
    ]);
  });

  it("takes links to files and directories that are there, and follows none to another site", () => {
    const pages = new Map([
      page("/a/index.html", '<a href="https://example.com/none">x</a><a href="/x.json">y</a>'),
      page("/b.html", '<a href="/a/">z</a><a href="data:image/png;base64,AA">w</a>'),
    ]);
    expect(findDeadLinks(pages, new Set(["/x.json"]))).toEqual([]);
  });
});

describe("the page of the HTTP API", () => {
  it("has a heading for each route, and a row for each field with its type and bounds", () => {
    const page = toApiPage({
      info: { version: "1.2.3", description: "All routes." },
      paths: {
        "/v1/things/{id}": {
          post: {
            summary: "Changes a thing.",
            tags: ["vectorStore"],
            parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
            requestBody: {
              content: {
                "application/json": {
                  schema: {
                    properties: {
                      kind: { enum: ["a", "b"] },
                      count: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER, default: 5 },
                      names: { type: "array", items: { type: "string" }, maxItems: 3 },
                    },
                    required: ["kind"],
                  },
                },
              },
            },
          },
        },
      },
    });
    expect(page).toContain("## Vector store\n\n### `POST /v1/things/{id}`\n\nChanges a thing.");
    expect(page).toContain("| `id` | path | string | yes |");
    expect(page).toContain('| `kind` | body | `"a"` or `"b"` | yes |');
    expect(page).toContain("| `count` | body | integer, at least 1, default `5` | no |");
    expect(page).toContain("| `names` | body | array of string, at most 3 items | no |");
  });
});
