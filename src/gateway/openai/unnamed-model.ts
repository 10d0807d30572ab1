import { MarrowError } from "../../errors.ts";
import type { GatewayApp } from "../parts.ts";

/** Pattern of a path's model ids, and the default model of OpenAI's API. */
interface Row {
  readonly ids: RegExp;
  readonly first?: string;
}

/** Paths whose `model` OpenAI's clients may omit. Models are selected by their ids, because endpoints list nothing else. */
export const UNNAMED: ReadonlyMap<string, Row> = new Map([
  ["/v1/moderations", { ids: /moderation/i, first: "omni-moderation-latest" }],
  ["/v1/images/generations", { ids: /image|dall-e|flux|diffusion|imagen/i }],
  ["/v1/images/edits", { ids: /image|dall-e|flux|diffusion|imagen/i }],
  ["/v1/images/variations", { ids: /image|dall-e|flux|diffusion|imagen/i }],
]);

/** Models that an error names. */
const NAMED_MAX = 8;

/**
 * Returns the model of a request that names none: the only listed one that serves its path, or OpenAI's default.
 * @throws MarrowError `invalid_input` that says why none can be chosen
 */
export async function modelFor(
  path: string,
  { listModels, findModel }: Pick<GatewayApp, "listModels" | "findModel">,
): Promise<string> {
  const row = UNNAMED.get(path);
  if (row === undefined) throw unnamed("must be given");
  const found = (await listModels()).flatMap(({ id }) => (row.ids.test(id) ? [id] : []));
  const [only, ...others] = found;
  // An endpoint may serve models that it does not list.
  if (only === undefined && row.first !== undefined && findModel(row.first) !== undefined) return row.first;
  if (only === undefined) throw unnamed("must be given: no model of this gateway is known to serve this path");
  if (others.length === 0) return only;
  if (row.first !== undefined && found.includes(row.first)) return row.first;
  throw unnamed(`must be given: several models may serve this path (${found.slice(0, NAMED_MAX).join(", ")})`);
}

function unnamed(why: string): MarrowError {
  return new MarrowError("invalid_input", `model: ${why}`, { details: { path: "model" } });
}
