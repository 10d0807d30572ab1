export { toAgentsSession } from "./session.ts";
