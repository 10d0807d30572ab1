import { readFileSync } from "node:fs";
import { defineConfig } from "vitepress";
import { toAnchor } from "../../tools/site/page.ts";

/** The navigation that `tools/site/build.ts` writes beside the pages. */
const { sidebar } = JSON.parse(readFileSync(new URL("../../.cache/site/navigation.json", import.meta.url), "utf8"));

/** Where the site is served, such as "/marrow/" for a project's page. */
const base = process.env["MARROW_SITE_BASE"] ?? "/";

export default defineConfig({
  title: "Marrow",
  description: "The in-memory data layer for AI agents, on the Redis that your team already runs.",
  lang: "en",
  base,
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${base}icon.svg` }]],
  srcDir: "../.cache/site/pages",
  outDir: "dist",
  cacheDir: "../.cache/site/vite",
  cleanUrls: true,
  ignoreDeadLinks: false,
  markdown: { anchor: { slugify: toAnchor }, headers: { level: [2, 3] } },
  themeConfig: {
    nav: [
      { text: "Start", link: "/start" },
      { text: "Concepts", link: "/roles/cache" },
      { text: "Guides", link: "/guides/cut-the-bill" },
      { text: "Operating", link: "/deploying" },
      { text: "Reference", link: "/reference/http" },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: "local" },
  },
});
