import { randomBytes } from "node:crypto";
import { MarrowError } from "../../errors.ts";
import { concatInTurns, toJsonBytes } from "../../internal/json-pieces.ts";
import { inSlices } from "../../internal/time-slice.ts";
import { createQueue } from "../../queue/index.ts";
import { decodeRecordInTurns, encodePlainInTurns, keyTag, type Redis } from "../../redis/index.ts";
import { createShelf, type Page, type PageOptions, type Stores } from "../../stores/index.ts";
import type { Asker } from "../tenancy/asker.ts";
import type { TurnBytes } from "../tenancy/turn-bytes.ts";
import { GATEWAY_QUEUE } from "../jobs.ts";
import { mayRead, mayReadFile, type Reach } from "../tenancy/ownership.ts";
import { readLines, WINDOW_SECONDS, type Batch, type BatchLine, type LineBounds, type LineResult } from "./batch.ts";

/** Jobs of a batch: its lines are queued, run one by one, checked, and written to files at the end. */
export type BatchJob = { readonly batch: string; readonly asker: Asker } & (
  | { readonly type: "batch-start" }
  | { readonly type: "batch-line"; readonly line: number; readonly request: BatchLine; readonly endpoint: string }
  | { readonly type: "batch-check"; readonly nth: number }
  | { readonly type: "batch-end" }
);

/** The batches of one scope. */
export interface Batches {
  /** Creates a batch of the asker. @throws MarrowError `not_found` for a file that does not exist or belongs to another user */
  create(batch: Pick<Batch, "endpoint" | "input_file_id" | "metadata" | "output_life">, asker: Asker): Promise<Batch>;
  /** Returns a batch. @throws MarrowError `not_found`, also for another user's */
  get(id: string, reach: Reach): Promise<Batch>;
  list(options: PageOptions, reach: Reach): Promise<Page<Batch>>;
  /** Cancels a batch. @throws MarrowError `not_found`, also for another user's; `conflict` for one that has ended */
  cancel(id: string, reach: Reach): Promise<Batch>;
  /** Deletes a batch with its waiting lines and results; its files stay. */
  remove(id: string): Promise<void>;
  /** Ends a running batch like `cancel`. */
  stop(id: string): Promise<void>;
  /** Runs one of a batch's jobs, except the requests of lines. Returns the batch's final state for the job that ends it. */
  work(job: BatchJob): Promise<Batch | undefined>;
  /** Returns true if a line should still run. */
  open(id: string): Promise<boolean>;
  /** Returns true if the scope stores as many bytes as permitted; then no more lines run. */
  isFull(): boolean;
  /** Stores the result of a line. */
  put(id: string, line: number, result: LineResult): Promise<void>;
}

const BATCHES_MAX = 10_000;
/** Lines that are pushed at a time, and lines whose results are read at a time. */
const PUSHED_AT_ONCE = 128;
const LINES_AT_ONCE = 500;
/** Time that a file without expiry stays booked, unless it is deleted. */
const FILE_BOOKED_MS = 366 * 86_400_000;
const RESULTS_TTL_MS = 8 * 86_400_000;
const CHECK_MS = { first: 250, last: 5_000 } as const;
/** Number of checks after which lines are searched whose workers all died. */
const MISSING_EVERY = 8;
const LINE_FEED = Buffer.from("\n");
const GOING_ON = new Set(["validating", "in_progress", "cancelling"]);

