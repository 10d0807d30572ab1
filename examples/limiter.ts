// Levels, units and slots in one decision: all rules or none, tokens settled after the call, a boost for one user.
import { randomUUID } from "node:crypto";
import { connect } from "marrow";
import { createLimiter } from "marrow/limiter";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: "example-limiter",
});
const chat = createLimiter(redis.scope(`acme-${randomUUID()}`), {
  name: "chat",
  rules: [
    { id: "user-requests", by: "user", limit: 4, windowMs: 3_600_000 },
    { id: "user-tokens", by: "user", unit: "tokens", algorithm: "slidingLog", limit: 1_000, windowMs: 3_600_000 },
    { id: "budget", by: "app", unit: "cost", algorithm: "fixedWindow", limit: 5_000_000, calendar: "month" },
    { id: "streams", by: "user", unit: "concurrency", limit: 1 },
  ],
  onUnavailable: "local",
});

const first = await chat.take({ user: "42" }, { tokens: 900, cost: 1_800 }, { reserve: true });
console.log("first", first.allowed);
const second = await chat.take({ user: "42" }, { tokens: 50 });
console.log("second", second.allowed || second.refusedBy);
if (first.allowed) await first.settle({ tokens: 80, cost: 160 });
const third = await chat.take({ user: "42" }, { tokens: 900 }, { reserve: true, wait: { maxMs: 1_000 } });
console.log("third", third.allowed, third.rules.map(({ id, remaining }) => `${id} ${remaining}`).join(", "));
if (third.allowed) await third.settle();
await chat.boost({ user: "42" }, { "user-tokens": 500 }, { forMs: 60_000 });
console.log("boosted", (await chat.peek({ user: "42" })).rules[1]?.remaining);
// Output:
// first true
// second streams
// third true user-requests 2, user-tokens 20, budget 4999840, streams 0
// boosted 520
