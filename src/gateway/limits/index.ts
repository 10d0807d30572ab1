export { limitSchema, type LimitDefinition } from "./definition.ts";
export { createLimits, type Limits } from "./limits.ts";
