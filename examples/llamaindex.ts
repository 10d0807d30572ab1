// A conversation of LlamaIndex's memory that any process can go on with.
import { ChatMemoryBuffer } from "@llamaindex/core/memory";
import type { LLM } from "@llamaindex/core/llms";
import { connect } from "marrow";
import { MarrowChatStore } from "marrow/llamaindex";
import { createMemory } from "marrow/memory";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: `example-${Date.now()}`,
});
const memory = createMemory(redis.scope("acme"), { name: "support", sessionTtlMs: 86_400_000 });
// The buffer asks a model only for the size of its context.
const llm = { metadata: { contextWindow: 8_000 } } as LLM;
// Each call makes the buffer anew, as another process would.
const chat = () =>
  new ChatMemoryBuffer({ llm, chatStore: new MarrowChatStore({ memory, user: "42" }), chatStoreKey: "chat-7" });

const first = chat();
void first.put({ role: "user", content: "My name is Ada." });
void first.put({ role: "assistant", content: "Hello, Ada." });
// Puts are not waited for by LlamaIndex; a read waits for them.
await first.getMessages();
for (const { role, content } of await chat().getMessages()) console.log(role, content);
// Output:
// user My name is Ada.
// assistant Hello, Ada.
