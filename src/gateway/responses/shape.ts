/** Types of OpenAI's Responses API that the gateway writes. Source: the official SDK's types, the Open Responses specification. */

import type { Fields } from "../../internal/fields.ts";

/** One item of an input or output. */
export interface Item extends Fields {
  readonly id: string;
  readonly type: string;
}

/** Status of a response. */
export type ResponseStatus = "queued" | "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";

/** A response in its public form. */
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

/** A stored response with its input. */
export interface KeptResponse {
  readonly response: ResponseBody;
  readonly input: readonly Item[];
  readonly user: string;
  /**
   * Encrypted reasoning by the id of its `reasoning` item. Stored even if the client did not request it, because a later request may need
   * it. Absent without any.
   */
  readonly sealed?: Sealed | undefined;
  /** True if the previous response was never stored, so that this one has no history outside its connection. */
  readonly isAfterUnstored?: true | undefined;
}

/** The `encrypted_content` of items by their ids. */
export type Sealed = Readonly<Record<string, string>>;

/** Returns the output of a stored response with its encrypted reasoning. */
export function outputOf({ response: { output }, sealed }: KeptResponse): readonly Item[] {
  if (sealed === undefined) return output;
  return output.map((item) =>
    Object.hasOwn(sealed, item.id) ? { ...item, encrypted_content: sealed[item.id] } : item,
  );
}

/** An event of a streamed response, numbered when it is sent. */
export interface ResponseEvent extends Fields {
  readonly type: string;
}

/** Returns the first events of a stream, also for a response that has ended since. */
export function firstEvents(response: ResponseBody): readonly ResponseEvent[] {
  const open = { error: null, incomplete_details: null, output: [], usage: null, completed_at: null };
  const running = { ...response, ...open, status: "in_progress" as const };
  return [
    { type: "response.created", response: running },
    { type: "response.in_progress", response: running },
  ];
}

/** Returns the last event of a stream. */
export function lastEvent(response: ResponseBody): ResponseEvent {
  const { status } = response;
  // Clients have no event for a cancelled response: it counts as incomplete.
  const word = status === "completed" || status === "failed" ? status : "incomplete";
  return { type: `response.${word}`, response };
}
