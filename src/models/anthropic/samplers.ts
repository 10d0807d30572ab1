import type { ChatRequest } from "../chat.ts";
import type { Fields } from "../../internal/fields.ts";
import { saysOf } from "../refusal.ts";

/**
 * Returns true if a body has both `temperature` and `top_p`, and was refused because the model accepts only one of them, as newer models
 * do. Pure.
 */
export function refusesBoth(body: Fields, refusal: string): boolean {
  if (body["temperature"] === undefined || body["top_p"] === undefined) return false;
  return saysOf(body, refusal, BOTH);
}

const BOTH =
  /\b(?:temperature|top_p)\b[^.]{0,16}\b(?:temperature|top_p)\b[^.]{0,40}\b(?:both|together|at the same time|only one|mutually exclusive)\b/i;

/** Returns the request without `top_p` if it has a temperature, which clients set on purpose more often. Pure. */
export function withOneSampler(request: ChatRequest): ChatRequest {
  // A temperature of 1 is the API's default and is not sent.
  if ((request["temperature"] ?? 1) === 1) return request;
  const { top_p: _, ...rest } = request;
  return rest;
}
