/** The shapes of OpenAI's Responses API that the gateway writes. Source: the official SDK's types, the Open Responses specification. */

import type { Fields } from "../../internal/fields.ts";

/** One item of what was asked or answered. */
export interface Item extends Fields {
  readonly id: string;
  readonly type: string;
}

/** Where a response is. */
export type ResponseStatus = "queued" | "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";

/** A response as clients see it. */
export interface ResponseBody extends Fields {
  readonly id: string;
  readonly object: "response";
  readonly created_at: number;
  readonly status: ResponseStatus;
  readonly model: string;
  readonly background: boolean;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly incomplete_details: { readonly reason: string } | null;
  readonly output: readonly Item[];
  readonly previous_response_id: string | null;
  readonly usage: Fields | null;
}

/** A response as it is kept: with what was asked. */
export interface KeptResponse {
  readonly response: ResponseBody;
  readonly input: readonly Item[];
  readonly user: string;
  /**
   * What the makers of its thoughts want back, by the id of the `reasoning` item: kept also where the client did not ask to see it, so that a
   * later request has it. Absent where there is nothing.
   */
  readonly sealed?: Sealed | undefined;
}

/** The `encrypted_content` of items, by their ids. */
export type Sealed = Readonly<Record<string, string>>;

/** The output of a kept response with what the makers of its thoughts want back. */
export function outputOf({ response: { output }, sealed }: KeptResponse): readonly Item[] {
  if (sealed === undefined) return output;
  return output.map((item) =>
    Object.hasOwn(sealed, item.id) ? { ...item, encrypted_content: sealed[item.id] } : item,
  );
}

/** An event of a streamed response; its number is given where it is sent. */
export interface ResponseEvent extends Fields {
  readonly type: string;
}

/** The events that a stream begins with, of a response that may have ended since. */
export function firstEvents(response: ResponseBody): readonly ResponseEvent[] {
  const open = { error: null, incomplete_details: null, output: [], usage: null, completed_at: null };
  const running = { ...response, ...open, status: "in_progress" as const };
  return [
    { type: "response.created", response: running },
    { type: "response.in_progress", response: running },
  ];
}

/** The event that ends a stream. */
export function lastEvent(response: ResponseBody): ResponseEvent {
  const { status } = response;
  // The clients know no event of a cancelled response: it is one that did not become whole.
  const word = status === "completed" || status === "failed" ? status : "incomplete";
  return { type: `response.${word}`, response };
}
