import { describe, expect, it } from "vitest";
import { createDialect, type Dialect } from "./dialect.ts";
import type { ChatRequest } from "./index.ts";
import { createLessons, LESSON_MS } from "./lessons.ts";

const user = { role: "user", content: "a" };
const call = { id: "c", type: "function", function: { name: "f", arguments: "{}" } };
const signed = (google: object) => ({
  role: "assistant",
  content: null,
  tool_calls: [{ ...call, extra_content: { google } }],
});
const result = { role: "tool", tool_call_id: "c", content: "r" };
const chat = (messages: readonly object[], more: object = {}) =>
  ({ model: "m", messages, ...more }) as unknown as ChatRequest;
const said = (message: string) => JSON.stringify({ error: { message, type: "invalid_request_error" } });

/** Asks an endpoint that refuses some requests, and learns what their success proves. Answers what it was sent, and whether it took it. */
function ask(
  dialect: Dialect,
  asked: ChatRequest,
  refuses: (request: ChatRequest) => string | undefined,
): { readonly sent: readonly ChatRequest[]; readonly isServed: boolean } {
  const sent = [dialect.adapt(asked)];
  const lessons: (() => void)[] = [];
  for (;;) {
    const now = sent.at(-1) as ChatRequest;
    const words = refuses(now);
    if (words === undefined) {
      for (const learn of lessons) learn();
      return { sent, isServed: true };
    }
    const amended = sent.length > 3 ? undefined : dialect.amend(now, words);
    if (amended === undefined) return { sent, isServed: false };
    sent.push(amended.request);
    lessons.push(amended.learn);
  }
}

const bobsLoop = chat([user, signed({ thought_signature: "SIG" }), result]);
const bobsThoughts = chat([user, { role: "assistant", content: "b", reasoning_content: "deep" }, user]);
const plain = chat([user, { role: "assistant", content: "b" }, user]);
const marks = { reasoning_details: [{ type: "reasoning.encrypted", data: "ENC" }] };
const bobsHints = chat([user, { role: "assistant", content: "b", ...marks }, user], {
  cache_control: { type: "ephemeral" },
});
const refusing = (isRefused: (request: ChatRequest) => boolean, words: string) => (request: ChatRequest) =>
  isRefused(request) ? said(words) : undefined;
const has = (words: string) => (request: ChatRequest) => JSON.stringify(request).includes(words);
const thoughtsThat = (isWrong: (value: unknown) => boolean) => (request: ChatRequest) =>
  request.messages.some((one) => "reasoning_content" in one && isWrong(one["reasoning_content"]));
const isNoText = (value: unknown) => typeof value !== "string";
const withThoughts = (reasoning_content: unknown, ...more: object[]) =>
  chat([user, { role: "assistant", content: "b", reasoning_content }, user, ...more]);

