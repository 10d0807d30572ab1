// Moves the entries of GPTCache's SQLite store (tables gptcache_question and gptcache_answer) into Marrow's cache.
import { DatabaseSync } from "node:sqlite";
import { connect } from "marrow";
import { createCache } from "marrow/cache";
import { staticEmbedder } from "marrow/embedders";

const file = new DatabaseSync(":memory:"); // yours: new DatabaseSync("sqlite.db", { readOnly: true })
// What GPTCache stored, for this example.
file.exec(`create table gptcache_question (id integer primary key, question text, deleted integer default 0);
  create table gptcache_answer (id integer primary key, question_id integer, answer text, answer_type integer);
  insert into gptcache_question (id, question) values (1, 'What is the capital of France?'), (2, 'Who wrote Faust?');
  insert into gptcache_answer (question_id, answer, answer_type) values (1, 'Paris', 0), (2, 'Goethe', 0);`);

await using redis = await connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
  app: `example-${Date.now()}`,
});
const answers = createCache<string>(redis.scope("acme"), { name: "answers", embedder: staticEmbedder() });

const rows =
  file.prepare(`select question, answer from gptcache_question q join gptcache_answer a on a.question_id = q.id
  where q.deleted = 0 and a.answer_type = 0`);
let moved = 0;
for (const { question, answer } of rows.iterate()) {
  await answers.store(String(question), String(answer));
  moved += 1;
}
console.log("moved", moved);

const found = await answers.lookup("What's the capital of France?");
console.log(found.hit ? `${found.match}: ${found.value}` : "miss");
// Output:
// moved 2
// similar: Paris
