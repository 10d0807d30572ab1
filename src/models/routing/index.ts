export { type CoolDowns } from "./cool-downs.ts";
export { withDeadline } from "./deadline.ts";
export { createListing, LIST_WAIT_MS } from "./listing.ts";
export { type Asked, type RouteRules } from "./routed-model.ts";
export { createRouter, type RouteOptions, type Router, type Standing } from "./router.ts";
export { type RoutedUpstream } from "./target.ts";
export { isContextFull } from "./verdict.ts";
