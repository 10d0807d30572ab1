import { MarrowError } from "../../errors.ts";
import type { GatewayApp } from "../parts.ts";

/** `GET /v1/models` and `GET /v1/models/{id}`: all that the gateway serves, the embedder included. */
export function registerModels({ app, listModels, embedder }: GatewayApp): void {
  async function all() {
    const own = embedder === undefined ? [] : [{ id: embedder.id, owned_by: "marrow", created: 0 }];
    return [...(await listModels()), ...own].map((model) => ({ ...model, object: "model" }));
  }

  app.get("/v1/models", async () => ({ object: "list", data: await all() }));

  app.get<{ Params: { "*": string } }>("/v1/models/*", async (request) => {
    const model = (await all()).find(({ id }) => id === request.params["*"]);
    if (model === undefined)
      throw new MarrowError("not_found", "the model does not exist", { details: { path: "model" } });
    return model;
  });
}
