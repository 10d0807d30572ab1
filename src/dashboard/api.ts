import type { SessionAnswer } from "../gateway/admin/answers.ts";

/** An error response of the gateway. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

let csrf = "";
let onSignedOut: () => void = () => {};

/** Sets the listener for the end of the sign-in. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

/** Stores the token for writes. */
export function useToken(session: SessionAnswer): SessionAnswer {
  csrf = session.csrf;
  return session;
}

/** Calls a route of the gateway and returns its JSON. @throws ApiError */
export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/v1/admin${path}`, {
      method,
      credentials: "same-origin",
      headers: {
        accept: "application/json",
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(method !== "GET" && { "x-marrow-csrf": csrf }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal !== undefined && { signal }),
    });
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    throw new ApiError(0, "unreachable", "The gateway does not answer.");
  }
  const answer = (await response.json().catch(() => ({}))) as { error?: { code?: string; message?: string } };
  if (response.ok) return answer as T;
  if (response.status === 401 && path !== "/session") onSignedOut();
  const { code = "failed", message = `The gateway answered ${response.status}.` } = answer.error ?? {};
  throw new ApiError(response.status, code, message);
}

/** Builds a path with a query; names without a value are left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}