/** What one user sends, what the endpoint says of it, and what another user sent before and sends after. */
const REFUSALS: readonly [string, ChatRequest, (request: ChatRequest) => string | undefined, ChatRequest][] = [
  [
    "a name within what a call carries",
    chat([user, signed({ bad: 1 }), result]),
    refusing(
      has('"bad"'),
      `Invalid JSON payload received. Unknown name "bad" at 'messages[1].tool_calls[0].extra_content.google': Cannot find field.`,
    ),
    bobsLoop,
  ],
  [
    "a name that repeats that of its parent",
    chat([
      user,
      { role: "assistant", content: null, tool_calls: [{ ...call, extra_content: { extra_content: 1 } }] },
      result,
    ]),
    refusing(has('"extra_content":1'), "unknown field `extra_content`, expected `google`"),
    bobsLoop,
  ],
  [
    "the same name at a place that the gateway does not use",
    chat([user, { role: "assistant", content: "b", extra_content: 1 }, user]),
    refusing(
      (request) => "extra_content" in (request.messages[1] ?? {}),
      "Unknown parameter: 'messages[1].extra_content'.",
    ),
    bobsLoop,
  ],
  [
    "a type of thoughts",
    withThoughts(5),
    refusing(thoughtsThat(isNoText), "messages.1.reasoning_content: Input should be a valid string"),
    bobsThoughts,
  ],
  [
    "a length of thoughts",
    withThoughts("x".repeat(2_000)),
    refusing(
      thoughtsThat((value) => String(value).length > 1_000),
      "messages.1.reasoning_content: string too long (max 1000)",
    ),
    bobsThoughts,
  ],
  [
    "a type of thoughts, in words that ask for one",
    withThoughts(5, { role: "assistant", content: "c" }, user),
    refusing(thoughtsThat(isNoText), "messages.1.reasoning_content must contain a string"),
    plain,
  ],
  [
    "words of the client's own that the endpoint repeats",
    withThoughts(["Missing `reasoning_content` field"], { role: "assistant", content: "c" }, user),
    refusing(thoughtsThat(isNoText), "Input should be a string, got: Missing `reasoning_content` field"),
    plain,
  ],
  [
    "a value of a mark for caches",
    chat([{ role: "user", content: [{ type: "text", text: "a", cache_control: { type: "bogus" } }] }]),
    refusing(has("bogus"), "messages.0.content.0.cache_control.type: unknown value 'bogus'"),
    bobsHints,
  ],
  [
    "a mark on a message that never has one",
    chat([{ ...user, cache_control: { type: "ephemeral" } }]),
    refusing(
      (request) => "cache_control" in (request.messages[0] ?? {}),
      "Unknown parameter: 'messages[0].cache_control'.",
    ),
    bobsHints,
  ],
  [
    "a name within stream options",
    chat([user], { stream: true, stream_options: { include_usage: true, foo: 1 } }),
    refusing(has('"foo"'), "Unknown parameter: 'stream_options.foo'."),
    chat([user], { stream: true, stream_options: { include_usage: true } }),
  ],
  [
    "the same, in a sentence of another order",
    chat([user], { stream: true, stream_options: { include_usage: true, foo: 1 } }),
    refusing(has('"foo"'), "stream_options: unknown field `foo`"),
    chat([user], { stream: true, stream_options: { include_usage: true } }),
  ],
  [
    "the same, as Google says it",
    chat([user], { stream: true, stream_options: { include_usage: true, foo: 1 } }),
    refusing(has('"foo"'), `Unknown name "foo" at 'stream_options': Cannot find field.`),
    chat([user], { stream: true, stream_options: { include_usage: true } }),
  ],
  [
    "stream options without a stream",
    chat([user], { stream_options: { include_usage: true } }),
    refusing(
      ({ stream, stream_options }) => stream_options != null && stream !== true,
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    ),
    chat([user], { stream: true, stream_options: { include_usage: true } }),
  ],
  [
    "a key of metadata",
    chat([user], { metadata: { "a!": "x" } }),
    refusing(has("a!"), "metadata: key 'a!' has characters that are not allowed"),
    chat([user], { metadata: { t: "x" } }),
  ],
  [
    "what metadata may hold",
    chat([user], { metadata: { "a!": "x" } }),
    refusing(has("a!"), "metadata is not allowed to contain '!'"),
    chat([user], { metadata: { t: "x" } }),
  ],
  [
    "a type of thoughts, in words that call one required",
    withThoughts(5, { role: "assistant", content: "c" }, user),
    refusing(thoughtsThat(isNoText), "messages.1.reasoning_content is required to be a string"),
    plain,
  ],
  [
    "a value of a bound",
    chat([user], { max_tokens: 5_000 }),
    refusing(
      ({ max_tokens: bound }) => Number(bound) > 1_000,
      "max_tokens: values over 1000 are not supported by this model",
    ),
    chat([user], { max_tokens: 500 }),
  ],
  [
    "both names of a bound at once",
    chat([user], { max_tokens: 5, max_completion_tokens: 5 }),
    refusing(
      (one) => one["max_tokens"] != null && one["max_completion_tokens"] != null,
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
    ),
    chat([user], { max_tokens: 500 }),
  ],
];

