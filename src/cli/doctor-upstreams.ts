import http from "node:http";
import https from "node:https";

/** An endpoint that should be there. */
export interface Endpoint {
  readonly name: string;
  readonly baseUrl: string;
}

/** Whether an endpoint answers. `host` is all that is told of its URL. */
export interface Reached {
  readonly name: string;
  readonly host: string;
  /** `unknown`: there was no time left to ask it. */
  readonly reachable: boolean | "unknown";
  /** The status of its answer, or the code of the error. */
  readonly says?: string | undefined;
  readonly ms?: number | undefined;
}

/** How long one endpoint, and all of them together, may take. */
const WAIT_MS = 5_000;
const ALL_MS = 15_000;
const AT_ONCE = 16;

/**
 * Asks each endpoint for its address without a key, a prompt or a path of its own: whatever answers by HTTP is reachable, also with
 * 401 or 404. Ends after 15 seconds, however many there are. Each URL is asked once.
 */
export async function reachAll(
  endpoints: readonly Endpoint[],
  { waitMs = WAIT_MS, allMs = ALL_MS }: { readonly waitMs?: number; readonly allMs?: number } = {},
): Promise<readonly Reached[]> {
  const urls = [...new Set(endpoints.map(toAddress))];
  const found = new Map<string, Omit<Reached, "name" | "host">>();
  const all = AbortSignal.timeout(allMs);
  let next = 0;
  const worker = async () => {
    for (let url = urls[next++]; url !== undefined && !all.aborted; url = urls[next++])
      found.set(url, await reach(url, AbortSignal.any([all, AbortSignal.timeout(waitMs)])));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return endpoints.map((endpoint) => ({
    name: endpoint.name,
    host: new URL(endpoint.baseUrl).host,
    ...(found.get(toAddress(endpoint)) ?? { reachable: "unknown" as const }),
  }));
}

/** The address without credentials and query, which hold secrets. */
function toAddress({ baseUrl }: Endpoint): string {
  const { origin, pathname } = new URL(baseUrl);
  return `${origin}${pathname}`;
}

async function reach(url: string, signal: AbortSignal): Promise<Omit<Reached, "name" | "host">> {
  const begun = performance.now();
  try {
    const status = await statusOf(url, signal);
    return { reachable: true, says: String(status), ms: Math.round(performance.now() - begun) };
  } catch (error) {
    return { reachable: false, says: signal.aborted ? "no answer in time" : codeOf(error) };
  }
}

/** The status of the answer to a GET; what comes behind its head is not read. Follows no redirect. */
function statusOf(url: string, signal: AbortSignal): Promise<number | undefined> {
  const { request } = url.startsWith("https:") ? https : http;
  return new Promise((resolve, reject) => {
    const asked = request(url, { signal, agent: false }, (response) => {
      resolve(response.statusCode);
      response.on("error", () => {});
      response.destroy();
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** The code of what made a call fail: never its message, which may name what was sent. A name with several addresses fails for each. */
function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : "no connection";
}
