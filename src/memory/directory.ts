import { MarrowError } from "../errors.ts";
import { checkInteger, checkObject, checkOneOf, checkText, refuse } from "../internal/check.ts";
import { createTimeSlice } from "../internal/time-slice.ts";
import {
  decodeKeyPart,
  encodeKeyPart,
  readRecord,
  runScript,
  type ScopedRedis,
  type Unreadable,
} from "../redis/index.ts";
import { userKeys } from "./keys.ts";
import type { Json } from "./json.ts";
import { listSessions } from "./scripts.gen.ts";
import type { Session } from "./handle.ts";

/** A session in a list. */
export interface SessionEntry {
  readonly id: string;
  readonly version: number;
  readonly createdAtMs: number;
  /** Time of its last change. */
  readonly changedAtMs: number;
  readonly metadata: Json;
  /** Reason why its metadata cannot be read. */
  readonly unreadable?: Unreadable | undefined;
}

/** Options for listing sessions. */
export interface ListOptions {
  readonly user: string;
  /** The `cursor` of the previous page. @default from the start */
  readonly after?: string | undefined;
  /** 1 to 100. @default 20 */
  readonly limit?: number | undefined;
  /** Order by last change. @default "desc", newest first */
  readonly order?: "asc" | "desc" | undefined;
}

/** A page of sessions. */
export interface SessionPage {
  readonly data: readonly SessionEntry[];
  /** Cursor of the next page; absent on the last one. */
  readonly cursor?: string | undefined;
}

/** Options for searching sessions. */
export interface SearchOptions extends ListOptions {
  /** Words that a session must contain, all of them, in any letter case. */
  readonly words: string;
}

/** Turns that a search reads per session, newest first. */
const SEARCHED_TURNS = 1_000;
/** Most sessions that one search reads. */
/** Most words of one search. */
const SEARCHED_WORDS = 32;
const SEARCHED_SESSIONS = 500;

/** Lists a user's sessions by their last change, without expired ones. One round trip. */
export async function listPage(redis: ScopedRedis, name: string, options: ListOptions): Promise<SessionPage> {
  const { user, after, limit = 20, order = "desc" } = checkObject("options", options);
  const { sessions, starts } = userKeys(redis, name, user);
  const [, afterMs = "", afterId = ""] = after === undefined ? [] : (/^(\d+):([^:]+)$/.exec(after) ?? badCursor());
  const reply = await runScript(
    redis,
    listSessions,
    { sessions, starts },
    {
      after_ms: afterMs,
      after_id: afterId,
      limit: checkInteger("limit", limit, { min: 1, max: 100 }, "invalid_input"),
      newest_first: checkOneOf("order", order, ["asc", "desc"], "invalid_input") === "desc" ? 1 : 0,
    },
    { reply: "bytes" },
  );
  const [more, ...fields] = reply as [number, ...Buffer[]];
  const data: SessionEntry[] = [];
  for (let at = 0; at + 4 < fields.length; at += 5) {
    const [id, changed, created, version, metadata] = fields.slice(at, at + 5) as [
      Buffer,
      Buffer,
      Buffer,
      Buffer,
      Buffer,
    ];
    data.push({
      id: decodeKeyPart(String(id)),
      changedAtMs: Number(String(changed)),
      createdAtMs: Number(String(created)),
      version: Number(String(version)),
      ...toMetadata(metadata),
    });
  }
  const last = data.at(-1);
  return { data, ...(more === 1 && last !== undefined && { cursor: toCursor(last) }) };
}

/** Finds the sessions that contain all words, newest first. Reads one session after the other, within bounds. */
export async function searchSessions(
  redis: ScopedRedis,
  name: string,
  searched: SearchOptions,
  open: (id: string) => Pick<Session, "read">,
): Promise<SessionPage> {
  const { words, limit = 20, ...options } = checkObject("options", searched);
  checkInteger("limit", limit, { min: 1, max: 100 }, "invalid_input");
  const wanted = checkText("words", words, 1_024, "invalid_input").toLowerCase().split(/\s+/u).filter(Boolean);
  if (wanted.length > SEARCHED_WORDS) refuse("words", `at most ${SEARCHED_WORDS} words`, words, "invalid_input");
  const data: SessionEntry[] = [];
  let { after } = options;
  for (let looked = 0; looked < SEARCHED_SESSIONS;) {
    const page = await listPage(redis, name, { ...options, after, limit: 50 });
    for (const entry of page.data) {
      after = toCursor(entry);
      const { turns } = await open(entry.id).read({ limit: SEARCHED_TURNS, from: "newest" });
      if (await saysAll(wanted, [entry.metadata, ...turns.map(({ turn }) => turn)])) data.push(entry);
      looked += 1;
      if (data.length === limit) return { data, cursor: after };
    }
    if (page.cursor === undefined) return { data };
  }
  return { data, cursor: after };
}

/** Whether all words stand in some texts, however they are divided among them. Read one text at a time, in slices. */
async function saysAll(words: readonly string[], values: readonly unknown[]): Promise<boolean> {
  let missing = [...new Set(words)];
  const slice = createTimeSlice();
  for (const value of values) {
    const said = (JSON.stringify(value) ?? "").toLowerCase();
    missing = missing.filter((word) => !said.includes(word));
    if (missing.length === 0) return true;
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  return missing.length === 0;
}

function toMetadata(record: Buffer): Pick<SessionEntry, "metadata" | "unreadable"> {
  if (record.length === 0) return { metadata: {} };
  const read = readRecord(record);
  if (read.unreadable !== undefined) return { metadata: {}, unreadable: read.unreadable };
  return { metadata: read.value as Json };
}

/** Returns the cursor of the page after a session. */
function toCursor({ changedAtMs, id }: SessionEntry): string {
  return `${changedAtMs}:${encodeKeyPart("id", id)}`;
}

function badCursor(): never {
  throw new MarrowError("invalid_input", "after must be the cursor of a page", { details: { path: "after" } });
}
