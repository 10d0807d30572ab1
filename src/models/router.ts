import type { ChatModel, ModelInfo } from "./model.ts";
import { createListing } from "./routing/index.ts";

/** Combines models: the first that serves an id handles its requests. */
export function routeModels(models: readonly ChatModel[]): {
  find: (id: string) => ChatModel | undefined;
  list: () => Promise<readonly ModelInfo[]>;
} {
  return {
    find: (id) => models.find((model) => model.serves(id)),
    list: createListing(models.map((model) => ({ model }))),
  };
}
