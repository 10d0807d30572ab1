export { createCaches, type Caches } from "./caches.ts";
export { toCacheProblem } from "./problem.ts";
