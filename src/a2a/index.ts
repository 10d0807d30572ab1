export { createA2A, type A2A } from "./a2a.ts";
export type { A2AOptions } from "./options.ts";
export { startA2APush } from "./start-push.ts";
