export { MARROW, MarrowModule, type MarrowHandle, type MarrowModuleOptions } from "./module.ts";
