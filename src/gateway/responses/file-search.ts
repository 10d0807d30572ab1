import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import type { FileFilter, FoundChunk } from "../../stores/index.ts";
import type { Asker } from "../tenancy/asker.ts";
import { mayRead } from "../tenancy/ownership.ts";
import type { GatewayApp } from "../parts.ts";
import { parseBody, toInputError } from "../http/input-error.ts";
import { rankingOptions, resultsMax, toRanking } from "../openai/ranking.ts";
import type { ResponseRequest } from "./request.ts";
import type { Fields } from "../../internal/fields.ts";
import type { Item } from "./shape.ts";
import { allowsFileSearch, isFileSearch, refused } from "./translation.ts";

/** Most vector stores per request. */
const STORES_MAX = 10;
/** Chunks for the model if the tool sets no number. */
const RESULTS_DEFAULT = 10;
/** Characters of the question that is searched for. */
const QUERY_CHARS_MAX = 4_096;

/** Options of the tool other than its stores. */
const searchTool = z.looseObject({
  filters: z.looseObject({ type: z.string() }).nullish(),
  max_num_results: resultsMax,
  ranking_options: rankingOptions,
});

/** Result of a search: the item for the client, and the message for the model. */
export interface Search {
  readonly item: Fields;
  readonly told: Item;
}

/**
 * Runs `file_search` over the gateway's own vector stores. The user's last message is the query, and the results precede the conversation
 * as an instruction. So it works with every model, also without tools, and costs no second call. `undefined` if the request has no such
 * tool, does not allow it, or has no question.
 * @throws MarrowError `not_found` for a store that does not exist, `invalid_input`
 */
export async function searchFiles(
  { stores }: Pick<GatewayApp, "stores">,
  asker: Asker,
  { tools, tool_choice: choice, include }: ResponseRequest,
  input: readonly Item[],
): Promise<Search | undefined> {
  const at = tools?.findIndex(isFileSearch) ?? -1;
  const tool = tools?.[at];
  const query = questionOf(input);
  if (tool === undefined || !allowsFileSearch(choice) || query === undefined) return undefined;
  const ids = tool["vector_store_ids"];
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > STORES_MAX || ids.some((id) => typeof id !== "string"))
    throw refused(`tools.${at}.vector_store_ids`, "this list", `; give 1 to ${STORES_MAX} ids of vector stores`);
  const read = parseBody(searchTool, tool);
  if (!read.success) throw toInputError(read.error, `tools.${at}`);
  const { filters, max_num_results: limit, ranking_options: ranking } = read.data;
  const most = limit ?? RESULTS_DEFAULT;
  const search = {
    queries: [query],
    filter: (filters ?? undefined) as FileFilter | undefined,
    limit: most,
    ...toRanking(ranking, `tools.${at}.ranking_options`),
  };
  const scoped = stores(asker.scope);
  const path = `tools.${at}.vector_store_ids`;
  const lists = await Promise.all(
    (ids as readonly string[]).map(async (id) => {
      try {
        if (mayRead(asker, await scoped.ownerOf(id), true)) return await scoped.search(id, search);
      } catch (error) {
        if (!MarrowError.is(error, "not_found")) throw error;
      }
      throw new MarrowError("not_found", `${path}: there is no vector store of this id`, { details: { path } });
    }),
  );
  const found = lists
    .flat()
    .toSorted((a, b) => b.score - a.score)
    .slice(0, most);
  const results = include?.includes("file_search_call.results") === true ? found.map(toResult) : null;
  return {
    item: { type: "file_search_call", queries: [query], results },
    told: {
      id: "",
      type: "message",
      role: "developer",
      content: [{ type: "input_text", text: toText(found) }],
    },
  };
}

/** Steps of a search in a stream. */
export const SEARCH_STEPS: readonly string[] = ["in_progress", "searching", "completed"];

function questionOf(input: readonly Item[]): string | undefined {
  const last = input.findLast(({ type, role }: Fields) => type === "message" && role === "user");
  const content = last?.["content"];
  if (!Array.isArray(content)) return undefined;
  const said = (content as readonly Fields[])
    .flatMap(({ text }) => (typeof text === "string" ? [text] : []))
    .join("\n");
  const asked = said.trim().slice(0, QUERY_CHARS_MAX).toWellFormed();
  return asked === "" ? undefined : asked;
}

function toResult({ fileId, filename, text, score, attributes }: FoundChunk): Fields {
  return { file_id: fileId, filename, text, score, attributes };
}

function toText(found: readonly FoundChunk[]): string {
  if (found.length === 0) return "A search in the user's files found nothing for the last message.";
  const pieces = found.map(({ filename, text }) => `[${filename}]\n${text}`);
  return `A search in the user's files found these passages for the last message. Answer from them and name the file:\n\n${pieces.join("\n\n")}`;
}
