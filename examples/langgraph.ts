// A graph that waits for a person, and goes on in another process: its state is in Redis, and so is what it should remember.
import { Command, END, interrupt, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { connect } from "marrow";
import { staticEmbedder } from "marrow/embedders";
import { MarrowSaver, MarrowStore } from "marrow/langgraph";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: "example-langgraph",
});
const tenant = redis.scope("acme");
const store = new MarrowStore(tenant, { name: "notes", index: { embedder: staticEmbedder(), fields: ["text"] } });
const open = () =>
  new StateGraph(MessagesAnnotation)
    .addNode("plan", () => ({ messages: [{ role: "assistant", content: "Plan: three days in Oslo" }] }))
    .addNode("ask", () => ({ messages: [{ role: "user", content: String(interrupt("Shall I book it?")) }] }))
    .addEdge(START, "plan")
    .addEdge("plan", "ask")
    .addEdge("ask", END)
    .compile({ checkpointer: new MarrowSaver(tenant, { name: "travel", ttlMs: 60_000 }), store });

const thread = { configurable: { thread_id: "trip-1" } };
await new MarrowSaver(tenant, { name: "travel" }).deleteThread("trip-1");
await open().invoke({ messages: [{ role: "user", content: "I want to see the north" }] }, thread);
console.log("waits for", (await open().getState(thread)).next.join(", "));
const { messages } = await open().invoke(new Command({ resume: "Yes" }), thread);
console.log(messages.map(({ text }) => text).join(" | "));

await store.put(["users", "ada"], "coffee", { text: "Ada drinks strong coffee in the morning" });
await store.put(["users", "ada"], "bicycle", { text: "Her bicycle is green" });
const [found] = await store.search(["users", "ada"], { query: "which coffee does she drink?" });
console.log(found?.key);
// Output:
// waits for ask
// I want to see the north | Plan: three days in Oslo | Yes
// coffee
