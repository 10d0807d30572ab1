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
import { Traces } from "./traces.tsx";
import { VectorsPage } from "./vectors.tsx";

export type { PageProps } from "./page.ts";

/** All pages, in the order of the navigation. */
export const PAGES: readonly PageEntry[] = [
  { path: "", name: "Overview", icon: "overview", about: "Is it well, and is it worth it?", Page: Overview },
  {
    path: "playground",
    name: "Playground",
    icon: "playground",
    about: "Ask any model, and read what the answer's headers mean.",
    Page: Playground,
  },
  {
    path: "cache",
    name: "Cache",
    icon: "cache",
    begins: "Roles",
    about: "Stored answers, and why a prompt is served from them or not.",
    Page: Cache,
  },
  {
    path: "queue",
    name: "Queue",
    icon: "queue",
    about: "Jobs in the background, by state, and what became of each.",
    Page: Queue,
  },
  {
    path: "limits",
    name: "Limits and keys",
    icon: "limits",
    about: "Who is near a limit, what it costs, and who may call.",
    Page: Limits,
  },
  {
    path: "sessions",
    name: "Sessions",
    icon: "sessions",
    about: "What is remembered of a user, and forgetting it.",
    Page: Sessions,
  },
  {
    path: "agents",
    name: "Agents",
    icon: "agents",
    about: "Agents on the bus, their requests, and durable topics.",
    Page: Agents,
  },
  {
    path: "vectors",
    name: "Vectors",
    icon: "vectors",
    about: "Vector stores with their files, and a search that shows its scores.",
    Page: VectorsPage,
  },
  {
    path: "traces",
    name: "Traces",
    icon: "traces",
    begins: "Operation",
    about: "The last requests, and where their time went.",
    Page: Traces,
  },
  {
    path: "health",
    name: "Health",
    icon: "health",
    about: "What needs attention on Redis, and the configuration in force.",
    Page: Health,
  },
  { path: "audit", name: "Audit", icon: "audit", about: "Who changed what, and when.", Page: Audit },
];
