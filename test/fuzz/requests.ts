import { BODIES } from "./bodies.ts";
import type { Random } from "./random.ts";
import { CANARY, mutate, strangeJson, strangeText, strangeValue } from "./values.ts";

/** A request as `app.inject` takes it. */
export interface FuzzRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly payload?: string | Buffer | undefined;
}

/** A route of the application. */
export interface Route {
  readonly method: string;
  readonly url: string;
}

/** Ids that the gateway gave out, by kind, for requests that mean something. */
export interface Ids {
  /** Notes the ids in an answer. */
  learn(url: string, body: unknown): void;
  pick(random: Random, kind: string): string;
}

const IDS_MAX = 200;
/** Kinds of ids by the beginning of the route that answers them. */
const KINDS: readonly (readonly [start: string, kind: string])[] = [
  ["/v1/conversations/:conversation/items", "item"],
  ["/v1/conversations", "conv"],
  ["/v1/responses", "resp"],
  ["/v1/files", "file"],
  ["/v1/memories", "fact"],
  ["/v1/batches", "batch"],
  ["/v1/tasks/webhooks", "hook"],
  ["/v1/webhooks", "hook"],
  ["/v1/tasks", "task"],
  ["/v1/vector_stores/:store/file_batches", "vsfb"],
  ["/v1/vector_stores/:store/files", "file"],
  ["/v1/vector_stores", "vs"],
  ["/v1/admin/keys", "key"],
  ["/v1/admin", "name"],
  ["/v1/models", "model"],
  ["/v1/caches", "entry"],
  ["/a2a", "a2a"],
];

