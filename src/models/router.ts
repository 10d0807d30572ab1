import type { ChatModel, ModelInfo } from "./model.ts";

/** One model out of many: the first that serves an id takes its requests. */
export function routeModels(models: readonly ChatModel[]): {
  find: (id: string) => ChatModel | undefined;
  list: () => Promise<readonly ModelInfo[]>;
} {
  return {
    find: (id) => models.find((model) => model.serves(id)),
    async list() {
      const lists = await Promise.all(models.map((model) => model.list()));
      return lists.flat();
    },
  };
}
