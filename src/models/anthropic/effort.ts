import type { ChatRequest } from "../chat.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { saysOf } from "../refusal.ts";
import { uncarried } from "../rows.ts";
import { refusesField } from "../teaching.ts";
import { KIND } from "./messages.ts";

/**
 * How a model takes a wish for effort: newer ones think as they see fit under an `effort`, older ones want a budget of tokens, and some do not
 * think at all for a request.
 */
export type EffortForm = "adaptive" | "budget" | "none";

/** Tokens of thoughts for each effort, where a model wants a budget; this API takes no fewer than the first. */
const BUDGETS: ReadonlyMap<string, number> = new Map([
  ["minimal", 1_024],
  ["low", 2_048],
  ["medium", 8_192],
  ["high", 16_384],
  ["xhigh", 24_576],
  ["max", 32_768],
]);
const BUDGET_MIN = 1_024;

/** What a request says of thinking, and the bound of its answer, which thoughts count toward. */
export interface Thinking {
  readonly thinking?: Fields | undefined;
  readonly config: Fields;
  readonly maxTokens: unknown;
}

/**
 * Says how much a model is to think. What a request says in this API's own words (`thinking`, `output_config`) goes as it came, and
 * `reasoning_effort` beside it says the same again.
 * @throws MarrowError `invalid_input` for an effort that this API has no word for, or no room
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

/** The form in which a request may be asked again after a refusal, and whether the model wants it of all; `undefined` for another matter. */
export function formAfter(
  body: Fields,
  refusal: string,
  form: EffortForm,
): { readonly form: EffortForm; readonly isLasting: boolean } | undefined {
  if (form === "adaptive" && /\badaptive\b|\beffort\b|output_config/.test(refusal)) {
    const isUnknown = refusesField(body, refusal, ["thinking", "thinking.adaptive", "thinking.type", ...EFFORT_PLACES]);
    return { form: "budget", isLasting: isUnknown || isOtherKind(body, refusal, "adaptive") };
  }
  if (form === "budget" && /budget_tokens|thinking\.type|thinking\.enabled/.test(refusal)) {
    const isUnknown = refusesField(body, refusal, ["thinking.type", "thinking.budget_tokens", "thinking.enabled"]);
    return { form: "adaptive", isLasting: isUnknown || isOtherKind(body, refusal, "enabled") };
  }
  return undefined;
}

const EFFORT_PLACES = ["output_config", "output_config.effort"];

/** Whether a refusal is of the kind of thinking that the gateway chose: the client named an effort, and no kind. */
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

/** Whether a refusal says that a call of a tool came back without the thoughts before it: such a turn is ended without thinking. */
export function lacksThoughts(refusal: string): boolean {
  return /expected `?(?:thinking|redacted_thinking)`?/i.test(refusal);
}

/** Whether a refusal says that a model does not think where a tool must be called: the caller named the tool, and the choice stands. */
export function forbidsThoughts(refusal: string): boolean {
  return /\bthinking\b[^.]{0,80}\btool_choice\b/i.test(refusal);
}

/** Whether a refusal says that the signature of thoughts is not the endpoint's own: the request goes on without them. */
export function refusesThoughts(refusal: string): boolean {
  return /\bsignature\b/i.test(refusal) && /thinking/i.test(refusal) && /invalid|not valid|verif/i.test(refusal);
}