/** Opens a scope's batches. */
export function createBatches(
  redis: Redis,
  scope: string,
  stores: (scope: string) => Stores,
  bounds: LineBounds,
  keptBytes: Pick<TurnBytes, "add" | "isFull" | "release">,
): Batches {
  const scoped = redis.scope(scope);
  const shelf = createShelf<Batch>(scoped, { prefix: `${keyTag(scoped, ["batches"])}:batches`, room: BATCHES_MAX });
  const queue = createQueue<BatchJob>(scoped, { name: GATEWAY_QUEUE, backlogMax: 1_000_000 });
  const resultsThing = (id: string) => `results:${id}`;
  const resultsKey = (id: string) => `${keyTag(scoped, ["batch", id])}:results`;
  const now = () => Math.floor(Date.now() / 1000);
  const silent = { kind: "none", resultTtlMs: 60_000 } as const;

  async function get(id: string, reach: Reach): Promise<Batch> {
    const batch = await shelf.get(id);
    if (batch === undefined || !mayRead(reach, batch.owner))
      throw new MarrowError("not_found", "there is no batch of this id", { details: { path: "batch_id" } });
    if (batch.status !== "in_progress" && batch.status !== "cancelling") return batch;
    const done = Number(await scoped.send(["HLEN", resultsKey(id)]));
    return { ...batch, request_counts: { ...batch.request_counts, completed: done } };
  }

  const toCancelling = (known: Batch): Batch => {
    const open = known.status === "validating" || known.status === "in_progress";
    return open ? { ...known, status: "cancelling", cancelling_at: now() } : known;
  };

  const change = (id: string, edit: (batch: Batch) => Batch) => shelf.change(id, edit);

  async function start(id: string, asker: Asker): Promise<void> {
    const batch = await shelf.get(id);
    if (batch?.status === "cancelling") return check(id, asker, 0);
    if (batch?.status !== "validating") return;
    const content = await stores(scope)
      .files.content(batch.input_file_id)
      .catch((error: unknown) => {
        if (MarrowError.is(error, "not_found")) return Buffer.alloc(0);
        throw error;
      });
    const { lines, errors } = await readLines(scope, content, batch.endpoint, bounds);
    const counts = { total: lines.length, completed: 0, failed: 0 };
    if (errors.length > 0) {
      const data = { object: "list" as const, data: errors };
      await change(id, (known) => ({
        ...known,
        status: "failed",
        failed_at: now(),
        errors: data,
        request_counts: counts,
      }));
      await queue.push({ type: "batch-end", batch: id, asker }, { id, kind: "batch" });
      return;
    }
    await change(id, (known) =>
      known.status === "validating"
        ? { ...known, status: "in_progress", in_progress_at: now(), request_counts: counts }
        : known,
    );
    const { endpoint } = batch;
    // Each line has an id of its own: pushed again after a crash, those that are there already are passed over.
    for (let first = 0; first < lines.length; first += PUSHED_AT_ONCE)
      await queue.pushMany(
        lines.slice(first, first + PUSHED_AT_ONCE).map((request, at) => ({
          payload: { type: "batch-line" as const, batch: id, asker, line: first + at, request, endpoint },
          id: `${id}_l${first + at}`,
          priority: 20,
          ...silent,
        })),
      );
    await check(id, asker, 0);
  }

  async function check(id: string, asker: Asker, nth: number): Promise<void> {
    const batch = await get(id, {}).catch(() => undefined);
    if (batch === undefined || !GOING_ON.has(batch.status)) return;
    const { total, completed } = batch.request_counts;
    const over = batch.expires_at <= now() || batch.status === "cancelling";
    if (!over && completed < total && nth > 0 && nth % MISSING_EVERY === 0) await findLost(id, total);
    if (over || completed >= total) {
      await queue.push({ type: "batch-end", batch: id, asker }, { id, kind: "batch" });
      return;
    }
    const delayMs = Math.min(CHECK_MS.last, CHECK_MS.first * (nth + 1));
    await queue.push(
      { type: "batch-check", batch: id, asker, nth: nth + 1 },
      { id: `${id}_c${nth + 1}`, delayMs, ...silent },
    );
  }

  /** Writes an error for lines whose jobs died: their workers were killed again and again. */
  async function findLost(id: string, total: number): Promise<void> {
    const known = new Set((await scoped.send(["HKEYS", resultsKey(id)])) as readonly string[]);
    for (let line = 0; line < total; line += 1) {
      if (known.has(String(line))) continue;
      const job = await queue.get(`${id}_l${line}`);
      if (job?.state !== "dead" || job.payload?.type !== "batch-line") continue;
      const error = { code: "server_error", message: `the request could not be made: ${job.reason ?? "failed"}` };
      await put(id, line, { id: `${id}_l${line}`, custom_id: job.payload.request.custom_id, response: null, error });
    }
  }

  async function put(id: string, line: number, result: LineResult): Promise<void> {
    const key = resultsKey(id);
    const record = await encodePlainInTurns(result);
    keptBytes.add(scope, resultsThing(id), Buffer.byteLength(record), RESULTS_TTL_MS);
    await scoped.pipeline(
      [
        ["HSETNX", key, String(line), record],
        ["PEXPIRE", key, String(RESULTS_TTL_MS)],
      ],
      { retry: "safe" },
    );
    // The batch was taken away while the line was asked: nothing of it stays.
    if ((await shelf.get(id)) === undefined) await scoped.send(["UNLINK", key], { retry: "safe" });
  }

  /** Reads the results of a batch's lines by index, in pages. */
  async function readResults(id: string, total: number): Promise<ReadonlyMap<number, LineResult>> {
    const results = new Map<number, LineResult>();
    for (let first = 0; first < total; first += LINES_AT_ONCE) {
      const places = Array.from({ length: Math.min(LINES_AT_ONCE, total - first) }, (_, at) => first + at);
      const command = ["HMGET", resultsKey(id), ...places.map(String)];
      const records = (await scoped.send(command, { reply: "bytes" })) as readonly (Buffer | null)[];
      let at = first;
      for await (const record of inSlices(records)) {
        if (record !== null) results.set(at, (await decodeRecordInTurns(record)) as LineResult);
        at += 1;
      }
    }
    return results;
  }

  /** Writes the files of a batch that is over. */
  async function end(id: string): Promise<Batch | undefined> {
    const batch = await shelf.get(id);
    if (batch === undefined || !GOING_ON.has(batch.status)) return batch;
    const { total } = batch.request_counts;
    const results = await readResults(id, total);
    const [good, bad]: [LineResult[], LineResult[]] = [[], []];
    for (const [, result] of [...results].toSorted(([a], [b]) => a - b)) (isGood(result) ? good : bad).push(result);
    const status = batch.status === "cancelling" ? "cancelled" : results.size < total ? "expired" : "completed";
    if (results.size < total) {
      const { lines } = await readLines(
        scope,
        await stores(scope).files.content(batch.input_file_id),
        batch.endpoint,
        bounds,
      );
      const error = { code: `batch_${status}`, message: `the batch was ${status} before this line ran` };
      for (const [line, { custom_id: name }] of lines.entries())
        if (!results.has(line)) bad.push({ id: `${id}_l${line}`, custom_id: name, response: null, error });
    }
    const file = async (kind: string, lines: readonly LineResult[]) => {
      if (lines.length === 0) return undefined;
      const pieces: Buffer[] = [];
      for await (const line of inSlices(lines)) pieces.push(await toJsonBytes(line), LINE_FEED);
      const content = await concatInTurns(pieces);
      const { output_life: life } = batch;
      const made = await stores(scope).files.add({
        filename: `${id}_${kind}.jsonl`,
        purpose: "batch_output",
        content,
        expiresAfterSeconds: life,
        owner: batch.owner,
      });
      keptBytes.add(scope, `file:${made.id}`, content.length, life === undefined ? FILE_BOOKED_MS : life * 1_000);
      return made.id;
    };
    const [output, errors] = [await file("output", good), await file("error", bad)];
    const changed = await change(id, (known) => ({
      ...known,
      status,
      finalizing_at: now(),
      [`${status}_at`]: now(),
      ...(output !== undefined && { output_file_id: output }),
      ...(errors !== undefined && { error_file_id: errors }),
      request_counts: { total, completed: good.length, failed: bad.length },
    }));
    await scoped.send(["UNLINK", resultsKey(id)], { retry: "safe" });
    await keptBytes.release(scope, [resultsThing(id)]).catch(() => {});
    // The batch was taken away while its files were written: they go as it did.
    if (changed === undefined)
      for (const made of [output, errors]) if (made !== undefined) await stores(scope).files.remove(made);
    return changed;
  }

  return {
    get,
    put,
    list: (options, reach) =>
      shelf.list(
        reach.only === undefined ? options : { ...options, where: ({ owner }: Batch) => mayRead(reach, owner) },
      ),

    async create({ endpoint, input_file_id: file, metadata, output_life }, asker) {
      const { purpose, owner } = await stores(scope).files.get(file);
      if (!mayReadFile(asker, { owner, purpose }))
        throw new MarrowError("not_found", "there is no such file", { details: { path: "input_file_id" } });
      if (purpose !== "batch")
        throw new MarrowError("invalid_input", "the input file must have the purpose batch", {
          details: { path: "input_file_id" },
        });
      const id = `batch_${randomBytes(16).toString("hex")}`;
      const batch: Batch = {
        id,
        object: "batch",
        endpoint,
        completion_window: "24h",
        input_file_id: file,
        status: "validating",
        created_at: now(),
        expires_at: now() + WINDOW_SECONDS,
        request_counts: { total: 0, completed: 0, failed: 0 },
        metadata,
        ...(output_life !== undefined && { output_life }),
        ...(asker.only !== undefined && { owner: asker.only }),
      };
      await shelf.add(batch);
      await queue.push({ type: "batch-start", batch: id, asker }, { id: `${id}_s`, ...silent });
      return batch;
    },

    async remove(id) {
      const batch = await shelf.get(id);
      await shelf.remove(id);
      await queue.remove(`${id}_s`);
      await queue.remove(id);
      // Lines of a batch that has ended have left the queue, or do so within a minute.
      const lines = batch !== undefined && GOING_ON.has(batch.status) ? batch.request_counts.total : 0;
      for (let first = 0; first < lines; first += PUSHED_AT_ONCE)
        await Promise.all(
          Array.from({ length: Math.min(PUSHED_AT_ONCE, lines - first) }, (_, at) =>
            queue.remove(`${id}_l${first + at}`),
          ),
        );
      await scoped.send(["UNLINK", resultsKey(id)], { retry: "safe" });
      await keptBytes.release(scope, [resultsThing(id)]).catch(() => {});
    },

    isFull: () => keptBytes.isFull(scope),

    async stop(id) {
      await change(id, toCancelling);
    },

    async cancel(id, reach) {
      await get(id, reach);
      const changed = await change(id, toCancelling);
      if (changed !== undefined && changed.cancelling_at === undefined)
        throw new MarrowError("conflict", `the batch is ${changed.status}`, { details: { path: "batch_id" } });
      return get(id, reach);
    },

    async work(job) {
      if (job.type === "batch-start") await start(job.batch, job.asker);
      if (job.type === "batch-check") await check(job.batch, job.asker, job.nth);
      return job.type === "batch-end" ? end(job.batch) : undefined;
    },

    async open(id) {
      const batch = await shelf.get(id);
      return batch?.status === "in_progress" && batch.expires_at > now();
    },
  };
}

function isGood({ response }: LineResult): boolean {
  return response !== null && response.status_code < 400;
}
