import type { IncomingMessage } from "node:http";
import { pathOf } from "./target.ts";

/** First segments below `/v1` that clients also ask without it. */
const RESOURCES = new Set([
  "audio",
  "batches",
  "chat",
  "completions",
  "conversations",
  "embeddings",
  "files",
  "images",
  "messages",
  "models",
  "moderations",
  "rerank",
  "responses",
  "vector_stores",
]);

/** A normalised path, and the model in an Azure deployment path. */
export interface KnownPath {
  readonly path: string;
  readonly deployment?: string | undefined;
}

/**
 * Maps paths that clients are known to send to the gateway's own. Pure; returns unknown paths unchanged.
 *
 * - `//v1/models`, `/v1/models/`: doubled and trailing slashes
 * - `/chat/completions`: a base URL without `/v1`; `/v1/v1/chat/completions`: a base URL with it, and a client that adds it
 * - `/anthropic/v1/messages`: a base URL for each provider
 * - `/openai/v1/responses`, `/openai/responses?api-version=…`: Azure's paths
 * - `/openai/deployments/gpt-5/chat/completions`: Azure's deployments, where the path names the model
 */
export function toKnownPath(path: string): KnownPath {
  let parts = path.split("/").filter((part) => part !== "");
  let deployment: string | undefined;
  if (parts[0] === "openai" || parts[0] === "anthropic") parts = parts.slice(1);
  if (parts[0] === "deployments" && parts.length > 2) {
    deployment = decode(parts[1] ?? "");
    parts = parts.slice(2);
  }
  if (parts[0] === "v1" && parts[1] === "v1") parts = parts.slice(1);
  if (RESOURCES.has(parts[0] ?? "")) parts = ["v1", ...parts];
  const known = `/${parts.join("/")}`;
  return deployment === undefined ? { path: known } : { path: known, deployment };
}

const deployments = new WeakMap<IncomingMessage, string>();

/** Rewrites a request's URL before routing; the query is unchanged. */
export function rewriteUrl(request: IncomingMessage): string {
  const given = request.url ?? "/";
  if (isOwn(given)) return given;
  // A page address that cannot be decoded still belongs to the page, so that the browser shows something.
  if (given.startsWith("/dashboard/") && decode(given) === given && given.includes("%")) return "/dashboard";
  const url = given.startsWith("/") ? given : (pathOf(given, request.headers.host) ?? given);
  const end = url.indexOf("?");
  const { path, deployment } = toKnownPath(end === -1 ? url : url.slice(0, end));
  if (deployment !== undefined) deployments.set(request, deployment);
  return end === -1 ? path : path + url.slice(end);
}

/** Returns the model in an Azure deployment path, which overrides the body. */
export function deploymentOf(request: IncomingMessage): string | undefined {
  return deployments.get(request);
}

/** Whether a URL is plainly one of the gateway's own, as those of nearly all requests are. */
function isOwn(url: string): boolean {
  return url.startsWith("/v1/") && !url.startsWith("/v1/v1") && !url.includes("//") && !/\/(?:\?|$)/.test(url);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
