import { availableParallelism } from "node:os";
import type { Piscina } from "piscina";
import { MarrowError } from "../errors.ts";
import { cutBytes, type ChunkResult, type ChunkTask } from "./chunk-worker.ts";
import { textOf } from "./chunking.ts";

/** The chunks of a file, whose texts are made one by one. */
export interface Chunks {
  readonly count: number;
  text(at: number): string;
}

/** Files up to this size are cut at once: that takes about 3 ms, less than starting a thread. */
const INLINE_BYTES_MAX = 16_384;
/** Files that wait for a thread in this process; further ones are refused until one is done. */
const WAITING_MAX = 64;
const THREADS_MAX = Math.max(1, Math.min(2, availableParallelism() - 1));
/** A thread without work ends after this time. */
const IDLE_MS = 10_000;
const RETRY_AFTER_MS = 2_000;

let pool: Promise<Piscina<ChunkTask, ChunkResult>> | undefined;

/**
 * Finds the chunks of a file in a worker thread, so that no file holds the event loop. At most two files are cut at the same time; others
 * wait. `signal` ends the wait and the work.
 * @throws MarrowError `invalid_input` for what is no text, `too_large` beyond `chunksMax`, `rate_limited` when too many files wait, `aborted`
 */
export async function cutFile(task: ChunkTask & { readonly bytes: Buffer }, signal?: AbortSignal): Promise<Chunks> {
  const result = task.bytes.length <= INLINE_BYTES_MAX ? cutBytes(task) : await runInThread(task, signal);
  if ("refused" in result) throw new MarrowError("invalid_input", result.refused);
  const count = result.offsets.length / 2;
  if (count > task.chunksMax) throw new MarrowError("too_large", `a file has at most ${task.chunksMax} chunks`);
  // The thread has seen that the bytes are UTF-8, so that they can be read without another look.
  const text = decode(task.bytes);
  return { count, text: (at) => textOf(text, result.offsets, at) };
}

async function runInThread(task: ChunkTask, signal: AbortSignal | undefined): Promise<ChunkResult> {
  const threads = await (pool ??= openPool());
  if (threads.queueSize >= WAITING_MAX)
    throw new MarrowError("rate_limited", `${WAITING_MAX} files wait to be cut into chunks; try again shortly`, {
      details: { retryAfterMs: RETRY_AFTER_MS },
    });
  // A copy of its own is moved to the thread: the buffer may be a part of a larger one.
  const bytes = new Uint8Array(task.bytes);
  try {
    return await threads.run({ ...task, bytes }, { transferList: [bytes.buffer], signal: signal ?? null });
  } catch (cause) {
    if (signal?.aborted === true) throw new MarrowError("aborted", "cutting the file was aborted", { cause });
    throw cause;
  }
}

async function openPool(): Promise<Piscina<ChunkTask, ChunkResult>> {
  const { Piscina: Pool } = await import("piscina");
  // The sources run as they are in development; what is published is JavaScript.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new Pool<ChunkTask, ChunkResult>({
    name: "cutBytes",
    filename: new URL(`./chunk-worker.${extension}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: THREADS_MAX,
    idleTimeout: IDLE_MS,
    maxQueue: WAITING_MAX,
    recordTiming: false,
  });
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

function decode(bytes: Buffer): string {
  const marked = bytes.subarray(0, 3).equals(BYTE_ORDER_MARK);
  return bytes.toString("utf8", marked ? 3 : 0);
}
