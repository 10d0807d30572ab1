import { isObject } from "../internal/fields.ts";
import type { ChatRequest } from "./chat.ts";
import { isLackOfSignature } from "./given-back.ts";
import { saidFields, SAID_PLACES, withoutSaidField, type SaidField } from "./said-fields.ts";

/** Names of fields that hold what only the endpoint which wrote it can read: signatures and encrypted reasoning, in any spelling. */
const SEALED = /signature|encrypted|redacted/i;
/** Levels of a field that are looked through. */
const DEPTH_MAX = 8;

/** Returns whether a refusal says that the endpoint cannot read a signature or encrypted reasoning of the request. Pure. */
export function refusesSignatures(refusal: string): boolean {
  if (isLackOfSignature(refusal)) return false;
  return /invalid_encrypted_content/i.test(refusal) || UNREAD.some((pattern) => pattern.test(refusal));
}

const NAMED = String.raw`(?:signatures?|encrypted[ _]content|encrypted reasoning|redacted[ _]thinking)\b`;
const WRONG = String.raw`\b(?:invalid|not valid|corrupt\w*|malformed|mismatch\w*|does not match|(?:not|cannot|could not) be (?:verified|decrypted|decoded|parsed|validated)|verification failed|failed to (?:verify|decrypt|validate)|fail(?:s|ed) verification)`;
const UNREAD = [new RegExp(`${WRONG}\\b.{0,120}${NAMED}`, "is"), new RegExp(`${NAMED}.{0,200}${WRONG}`, "is")];

/** Returns the request without the fields of assistant messages and their calls that hold signatures or encrypted reasoning; the same object if there are none. Pure. */
export function withoutSignatures(request: ChatRequest): ChatRequest {
  return saidFields(request)
    .filter(
      (field) =>
        holdsSealed(valuesOf(request, field), 0) || SEALED.test(field.name) || field.name === "reasoning_details",
    )
    .reduce(withoutSaidField, request);
}

/** The values of a field, wherever assistant messages have it. */
function valuesOf({ messages }: ChatRequest, { place, name }: SaidField): readonly unknown[] {
  const path = [...SAID_PLACES[place].split(".").slice(1), name];
  return messages.filter(({ role }) => role === "assistant").flatMap((message) => at(message, path));
}

function at(value: unknown, [name, ...rest]: readonly string[]): readonly unknown[] {
  if (Array.isArray(value))
    return (value as readonly unknown[]).flatMap((one) => at(one, name === undefined ? [] : [name, ...rest]));
  if (name === undefined) return [value];
  return isObject(value) && Object.hasOwn(value, name) ? at(value[name], rest) : [];
}

function holdsSealed(value: unknown, depth: number): boolean {
  if (depth > DEPTH_MAX) return true;
  if (Array.isArray(value)) return (value as readonly unknown[]).some((one) => holdsSealed(one, depth + 1));
  if (!isObject(value)) return false;
  return Object.entries(value).some(
    ([name, one]) => (SEALED.test(name) && one !== null) || holdsSealed(one, depth + 1),
  );
}
