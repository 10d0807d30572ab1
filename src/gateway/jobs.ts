/** Queue of the gateway's background work. */
export const GATEWAY_QUEUE = "gateway";

/** Queue of plain jobs for a user's own workers. */
export const TASKS_QUEUE = "tasks";
