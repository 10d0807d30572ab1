import { randomUUID } from "node:crypto";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { VectorStore, type MaxMarginalRelevanceSearchOptions } from "@langchain/core/vectorstores";
import { refuse } from "../internal/check.ts";
import type { Attributes, AttributeSchema, Match, Vectors, Where } from "../vectors/index.ts";

/** Options of {@link MarrowVectorStore}. */
export interface MarrowVectorStoreConfig<S extends AttributeSchema> {
  /** One namespace of a collection, as `createVectors` makes it: any engine, metric and index. */
  readonly vectors: Vectors<S>;
  /** TTL of added documents, in milliseconds. @default no expiry */
  readonly ttlMs?: number | undefined;
}

interface Payload {
  readonly text: string;
  readonly metadata: Record<string, unknown>;
}

/**
 * A collection as LangChain's `VectorStore`. Metadata declared as attributes can be filtered with a `where` object of `marrow/vectors`,
 * never with text. All other metadata is stored and returned. An attribute `text` of kind `text` holds the page's content, whose words then
 * count in searches.
 */
export class MarrowVectorStore<S extends AttributeSchema> extends VectorStore {
  declare FilterType: Where<S>;
  readonly #config: MarrowVectorStoreConfig<S>;

  constructor(embeddings: EmbeddingsInterface, config: MarrowVectorStoreConfig<S>) {
    super(embeddings, {});
    this.#config = config;
  }

  /** The collection underneath. */
  get vectors(): Vectors<S> {
    return this.#config.vectors;
  }

  _vectorstoreType(): string {
    return "marrow";
  }

  /** Embeds and stores documents; returns their ids: those given, else the documents' own, else new ones. */
  async addDocuments(documents: DocumentInterface[], options?: { ids?: string[] }): Promise<string[]> {
    const vectors = await this.embeddings.embedDocuments(documents.map(({ pageContent }) => pageContent));
    return this.addVectors(vectors, documents, options);
  }

  /** Stores documents with their vectors. @throws MarrowError the error of the first refused item; the others are stored */
  async addVectors(
    vectors: number[][],
    documents: DocumentInterface[],
    options?: { ids?: string[] },
  ): Promise<string[]> {
    if (vectors.length !== documents.length)
      refuse("vectors", `as many as there are documents (${documents.length})`, vectors, "invalid_input");
    const results = await this.vectors.upsert(
      documents.map((document, at) => ({
        id: options?.ids?.[at] ?? document.id ?? randomUUID(),
        vector: vectors[at] as number[],
        attributes: this.#toAttributes(document),
        payload: { text: document.pageContent, metadata: document.metadata } satisfies Payload,
        ttlMs: this.#config.ttlMs,
      })),
    );
    for (const result of results) if (!result.stored) throw result.error;
    return results.map(({ id }) => id);
  }

  /** Returns the `k` nearest documents with their similarity; larger is nearer, on the metric's scale. */
  async similaritySearchVectorWithScore(
    query: number[],
    k: number,
    filter?: this["FilterType"],
  ): Promise<[DocumentInterface, number][]> {
    const matches = await this.vectors.search({ vector: query, limit: k, where: filter });
    return matches.map((match) => [toDocument(match), match.similarity]);
  }

  /** Returns the `k` best and most diverse of `fetchK` documents; `lambda` 1 considers only similarity, 0 only diversity. */
  override async maxMarginalRelevanceSearch(
    query: string,
    { k, fetchK = 20, lambda = 0.5, filter }: MaxMarginalRelevanceSearchOptions<this["FilterType"]>,
  ): Promise<DocumentInterface[]> {
    const vector = await this.embeddings.embedQuery(query);
    const candidates = Math.max(k, fetchK);
    const search = { vector, limit: k, where: filter, diversity: 1 - lambda };
    // Without any wish for difference there is nothing to choose from.
    const matches = await this.vectors.search(lambda === 1 ? search : { ...search, candidates });
    return matches.map((match) => toDocument(match));
  }

  /** Deletes documents by id or by filter. @throws MarrowError `invalid_input` without either: use `vectors.drop()` to delete all */
  override async delete(params: { ids?: string[]; filter?: Where<S> } = {}): Promise<void> {
    const { ids, filter } = params;
    if (ids === undefined && filter === undefined)
      refuse("params", "an object with ids or a filter", params, "invalid_input");
    if (ids !== undefined) await this.vectors.delete(ids);
    if (filter !== undefined) await this.vectors.deleteWhere(filter);
  }

  /** Makes a store with texts. */
  static override async fromTexts<S extends AttributeSchema>(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface,
    config: MarrowVectorStoreConfig<S>,
  ): Promise<MarrowVectorStore<S>> {
    const documents = texts.map((pageContent, at) => {
      const metadata = (Array.isArray(metadatas) ? (metadatas[at] ?? {}) : metadatas) as Record<string, unknown>;
      return new Document({ pageContent, metadata });
    });
    return MarrowVectorStore.fromDocuments(documents, embeddings, config);
  }

  /** Makes a store with documents. */
  static override async fromDocuments<S extends AttributeSchema>(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface,
    config: MarrowVectorStoreConfig<S>,
  ): Promise<MarrowVectorStore<S>> {
    const store = new MarrowVectorStore(embeddings, config);
    await store.addDocuments(documents);
    return store;
  }

  #toAttributes({ pageContent, metadata }: DocumentInterface): Attributes<S> {
    const schema = this.vectors.attributes;
    const given = Object.entries(metadata).filter(([name, value]) => Object.hasOwn(schema, name) && value !== null);
    const text = schema["text"] === "text" ? { text: pageContent } : {};
    return { ...Object.fromEntries(given), ...text } as Attributes<S>;
  }
}

function toDocument<S extends AttributeSchema>({ id, payload }: Match<S>): DocumentInterface {
  const { text, metadata } = payload as Payload;
  return new Document({ id, pageContent: text, metadata });
}
