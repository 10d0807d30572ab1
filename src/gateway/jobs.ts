/** The queue of all that the gateway does in the background. */
export const GATEWAY_QUEUE = "gateway";

/** The queue of plain jobs, for workers of the user's own. */
export const TASKS_QUEUE = "tasks";
