export { NODE_SIZES_OF, nodesFor, type NodeSize } from "./nodes.ts";
export { planSize, type Load, type SizedRole, type SizeOptions, type SizePlan } from "./plan.ts";
export { roleOf, sampleSize, type SizeSample } from "./sample.ts";
