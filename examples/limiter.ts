// Two levels and two units in one decision: all rules or none, tokens settled after the call.
import { randomUUID } from "node:crypto";
import { connect } from "marrow";
import { createLimiter } from "marrow/limiter";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: "example-limiter",
});
const chat = createLimiter(redis.scope(`acme-${randomUUID()}`), {
  name: "chat",
  rules: [
    { id: "user-requests", by: "user", limit: 3, windowMs: 3_600_000 },
    { id: "user-tokens", by: "user", unit: "tokens", limit: 1_000, windowMs: 3_600_000 },
    { id: "app-requests", by: "app", limit: 100, windowMs: 3_600_000 },
  ],
  onUnavailable: "allow",
});

const first = await chat.take({ user: "42" }, { tokens: 900 });
console.log("first", first.allowed);
const second = await chat.take({ user: "42" }, { tokens: 900 });
console.log("second", second.allowed || second.refusedBy);
if (first.allowed) await first.settle({ tokens: 50 });
const third = await chat.take({ user: "42" }, { tokens: 900 });
console.log("third", third.allowed, third.rules.map(({ id, remaining }) => `${id} ${remaining}`).join(", "));
// Output:
// first true
// second user-tokens
// third true user-requests 1, user-tokens 50, app-requests 98
