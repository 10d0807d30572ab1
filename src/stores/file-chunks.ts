import type { Embedder } from "../embedders/index.ts";
import type { AttributeSchema, Vectors } from "../vectors/index.ts";
import { toChunkAttributes, type Slots } from "./attributes.ts";
import type { Chunks } from "./chunk-pool.ts";
import type { StoreFile } from "./file-status.ts";
import { addedAtOnce, REMOVED_AT_ONCE, vectorTurns } from "./turns.ts";

/** The chunks of a store's files in its collection of vectors. */
export interface FileChunks {
  /** Embeds and stores the chunks of a file; returns the bytes of their texts. */
  put(file: StoreFile, cut: Chunks, slots: Slots, signal: AbortSignal | undefined): Promise<number>;
  /** Gives all chunks of a file its attributes. */
  label(file: StoreFile, slots: Slots): Promise<void>;
  /** Returns the texts of the first `count` chunks of a file, without missing ones. */
  texts(fileId: string, count: number): Promise<string[]>;
  /** Deletes the chunks `from` up to, and not including, `to`. */
  remove(fileId: string, from: number, to: number): Promise<void>;
}

const EMBED_BATCH = 64;
/** Chunks that one command reads. */
const READ_BATCH = 128;

/** Opens the chunks of a store. Each command that changes their graph waits for its turn among all scopes. */
export function createFileChunks(scope: string, chunks: Vectors<AttributeSchema>, embedder: Embedder): FileChunks {
  const upsertBatch = addedAtOnce(embedder.dimensions);
  const chunkId = (fileId: string, at: number) => `${fileId}#${at}`;
  const idsOf = (fileId: string, from: number, to: number) =>
    Array.from({ length: Math.max(0, to - from) }, (_, at) => chunkId(fileId, from + at));
  const toFields = ({ id, filename, attributes }: StoreFile, slots: Slots) => ({
    attributes: { ...toChunkAttributes(slots, attributes), file: id },
    payload: { filename, attributes },
  });

  return {
    async put(file, cut, slots, signal) {
      const { attributes, payload } = toFields(file, slots);
      let bytes = 0;
      for (let start = 0; start < cut.count; start += EMBED_BATCH) {
        const count = Math.min(EMBED_BATCH, cut.count - start);
        const part = Array.from({ length: count }, (_, at) => cut.text(start + at));
        bytes += part.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
        const vectors = await embedder.embed(part, { signal, background: true });
        const items = part.map((text, at) => ({
          id: chunkId(file.id, start + at),
          vector: vectors[at] as Float32Array,
          attributes: { ...attributes, body: text },
          payload,
        }));
        for (let first = 0; first < count; first += upsertBatch) {
          const batch = items.slice(first, first + upsertBatch);
          const results = await vectorTurns.run(scope, () => chunks.upsert(batch), { signal });
          const refused = results.find((result) => !result.stored);
          if (refused?.stored === false) throw refused.error;
        }
      }
      return bytes;
    },

    async label(file, slots) {
      const change = toFields(file, slots);
      for (const id of idsOf(file.id, 0, file.chunks)) await chunks.update(id, change);
    },

    async texts(fileId, count) {
      const texts: string[] = [];
      for (let start = 0; start < count; start += READ_BATCH) {
        const found = await chunks.get(idsOf(fileId, start, Math.min(count, start + READ_BATCH)));
        for (const chunk of found) if (chunk !== undefined) texts.push(String(chunk.attributes["body"]));
      }
      return texts;
    },

    async remove(fileId, from, to) {
      const ids = idsOf(fileId, from, to);
      for (let first = 0; first < ids.length; first += REMOVED_AT_ONCE)
        await vectorTurns.run(scope, () => chunks.delete(ids.slice(first, first + REMOVED_AT_ONCE)));
    },
  };
}
