import type { ChatRequest } from "../chat.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { saysOf } from "../refusal.ts";
import { uncarried } from "../rows.ts";
import { refusesField } from "../teaching.ts";
import { KIND } from "./messages.ts";

/**
 * How a model accepts a reasoning effort: newer ones have an `effort`, older ones need a budget of tokens, and some do not reason on
 * request.
 */
export type EffortForm = "adaptive" | "budget" | "none";

/** Reasoning tokens for each effort, for models that need a budget. The first is this API's minimum. */
const BUDGETS: ReadonlyMap<string, number> = new Map([
  ["minimal", 1_024],
  ["low", 2_048],
  ["medium", 8_192],
  ["high", 16_384],
  ["xhigh", 24_576],
  ["max", 32_768],
]);
const BUDGET_MIN = 1_024;

/** Reasoning fields of a request, and the bound of its answer, which includes reasoning. */
export interface Thinking {
  readonly thinking?: Fields | undefined;
  readonly config: Fields;
  readonly maxTokens: unknown;
}

/**
 * Sets the reasoning effort. Fields of this API (`thinking`, `output_config`) are passed on unchanged and take precedence over
 * `reasoning_effort`.
 * @throws MarrowError `invalid_input` for an effort that this API does not support, or a bound that leaves no tokens
 */
export function toThinking(
  request: ChatRequest,
  bound: unknown,
  { outputTokens, form }: { readonly outputTokens: number; readonly form: EffortForm },
): Thinking {
  const { thinking, output_config: config } = request;
  const { effort: named, summary: _, ...others } = isObject(request["reasoning"]) ? request["reasoning"] : {};
  for (const [field, value] of Object.entries(others))
    if (value !== null) throw uncarried(`reasoning.${field.slice(0, 64)}`, KIND);
  const effort = request["reasoning_effort"] ?? named;
  const { format: __, ...told } = isObject(config) ? config : {};
  if (isObject(thinking) || Object.keys(told).length > 0) {
    const { budget_tokens: budget } = isObject(thinking) ? thinking : {};
    const maxTokens = bound ?? outputTokens + (typeof budget === "number" ? budget : 0);
    return { ...(isObject(thinking) && { thinking }), config: told, maxTokens };
  }
  const plain = { config: told, maxTokens: bound ?? outputTokens };
  if (!isText(effort) || form === "none") return plain;
  if (effort === "none") return { ...plain, thinking: { type: "disabled" } };
  const budget = BUDGETS.get(effort);
  if (budget === undefined) throw uncarried("reasoning_effort", KIND, `the effort ${effort.slice(0, 32)}`);
  if (form === "adaptive")
    return {
      ...plain,
      thinking: { type: "adaptive" },
      config: { ...told, effort: effort === "minimal" ? "low" : effort },
    };
  if (typeof bound !== "number") return { config: told, maxTokens: outputTokens + budget, thinking: enabled(budget) };
  if (bound <= BUDGET_MIN)
    throw uncarried("reasoning_effort", KIND, `thinking within an answer of ${bound} tokens (1,025 at least)`);
  return { ...plain, thinking: enabled(Math.min(budget, Math.max(BUDGET_MIN, bound >> 1))) };
}

function enabled(budget: number): Fields {
  return { type: "enabled", budget_tokens: budget };
}

/**
 * Returns the form in which to retry a refused request, and whether the model needs it for all; `undefined` if the refusal has another
 * cause.
 */
export function formAfter(
  body: Fields,
  refusal: string,
  form: EffortForm,
): { readonly form: EffortForm; readonly isLasting: boolean } | undefined {
  if (form === "adaptive" && OF_EFFORT.test(refusal)) {
    const isUnknown = refusesField(body, refusal, ["thinking", "thinking.adaptive", "thinking.type", ...EFFORT_PLACES]);
    return { form: "budget", isLasting: isUnknown || isOtherKind(body, refusal, "adaptive") };
  }
  if (form === "budget" && /budget_tokens|thinking\.type|thinking\.enabled/.test(refusal)) {
    const isUnknown = refusesField(body, refusal, ["thinking.type", "thinking.budget_tokens", "thinking.enabled"]);
    return { form: "adaptive", isLasting: isUnknown || isOtherKind(body, refusal, "enabled") };
  }
  return undefined;
}

/** Words of a refusal that may concern the effort. Another field within `output_config`, such as the format, does not. */
const OF_EFFORT = /\badaptive\b|\beffort\b|\boutput_config\b(?!\.(?!effort\b))/;
const EFFORT_PLACES = ["output_config", "output_config.effort"];

/** Returns true if a refusal concerns the form of reasoning that the gateway chose, because the client only set an effort. */
function isOtherKind(body: Fields, refusal: string, kind: "adaptive" | "enabled"): boolean {
  const quote = "['\"`]?";
  const unsupported = String.raw`(?:is\s+|are\s+)?(?:not\s+(?:supported|available|allowed)|unsupported)`;
  return [
    String.raw`\b${kind}\b${quote}(?:\s+thinking)?\s+${unsupported}`,
    String.raw`does\s+not\s+support\s+${quote}${kind}\b`,
    String.raw`\btag\s+${quote}${kind}\b`,
    String.raw`\beffort\s+(?:parameter\s+)?${unsupported}`,
  ].some((pattern) => saysOf(body, refusal, new RegExp(pattern, "i")));
}

/** Returns true for a refusal because a tool call came back without the reasoning before it: such a turn is completed without reasoning. */
export function lacksThoughts(refusal: string): boolean {
  return /expected `?(?:thinking|redacted_thinking)`?/i.test(refusal);
}

/** Returns true for a refusal because a model does not reason if `tool_choice` requires a tool. The client's choice is kept. */
export function forbidsThoughts(refusal: string): boolean {
  return /\bthinking\b[^.]{0,80}\btool_choice\b/i.test(refusal);
}

/** Returns true for a refusal because a reasoning signature is another endpoint's: the request is retried without reasoning. */
export function refusesThoughts(refusal: string): boolean {
  return /\bsignature\b/i.test(refusal) && /thinking/i.test(refusal) && /invalid|not valid|verif/i.test(refusal);
}
