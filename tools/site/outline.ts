/** What the site consists of: its sections in order, and the documents of each. Pure data, which `.vitepress/config.ts` and a test read. */

/** A section of the navigation. */
export interface Section {
  readonly title: string;
  /** Documents by their path in the repository. */
  readonly files: readonly string[];
}

const docs = (...names: readonly string[]) => names.map((name) => `docs/${name}.md`);

/** Every document outside `docs/decisions/` has its place here; decisions are listed by their date. */
export const OUTLINE: readonly Section[] = [
  { title: "Start", files: ["README.md", ...docs("architecture", "dashboard")] },
  {
    title: "Concepts",
    files: docs(
      "roles/cache",
      "roles/memory",
      "roles/vectors",
      "roles/stores",
      "roles/limiter",
      "roles/queue",
      "roles/bus",
      "roles/gateway",
      "roles/over-http",
    ),
  },
  {
    title: "Guides",
    files: docs(
      "guides/cut-the-bill",
      "guides/add-memory",
      "guides/limit-a-plan",
      "guides/integrations",
      "guides/python",
      "guides/n8n",
      "guides/from-bullmq",
      "guides/from-litellm",
      "guides/from-gptcache",
      "guides/from-redisvl",
      "guides/self-host",
      "guides/secure",
      "guides/elasticache",
      "guides/redis-cloud",
    ),
  },
  {
    title: "Operating",
    files: docs("deploying", "sizing", "operations", "upgrading", "runbook", "engines", "routing", "upstreams"),
  },
  {
    title: "Reference",
    files: [
      ...docs(
        "commands",
        "errors",
        "signals",
        "clients",
        "benchmarks",
        "protocol/keys",
        "protocol/records",
        "protocol/scripts",
      ),
      "CHANGELOG.md",
      "SECURITY.md",
      ...docs("releasing"),
    ],
  },
];

/** Where a document is on the site: `README.md` is the page `start`, `docs/roles/cache.md` is `roles/cache`. */
export function toRoute(file: string): string {
  if (file === "README.md") return "start";
  return file
    .replace(/^docs\//, "")
    .replace(/\.md$/, "")
    .replace(/^[A-Z]+$/, (name) => name.toLowerCase());
}
