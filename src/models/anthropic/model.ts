import { checkInteger } from "../../internal/check.ts";
import { createEndpoint, type EndpointOptions } from "../endpoint.ts";
import { createLessons } from "../lessons.ts";
import { toSeconds } from "../listed.ts";
import { withoutDetails } from "../maker.ts";
import type { ChatModel, ModelInfo } from "../model.ts";
import { isObject, isText, type Fields } from "../../internal/fields.ts";
import { translatedModel, type Translation } from "../translated.ts";
import { toCompletion } from "./answer.ts";
import { customNamesOf } from "./custom-tools.ts";
import { forbidsThoughts, formAfter, lacksThoughts, refusesThoughts, type EffortForm } from "./effort.ts";
import { toChatPath } from "./refused-field.ts";
import { toAnthropicBody } from "./request.ts";
import { refusesBoth, withOneSampler } from "./samplers.ts";
import { readMessageEvents } from "./stream.ts";

/** Options of an endpoint with Anthropic's messages API. */
export interface AnthropicModelOptions extends EndpointOptions {
  /** Bound for answers whose request sets none, because this API requires one. At least 1. @default 8_192 */
  readonly outputTokens?: number | undefined;
}

const FORMS: readonly EffortForm[] = ["adaptive", "budget", "none"];
/** Version of the API; `headers` may override it. */
const VERSION = "2023-06-01";

/**
 * Calls a model through Anthropic's messages API. `baseUrl` ends in `/v1`. A field that this API cannot express is an `invalid_input` that
 * names it. If a model refuses a form of reasoning effort, or `top_p` beside `temperature`, its requests are sent without that for an hour.
 */
export function anthropicModel(options: AnthropicModelOptions): ChatModel & { close(): Promise<void> } {
  const outputTokens = checkInteger("outputTokens", options.outputTokens ?? 8_192, { min: 1 });
  const forms = createLessons<EffortForm>();
  const samplers = createLessons<"one">();
  const endpoint = createEndpoint(options, {
    headers: (apiKey) => ({ "anthropic-version": VERSION, ...(apiKey !== undefined && { "x-api-key": apiKey }) }),
    listPath: "/models?limit=1000",
    toInfo,
  });

  return translatedModel(endpoint, (secrets): Translation => {
    /** The original request of each body, to build it again in another form after a refusal. */
    const made = new WeakMap<Fields, { readonly request: Parameters<Translation["toBody"]>[0]; form: EffortForm }>();

    function write(request: Parameters<Translation["toBody"]>[0], form: EffortForm): Fields {
      const body = toAnthropicBody(request, { outputTokens, effort: form });
      made.set(body, { request, form });
      return body;
    }

    return {
      path: "/messages",
      toBody(request) {
        const asked = samplers.of(request.model).length > 0 ? withOneSampler(request) : request;
        return write(asked, forms.of(request.model)[0] ?? "adaptive");
      },
      amend(body, refusal) {
        const asked = made.get(body);
        if (asked === undefined) return undefined;
        const { request, form } = asked;
        const bare = refusesThoughts(refusal) ? withoutDetails(request) : request;
        if (bare !== request) return { request: write(bare, form), learn: () => {} };
        if (refusesBoth(body, refusal))
          return {
            request: write(withOneSampler(request), form),
            learn: () => samplers.learn(request.model, "one"),
          };
        if (body["thinking"] !== undefined && (lacksThoughts(refusal) || forbidsThoughts(refusal))) {
          const { thinking: _, output_config: __, ...rest } = request;
          return { request: write(rest, "none"), learn: () => {} };
        }
        const isWish = isText(request["reasoning_effort"]) && !isObject(request["thinking"]);
        const next = isWish ? formAfter(body, refusal, form) : undefined;
        if (next === undefined) return undefined;
        const learn = () => next.isLasting && forms.learn(request.model, next.form, FORMS);
        return { request: write(request, next.form), learn };
      },
      fieldOf({ message }, body) {
        const request = made.get(body)?.request;
        const path = isText(message) && request !== undefined ? toChatPath(message, body, request) : undefined;
        // The gateway wrote the reasoning of a request that only names an effort.
        const isMade = path?.startsWith("thinking") === true && !isObject(request?.["thinking"]);
        return isMade ? "reasoning_effort" : path;
      },
      toCompletion: (answer, request) =>
        toCompletion(answer, { secrets, nowMs: Date.now(), customs: customNamesOf(request) }),
      openStream(request) {
        const { stream_options: wanted } = request;
        const wantsUsage = isObject(wanted) && wanted["include_usage"] === true;
        return readMessageEvents(wantsUsage, { secrets, nowMs: Date.now(), customs: customNamesOf(request) });
      },
    };
  });
}

/** Converts a listed model, with its additional fields: `type`, `display_name`, `created_at`. */
function toInfo(listed: unknown): ModelInfo | undefined {
  const { id, ...rest } = isObject(listed) ? listed : {};
  return isText(id) ? { ...rest, id, owned_by: "anthropic", created: toSeconds(rest["created_at"]) } : undefined;
}