/** Remembers ids that were given out. */
export function createIds(random: Random): Ids {
  const known = new Map<string, string[]>([
    ["name", ["ann", "__proto__", "constructor", "free"]],
    ["model", ["scripted", "demo"]],
  ]);
  function keep(kind: string | undefined, id: unknown): void {
    if (kind === undefined || typeof id !== "string") return;
    const ids = known.get(kind) ?? [];
    known.set(kind, ids);
    if (ids.length < IDS_MAX) ids.push(id);
    else ids[random.below(IDS_MAX)] = id;
  }
  return {
    learn(url, body) {
      for (const [, fence] of JSON.stringify(body ?? null).matchAll(/"fence":("[^"]{1,200}"|\d{1,15})/g))
        keep("fence", fence?.replaceAll('"', ""));
      keep("permit", (body as { permit?: unknown } | null | undefined)?.permit);
      const kind = KINDS.find(([start]) => url.startsWith(start))?.[1];
      const answered = (body ?? {}) as { id?: unknown; entryId?: unknown; result?: { task?: { id?: unknown } } };
      const id = kind === "a2a" ? answered.result?.task?.id : kind === "entry" ? answered.entryId : answered.id;
      keep(kind, id);
    },
    pick: (from, kind) => {
      const ids = known.get(kind) ?? [];
      return ids.length === 0 ? `${kind}_unknown` : from.pick(ids);
    },
  };
}

const QUERIES = [
  "limit",
  "after",
  "before",
  "order",
  "stream",
  "starting_after",
  "scope",
  "by",
  "from",
  "to",
  "purpose",
  "filter",
  "all",
  "x",
];
/** Routes that take forms. */
const FORMS = /^\/v1\/(?:files$|audio\/trans|images\/(?:edits|variations))/;

const TYPES = [
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "multipart/form-data; boundary=",
  "multipart/form-data; boundary=b",
  "application/json; charset=utf-16",
  "application/jsonx",
  "application/octet-stream",
  "; ;",
  "",
];
const HEADERS = [
  "x-marrow-user",
  "x-marrow-session",
  "x-marrow-cache-control",
  "idempotency-key",
  "x-request-id",
  "last-event-id",
  "accept",
  "accept-encoding",
  "content-encoding",
  "a2a-version",
  "a2a-extensions",
  "origin",
  "x-marrow-inside",
  "mcp-session-id",
  "mcp-protocol-version",
  "openai-beta",
];

/** Makes one request to a route: valid, nearly valid, or nothing of the kind. */
export function toRequest(
  random: Random,
  route: Route,
  ids: Ids,
  keys: readonly string[],
  bytesMax: number,
): FuzzRequest {
  const { method } = route;
  const url = toPath(random, route.url, ids) + (random.chance(0.3) ? toQuery(random) : "");
  const headers: Record<string, string> = {};
  if (!random.chance(0.02)) headers["authorization"] = `Bearer ${random.pick(keys)}`;
  if (route.url === "/mcp") headers["accept"] = "application/json, text/event-stream";
  if (route.url.startsWith("/a2a")) headers["a2a-version"] = "1.0";
  while (random.chance(0.15)) headers[random.pick(HEADERS)] = headerText(random);
  if (method === "GET" || method === "DELETE" || method === "OPTIONS") {
    if (!random.chance(0.03)) return { method, url, headers };
    return { method, url, headers: { ...headers, "content-type": "application/json" }, payload: "{" };
  }
  if (FORMS.test(route.url) && !random.chance(0.1)) return { method, url, ...toUpload(random, headers) };
  const valid = fillIds(random, random.pick(BODIES[`${method} ${route.url}`] ?? [undefined, {}]), ids);
  const type = random.chance(0.03) ? random.pick(TYPES) : "application/json";
  const typed = type === "" ? headers : { ...headers, "content-type": type };
  if (random.chance(0.1)) return { method, url, headers: typed, payload: strangeJson(random, valid, bytesMax) };
  if (valid === undefined && random.chance(0.7)) return { method, url, headers };
  const body = random.chance(0.25) ? valid : random.chance(0.08) ? strangeValue(random) : mutate(random, valid);
  return { method, url, headers: typed, payload: JSON.stringify(body) ?? "" };
}

function toPath(random: Random, pattern: string, ids: Ids): string {
  return pattern.replaceAll(/:\w+|\*/g, (name) => {
    if (random.chance(0.3)) return encodeURIComponent(strangeText(random).toWellFormed().slice(0, 600));
    if (random.chance(0.05))
      return random.pick(["%00", "%ff", "%", "..", "%2e%2e", ".", "a%2fb", "a?b", "x".repeat(2_000)]);
    if (name === ":agent") return "teller";
    if (name === ":cache" || name === ":limit") return random.pick(["fuzz", "fuzz2"]);
    const kind =
      name === ":conversation"
        ? "conv"
        : name === ":item"
          ? "item"
          : name === ":store"
            ? "vs"
            : KINDS.find(([start]) => pattern.startsWith(start))?.[1];
    return encodeURIComponent(ids.pick(random, kind ?? "name"));
  });
}

function toQuery(random: Random): string {
  const pairs = Array.from({ length: 1 + random.below(3) }, () => {
    const value = random.chance(0.4)
      ? random.pick(["1", "100", "-1", "true", "desc", "2026-11-29", "key", "NaN"])
      : strangeText(random);
    const name = random.pick(QUERIES) + (random.chance(0.1) ? "[]" : "");
    return `${name}=${random.chance(0.1) ? value.replaceAll(/[\r\n#\0]/g, "") : encodeURIComponent(value.toWellFormed())}`;
  });
  // A path must be ASCII to be a request at all.
  return `?${pairs.join("&").replaceAll(/[^\x21-\x7e]/g, "%")}`;
}

/** What Node lets into a header. */
function headerText(random: Random): string {
  const text = random.chance(0.3)
    ? random.pick(["gzip", "br", "1.0", "no-store", "max-age=1, only-if-cached", "0-1", "*/*"])
    : strangeText(random);
  return text.replaceAll(/[^\t\x20-\x7e]/g, "").slice(0, 2_000);
}

function fillIds(random: Random, body: unknown, ids: Ids): unknown {
  if (typeof body === "string") {
    if (body === "$embedder") return "static";
    return body.startsWith("$") ? ids.pick(random, body.slice(1)) : body;
  }
  if (Array.isArray(body)) return body.map((one: unknown) => fillIds(random, one, ids));
  if (typeof body !== "object" || body === null) return body;
  return Object.fromEntries(Object.entries(body).map(([name, one]) => [name, fillIds(random, one, ids)]));
}

/** An upload, whole or cut anywhere. */
function toUpload(
  random: Random,
  headers: Record<string, string>,
): { headers: Record<string, string>; payload: Buffer } {
  const part = (head: string, content: string) =>
    `--b\r\ncontent-disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
  const line = JSON.stringify({
    custom_id: "a",
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "scripted", messages: [{ role: "user", content: CANARY }] },
  });
  const purpose = random.pick(["assistants", "batch", "user_data", strangeText(random)]);
  const content = random.chance(0.6) ? `${line}\n`.repeat(random.below(3)) : strangeText(random);
  const name = random.pick(["a.txt", "a.jsonl", "../a", '"', "a\0b", "", "日本.md"]);
  const pieces = [
    part('name="purpose"', purpose),
    part(`name="file"; filename="${name}"\r\ncontent-type: text/plain`, content),
  ];
  for (const field of ["model", "user"])
    if (random.chance(0.7))
      pieces.push(part(`name="${field}"`, random.pick(["scripted", "scripted", strangeText(random)])));
  if (random.chance(0.1)) pieces.push(part(`name="${strangeText(random).slice(0, 20)}"`, strangeText(random)));
  if (random.chance(0.1))
    pieces.push(part('name="expires_after[seconds]"', random.pick(["3600", "x", "-1", "1e9", ""])));
  if (random.chance(0.05)) pieces.push(part('name="file"; filename="b.txt"', "second"));
  if (random.chance(0.2)) pieces.reverse();
  let text = `${pieces.join("")}--b--\r\n`;
  if (random.chance(0.25)) text = text.slice(0, random.below(text.length));
  if (random.chance(0.05)) text = text.replaceAll("\r\n", "\n");
  const type = random.chance(0.9) ? "multipart/form-data; boundary=b" : random.pick(TYPES);
  return { headers: type === "" ? headers : { ...headers, "content-type": type }, payload: Buffer.from(text) };
}
