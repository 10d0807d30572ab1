// A session of OpenAI's Agents SDK that any process can go on with. The model here is a stand-in; any of the SDK's takes its place.
import { Agent, run, setTracingDisabled, Usage, type Model } from "@openai/agents";
import { connect } from "marrow";
import { createMemory } from "marrow/memory";
import { toAgentsSession } from "marrow/openai-agents";

setTracingDisabled(true);
await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: `example-${Date.now()}`,
});
const memory = createMemory(redis.scope("acme"), { name: "agents", sessionTtlMs: 86_400_000 });
const model: Model = {
  getResponse: async ({ input }) => {
    const text = `I was given ${input.length} items.`;
    return {
      usage: new Usage(),
      output: [{ type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text }] }],
    };
  },
  getStreamedResponse: () => {
    throw new Error("this stand-in does not stream");
  },
};
const agent = new Agent({ name: "helper", instructions: "Be brief.", model });

for (const question of ["My name is Ada.", "What is my name?"]) {
  // Each round makes its handle anew, as another process would.
  const session = toAgentsSession(memory.session({ user: "42", id: "chat-7" }));
  const { finalOutput } = await run(agent, question, { session });
  console.log(finalOutput);
}
const { turns } = await memory.session({ user: "42", id: "chat-7" }).window({ last: 10 });
console.log(turns.map(({ role }) => role).join(", "));
// Output:
// I was given 1 items.
// I was given 3 items.
// user, assistant, user, assistant
