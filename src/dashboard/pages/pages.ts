import { Audit } from "./audit.tsx";
import { Overview } from "./overview.tsx";
import type { PageEntry } from "./page.ts";
import { Playground } from "./playground.tsx";

export type { PageProps } from "./page.ts";

/** All pages, in the order of the navigation. */
export const PAGES: readonly PageEntry[] = [
  { path: "", name: "Overview", Page: Overview },
  { path: "playground", name: "Playground", Page: Playground },
  { path: "audit", name: "Audit", Page: Audit },
];
