import { describe, expect, it } from "vitest";
import { MarrowError } from "../../errors.ts";
import type { Fields } from "../../internal/fields.ts";
import type { ChatRequest } from "../../models/index.ts";
import { toAnthropicBody } from "../../models/anthropic/request.ts";
import { toResponsesBody } from "../../models/responses/request.ts";
import { alternatives, readDeclarations, type Member } from "../../../test/upstreams/sdk-types.ts";
import { toOwnPath } from "./own-paths.ts";
import { toChatRequest, type MessagesRequest } from "./request.ts";

const types = readDeclarations("@anthropic-ai/sdk/resources/messages/messages.js");
const tool = { name: "f", input_schema: { type: "object" } };
const base = { model: "m", max_tokens: 4_000, messages: [{ role: "user", content: "hi" }], tools: [tool] };

/** Makes the body for each kind of upstream. */
const KINDS: Readonly<Record<string, (chat: ChatRequest) => unknown>> = {
  chat: (chat) => chat,
  anthropic: (chat) => toAnthropicBody(chat, { outputTokens: 9, effort: "adaptive" }),
  responses: toResponsesBody,
};

/** What becomes of a request for a kind of upstream: the body that it gets, or the field that is refused. */
function outcome(body: Fields, kind: string): { readonly refused?: string; readonly told?: string } {
  const pathOf = (error: unknown) => {
    if (!MarrowError.is(error)) throw error;
    return String(error.details?.["path"]);
  };
  let chat: ChatRequest;
  try {
    chat = toChatRequest(body as MessagesRequest);
  } catch (error) {
    return { refused: pathOf(error) };
  }
  try {
    return { told: JSON.stringify(KINDS[kind]?.(chat)) };
  } catch (error) {
    return { refused: toOwnPath(pathOf(error), body as MessagesRequest) };
  }
}

let samples = 0;
/** Values of a type, with the required fields only. No two texts or numbers are the same. */
function valuesOf(type: string): readonly unknown[] {
  return alternatives(type).flatMap((one): readonly unknown[] => {
    samples += 1;
    if (one.startsWith("'")) return [one.slice(1, -1)];
    if (one === "string" || one === "Model") return [`https://sample.test/${samples}.pdf`];
    if (one === "number") return [1_024 + samples];
    if (one === "boolean") return [true];
    if (one === "true" || one === "false") return [one === "true"];
    const [, listed] = /^Array<([\s\S]*)>$/.exec(one) ?? [];
    if (listed !== undefined) return valuesOf(listed).map((value) => [value]);
    const alias = types.aliases.get(one);
    if (alias !== undefined) return valuesOf(alias);
    const members = membersOf(one);
    if (members === undefined) return [{ sample: samples }];
    return [fillOf(members)];
  });
}

function fillOf(members: readonly Member[]): Fields {
  const required = members.filter(({ isRequired }) => isRequired);
  return Object.fromEntries(required.map(({ name, type }) => [name, valuesOf(type)[0]]));
}

function membersOf(type: string): readonly Member[] | undefined {
  return types.interfaces.get(type.split(".").at(-1) ?? "");
}

interface Case {
  readonly path: string;
  readonly body: Fields;
  readonly before: Fields;
}

/** Every field of a type, at every place of a request. `put` sets the value at the path; `before` is the request without it. */
function* walk(type: string, path: string, put: (value: unknown) => Fields, before: Fields): Generator<Case> {
  for (const one of alternatives(type)) {
    const [, listed] = /^Array<([\s\S]*)>$/.exec(one) ?? [];
    if (listed !== undefined) {
      yield* walk(listed, `${path}.0`, (value) => put([value]), before);
      continue;
    }
    const alias = types.aliases.get(one);
    if (alias !== undefined) {
      yield* walk(alias, path, put, before);
      continue;
    }
    for (const value of valuesOf(one)) {
      const body = put(value);
      yield { path, body, before };
      const members = membersOf(one);
      // Beneath what is refused as a whole there is nothing to lose.
      if (members === undefined || path.startsWith(outcome(body, "chat").refused ?? "-")) continue;
      for (const { name, type: field } of members)
        yield* walk(field, `${path}.${name}`, (given) => put({ ...(value as Fields), [name]: given }), body);
    }
  }
}

/** Values that say what is true anyway, or how the answer travels. */
const INERT: ReadonlySet<string> = new Set([
  "stream true",
  'speed "standard"',
  'service_tier "auto"',
  'tools.0.type "custom"',
  'tools.0.allowed_callers.0 "direct"',
  "tools.0.eager_input_streaming true",
  'tool_choice {"type":"auto"}',
  'messages.0.content.0.caller {"type":"direct"}',
]);
/** What docs/upstreams.md says that a kind leaves out: marks of the cache, who failed, and thoughts of another maker. */
const LEFT_OUT: ReadonlyMap<string, RegExp> = new Map([
  [
    "responses",
    /cache_control|\.is_error |\.(?:thinking|signature|data) "|budget_tokens|display "omitted"|^thinking \{"type":"(?:disabled|adaptive)"/,
  ],
]);

function at(body: Fields, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => (value as Fields)[name], body);
}

