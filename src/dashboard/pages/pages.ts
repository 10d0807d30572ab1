import { Agents } from "./agents.tsx";
import { Audit } from "./audit.tsx";
import { Cache } from "./cache.tsx";
import { Health } from "./health.tsx";
import { Limits } from "./limits.tsx";
import { Overview } from "./overview.tsx";
import type { PageEntry } from "./page.ts";
import { Playground } from "./playground.tsx";
import { Queue } from "./queue.tsx";
import { Sessions } from "./sessions.tsx";

export type { PageProps } from "./page.ts";

/** All pages, in the order of the navigation. */
export const PAGES: readonly PageEntry[] = [
  { path: "", name: "Overview", Page: Overview },
  { path: "playground", name: "Playground", Page: Playground },
  { path: "cache", name: "Cache", Page: Cache },
  { path: "queue", name: "Queue", Page: Queue },
  { path: "limits", name: "Limits and keys", Page: Limits },
  { path: "sessions", name: "Sessions", Page: Sessions },
  { path: "agents", name: "Agents", Page: Agents },
  { path: "health", name: "Health", Page: Health },
  { path: "audit", name: "Audit", Page: Audit },
];
