/**
 * The other process of dropping.live.test.ts. A line on standard input names what to write to, as `items <namespace>` or `facts <user>`: it
 * writes there, one after the other, until the next line, and then prints how many it wrote. It leaves at the end of the input.
 */
import { createInterface } from "node:readline";
import { hashEmbedder } from "../../src/embedders/index.ts";
import { connect } from "../../src/index.ts";
import { createMemory } from "../../src/memory/index.ts";
import { createVectors, type RedisEngine } from "../../src/vectors/index.ts";

const [url = "", app = "", engine = ""] = process.argv.slice(2);
const redis = await connect(url, { app, commandTimeoutMs: 20_000 });
const tenant = redis.scope("acme");
const options = { dimensions: 4, metric: "cosine", index: "flat", engine: engine as RedisEngine } as const;
const items = createVectors(tenant, { ...options, name: "docs" });
const memory = createMemory(tenant, { name: "m", facts: { embedder: hashEmbedder(), engine: options.engine } });

let target = "";
let writing: Promise<void> = Promise.resolve();

async function write(to: string): Promise<void> {
  const [kind, name = ""] = to.split(" ");
  let written = 0;
  for (; target === to; written += 1) {
    if (kind === "facts") await memory.facts(name).remember({ text: `secret number ${written} of the writer` });
    else await items.namespace(name).upsert([{ id: `w${written}`, vector: [1, 0, 0, 0], payload: "secret" }]);
    if (written === 0) process.stdout.write("writing\n");
  }
  process.stdout.write(`${written}\n`);
}

for await (const line of createInterface({ input: process.stdin })) {
  target = line;
  await writing;
  if (line !== "") writing = write(line);
}
target = "";
await writing;
await redis.close();
