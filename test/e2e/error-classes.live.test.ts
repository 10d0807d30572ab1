import OpenAI from "openai";
import OpenAI6 from "openai-6";
import { describe, expect, it } from "vitest";
import { gatewaysInBackground } from "../gateway.ts";

const start = gatewaysInBackground();
type Client = OpenAI;
const chat = (content: string, more: object = {}) =>
  ({
    model: "scripted",
    messages: [{ role: "user", content }],
    ...more,
  }) as OpenAI.ChatCompletionCreateParamsNonStreaming;
const once = { headers: { "idempotency-key": "once" } };

/** What goes wrong, and the class, status, code and field by which each official client tells of it. */
const ROWS: readonly (readonly [
  what: string,
  act: (client: Client) => PromiseLike<unknown>,
  name: keyof typeof OpenAI,
  status: number,
  code: string,
  param: string | null,
])[] = [
  [
    "a wrong field",
    (one) => one.chat.completions.create(chat("a", { messages: "x" })),
    "BadRequestError",
    400,
    "invalid_input",
    "messages",
  ],
  [
    "an unknown key",
    (one) => one.withOptions({ apiKey: "mw_none" }).models.list(),
    "AuthenticationError",
    401,
    "invalid_api_key",
    null,
  ],
  [
    "an unknown model",
    (one) => one.chat.completions.create({ ...chat("a"), model: "none" }),
    "NotFoundError",
    404,
    "model_not_found",
    "model",
  ],
  ["an unknown response", (one) => one.responses.retrieve("resp_1"), "NotFoundError", 404, "not_found", "response_id"],
  [
    "an unknown previous response",
    (one) => one.responses.create({ model: "scripted", input: "a", previous_response_id: "resp_1" }),
    "NotFoundError",
    404,
    "previous_response_not_found",
    "previous_response_id",
  ],
  [
    "a key of another request",
    async (one) => {
      await one.chat.completions.create(chat("a"), once);
      return one.chat.completions.create(chat("b"), once);
    },
    "ConflictError",
    409,
    "conflict",
    "idempotency-key",
  ],
  [
    "a key of another request in the background",
    async (one) => {
      const asked = { model: "scripted", background: true };
      await one.responses.create({ ...asked, input: "a" }, once);
      return one.responses.create({ ...asked, input: "b" }, once);
    },
    "ConflictError",
    409,
    "conflict",
    "idempotency-key",
  ],
  [
    "an upstream's refusal",
    (one) => one.chat.completions.create(chat("422")),
    "UnprocessableEntityError",
    422,
    "too_odd",
    "messages",
  ],
  [
    "an upstream's limit",
    (one) => one.chat.completions.create(chat("429")),
    "RateLimitError",
    429,
    "rate_limit_exceeded",
    null,
  ],
  [
    "a failing upstream",
    (one) => one.chat.completions.create(chat("500")),
    "InternalServerError",
    502,
    "model_failed",
    null,
  ],
  [
    "a body that is too large",
    (one) => one.chat.completions.create(chat("a".repeat(70_000))),
    "APIError",
    413,
    "too_large",
    null,
  ],
];

describe("what goes wrong", () => {
  it("is told by the official clients as their class, with its status, code, field and type", async () => {
    const {
      client: open,
      baseURL,
      key,
    } = await start(
      ({ body }) => {
        const status = Number((body["messages"] as { content: unknown }[]).at(-1)?.content);
        if (!(status >= 400)) return "fine";
        const error = {
          message: "No.",
          code: status === 422 ? "too_odd" : "rate_limit_exceeded",
          param: status === 422 ? "messages" : null,
        };
        return { status, raw: JSON.stringify({ error }) };
      },
      { config: { bodyBytesMax: 65_536 } },
    );
    const six = new OpenAI6({ baseURL, apiKey: key, maxRetries: 0 }) as unknown as Client;
    for (const [SDK, client] of [
      [OpenAI, open()],
      [OpenAI6 as unknown as typeof OpenAI, six],
    ] as const)
      for (const [what, act, name, status, code, param] of ROWS) {
        const error = await act(client).then(
          () => undefined,
          (one: unknown) => one,
        );
        const told = error as InstanceType<typeof OpenAI.APIError>;
        expect([what, told?.status, told?.code, told?.param]).toEqual([what, status, code, param]);
        expect([what, told instanceof (SDK[name] as typeof OpenAI.APIError)]).toEqual([what, true]);
        expect(told.type).toMatch(/^(?:authentication|rate_limit|server|invalid_request)(?:_error)$/);
        expect(told.requestID).toBeTypeOf("string");
      }
  });
});
