export { fromBullMQ, type BullJob, type Destination } from "./bullmq.ts";
export type { Job, JobState } from "./job.ts";
export type { Admission, PushOptions, QueueOptions, WorkerOptions } from "./options.ts";
export type { OutputEvent } from "./output.ts";
export { createQueue, type ListedState, type NewJob, type Queue } from "./queue.ts";
export type { Schedule, Schedules, When } from "./schedule.ts";
export { createSender, type Sender, type SenderOptions } from "./sender.ts";
export { createWebhooks, type Delivery, type Endpoint, type Webhooks, type WebhooksOptions } from "./webhooks.ts";
export { createWorker, type Handler, type Work, type Worker } from "./worker.ts";
