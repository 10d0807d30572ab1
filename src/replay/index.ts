export { toHtml } from "./html.ts";
export { checkLog, openLog } from "./log-file.ts";
export type { Progress, ReplayOptions, ReplayState } from "./options.ts";
export { replay } from "./replay.ts";
export type { ReplayReport } from "./report.ts";
