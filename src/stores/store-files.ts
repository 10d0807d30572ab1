import { randomUUID } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { checkText, refuse } from "../internal/check.ts";
import type { ScopedRedis } from "../redis/index.ts";
import type { AttributeSchema, Vectors } from "../vectors/index.ts";
import { allot, checkFileAttributes, toChunkAttributes, type FileAttributes, type Slots } from "./attributes.ts";
import { cutFile, type Chunks } from "./chunk-pool.ts";
import { resolveChunking, type Chunking, type PartialChunking } from "./chunking.ts";
import type { Files } from "./files.ts";
import type { ResolvedStoresOptions } from "./options.ts";
import { createShelf, type Page, type PageOptions } from "./shelf.ts";

/** What a file of a store can be. */
const FILE_STATUSES = ["in_progress", "completed", "failed", "cancelled"] as const;
export type FileStatus = (typeof FILE_STATUSES)[number];

/** A file in a store. */
export interface StoreFile {
  readonly id: string;
  readonly filename: string;
  readonly createdAt: number;
  readonly status: FileStatus;
  /** Bytes of its chunks' texts. */
  readonly usageBytes: number;
  readonly chunks: number;
  readonly attributes: FileAttributes;
  readonly chunking: Chunking;
  /** Why it failed. */
  readonly error?:
    | { readonly code: "server_error" | "unsupported_file" | "invalid_file"; readonly message: string }
    | undefined;
}

/** What a file is attached with. */
export interface Attachment {
  readonly fileId: string;
  readonly attributes?: FileAttributes | null | undefined;
  readonly chunking?: PartialChunking | undefined;
}

/** Several files that are attached together, while nobody waits. */
export interface FileBatch {
  readonly id: string;
  readonly createdAt: number;
  readonly status: FileStatus;
  readonly fileIds: readonly string[];
  readonly counts: Readonly<Record<FileStatus, number>>;
}

/** The files of one store. */
export interface StoreFiles {
  /**
   * Cuts a file into chunks, embeds and stores them, and answers once they can be found; a file that is no text `failed`. A file that
   * is there already is replaced. Larger files are cut in a worker thread; `signal` stops the work, and the file has `failed`.
   * @throws MarrowError `not_found`, `invalid_input`, `rate_limited` when too many files wait to be cut, `aborted`; what Redis and the
   * embedder throw
   */
  attach(attachment: Attachment, signal?: AbortSignal): Promise<StoreFile>;
  /** @throws MarrowError `not_found` */
  get(fileId: string): Promise<StoreFile>;
  list(options?: PageOptions & { readonly status?: string | undefined }): Promise<Page<StoreFile>>;
  /** Other attributes, on all its chunks. @throws MarrowError `not_found` */
  update(fileId: string, attributes: FileAttributes | null): Promise<StoreFile>;
  /** The texts of its chunks, in order. @throws MarrowError `not_found` */
  content(fileId: string): Promise<string[]>;
  /** Takes the file out of the store; the uploaded one stays. @throws MarrowError `not_found` */
  remove(fileId: string): Promise<void>;
  /** Attaches many, in this process, after the answer. @throws MarrowError `not_found` when one of the files is none */
  attachAll(attachments: readonly Attachment[]): Promise<FileBatch>;
  /** @throws MarrowError `not_found` */
  batch(id: string): Promise<FileBatch>;
  /** Stops a batch before its next file. @throws MarrowError `not_found` */
  cancel(id: string): Promise<FileBatch>;
  batchFiles(id: string, options?: PageOptions & { readonly status?: string | undefined }): Promise<Page<StoreFile>>;
  sums(): Promise<{ readonly counts: Readonly<Record<FileStatus, number>>; readonly weight: number }>;
  /** Deletes all of it. */
  clear(): Promise<void>;
}

interface StoredBatch extends Omit<FileBatch, "counts" | "fileIds"> {
  readonly files: Readonly<Record<string, FileStatus>>;
  /** When its process last did something for it, in ms since 1970. */
  readonly aliveAtMs: number;
}

/** What the files of one store are made with. */
export interface StoreFilesParts {
  readonly redis: ScopedRedis;
  readonly prefix: string;
  readonly chunks: Vectors<AttributeSchema>;
  readonly files: Files;
  readonly options: ResolvedStoresOptions;
  /** Changes which attribute stands where; `undefined` when the store is gone. */
  readonly changeSlots: (change: (slots: Slots) => Slots) => Promise<Slots | undefined>;
}