describe("each field of the types of Anthropic's client", () => {
  const fields = types.interfaces.get("MessageCreateParamsBase") ?? [];
  const cases = fields.flatMap(({ name, type }) => [
    ...walk(type, name, (value) => ({ ...base, [name]: value }), base),
  ]);

  it("is found, in blocks within blocks", () => {
    const paths = cases.map(({ path }) => path);
    expect(cases.length).toBeGreaterThan(300);
    for (const path of [
      "messages.0.content.0.citations.0.cited_text",
      "messages.0.content.0.source.media_type",
      "messages.0.content.0.content.0.source.data",
      "messages.0.content.0.cache_control.ttl",
      "tools.0.input_examples.0",
      "system.0.citations.0",
      "thinking.display",
      "output_config.format.schema",
    ])
      expect(paths.some((one) => one === path || path.startsWith(`${one}.`))).toBe(true);
  });

  it.each(Object.keys(KINDS))("is told to an upstream of kind %s or refused by name, and none vanishes", (kind) => {
    const lost = cases.flatMap(({ path, body, before }) => {
      const [made, without] = [outcome(body, kind), outcome(before, kind)];
      const { refused } = made;
      if (refused !== undefined) {
        const isNamed = path.startsWith(refused) || refused.startsWith(path);
        return isNamed || refused === without.refused ? [] : [`${path} is refused as ${refused}`];
      }
      const value = JSON.stringify(at(body, path));
      const isSame = JSON.stringify(body) === JSON.stringify(before) || value === "{}" || value === "[{}]";
      const said = `${path} ${value}`;
      if (isSame || INERT.has(said) || LEFT_OUT.get(kind)?.test(said) === true) return [];
      return made.told === without.told ? [`${said} vanishes`] : [];
    });
    expect(lost).toEqual([]);
  });
});

const user = (block: object) => ({ messages: [{ role: "user", content: [block] }] });
const assistant = (block: object) => ({ messages: [{ role: "assistant", content: [block] }] });
const image = { type: "image", source: { type: "url", url: "https://h/a.png" } };
const inline = { type: "base64", media_type: "image/png", data: "AA==" };
const text = { type: "document", source: { type: "text", media_type: "text/plain", data: "x" } };
const result = { type: "tool_result", tool_use_id: "a", content: "x" };

describe("an empty list", () => {
  const use = { type: "tool_use", id: "a", name: "f", input: {} };
  const messages = (content: unknown) => [
    { role: "user", content: "q" },
    { role: "assistant", content: [use] },
    { role: "user", content: [{ ...result, content }] },
  ];
  const toChat = (request: object) => toChatRequest({ model: "m", max_tokens: 9, ...request } as never).messages;

  it("of instructions is none, and one of a tool's result is an empty text", () => {
    const [first, ...others] = toChat({ system: [], messages: messages([]) });
    expect([first, others.at(-1)]).toEqual([
      { role: "user", content: "q" },
      { role: "tool", tool_call_id: "a", content: "" },
    ]);
    const request = { model: "m", system: [], messages: messages([]) };
    expect(toOwnPath("messages.0.content", request)).toBe("messages.0.content");
    expect(toOwnPath("messages.2.tool_call_id", request)).toBe("messages.2.content.0.tool_use_id");
  });
});
const use = { type: "tool_use", id: "a", name: "f", input: {} };

describe("a field that the types do not have", () => {
  it.each([
    [{ messages: [{ role: "user", content: "hi", foo: 1 }] }, "messages.0.foo"],
    [user({ type: "text", text: "x", foo: 1 }), "messages.0.content.0.foo"],
    [{ system: [{ type: "text", text: "x", foo: 1 }] }, "system.0.foo"],
    [user({ ...image, foo: 1 }), "messages.0.content.0.foo"],
    [user({ ...image, source: { ...image.source, foo: 1 } }), "messages.0.content.0.source.foo"],
    [user({ type: "image", source: { ...inline, foo: 1 } }), "messages.0.content.0.source.foo"],
    [user({ ...text, foo: 1 }), "messages.0.content.0.foo"],
    [user({ ...text, citations: { foo: 1 } }), "messages.0.content.0.citations.foo"],
    [user({ ...text, source: { ...text.source, foo: 1 } }), "messages.0.content.0.source.foo"],
    [user({ type: "document", source: { type: "file", file_id: "f", foo: 1 } }), "messages.0.content.0.source.foo"],
    [
      user({ type: "document", source: { type: "url", url: "https://h/a.pdf", foo: 1 } }),
      "messages.0.content.0.source.foo",
    ],
    [user({ ...result, foo: 1 }), "messages.0.content.0.foo"],
    [user({ ...result, content: [{ type: "text", text: "x", foo: 1 }] }), "messages.0.content.0.content.0.foo"],
    [assistant({ ...use, foo: 1 }), "messages.0.content.0.foo"],
    [assistant({ ...use, caller: { type: "direct", foo: 1 } }), "messages.0.content.0.caller.foo"],
    [assistant({ type: "thinking", thinking: "x", signature: "s", foo: 1 }), "messages.0.content.0.foo"],
    [assistant({ type: "redacted_thinking", data: "x", foo: 1 }), "messages.0.content.0.foo"],
    [{ tools: [{ ...tool, foo: 1 }] }, "tools.0.foo"],
    [{ tool_choice: { type: "auto", foo: 1 } }, "tool_choice.foo"],
    [{ tool_choice: { type: "any" }, tools: [] }, "tool_choice.type"],
    [{ metadata: { foo: 1 } }, "metadata.foo"],
    [{ output_config: { foo: 1 } }, "output_config.foo"],
    [{ output_config: { format: { type: "json_schema", schema: {}, foo: 1 } } }, "output_config.format.foo"],
    [{ foo: 1 }, "foo"],
  ])("is refused by its path: %j", (more, path) => {
    expect(outcome({ ...base, ...more }, "chat")).toEqual({ refused: path });
  });

  it("asks for nothing where it is null", () => {
    expect(outcome({ ...base, ...user({ type: "text", text: "x", foo: null }) }, "chat").refused).toBeUndefined();
  });
});
