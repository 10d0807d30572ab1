import type { ChatModel, ModelInfo } from "../model.ts";

/** Longest wait for the lists of all upstreams, in milliseconds. */
export const LIST_WAIT_MS = 1_500;

/**
 * Lists what all models serve, each asked at the same time. One that fails or is silent is listed as it was known last, and its answer is taken
 * when it comes; no more than one question is on its way to each.
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
      // What was known last is told.
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

/** One model, what it served when it was asked last, and the question that is on its way. */
interface Listed {
  readonly model: ChatModel;
  known: readonly ModelInfo[];
  asking: Promise<void> | undefined;
}
