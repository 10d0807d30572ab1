export type { Job, JobState } from "./job.ts";
export type { PushOptions, QueueOptions, WorkerOptions } from "./options.ts";
export type { OutputEvent } from "./output.ts";
export { createQueue, type NewJob, type Queue } from "./queue.ts";
export type { Schedule, Schedules, When } from "./schedule.ts";
export { createWorker, type Handler, type Work, type Worker } from "./worker.ts";
