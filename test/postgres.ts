import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { setFlagsFromString } from "node:v8";

/**
 * A PostgreSQL with pgvector in this process. Node 24 may end the process ("Check failed: jit_page_->allocations_.erase") when it frees code
 * of WebAssembly in one thread while others run some, so it frees none (nodejs/node issue 64500).
 */
export async function openPostgres(): Promise<PGlite> {
  setFlagsFromString("--no-wasm-code-gc");
  const database = await PGlite.create({ extensions: { vector } });
  await database.exec("create extension vector");
  return database;
}
