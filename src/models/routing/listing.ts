import type { ChatModel, ModelInfo } from "../model.ts";

/** Longest wait for the lists of all upstreams, in milliseconds. */
export const LIST_WAIT_MS = 1_500;

/**
 * Lists the models of all upstreams, queried in parallel. If one fails or is silent, its last list is used, and its late reply is stored;
 * at most one query per upstream is in flight.
 */
export function createListing(
  models: readonly { readonly model: ChatModel; readonly ids?: readonly string[] | undefined }[],
): () => Promise<readonly ModelInfo[]> {
  const states = models.map(({ model, ids = [] }): Listed => ({
    model,
    known: ids.map((id) => ({ id, owned_by: "upstream", created: 0 })),
    asking: undefined,
  }));

  async function ask(state: Listed): Promise<void> {
    try {
      state.known = await state.model.list();
    } catch {
      // The last known list stays.
    } finally {
      state.asking = undefined;
    }
  }

  return async () => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LIST_WAIT_MS);
    });
    const asking = states.map((state) => (state.asking ??= ask(state)));
    await Promise.race([Promise.all(asking), late]);
    clearTimeout(timer);
    return states.flatMap(({ known }) => known);
  };
}

/** One model, its last list, and the query in flight. */
interface Listed {
  readonly model: ChatModel;
  known: readonly ModelInfo[];
  asking: Promise<void> | undefined;
}
