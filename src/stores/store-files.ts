import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkText, refuse } from "../internal/check.ts";
import type { ScopedRedis } from "../redis/index.ts";
import type { AttributeSchema, Vectors } from "../vectors/index.ts";
import { allot, checkFileAttributes, toChunkAttributes, type FileAttributes, type Slots } from "./attributes.ts";
import { cutFile, type Chunks } from "./chunk-pool.ts";
import { resolveChunking, type PartialChunking } from "./chunking.ts";
import {
  FILE_STATUSES,
  shown,
  shownBatch,
  type FileBatch,
  type FileStatus,
  type StoredBatch,
  type StoreFile,
} from "./file-status.ts";
import type { LinkedFiles } from "./files.ts";
import type { ResolvedStoresOptions } from "./options.ts";
import { createShelf, type Page, type PageOptions } from "./shelf.ts";

/** A file to attach, with its options. */
export interface Attachment {
  readonly fileId: string;
  readonly attributes?: FileAttributes | null | undefined;
  readonly chunking?: PartialChunking | undefined;
}

/** The files of one store. */
export interface StoreFiles {
  /**
   * Cuts a file into chunks, embeds and stores them, and resolves once they can be found. A file that is not text has `failed`. An already
   * attached file is replaced. Larger files are cut in a worker thread; `signal` stops the work, and the file has `failed`.
   * @throws MarrowError `not_found`, `invalid_input`, `rate_limited` if too many files wait, `aborted`; errors of Redis and the embedder
   */
  attach(attachment: Attachment, signal?: AbortSignal): Promise<StoreFile>;
  /** @throws MarrowError `not_found` */
  get(fileId: string): Promise<StoreFile>;
  list(options?: PageOptions & { readonly status?: string | undefined }): Promise<Page<StoreFile>>;
  /** Replaces the attributes on all its chunks. @throws MarrowError `not_found` */
  update(fileId: string, attributes: FileAttributes | null): Promise<StoreFile>;
  /** Returns the texts of its chunks, in order. @throws MarrowError `not_found` */
  content(fileId: string): Promise<string[]>;
  /** Removes the file from the store; the uploaded file stays. @throws MarrowError `not_found` */
  remove(fileId: string): Promise<void>;
  /** Removes a file that is being deleted from the store; does nothing if the store does not have it. */
  detach(fileId: string): Promise<void>;
  /** Attaches many files in this process in the background. @throws MarrowError `not_found` if one of the files does not exist */
  attachAll(attachments: readonly Attachment[]): Promise<FileBatch>;
  /** @throws MarrowError `not_found` */
  batch(id: string): Promise<FileBatch>;
  /** Stops a batch before its next file. @throws MarrowError `not_found` */
  cancel(id: string): Promise<FileBatch>;
  batchFiles(id: string, options?: PageOptions & { readonly status?: string | undefined }): Promise<Page<StoreFile>>;
  sums(): Promise<{ readonly counts: Readonly<Record<FileStatus, number>>; readonly weight: number }>;
  /** Deletes all files of the store. */
  clear(): Promise<void>;
}

/** Dependencies of a store's files. */
export interface StoreFilesParts {
  readonly redis: ScopedRedis;
  readonly prefix: string;
  readonly chunks: Vectors<AttributeSchema>;
  /** Id of the store. */
  readonly id: string;
  readonly files: LinkedFiles;
  readonly options: ResolvedStoresOptions;
  /** Changes the slots of attributes; `undefined` if the store was deleted. */
  readonly changeSlots: (change: (slots: Slots) => Slots) => Promise<Slots | undefined>;
}

