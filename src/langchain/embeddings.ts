import { Embeddings, type EmbeddingsParams } from "@langchain/core/embeddings";
import type { Embedder } from "../embedders/index.ts";

/** Uses a Marrow embedder in LangChain. The built-in one needs no network, key or model file. */
export class MarrowEmbeddings extends Embeddings {
  readonly #embedder: Embedder;

  constructor(embedder: Embedder, params: EmbeddingsParams = {}) {
    super(params);
    this.#embedder = embedder;
  }

  /** Returns the vectors of texts, in order. @throws MarrowError `embedder_failed` */
  async embedDocuments(texts: string[]): Promise<number[][]> {
    const vectors = await this.caller.call(() => this.#embedder.embed(texts));
    return vectors.map((vector) => [...vector]);
  }

  /** Returns the vector of one text. @throws MarrowError `embedder_failed` */
  async embedQuery(text: string): Promise<number[]> {
    const [vector = []] = await this.embedDocuments([text]);
    return vector;
  }
}
