// A semantic cache: a question in other words gets the stored answer, a different one does not.
import { connect } from "marrow";
import { createCache } from "marrow/cache";
import { staticEmbedder } from "marrow/embedders";

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: "example-cache",
});
const answers = createCache<string>(redis.scope("acme"), {
  name: "answers",
  embedder: staticEmbedder(),
  ttlMs: 60_000,
});

let asked = 0;
async function ask(prompt: string): Promise<string> {
  const { value, source } = await answers.through({ prompt, within: { model: "demo" } }, async () => {
    asked += 1;
    return `answer ${asked}`;
  });
  return `${source}: ${value}`;
}

console.log(await ask("How do I reset my password?"));
console.log(await ask("How do I reset my password?"));
console.log(await ask("How can I reset my password?"));
console.log(await ask("How do I reset my e-mail address?"));
// Output:
// miss: answer 1
// exact: answer 1
// similar: answer 1
// miss: answer 2
