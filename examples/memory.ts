// A session: turns in order, appended once however often the call is repeated.
import { connect } from "marrow";
import { staticEmbedder } from "marrow/embedders";
import { createMemory } from "marrow/memory";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: "example-memory",
});
const memory = createMemory(redis.scope("acme"), {
  name: "support",
  sessionTtlMs: 60_000,
  facts: { embedder: staticEmbedder() },
});
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

// What is known over all sessions; what a tool said is not taken for the user's word.
const facts = memory.facts("42");
await facts.remember({ text: "Order 881 goes to Bergen", key: "address of 881" });
await facts.remember({ text: "Order 881 goes to Oslo", key: "address of 881" });
await facts.remember({ text: "Order 881 goes to a stranger", source: { role: "tool" } });
const context = await session.context({ maxTokens: 200, about: "where does order 881 go?" });
console.log(String(context.turns[0]?.content).split("\n").slice(1).join(), context.turns.length);
console.log(await memory.forget("42"));
// Output:
// 3 assistant: Let me look. | user: Thanks
// conflict
// - Order 881 goes to Oslo 4
// { sessions: 1, turns: 3, facts: 3 }
