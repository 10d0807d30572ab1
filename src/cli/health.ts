import { parseArgs } from "node:util";
import { MarrowError } from "../errors.ts";

/** How long the gateway may take to answer, in milliseconds. */
const WAIT_MS = 2_000;

/**
 * `marrow health`: asks a gateway whether its process runs, or with `--ready` whether Redis serves it, for health checks of containers. Exit
 * code 0 if so, 1 if not. It reads no configuration, which would take longer than the question: the port is that of `--url`, or `MARROW_PORT`.
 */
export async function runHealth(args: readonly string[]): Promise<number> {
  const port = process.env["MARROW_PORT"] || "8080";
  const { values } = parseArgs({
    args: [...args],
    options: {
      ready: { type: "boolean", default: false },
      url: { type: "string", default: `http://127.0.0.1:${port}` },
    },
  });
  const path = values.ready ? "/readyz" : "/healthz";
  if (!URL.canParse(path, values.url))
    throw new MarrowError("invalid_option", "--url must be a URL such as http://127.0.0.1:8080", {
      details: { path: "url" },
    });
  try {
    const answer = await fetch(new URL(path, values.url), {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(WAIT_MS),
    });
    const { status, state } = (await answer.json()) as { readonly status: string; readonly state?: string };
    console.log(`${path}: ${status}${state === undefined ? "" : ` (${state})`}`);
    return answer.ok ? 0 : 1;
  } catch (error) {
    const { cause, message } = error as Error & { readonly cause?: { readonly code?: string } };
    console.log(`${path}: no answer (${cause?.code ?? message})`);
    return 1;
  }
}