describe("a refusal of one user's request", () => {
  it.each(REFUSALS)("changes nothing for another user: %s", (_, alices, refuses, bobs) => {
    const dialect = createDialect({});
    const [before] = ask(dialect, bobs, refuses).sent;
    for (let nth = 0; nth < 2; nth += 1) ask(dialect, alices, refuses);
    expect(ask(dialect, bobs, refuses)).toEqual({ sent: [before], isServed: true });
  });

  it("takes what a call or a turn carries from that request alone, and tells its client of its own values", () => {
    const served = REFUSALS.map(([what, alices, refuses]) => [what, ask(createDialect({}), alices, refuses).isServed]);
    expect(Object.fromEntries(served)).toMatchObject({
      "a name within what a call carries": true,
      "a length of thoughts": true,
      "a value of a mark for caches": true,
      "stream options without a stream": true,
      "a name within stream options": false,
      "a key of metadata": false,
      "a value of a bound": false,
    });
  });

  it("leaves the room of lessons to others, however many fields it makes up", () => {
    const dialect = createDialect({});
    const refuses = (request: ChatRequest) => {
      const junk = /"(junk\d+)"/.exec(JSON.stringify(request))?.[1];
      if (junk !== undefined) return said(`Unknown parameter: 'messages[1].${junk}'.`);
      return request["max_tokens"] == null
        ? undefined
        : said("Unsupported parameter: 'max_tokens' is not supported with this model.");
    };
    for (let nth = 0; nth < 66; nth += 1)
      expect(ask(dialect, chat([user, { role: "assistant", content: "b", [`junk${nth}`]: 1 }]), refuses).isServed).toBe(
        true,
      );
    const bobs = chat([user], { max_tokens: 9 });
    expect([1, 2].map(() => ask(dialect, bobs, refuses).sent.length)).toEqual([2, 1]);
    for (let nth = 66; nth < 132; nth += 1)
      ask(dialect, chat([user, { role: "assistant", content: "b", [`junk${nth}`]: 1 }]), refuses);
    expect(ask(dialect, bobs, refuses).sent).toHaveLength(1);
  });
});

describe("a lesson", () => {
  const unsigned = refusing(
    ({ messages }) => messages.some((one) => one["tool_calls"] !== undefined && !JSON.stringify(one).includes("SIG")),
    "Function call is missing a thought_signature in functionCall parts.",
  );

  it("ends when the endpoint asks for what it took away, and that request is served", () => {
    const dialect = createDialect({});
    ask(
      dialect,
      bobsLoop,
      refusing(has("extra_content"), "Unknown parameter: 'messages[1].tool_calls[0].extra_content'."),
    );
    expect(JSON.stringify(dialect.adapt(bobsLoop))).not.toContain("SIG");
    expect(ask(dialect, bobsLoop, unsigned)).toMatchObject({ isServed: true, sent: { length: 2 } });
    expect(ask(dialect, bobsLoop, unsigned)).toEqual({ isServed: true, sent: [bobsLoop] });
  });

  it("that thoughts are unknown ends when they are missing", () => {
    const dialect = createDialect({});
    ask(dialect, bobsThoughts, refusing(has("reasoning_content"), "property 'reasoning_content' is unsupported"));
    expect(JSON.stringify(dialect.adapt(bobsThoughts))).not.toContain("deep");
    const lacking = refusing(
      (request) => !has("reasoning_content")(request),
      "Missing `reasoning_content` field in the assistant message.",
    );
    expect(ask(dialect, bobsThoughts, lacking).isServed).toBe(true);
    expect(ask(dialect, bobsThoughts, lacking)).toEqual({ isServed: true, sent: [bobsThoughts] });
  });

  it("is tried again after an hour, for one call", () => {
    let now = 0;
    const dialect = createDialect({}, () => now);
    const refuses = refusing(has("metadata"), "Unknown parameter: 'metadata'.");
    const asked = chat([user], { metadata: { a: "b" } });
    const calls = [0, LESSON_MS - 1, LESSON_MS, LESSON_MS + 1].map((at) => {
      now = at;
      return ask(dialect, asked, refuses).sent.length;
    });
    expect(calls).toEqual([2, 1, 2, 1]);
  });

  it("makes room by dropping the oldest, of a model and of models", () => {
    const lessons = createLessons<string>();
    for (let nth = 0; nth < 65; nth += 1) lessons.learn("m", `l${nth}`);
    expect([lessons.of("m").length, lessons.of("m")[0], lessons.of("m").at(-1)]).toEqual([64, "l1", "l64"]);
    for (let nth = 0; nth < 1_000; nth += 1) lessons.learn(`m${nth}`, "l");
    expect([lessons.of("m"), lessons.of("m0")]).toEqual([[], ["l"]]);
  });
});

