import { MarrowError } from "../errors.ts";
import { pause } from "../internal/pause.ts";
import { allOf, cannotServe, type Command, type Redis, type Reply } from "../redis/index.ts";

/** A part of an output. Entries are named `fence-part`, so a position is valid in any process and after a failover. */
export type Part =
  | { readonly kind: "text"; readonly text: string; readonly at: string; readonly epoch: number }
  /** Another attempt began: discard the parts read so far. */
  | { readonly kind: "restarted"; readonly at: string; readonly epoch: number };

const LOOK_MS = { first: 25, last: 100 } as const;
/** Parts that are read at once: at first and behind the last one, and at most where they are short. */
const PAGE = { first: 8, last: 512 } as const;
/** By how much fewer parts are read where those before did not come in time: long ones may follow short ones. */
const FEWER = 8;
/** Characters of a page, about: a reply of many megabytes would not come in the time that a command has. */
const PAGE_CHARS = 1_048_576;

/** Reads an output from a position, until `toEnd` returns a value for the reply to `state`; ends with that value. */
export async function* readParts<E>(
  redis: Pick<Redis, "pipeline">,
  options: {
    readonly log: string;
    readonly state: Command;
    readonly toEnd: (reply: Reply) => E | undefined;
    /** Converts each reply to `state` to an event, which precedes the parts of that read. */
    readonly toNews?: ((reply: Reply) => E | undefined) | undefined;
    readonly after: string | undefined;
    readonly signal: AbortSignal | undefined;
  },
): AsyncGenerator<Part | E> {
  const { log, state, toEnd, toNews, after, signal } = options;
  const [start, known] = /^(\d{1,16})-\d{1,9}$/.exec(after ?? "0-0") ?? [];
  if (start === undefined)
    throw new MarrowError("invalid_input", "after must be a position in this output", { details: { path: "after" } });
  let last = start;
  let epoch = Number(known);
  let page: number = PAGE.first;
  for (let waitMs: number = LOOK_MS.first; ; waitMs = Math.min(LOOK_MS.last, waitMs * 1.5)) {
    // The state is read before the parts: whatever was written before the end is then among them.
    const range = ["XRANGE", log, `(${last}`, "+", "COUNT", String(page)];
    const replies = await redis
      .pipeline([state, range])
      .then(allOf)
      .catch((error: unknown) => {
        if (page === 1 || !cannotServe(error)) throw error;
        return undefined;
      });
    if (replies === undefined) {
      page = Math.max(1, Math.floor(page / FEWER));
      await pause(waitMs, signal, "reading an output");
      continue;
    }
    const [now = null, found] = replies;
    const end = toEnd(now);
    const news = toNews?.(now);
    if (news !== undefined) yield news;
    const entries = found as readonly (readonly [string, readonly string[]])[];
    let chars = 0;
    for (const [id, fields] of entries) {
      last = id;
      chars += fields[1]?.length ?? 0;
      const fence = Number(id.split("-")[0]);
      if (epoch !== fence) {
        if (epoch !== 0) yield { kind: "restarted", at: `${fence}-0`, epoch: fence };
        epoch = fence;
      }
      yield { kind: "text", text: fields[1] ?? "", at: id, epoch };
    }
    if (entries.length === page) {
      page = toPage(chars / page);
      continue;
    }
    page = PAGE.first;
    if (end !== undefined) {
      yield end;
      return;
    }
    if (entries.length > 0) waitMs = LOOK_MS.first;
    await pause(waitMs, signal, "reading an output");
  }
}

/** How many parts to read at once, where the last ones had so many characters on average. */
function toPage(chars: number): number {
  return Math.max(1, Math.min(PAGE.last, Math.floor(PAGE_CHARS / (chars + 1))));
}
