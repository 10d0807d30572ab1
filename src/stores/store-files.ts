import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkText, refuse } from "../internal/check.ts";
import type { FairWait } from "../internal/fair-line.ts";
import type { ScopedRedis } from "../redis/index.ts";
import type { AttributeSchema, Vectors } from "../vectors/index.ts";
import { allot, checkFileAttributes, type FileAttributes, type Slots } from "./attributes.ts";
import { cutFile } from "./chunk-pool.ts";
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
import { createFileChunks } from "./file-chunks.ts";
import type { LinkedFiles } from "./files.ts";
import type { ResolvedStoresOptions } from "./options.ts";
import { createShelf, type Page, type PageOptions } from "./shelf.ts";
import { FILE_WAIT, fileTurns } from "./turns.ts";

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
   * attached file is replaced. Two files of a scope are processed at once in a process, eight in all; others wait. Larger files are cut in a
   * worker thread; `signal` stops the work, and the file has `failed`.
   * @throws MarrowError `not_found`, `invalid_input`, `rate_limited` if too many files wait, `aborted`; errors of Redis and the embedder
   */
  attach(attachment: Attachment, signal?: AbortSignal): Promise<StoreFile>;
  /** Like `attach`, but returns the file with `in_progress` if it takes longer. The work goes on; its errors then go to `onError`. */
  attachWithin(attachment: Attachment, withinMs: number): Promise<StoreFile>;
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
/** Far below the time after which work counts as lost. */
const ALIVE_EVERY_MS = 3 * 60_000;

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
  const kept = createFileChunks(redis.scope, chunks, options.embedder);
  const batches = createShelf<StoredBatch>(redis, { prefix: `${prefix}:batches`, room: FILES_MAX });

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
    const working: StoreFile = file.status === "in_progress" ? { ...file, aliveAtMs: Date.now() } : file;
    const changed = await shelf.change(file.id, () => working);
    if (changed !== undefined && (await files.present([file.id])).has(file.id)) return file;
    await insistOnStore();
    await kept.remove(file.id, 0, file.chunks);
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

  /** Does the work on a file that has begun, once it is its turn. */
  async function finish(begun: StoreFile, slots: Slots, wait: FairWait): Promise<StoreFile> {
    const rest = keepAlive([begun.id]);
    let written = begun.chunks;
    const { id: fileId } = begun;
    const process = async () => {
      const bytes = await files.content(fileId);
      const cut = await cutFile(redis.scope, { bytes, chunking: begun.chunking, chunksMax: CHUNKS_MAX }, wait.signal);
      // Recorded first, so that a crash leaves no unknown chunk.
      written = Math.max(written, cut.count);
      if (cut.count > begun.chunks) await update({ ...begun, chunks: cut.count });
      const usageBytes = await kept.put(begun, cut, slots, wait.signal);
      if (begun.chunks > cut.count) await kept.remove(fileId, cut.count, begun.chunks);
      const completed = await update({ ...begun, status: "completed", usageBytes, chunks: cut.count });
      await insistOnStore();
      return completed;
    };
    try {
      return await fileTurns.run(redis.scope, process, wait);
    } catch (error) {
      const gone = MarrowError.is(error, "not_found") && error.details?.["path"];
      if (gone === "vector_store_id") throw error;
      await kept.remove(fileId, 0, written);
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
    } finally {
      rest();
    }
  }

  /** Shows for files that wait or are worked on that their process lives, until the returned function is called. */
  function keepAlive(fileIds: Iterable<string>, batch?: string): () => void {
    const touch = async () => {
      for (const fileId of fileIds)
        await shelf.change(fileId, (file) =>
          file.status === "in_progress" ? { ...file, aliveAtMs: Date.now() } : file,
        );
      if (batch !== undefined) await batches.change(batch, (present) => ({ ...present, aliveAtMs: Date.now() }));
    };
    const timer = setInterval(() => void touch().catch(options.onError), ALIVE_EVERY_MS).unref();
    return () => clearInterval(timer);
  }

  /** Deletes the chunks of a file, then its record. */
  async function detach(fileId: string): Promise<void> {
    const file = await shelf.get(fileId);
    if (file === undefined) return;
    await kept.remove(fileId, 0, file.chunks);
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

  async function attach(attachment: Attachment, wait: FairWait): Promise<StoreFile> {
    return finish(...(await begin(attachment)), wait);
  }

  async function work(id: string, attachments: readonly Attachment[]): Promise<void> {
    const waiting = new Set(attachments.map(({ fileId }) => fileId));
    const rest = keepAlive(waiting, id);
    await workThrough(id, attachments, waiting).finally(rest);
  }

  async function workThrough(id: string, attachments: readonly Attachment[], waiting: Set<string>): Promise<void> {
    for (const attachment of attachments) {
      const batch = await batches.get(id);
      if (batch?.status !== "in_progress") return;
      waiting.delete(attachment.fileId);
      const status = await attach(attachment, {}).then(
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
    attach: (attachment, signal) => attach(attachment, { ...FILE_WAIT, signal }),

    async attachWithin(attachment, withinMs) {
      const [begun, slots] = await begin(attachment);
      const { promise: late, resolve } = Promise.withResolvers<"late">();
      const timer = setTimeout(() => resolve("late"), withinMs);
      const finished = finish(begun, slots, FILE_WAIT).finally(() => clearTimeout(timer));
      const first = await Promise.race([finished, late]);
      if (first !== "late") return first;
      finished.catch(options.onError);
      return begun;
    },

    get: find,

    async list({ status, ...page } = {}) {
      const { data, ...rest } = await shelf.list({ ...page, label: status });
      return { ...rest, data: data.map(shown) };
    },

    async update(fileId, attributes) {
      const file = await find(fileId);
      const checked = checkFileAttributes(attributes);
      await kept.label({ ...file, attributes: checked }, await allotSlots(checked));
      return (await shelf.change(fileId, (present) => ({ ...present, attributes: checked }))) ?? file;
    },

    async content(fileId) {
      const file = await find(fileId);
      return kept.texts(fileId, file.chunks);
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
