// Moves the entries of a RedisVL SemanticCache (hashes "llmcache:<id>" with `prompt` and `response`) into Marrow's cache.
import { Redis } from "ioredis";
import { connect } from "marrow";
import { createCache } from "marrow/cache";
import { staticEmbedder } from "marrow/embedders";

const url = process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379";
const theirs = new Redis(url.startsWith("unix:") ? url.slice("unix://".length) : url);
// What RedisVL stored, for this example.
await theirs.hset("llmcache:1", { prompt: "What is the capital of France?", response: "Paris", inserted_at: 1.7e9 });
await theirs.hset("llmcache:2", { prompt: "Who wrote Faust?", response: "Goethe", inserted_at: 1.7e9 });

await using redis = await connect(url, { app: `example-${Date.now()}` });
const answers = createCache<string>(redis.scope("acme"), { name: "answers", embedder: staticEmbedder() });

let moved = 0;
for await (const keys of theirs.scanStream({ match: "llmcache:*", count: 512 }) as AsyncIterable<string[]>) {
  for (const key of keys) {
    const [prompt, response] = await theirs.hmget(key, "prompt", "response");
    const leftMs = await theirs.pttl(key);
    if (prompt == null || response == null) continue;
    await answers.store(prompt, response, leftMs > 0 ? { ttlMs: leftMs } : {});
    moved += 1;
  }
}
console.log("moved", moved);

const found = await answers.lookup("What's the capital of France?");
console.log(found.hit ? `${found.match}: ${found.value}` : "miss");
await theirs.del("llmcache:1", "llmcache:2");
await theirs.quit();
// Output:
// moved 2
// similar: Paris