describe("an endpoint that does not know a field", () => {
  const asked = chat([user, { role: "assistant", content: "b", annotations_v2: 1, reasoning_content: "r" }, user], {
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: 9,
  });
  it.each([
    ["unknown field annotations_v2", "annotations_v2"],
    ["unknown field `annotations_v2`, expected one of `role`, `reasoning_content`", "annotations_v2"],
    [
      "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : property 'reasoning_content' is unsupported)]",
      "reasoning_content",
    ],
    [
      `Invalid JSON payload received. Unknown name "annotations_v2" at 'messages[1]': Cannot find field.`,
      "annotations_v2",
    ],
    [`Invalid JSON payload received. Unknown name "stream_options": Cannot find field.`, "stream_options"],
    ["Unknown parameter: 'stream_options.include_usage'.", "stream_options"],
    ["Unrecognized request arguments supplied: user, stream_options", "stream_options"],
    ["got an unexpected keyword argument 'stream_options'", "stream_options"],
    ["This model does not support the max_tokens parameter.", '"max_tokens"'],
    ["Additional properties are not allowed ('annotations_v2' was unexpected)", "annotations_v2"],
  ])("is not sent it again: %s", (words, field) => {
    const dialect = createDialect({});
    const { sent } = ask(dialect, asked, refusing(has(field), words));
    expect(sent).toHaveLength(2);
    expect(ask(dialect, asked, refusing(has(field), words)).sent).toEqual([sent[1]]);
  });
});

describe("a field of a part of an assistant's text", () => {
  it("that an endpoint refuses is left out, of this request and of later ones", () => {
    const dialect = createDialect({});
    const parts = [{ type: "text", text: "b", role: "assistant" }];
    const asked = chat([user, { role: "assistant", content: parts }, user]);
    const strict = refusing(
      (request) => JSON.stringify(request.messages[1]?.content).includes("role"),
      "Unknown parameter: 'messages[1].content[0].role'.",
    );
    const { sent, isServed } = ask(dialect, asked, strict);
    expect(isServed).toBe(true);
    expect(sent.at(-1)?.messages).toEqual([user, { role: "assistant", content: [{ type: "text", text: "b" }] }, user]);
    expect(ask(dialect, asked, strict).sent).toHaveLength(1);
  });

  it("is left out also where it is the field of another type of part, and one after another", () => {
    const dialect = createDialect({});
    const no = { type: "refusal", refusal: "no" };
    const parts = [{ type: "text", text: "b", role: "assistant", refusal: null, annotations: [] }, no];
    const asked = chat([user, { role: "assistant", content: parts }, user]);
    // Each refusal names the first field that a text has beside its own.
    const strict = (request: ChatRequest) => {
      const [part] = (request.messages[1]?.content ?? []) as readonly object[];
      const name = Object.keys(part ?? {}).find((field) => field !== "type" && field !== "text");
      return name === undefined ? undefined : `Unknown parameter: 'messages[1].content[0].${name}'.`;
    };
    const { sent, isServed } = ask(dialect, asked, strict);
    expect(isServed).toBe(true);
    expect(sent.at(-1)?.messages[1]?.content).toEqual([{ type: "text", text: "b" }, no]);
    expect(ask(dialect, asked, strict).sent).toHaveLength(1);
  });
});
