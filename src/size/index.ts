export { NODE_SIZES_OF, nodesFor } from "./nodes.ts";
export { planSize, planUsed, toServerBytes, type Load, type ServerPlan, type SizePlan } from "./plan.ts";
export { roleOf, sampleSize, type SizeSample } from "./sample.ts";
