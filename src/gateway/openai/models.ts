import { MarrowError } from "../../errors.ts";
import { reshapeErrorsFor, speaksAnthropic } from "../anthropic/error-shape.ts";
import { modelsQuery, toAnthropicModel, toAnthropicPage } from "../anthropic/models.ts";
import { parseBody, toInputError } from "../http/input-error.ts";
import type { GatewayApp } from "../parts.ts";

/** Registers `GET /v1/models` and `GET /v1/models/{id}`: all served models, including the embedder, in the format of the client's API. */
export function registerModels({ app, listModels, embedder }: GatewayApp): void {
  async function all() {
    const own = embedder === undefined ? [] : [{ id: embedder.id, owned_by: "marrow", created: 0 }];
    return [...(await listModels()), ...own].map((model) => ({ ...model, object: "model" }));
  }

  app.get("/v1/models", { preSerialization: reshapeErrorsFor }, async (request) => {
    if (!speaksAnthropic(request)) return { object: "list", data: await all() };
    const query = parseBody(modelsQuery, request.query);
    if (!query.success) throw toInputError(query.error);
    return toAnthropicPage(await all(), query.data);
  });

  app.get<{ Params: { "*": string } }>("/v1/models/*", { preSerialization: reshapeErrorsFor }, async (request) => {
    const model = (await all()).find(({ id }) => id === request.params["*"]);
    if (model === undefined)
      throw new MarrowError("not_found", "the model does not exist", { details: { path: "model" } });
    return speaksAnthropic(request) ? toAnthropicModel(model) : model;
  });
}
