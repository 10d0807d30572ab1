/** Marrow's queue and BullMQ behind one face, for the process that pushes and for those that work. */
import { Queue as BullQueue, Worker as BullWorker } from "bullmq";
import { Redis as Ioredis } from "ioredis";
import { connect } from "marrow";
import { createQueue, createWorker } from "marrow/queue";

const payload = { prompt: "a question as people ask it, ".repeat(9), model: "bench", user: "u-1" };
const result = { text: "an answer as models give it, ".repeat(4) };

/** Milliseconds by a clock that all processes of the machine share. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export interface Engine {
  readonly name: string;
  /** Opens a queue of its own. */
  readonly open: (queue: string) => {
    add(): Promise<unknown>;
    addBulk(count: number): Promise<unknown>;
    /** Works until it is closed; tells of each job. */
    work(concurrency: number, onJob: () => void): Promise<{ close(): Promise<unknown> }>;
    close(): Promise<unknown>;
  };
}

/** Opens both engines on one server. */
export async function openEngines(
  url: string,
): Promise<{ readonly engines: readonly [Engine, Engine]; readonly close: () => Promise<void> }> {
  const redis = await connect(url, { app: "bench" });
  const bullConnection = () => new Ioredis(url.replace("unix://", ""), { maxRetriesPerRequest: null });
  const marrow: Engine = {
    name: "marrow",
    open(name) {
      const queue = createQueue(redis.scope("bench"), { name });
      return {
        add: () => queue.push(payload),
        addBulk: (count) => queue.pushMany(Array.from({ length: count }, () => ({ payload }))),
        async work(concurrency, onJob) {
          return createWorker(redis, { name, concurrency }, () => {
            onJob();
            return result;
          });
        },
        close: async () => {},
      };
    },
  };
  const bull: Engine = {
    name: "bullmq",
    open(name) {
      const connection = bullConnection();
      const queue = new BullQueue(name, { connection, defaultJobOptions: { removeOnComplete: { age: 3_600 } } });
      return {
        add: () => queue.add("job", payload),
        addBulk: (count) => queue.addBulk(Array.from({ length: count }, () => ({ name: "job", data: payload }))),
        async work(concurrency, onJob) {
          const worker = new BullWorker(
            name,
            async () => {
              onJob();
              return result;
            },
            { connection: bullConnection(), concurrency },
          );
          await worker.waitUntilReady();
          return { close: () => worker.close() };
        },
        async close() {
          await queue.close();
          connection.disconnect();
        },
      };
    },
  };
  return { engines: [marrow, bull], close: () => redis.close() };
}
