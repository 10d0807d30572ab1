import http from "node:http";
import https from "node:https";

/** A configured endpoint. */
export interface Endpoint {
  readonly name: string;
  readonly baseUrl: string;
}

/** Reachability of an endpoint. Only the `host` of its URL is shown. */
export interface Reached {
  readonly name: string;
  readonly host: string;
  /** `unknown`: there was no time left for a request. */
  readonly reachable: boolean | "unknown";
  /** Status of its response, or the error's code. */
  readonly says?: string | undefined;
  readonly ms?: number | undefined;
}

/** Timeouts for one endpoint, and for all together. */
const WAIT_MS = 5_000;
const ALL_MS = 15_000;
const AT_ONCE = 16;

/**
 * Requests each endpoint's base URL without a key or prompt: any HTTP response counts as reachable, including 401 and 404. Ends after 15
 * seconds, however many there are. Each URL is requested once.
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

/** Returns the status of a GET; the body is not read. Follows no redirect. */
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

/**
 * Returns the error code of a failed call, never its message, which may quote the request. A name with several addresses fails for each.
 */
function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : "no connection";
}
