import type { FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import { modelsQuery, toAnthropicModel, toAnthropicPage, type ModelsQuery } from "../anthropic/models.ts";
import { parseBody, toInputError } from "../http/input-error.ts";
import { header } from "../tenancy/identity.ts";
import type { GatewayApp } from "../parts.ts";

/** Registers `GET /v1/models` and `GET /v1/models/{id}`: all served models, including the embedder, in the format of the client's API. */
export function registerModels({ app, listModels, embedder }: GatewayApp): void {
  async function all() {
    const own = embedder === undefined ? [] : [{ id: embedder.id, owned_by: "marrow", created: 0 }];
    return [...(await listModels()), ...own].map((model) => ({ ...model, object: "model" }));
  }

  app.get("/v1/models", async (request) => {
    if (!isAnthropic(request)) return { object: "list", data: await all() };
    const query = parseBody(modelsQuery, request.query);
    if (!query.success) throw toInputError(query.error);
    return toAnthropicPage(await all(), query.data as ModelsQuery);
  });

  app.get<{ Params: { "*": string } }>("/v1/models/*", async (request) => {
    const model = (await all()).find(({ id }) => id === request.params["*"]);
    if (model === undefined)
      throw new MarrowError("not_found", "the model does not exist", { details: { path: "model" } });
    return isAnthropic(request) ? toAnthropicModel(model) : model;
  });
}

/** Returns true for a client of Anthropic's API, which sends its version. */
function isAnthropic(request: FastifyRequest): boolean {
  return header(request, "anthropic-version") !== undefined;
}
