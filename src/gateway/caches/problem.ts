import type { ErrorAnswer } from "../http/error-body.ts";

/** An error in the format that LangCache's clients read: RFC 9457's fields, with a `type` of that API. */
export interface CacheProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly fields?: readonly { readonly field: string; readonly rule: string; readonly message: string }[];
  /** The same error as on all other routes. */
  readonly error: ErrorAnswer["body"]["error"];
}

/** Type and title by status. Other statuses have no type in that API; its clients use the status. */
const TYPES: ReadonlyMap<number, readonly [type: string, title: string]> = new Map([
  [400, ["/errors/invalid-data", "Invalid data"]],
  [401, ["/errors/authentication-failed", "Authentication failed"]],
  [403, ["/errors/insufficient-permissions", "Insufficient permissions"]],
  [404, ["/errors/cache/entry/not-found", "Cache entry not found"]],
  [413, ["/errors/payload-too-large", "Payload too large"]],
  [429, ["/errors/too-many-requests", "Too many requests"]],
  [500, ["/errors/unexpected-error", "Unexpected error"]],
]);

/** Title by the full resource, if not the request is too large; that API has no type for it. */
const FULL: ReadonlyMap<string, string> = new Map([
  ["cache", "Too many caches"],
  ["scope-bytes", "No room is left"],
]);

/** Converts an error of the gateway to the format of LangCache's API. */
export function toCacheProblem(status: number, { error }: ErrorAnswer["body"]): CacheProblem {
  const [type, title] = TYPES.get(status) ?? ["about:blank", error.code];
  const { message, param, code } = error;
  if (status === 413 && param !== null && FULL.has(param))
    return { type: "about:blank", title: FULL.get(param) as string, status, detail: message, error };
  const fields = status === 400 && param !== null ? { fields: [{ field: param, rule: code, message }] } : {};
  return { type, title, status, detail: message, ...fields, error };
}
