// Agents that find each other, ask each other, and cannot run away: requests, guards, a durable topic.
import { randomUUID } from "node:crypto";
import { connect } from "marrow";
import { createBus } from "marrow/bus";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: `example-bus-${randomUUID()}`,
});
const bus = createBus(redis.scope("acme"));

const counter = await bus.register<string>(
  { name: "counter", skills: [{ id: "count", tags: ["words"] }] },
  ({ body }) => ({
    words: body.split(" ").length,
  }),
);
const echo = await bus.register({ name: "echo" }, async ({ send }) => {
  // It writes to itself for ever, or would.
  const { state, reason } = await send("echo", "again");
  if (state === "bounced") await echoes.publish(`stopped: ${reason}`);
});
const echoes = bus.topic<string>("echoes");

const agent = await bus.pick({ tags: ["words"] });
console.log("found", agent?.card.name, agent?.state);
const answer = await bus.request(agent?.card.name ?? "", "to be or not to be");
console.log(answer.state, answer.state === "handled" ? answer.reply : undefined);
const nobody = await bus.request("nobody", "?");
console.log(nobody.state, nobody.state === "bounced" ? nobody.reason : undefined);

await bus.send("echo", "go", { limits: { hopsMax: 5, visitsMax: 10 } });
await new Promise<void>((resolve) => {
  const reader = echoes.read("log", ({ body }) => (console.log(body), void reader.close().then(resolve)), {
    from: "start",
  });
});
await Promise.all([counter.close(), echo.close(), bus.close()]);
// Output:
// found counter online
// handled { words: 6 }
// bounced absent
// stopped: hops
