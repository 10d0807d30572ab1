// A session: turns in order, appended once however often the call is repeated.
import { connect } from "marrow";
import { createMemory } from "marrow/memory";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: "example-memory",
});
const memory = createMemory(redis.scope("acme"), { name: "support", sessionTtlMs: 60_000 });
const session = memory.session({ user: "42", id: "chat-7" });

await session.append({ role: "user", content: "Order 881 is late" }, { idempotencyKey: "m1" });
await session.append({ role: "user", content: "Order 881 is late" }, { idempotencyKey: "m1" });
await session.append([
  { role: "assistant", content: "Let me look." },
  { role: "user", content: "Thanks" },
]);

const { version, turns } = await session.window({ last: 2 });
console.log(version, turns.map(({ role, content }) => `${role}: ${String(content)}`).join(" | "));
await session.append({ role: "user", content: "Hello?" }, { expectedVersion: 1 }).catch((error: unknown) => {
  console.log((error as { code: string }).code);
});
console.log(await session.clear());
// Output:
// 3 assistant: Let me look. | user: Thanks
// conflict
// true
