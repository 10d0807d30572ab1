import { isAbsentPackage } from "../../internal/optional-package.ts";
import { loadCountTokens, type Turn } from "../../memory/index.ts";

/** A task with OpenAI's token tables: count messages (o200k_base), or decode lists of tokens (cl100k_base). */
export type TokenTask = { readonly count: readonly Turn[] } | { readonly decode: readonly (readonly number[])[] };

/** Token counts of the messages, or texts of the lists: empty for invalid tokens, absent without the package of the tables. */
export type TokenResult = { readonly tokens: readonly number[] } | { readonly texts: readonly string[] | undefined };

/** Runs one task. Runs in a worker thread, because the tables take 0.2 s to load and tens of MB. */
export async function workOnTokens(task: TokenTask): Promise<TokenResult> {
  if ("count" in task) {
    const count = await loadCountTokens();
    return { tokens: task.count.map(count) };
  }
  const table = await import("gpt-tokenizer/encoding/cl100k_base").catch((error: unknown) => {
    if (isAbsentPackage(error, "gpt-tokenizer")) return undefined;
    throw error;
  });
  if (table === undefined) return { texts: undefined };
  const { decode } = table;
  return { texts: task.decode.map((list) => orEmpty(() => decode(list))) };
}

/** A number beyond the table, or in a gap of it, makes the decoder throw. */
function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
