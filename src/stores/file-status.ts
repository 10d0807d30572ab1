import type { FileAttributes } from "./attributes.ts";
import type { Chunking } from "./chunking.ts";

/** States of a file in a store. */
export const FILE_STATUSES: readonly ["in_progress", "completed", "failed", "cancelled"] = [
  "in_progress",
  "completed",
  "failed",
  "cancelled",
];
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
  /** While in progress: time of its process's last sign, in ms since 1970. @default `createdAt` */
  readonly aliveAtMs?: number | undefined;
  /** Reason for its failure. */
  readonly error?:
    | { readonly code: "server_error" | "unsupported_file" | "invalid_file"; readonly message: string }
    | undefined;
}

/** Files that are attached together in the background. */
export interface FileBatch {
  readonly id: string;
  readonly createdAt: number;
  readonly status: FileStatus;
  readonly fileIds: readonly string[];
  readonly counts: Readonly<Record<FileStatus, number>>;
}

/** A batch as stored. */
export interface StoredBatch extends Omit<FileBatch, "counts" | "fileIds"> {
  readonly files: Readonly<Record<string, FileStatus>>;
  /** Time of its process's last work for it, in ms since 1970. */
  readonly aliveAtMs: number;
}

/** Time without progress after which work counts as lost with its process. */
const LOST_AFTER_MS = 10 * 60_000;

/** Returns a file's visible state: if its process was lost, it has failed and may be attached again. */
export function shown(file: StoreFile): StoreFile {
  if (file.status !== "in_progress") return file;
  if (Date.now() - (file.aliveAtMs ?? file.createdAt * 1_000) < LOST_AFTER_MS) return file;
  return {
    ...file,
    status: "failed",
    error: { code: "server_error", message: "the work on the file was interrupted" },
  };
}

/** Returns a batch's visible state: if its process was lost, it has failed. */
export function shownBatch({ files, aliveAtMs, ...batch }: StoredBatch): FileBatch {
  const lost = batch.status === "in_progress" && Date.now() - aliveAtMs > LOST_AFTER_MS;
  const over = lost || batch.status === "cancelled";
  const counts: Record<FileStatus, number> = { in_progress: 0, completed: 0, failed: 0, cancelled: 0 };
  for (const status of Object.values(files)) {
    const told = status === "in_progress" && over ? (lost ? "failed" : "cancelled") : status;
    counts[told] += 1;
  }
  return { ...batch, status: lost ? "failed" : batch.status, fileIds: Object.keys(files), counts };
}
