// Three agents in three processes finish a report together, though one of them is killed in the middle of a call to the model.
// Queue: the report is a job. Bus: they find and ask each other, within a budget. Limiter, cache: the researcher's calls. Memory: the notes.
import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { connect } from "marrow";
import { createBus } from "marrow/bus";
import { createQueue } from "marrow/queue";

const app = `example-agents-${randomUUID()}`;
const program = fileURLToPath(new URL("agents/agent.ts", import.meta.url));
await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", { app });
const tenant = redis.scope("acme");
const bus = createBus(tenant);

async function start(role: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [...process.execArgv, program, app, role], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}

const agents = new Map<string, ChildProcess>();
for (const role of ["planner", "researcher", "writer"]) agents.set(role, await start(role));

// The trace is a durable topic: whoever reads it later sees the same.
let kills = 0;
const reader = bus.topic<string>("trace", { partitions: 1 }).read(
  "printer",
  async ({ body }) => {
    console.log(body);
    if (!body.includes('"What is a semantic cache?"') || kills > 0) return;
    kills += 1;
    agents.get("researcher")?.kill("SIGKILL");
    console.log("(the researcher's process is killed, and started again)");
    agents.set("researcher", await start("researcher"));
  },
  { from: "start", concurrency: 1 },
);

const reports = createQueue<{ questions: string[] }, { questions: number }>(tenant, { name: "reports" });
const questions = ["What is Redis?", "What is a semantic cache?", "What is Redis?"];
const id = await reports.push({ questions });
let report = "";
for await (const event of reports.read(id)) if (event.kind === "text") report += event.text;
const { state } = await reports.wait(id, { waitMs: 30_000 });
await new Promise((resolve) => setTimeout(resolve, 200));
console.log(`the report is ${state}:\n${report.trim()}`);

await reader.close();
for (const child of agents.values()) child.kill("SIGKILL");
await bus.close();
// Output:
// planner: has a job of 3 questions
// researcher: looks into "What is Redis?"
// researcher: knows it, from the model
// researcher: looks into "What is a semantic cache?"
// (the researcher's process is killed, and started again)
// researcher: takes up again "What is a semantic cache?"
// researcher: knows it, from the model
// researcher: looks into "What is Redis?"
// researcher: knows it, from the cache
// writer: writes from 2 notes
// planner: is done
// the report is done:
// - Redis is an in-memory data store: strings, hashes, lists, sorted sets, streams and, since version 8, vector sets.
// - A semantic cache keeps answers under the meaning of their questions. A new question is turned into a vector; when a stored question lies near enough, and no guard objects, its answer is served without asking the model again.
