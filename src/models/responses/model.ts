import { createEndpoint, toBearer, type EndpointOptions } from "../endpoint.ts";
import { toOpenaiInfo } from "../listed.ts";
import type { ChatModel } from "../model.ts";
import { isObject, type Fields } from "../../internal/fields.ts";
import { translatedModel, type Translation } from "../translated.ts";
import { toCompletion } from "./answer.ts";
import { ENCRYPTED, toResponsesBody } from "./request.ts";
import { readResponseEvents } from "./stream.ts";

/** Models that are remembered to have no thoughts that could be given back. */
const MODELS_MAX = 1_000;

/**
 * A model behind an endpoint of OpenAI's Responses API, or of Open Responses. `baseUrl` ends in `/v1`. What a chat request cannot say there is
 * an `invalid_input` that names it.
 */
export function responsesModel(options: EndpointOptions): ChatModel & { close(): Promise<void> } {
  const endpoint = createEndpoint(options, { headers: toBearer, listPath: "/models", toInfo: toOpenaiInfo });
  const thoughtless = new Set<unknown>();

  return translatedModel(endpoint, (secrets): Translation => ({
    path: "/responses",
    toBody(request) {
      const body = toResponsesBody(request);
      return thoughtless.has(request.model) ? withoutThoughts(body) : body;
    },
    amend(body, refusal) {
      // Another endpoint's thoughts, of which nothing said so: this request goes on without them.
      const bare = isRefusalOfThoughts(refusal) ? withoutReasoning(body) : body;
      if (bare !== body) return { request: bare, learn: () => {} };
      // Models that do not think refuse to be asked for thoughts.
      if (!asksThoughts(body) || !/encrypted[ _]content/i.test(refusal)) return undefined;
      return {
        request: withoutThoughts(body),
        learn() {
          if (thoughtless.size >= MODELS_MAX) thoughtless.clear();
          thoughtless.add(body["model"]);
        },
      };
    },
    toCompletion: (answer) => toCompletion(answer, secrets, Date.now()),
    openStream({ stream_options: wanted }) {
      const wantsUsage = isObject(wanted) && wanted["include_usage"] === true;
      return readResponseEvents(wantsUsage, secrets, Date.now());
    },
  }));
}

/** Whether an endpoint says that it cannot read thoughts which it was given. */
function isRefusalOfThoughts(refusal: string): boolean {
  return /invalid_encrypted_content|encrypted[ _]content\b.{0,200}\bcould not be (?:verified|decrypted|parsed)/is.test(
    refusal,
  );
}

/** The body without items of thoughts; the same object where it has none. */
function withoutReasoning(body: Fields): Fields {
  const input = body["input"] as readonly Fields[];
  const rest = input.filter(({ type }) => type !== "reasoning");
  return rest.length === input.length ? body : { ...body, input: rest };
}

function asksThoughts({ include }: Fields): boolean {
  return Array.isArray(include) && include.includes(ENCRYPTED);
}

function withoutThoughts({ include, ...body }: Fields): Fields {
  const rest = Array.isArray(include) ? include.filter((one) => one !== ENCRYPTED) : [];
  return rest.length === 0 ? body : { ...body, include: rest };
}