const FILES_MAX = 10_000;
const BATCH_FILES_MAX = 500;
const CHUNKS_MAX = 20_000;
const EMBED_BATCH = 64;
/** Chunks that one command reads. */
const READ_BATCH = 128;
/** Opens the files of a store. */
export function createStoreFiles({
  redis,
  id: storeId,
  prefix,
  chunks,
  files,
  options,
  changeSlots,
}: StoreFilesParts): StoreFiles {
  const shelf = createShelf<StoreFile, FileStatus>(redis, {
    prefix: `${prefix}:files`,
    room: FILES_MAX,
    labels: FILE_STATUSES,
    labelOf: ({ status }) => status,
    weightOf: ({ usageBytes }) => usageBytes,
  });
  const batches = createShelf<StoredBatch>(redis, { prefix: `${prefix}:batches`, room: FILES_MAX });
  const chunkId = (fileId: string, at: number) => `${fileId}#${at}`;
  const idsOf = (fileId: string, from: number, to: number) =>
    Array.from({ length: Math.max(0, to - from) }, (_, at) => chunkId(fileId, from + at));

  async function find(fileId: string): Promise<StoreFile> {
    const file = await shelf.get(checkText("file_id", fileId, 256, "invalid_input"));
    if (file === undefined)
      throw new MarrowError("not_found", "the store has no such file", { details: { path: "file_id" } });
    return shown(file);
  }

  async function save(file: StoreFile): Promise<StoreFile> {
    if ((await shelf.change(file.id, () => file)) === undefined) await shelf.add(file);
    return file;
  }

  /** Updates the record of a file in progress. @throws MarrowError `not_found` if it was removed or deleted meanwhile */
  async function update(file: StoreFile): Promise<StoreFile> {
    const kept = await shelf.change(file.id, () => file);
    if (kept !== undefined && (await files.present([file.id])).has(file.id)) return file;
    await insistOnStore();
    await chunks.delete(idsOf(file.id, 0, file.chunks));
    await shelf.remove(file.id);
    throw new MarrowError("not_found", "the file was removed from the store, or deleted", {
      details: { path: "file_id" },
    });
  }

  async function allotSlots(attributes: FileAttributes): Promise<Slots> {
    const slots = await changeSlots((present) => allot(present, attributes));
    if (slots === undefined)
      throw new MarrowError("not_found", "there is no such vector store", { details: { path: "vector_store_id" } });
    return slots;
  }

  /** Deletes everything written if the store was removed meanwhile, because the removal may have come before the last write. */
  async function insistOnStore(): Promise<void> {
    const slots = await changeSlots((present) => present);
    if (slots !== undefined) return;
    await clear();
    throw new MarrowError("not_found", "the vector store was removed", { details: { path: "vector_store_id" } });
  }

  async function clear(): Promise<void> {
    await chunks.drop();
    await shelf.clear();
    await batches.clear();
  }

  /** Stores the chunks of a file; answers their bytes. */
  async function store(file: StoreFile, cut: Chunks, slots: Slots, signal: AbortSignal | undefined): Promise<number> {
    const placed = toChunkAttributes(slots, file.attributes);
    const payload = { filename: file.filename, attributes: file.attributes };
    let bytes = 0;
    for (let start = 0; start < cut.count; start += EMBED_BATCH) {
      const count = Math.min(EMBED_BATCH, cut.count - start);
      const part = Array.from({ length: count }, (_, at) => cut.text(start + at));
      bytes += part.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
      const vectors = await options.embedder.embed(part, { signal });
      const results = await chunks.upsert(
        part.map((text, at) => ({
          id: chunkId(file.id, start + at),
          vector: vectors[at] as Float32Array,
          attributes: { ...placed, file: file.id, body: text },
          payload,
        })),
      );
      const refused = results.find((result) => !result.stored);
      if (refused?.stored === false) throw refused.error;
    }
    return bytes;
  }

  /** Writes down that a file is being worked on. */
  async function begin({ fileId, attributes, chunking }: Attachment): Promise<readonly [StoreFile, Slots]> {
    const checked = checkFileAttributes(attributes);
    const resolved = resolveChunking(chunking);
    const { filename } = await files.get(fileId);
    const slots = await allotSlots(checked);
    const before = await shelf.get(fileId);
    const createdAt = Math.floor(Date.now() / 1_000);
    const begun: StoreFile = {
      id: fileId,
      filename,
      createdAt,
      status: "in_progress",
      usageBytes: 0,
      chunks: before?.chunks ?? 0,
      attributes: checked,
      chunking: resolved,
    };
    // Linked first, so that a file deleted meanwhile is removed from this store too.
    await files.link(fileId, storeId);
    await save(begun);
    await insistOnStore();
    return [begun, slots];
  }

  async function attach(attachment: Attachment, signal?: AbortSignal): Promise<StoreFile> {
    const { fileId } = attachment;
    const [begun, slots] = await begin(attachment);
    let written = begun.chunks;
    try {
      const bytes = await files.content(fileId);
      const cut = await cutFile(redis.scope, { bytes, chunking: begun.chunking, chunksMax: CHUNKS_MAX }, signal);
      // Recorded first, so that a crash leaves no unknown chunk.
      written = Math.max(written, cut.count);
      if (cut.count > begun.chunks) await update({ ...begun, chunks: cut.count });
      const usageBytes = await store(begun, cut, slots, signal);
      if (begun.chunks > cut.count) await chunks.delete(idsOf(fileId, cut.count, begun.chunks));
      const completed = await update({ ...begun, status: "completed", usageBytes, chunks: cut.count });
      await insistOnStore();
      return completed;
    } catch (error) {
      const gone = MarrowError.is(error, "not_found") && error.details?.["path"];
      if (gone === "vector_store_id") throw error;
      await chunks.delete(idsOf(fileId, 0, written));
      const unreadable = MarrowError.is(error, "invalid_input") || MarrowError.is(error, "too_large");
      const failed = await update({
        ...begun,
        status: "failed",
        chunks: 0,
        error: unreadable
          ? { code: "unsupported_file", message: error.message }
          : { code: "server_error", message: "the file could not be processed" },
      });
      await insistOnStore();
      if (unreadable) return failed;
      throw error;
    }
  }

  /** Deletes the chunks of a file, then its record. */
  async function detach(fileId: string): Promise<void> {
    const file = await shelf.get(fileId);
    if (file === undefined) return;
    await chunks.delete(idsOf(fileId, 0, file.chunks));
    await shelf.remove(fileId);
  }

  /** Marks files as failed that were lost with their process, up to one page. Returns whether there were any. */
  async function settleLost(): Promise<boolean> {
    const { data } = await shelf.list({ label: "in_progress", limit: 100, order: "asc" });
    const lost = data.filter((file) => shown(file) !== file);
    for (const file of lost) await shelf.change(file.id, shown);
    return lost.length > 0;
  }

  async function findBatch(id: string): Promise<StoredBatch> {
    const batch = await batches.get(checkText("batch_id", id, 256, "invalid_input"));
    if (batch === undefined)
      throw new MarrowError("not_found", "there is no such batch", { details: { path: "batch_id" } });
    return batch;
  }

  async function work(id: string, attachments: readonly Attachment[]): Promise<void> {
    for (const attachment of attachments) {
      const batch = await batches.get(id);
      if (batch?.status !== "in_progress") return;
      const status = await attach(attachment).then(
        (file) => file.status,
        (error: unknown) => {
          options.onError(error);
          return "failed" as const;
        },
      );
      await batches.change(id, (present) => ({
        ...present,
        files: { ...present.files, [attachment.fileId]: status },
        aliveAtMs: Date.now(),
      }));
    }
    await batches.change(id, (present) => ({
      ...present,
      status: present.status === "in_progress" ? "completed" : present.status,
    }));
  }

  return {
    attach,
    get: find,

    async list({ status, ...page } = {}) {
      const { data, ...rest } = await shelf.list({ ...page, label: status });
      return { ...rest, data: data.map(shown) };
    },

    async update(fileId, attributes) {
      const file = await find(fileId);
      const checked = checkFileAttributes(attributes);
      const slots = await allotSlots(checked);
      const placed = toChunkAttributes(slots, checked);
      const payload = { filename: file.filename, attributes: checked };
      for (const id of idsOf(fileId, 0, file.chunks)) await chunks.update(id, { attributes: placed, payload });
      return (await shelf.change(fileId, (present) => ({ ...present, attributes: checked }))) ?? file;
    },

    async content(fileId) {
      const file = await find(fileId);
      const texts: string[] = [];
      for (let start = 0; start < file.chunks; start += READ_BATCH) {
        const found = await chunks.get(idsOf(fileId, start, Math.min(file.chunks, start + READ_BATCH)));
        for (const chunk of found) if (chunk !== undefined) texts.push(String(chunk.attributes["body"]));
      }
      return texts;
    },

    async remove(fileId) {
      await find(fileId);
      await detach(fileId);
      await files.unlink(fileId, storeId);
    },

    detach,

    async attachAll(attachments) {
      if (attachments.length < 1 || attachments.length > BATCH_FILES_MAX)
        refuse("file_ids", `1 to ${BATCH_FILES_MAX} files`, attachments, "invalid_input");
      // Errors in the request are reported now.
      for (const { fileId, attributes, chunking } of attachments) {
        checkFileAttributes(attributes);
        resolveChunking(chunking);
        await files.get(fileId);
      }
      // The store lists them from now on; each is processed in turn.
      for (const attachment of attachments) await begin(attachment);
      const batch: StoredBatch = {
        id: `vsfb_${randomUUID().replaceAll("-", "")}`,
        createdAt: Math.floor(Date.now() / 1_000),
        status: "in_progress",
        files: Object.fromEntries(attachments.map(({ fileId }) => [fileId, "in_progress" as const])),
        aliveAtMs: Date.now(),
      };
      await batches.add(batch);
      await insistOnStore();
      work(batch.id, attachments).catch(options.onError);
      return shownBatch(batch);
    },

    batch: async (id) => shownBatch(await findBatch(id)),

    async cancel(id) {
      await findBatch(id);
      const changed = await batches.change(id, (present) => ({
        ...present,
        status: present.status === "in_progress" ? "cancelled" : present.status,
      }));
      return shownBatch(changed ?? (await findBatch(id)));
    },

    async batchFiles(id, { status, after, limit = 20, order = "desc" } = {}) {
      const { fileIds } = shownBatch(await findBatch(id));
      const listed = (await Promise.all(fileIds.map((fileId) => shelf.get(fileId))))
        .flatMap((file) => (file === undefined ? [] : [shown(file)]))
        .filter((file) => status === undefined || file.status === status);
      const ordered = order === "asc" ? listed : listed.toReversed();
      const first = after === undefined ? 0 : ordered.findIndex((file) => file.id === after) + 1;
      return { data: ordered.slice(first, first + limit), hasMore: first + limit < ordered.length };
    },

    async sums() {
      const sums = await shelf.sums();
      if (sums.counts.in_progress === 0 || !(await settleLost())) return sums;
      return shelf.sums();
    },

    clear,
  };
}
