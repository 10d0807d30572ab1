import { availableParallelism } from "node:os";
import { MarrowError } from "../errors.ts";
import { createThreads } from "../internal/threads.ts";
import { cutBytes, type ChunkResult, type ChunkTask } from "./chunk-worker.ts";
import { textOf } from "./chunking.ts";

/** The chunks of a file, whose texts are made one at a time. */
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

const threads = createThreads<ChunkTask, ChunkResult>({
  module: new URL("./chunk-worker", import.meta.url),
  name: "cutBytes",
  tasks: "files",
  threadsMax: THREADS_MAX,
  waitingMax: WAITING_MAX,
  idleMs: IDLE_MS,
});

/**
 * Finds the chunks of a file in a worker thread, so that the event loop is not blocked. At most two files are cut at the same time; others
 * wait, scopes by turns. `signal` ends the wait and the work.
 * @throws MarrowError `invalid_input` for a file that is not text, `too_large` beyond `chunksMax`, `rate_limited` if too many files wait,
 * `aborted`
 */
export async function cutFile(
  scope: string,
  task: ChunkTask & { readonly bytes: Buffer },
  signal?: AbortSignal,
): Promise<Chunks> {
  const result = task.bytes.length <= INLINE_BYTES_MAX ? cutBytes(task) : await runInThread(scope, task, signal);
  if ("refused" in result) throw new MarrowError("invalid_input", result.refused);
  const count = result.offsets.length / 2;
  if (count > task.chunksMax) throw new MarrowError("too_large", `a file has at most ${task.chunksMax} chunks`);
  // The thread has seen that the bytes are UTF-8, so that they can be read without another look.
  const text = decode(task.bytes);
  return { count, text: (at) => textOf(text, result.offsets, at) };
}

function runInThread(scope: string, task: ChunkTask, signal: AbortSignal | undefined): Promise<ChunkResult> {
  // A copy of its own is moved to the thread: the buffer may be a part of a larger one.
  const bytes = new Uint8Array(task.bytes);
  return threads.run(scope, { ...task, bytes }, { transfer: [bytes.buffer], ...(signal !== undefined && { signal }) });
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

function decode(bytes: Buffer): string {
  const marked = bytes.subarray(0, 3).equals(BYTE_ORDER_MARK);
  return bytes.toString("utf8", marked ? 3 : 0);
}
