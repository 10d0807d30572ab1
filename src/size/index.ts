export { NODE_SIZES_OF, nodesFor } from "./nodes.ts";
export { planSize, toServerBytes, type Load, type SizePlan } from "./plan.ts";
export { roleOf, sampleSize, type SizeSample } from "./sample.ts";
