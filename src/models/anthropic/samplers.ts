import type { ChatRequest } from "../chat.ts";
import type { Fields } from "../../internal/fields.ts";
import { saysOf } from "../refusal.ts";

/** Whether a body that has both is refused because a model takes one of `temperature` and `top_p`: newer models do. Pure. */
export function refusesBoth(body: Fields, refusal: string): boolean {
  if (body["temperature"] === undefined || body["top_p"] === undefined) return false;
  return saysOf(body, refusal, BOTH);
}

const BOTH =
  /\b(?:temperature|top_p)\b[^.]{0,16}\b(?:temperature|top_p)\b[^.]{0,40}\b(?:both|together|at the same time|only one|mutually exclusive)\b/i;

/** The request without `top_p` where it has a temperature, too: more clients set that on purpose. Pure. */
export function withOneSampler(request: ChatRequest): ChatRequest {
  // A temperature of 1 is not sent: it is what the API goes by.
  if ((request["temperature"] ?? 1) === 1) return request;
  const { top_p: _, ...rest } = request;
  return rest;
}
