// One of the three agents of examples/agents.ts, in a process of its own: planner, researcher or writer.
import { connect } from "marrow";
import { createBus, type LetterHandler } from "marrow/bus";
import { createCache } from "marrow/cache";
import { createFlow, type StoredAnswer } from "marrow/flow";
import { createLimiter } from "marrow/limiter";
import { createMemory } from "marrow/memory";
import { demoModel } from "marrow/models";
import { createWorker } from "marrow/queue";

const [app = "", role = ""] = process.argv.slice(2);
const redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", { app });
const tenant = redis.scope("acme");
const bus = createBus(tenant);
const trace = bus.topic<string>("trace", { partitions: 1 });
const say = (what: string) => trace.publish(`${role}: ${what}`);
const memory = createMemory(tenant, { name: "reports", sessionTtlMs: 600_000 });

/** Answers a question of the planner's: limiter, session, cache and model in one call. */
const model = demoModel({ firstTokenMs: 400, tokenMs: 0 });
const flow = createFlow({
  findModel: (id) => (model.serves(id) ? model : undefined),
  limiter: createLimiter(tenant, {
    name: "research",
    rules: [{ id: "tokens", by: "user", unit: "tokens", limit: 20_000, windowMs: 60_000 }],
    onUnavailable: "refuse",
  }),
  cache: createCache<StoredAnswer>(tenant, { name: "research" }),
});

const research: LetterHandler<{ report: string; question: string }> = async ({ body, redelivered, use }) => {
  await say(`${redelivered ? "takes up again" : "looks into"} "${body.question}"`);
  const outcome = await flow.chat({
    request: { model: "demo", messages: [{ role: "user", content: body.question }] },
    user: "researcher",
  });
  if (outcome.kind !== "whole") throw new Error(`the model did not answer: ${outcome.kind}`);
  const { choices, usage } = JSON.parse(outcome.text) as {
    choices: { message: { content: string } }[];
    usage?: { total_tokens: number };
  };
  use({ tokens: usage?.total_tokens ?? 0 });
  const answer = choices[0]?.message.content ?? "";
  // The same note twice is one note: a message may come again.
  await memory
    .session({ user: "team", id: body.report })
    .append({ role: "assistant", content: answer }, { idempotencyKey: body.question });
  await say(`knows it, ${outcome.provenance.cache === "exact" ? "from the cache" : "from the model"}`);
  return answer;
};

const write: LetterHandler<{ report: string }> = async ({ body, write: add }) => {
  const { turns } = await memory.session({ user: "team", id: body.report }).window({ last: 10 });
  await say(`writes from ${turns.length} notes`);
  for (const { content } of turns) add(`- ${String(content)}\n`);
  return turns.length;
};

if (role === "planner") {
  const planner = await bus.register({ name: "planner" }, () => null);
  createWorker<{ questions: string[] }>(redis, { name: "reports" }, async ({ id, payload, write: add, signal }) => {
    await say(`has a job of ${payload.questions.length} questions`);
    const limits = { hopsMax: 2, fanOutMax: 5, tokens: 5_000 };
    for (const question of payload.questions) {
      const researcher = await bus.pick({ skill: "research" });
      const asked = { ttlMs: 30_000, limits, gives: { tokens: 1_000 }, signal };
      const answer = await planner.request(researcher?.card.name ?? "researcher", { report: id, question }, asked);
      if (answer.state !== "handled") throw new Error(`no answer: ${answer.state}`);
    }
    for await (const event of planner.stream("writer", { report: id }, { ttlMs: 30_000, limits, signal }))
      if (event.kind === "text") add(event.text);
    await say("is done");
    return { questions: payload.questions.length };
  });
} else {
  const handler = (role === "researcher" ? research : write) as LetterHandler;
  const skills = [{ id: role === "researcher" ? "research" : "write" }];
  await bus.register({ name: role, skills }, handler, { leaseMs: 1_000 });
}
process.stdout.write("ready\n");
