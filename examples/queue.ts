// A long call as a job: pushed once for its key, done by a worker, its output read along from another side.
import { randomUUID } from "node:crypto";
import { connect } from "marrow";
import { createQueue, createWorker } from "marrow/queue";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: `example-queue-${randomUUID()}`,
});
const queue = createQueue<{ topic: string }, { words: number }>(redis.scope("acme"), { name: "calls" });

const id = await queue.push({ topic: "rivers" }, { idempotencyKey: "request-1", priority: 80 });
console.log("same job", id === (await queue.push({ topic: "rivers" }, { idempotencyKey: "request-1" })));
const refused = await queue.push({ topic: "lakes" }, { idempotencyKey: "request-1" }).catch((error) => error.code);
console.log("another payload", refused);

const worker = createWorker<{ topic: string }, { words: number }>(
  redis,
  { name: "calls" },
  async ({ payload, write }) => {
    const text = `A few words on ${payload.topic}.`;
    for (const word of text.split(" ")) write(`${word} `);
    return { words: text.split(" ").length };
  },
);

let said = "";
for await (const event of queue.read(id)) {
  if (event.kind === "text") said += event.text;
  else console.log("read", JSON.stringify(said.trim()), event.kind);
}
const { state, result } = await queue.wait(id, { waitMs: 5_000 });
console.log(state, result);
await worker.close();
// Output:
// same job true
// another payload conflict
// read "A few words on rivers." ended
// done { words: 5 }
