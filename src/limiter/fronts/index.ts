export { PointsLimiter, PointsResult, type PointsLimiterOptions } from "./points.ts";
export { Ratelimit, type RatelimitOptions, type RatelimitResult, type Window } from "./ratelimit.ts";