const FILES_MAX = 10_000;
const BATCH_FILES_MAX = 500;
const CHUNKS_MAX = 20_000;
const EMBED_BATCH = 64;
/** Chunks that one command reads. */
const READ_BATCH = 128;
/** Work that nobody has heard of for so long was lost with its process. */
const LOST_AFTER_MS = 10 * 60_000;

/** Makes a handle on the files of a store. */
export function createStoreFiles({ redis, prefix, chunks, files, options, changeSlots }: StoreFilesParts): StoreFiles {
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

  async function allotSlots(attributes: FileAttributes): Promise<Slots> {
    const slots = await changeSlots((present) => allot(present, attributes));
    if (slots === undefined)
      throw new MarrowError("not_found", "there is no such vector store", { details: { path: "vector_store_id" } });
    return slots;
  }

  /** Takes back what was written if the store was removed meanwhile: its removal may have come before the last of it. */
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

  async function attach({ fileId, attributes, chunking }: Attachment, signal?: AbortSignal): Promise<StoreFile> {
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
    await save(begun);
    try {
      const bytes = await files.content(fileId);
      const cut = await cutFile({ bytes, chunking: resolved, chunksMax: CHUNKS_MAX }, signal);
      // Said before it is so: a crash between leaves no chunk that nobody knows of.
      if (cut.count > begun.chunks) await save({ ...begun, chunks: cut.count });
      const usageBytes = await store(begun, cut, slots, signal);
      if (begun.chunks > cut.count) await chunks.delete(idsOf(fileId, cut.count, begun.chunks));
      const completed = await save({ ...begun, status: "completed", usageBytes, chunks: cut.count });
      await insistOnStore();
      return completed;
    } catch (error) {
      if (MarrowError.is(error, "not_found") && error.details?.["path"] === "vector_store_id") throw error;
      const known = await shelf.get(fileId);
      await chunks.delete(idsOf(fileId, 0, known?.chunks ?? 0));
      const unreadable = MarrowError.is(error, "invalid_input") || MarrowError.is(error, "too_large");
      const failed = await save({
        ...begun,
        status: "failed",
        chunks: 0,
        error: unreadable
          ? { code: "unsupported_file", message: error.message }
          : { code: "server_error", message: "the file could not be processed" },
      });
      if (unreadable) return failed;
      throw error;
    }
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
      const { data, hasMore } = await shelf.list({ ...page, label: status });
      return { data: data.map(shown), hasMore };
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
      const file = await find(fileId);
      await chunks.delete(idsOf(fileId, 0, file.chunks));
      await shelf.remove(fileId);
    },

    async attachAll(attachments) {
      if (attachments.length < 1 || attachments.length > BATCH_FILES_MAX)
        refuse("file_ids", `1 to ${BATCH_FILES_MAX} files`, attachments, "invalid_input");
      // What is wrong with the request is said now, not found out later.
      for (const { fileId, attributes, chunking } of attachments) {
        checkFileAttributes(attributes);
        resolveChunking(chunking);
        await files.get(fileId);
      }
      const batch: StoredBatch = {
        id: `vsfb_${randomUUID().replaceAll("-", "")}`,
        createdAt: Math.floor(Date.now() / 1_000),
        status: "in_progress",
        files: Object.fromEntries(attachments.map(({ fileId }) => [fileId, "in_progress" as const])),
        aliveAtMs: Date.now(),
      };
      await batches.add(batch);
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
      const { counts, weight } = await shelf.sums();
      return { counts, weight };
    },

    clear,
  };
}

/** A file as it is told: one whose process was lost has failed, and may be attached again. */
function shown(file: StoreFile): StoreFile {
  if (file.status !== "in_progress" || Date.now() - file.createdAt * 1_000 < LOST_AFTER_MS) return file;
  return {
    ...file,
    status: "failed",
    error: { code: "server_error", message: "the work on the file was interrupted" },
  };
}

function shownBatch({ files, aliveAtMs, ...batch }: StoredBatch): FileBatch {
  const lost = batch.status === "in_progress" && Date.now() - aliveAtMs > LOST_AFTER_MS;
  const over = lost || batch.status === "cancelled";
  const counts: Record<FileStatus, number> = { in_progress: 0, completed: 0, failed: 0, cancelled: 0 };
  for (const status of Object.values(files)) {
    const told = status === "in_progress" && over ? (lost ? "failed" : "cancelled") : status;
    counts[told] += 1;
  }
  return { ...batch, status: lost ? "failed" : batch.status, fileIds: Object.keys(files), counts };
}
