import { MetadataMode, type BaseNode } from "@llamaindex/core/schema";
import {
  BaseVectorStore,
  metadataDictToNode,
  nodeToMetadata,
  type VectorStoreBaseParams,
  type VectorStoreQuery,
  type VectorStoreQueryResult,
} from "@llamaindex/core/vector-store";
import { MarrowError } from "../errors.ts";
import { refuse } from "../internal/check.ts";
import type { Attributes, AttributeSchema, Search, Vectors, Where } from "../vectors/index.ts";
import { toWhere } from "./filter.ts";

/** The attribute that names the document of a node: what `delete` and `docIds` filter by. */
const DOCUMENT = "ref_doc_id";

/** Options of {@link MarrowVectorStore}. */
export interface MarrowVectorStoreParams<S extends AttributeSchema> extends VectorStoreBaseParams {
  /**
   * One namespace of a collection, as `createVectors` makes it: any engine, metric and index. Its attributes must have `ref_doc_id: "tag"`;
   * other attributes are metadata fields that filters may name. An attribute of kind `text` named `text` holds the node's text.
   */
  readonly vectors: Vectors<S>;
  /** TTL of added nodes, in milliseconds. @default no expiry */
  readonly ttlMs?: number | undefined;
}

/**
 * A collection as LlamaIndex's vector store: `VectorStoreIndex.fromDocuments(documents, { storageContext })`. Nodes are stored whole, and
 * come back as they were. Modes: `default`, `mmr`, and `hybrid` for collections with an attribute `text` of kind `text`.
 */
export class MarrowVectorStore<S extends AttributeSchema> extends BaseVectorStore<Vectors<S>> {
  storesText = true;
  readonly #vectors: Vectors<S>;
  readonly #ttlMs: number | undefined;

  /** Makes no round trip. @throws MarrowError `invalid_option` for a collection without the attribute `ref_doc_id` */
  constructor({ vectors, ttlMs, ...params }: MarrowVectorStoreParams<S>) {
    super(params);
    if (vectors.attributes[DOCUMENT] !== "tag")
      refuse("vectors.attributes", `attributes with ${DOCUMENT}: "tag"`, Object.keys(vectors.attributes));
    this.#vectors = vectors;
    this.#ttlMs = ttlMs;
  }

  client(): Vectors<S> {
    return this.#vectors;
  }

  /**
   * Stores nodes with their embeddings and returns their ids. @throws MarrowError the error of the first refused node; the others are
   * stored
   */
  async add(nodes: BaseNode[]): Promise<string[]> {
    const results = await this.#vectors.upsert(
      nodes.map((node) => ({
        id: idOf(node),
        vector: node.getEmbedding(),
        attributes: this.#toAttributes(node),
        payload: nodeToMetadata(node),
        ttlMs: this.#ttlMs,
      })),
    );
    for (const result of results) if (!result.stored) throw result.error;
    return results.map(({ id }) => id);
  }

  /** Deletes all nodes of a document. Reads the namespace in pages. */
  async delete(refDocId: string): Promise<void> {
    await this.#vectors.deleteWhere({ [DOCUMENT]: refDocId } as unknown as Where<S>);
  }

  async query(query: VectorStoreQuery): Promise<VectorStoreQueryResult> {
    const { queryEmbedding, similarityTopK, filters, docIds } = query;
    if (queryEmbedding === undefined) refuse("queryEmbedding", "a vector", queryEmbedding, "invalid_input");
    const parts = [toWhere<S>(filters), docIds && ({ [DOCUMENT]: { in: docIds } } as unknown as Where<S>)];
    const and = parts.filter((part) => part !== undefined);
    const matches = await this.#vectors.search({
      vector: queryEmbedding,
      limit: similarityTopK,
      ...(and.length > 0 && { where: { and } as unknown as Where<S> }),
      ...this.#byMode(query),
    });
    return {
      ids: matches.map(({ id }) => id),
      similarities: matches.map(({ similarity }) => similarity),
      nodes: matches.map(({ payload }) => metadataDictToNode(payload as Record<string, unknown>)),
    };
  }

  #byMode({ mode, queryStr, mmrThreshold = 0.5 }: VectorStoreQuery): Pick<Search<S>, "words" | "diversity"> {
    const name: string = mode;
    if (name === "default") return {};
    if (name === "mmr") return { diversity: 1 - mmrThreshold };
    if (name === "hybrid" && this.#vectors.attributes["text"] === "text") return { words: queryStr };
    throw new MarrowError(
      "unsupported",
      name === "hybrid"
        ? 'mode hybrid needs a collection whose attributes have text: "text"'
        : `mode ${name} is not supported; use default, mmr or hybrid`,
      { details: { path: "mode" } },
    );
  }

  #toAttributes(node: BaseNode): Attributes<S> {
    const schema = this.#vectors.attributes;
    const fields = {
      ...node.metadata,
      [DOCUMENT]: node.sourceNode?.nodeId ?? idOf(node),
      ...(schema["text"] === "text" && { text: node.getContent(MetadataMode.NONE) }),
    };
    const declared = Object.entries(fields).filter(([name, value]) => Object.hasOwn(schema, name) && value !== null);
    return Object.fromEntries(declared) as Attributes<S>;
  }
}

function idOf({ id_: id }: BaseNode): string {
  return id;
}
