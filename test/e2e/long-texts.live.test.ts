/** Texts of several MB that a model says in one whole answer: they come in pieces, cut anywhere, and stay in pieces on their way. */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { UpstreamKind } from "../../src/models/index.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";
import { messageOf, responseOf } from "../upstreams/wire.ts";

let gateway: TestGateway;

/** Characters of two, three and four bytes, escapes of every kind, and a lone half of a character; its end is its number of characters. */
const text = (chars: number, name: string): string => {
  const line = `${name}: "prose" and words — 日本語 😀\t\\ \u0001\ud83d.\n`;
  return `${line.repeat(Math.ceil(chars / line.length))}${chars}`;
};
const SAID = {
  thoughts: text(1_100_000, "thoughts"),
  content: text(1_200_000, "content"),
  more: text(1_100_000, "more"),
  given: JSON.stringify({ text: text(1_100_000, "given") }),
};
type Said = Omit<typeof SAID, "more">;
const call = { id: "call_1", type: "function", function: { name: "write", arguments: SAID.given } };

const ANSWERS: Readonly<Record<UpstreamKind, { readonly answer: object; readonly said: Said }>> = {
  chat: {
    answer: {
      id: "c",
      object: "chat.completion",
      created: 1,
      model: "scripted",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            reasoning_content: SAID.thoughts,
            content: SAID.content,
            tool_calls: [call],
          },
          finish_reason: "tool_calls",
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    },
    said: SAID,
  },
  anthropic: {
    answer: messageOf([
      { type: "thinking", thinking: "briefly", signature: "s" },
      { type: "text", text: SAID.content },
      { type: "thinking", thinking: " once more", signature: "t" },
      { type: "text", text: SAID.more },
      { type: "tool_use", id: "call_1", name: "write", input: JSON.parse(SAID.given) as object },
    ]),
    said: { thoughts: "briefly\n\n once more", content: SAID.content + SAID.more, given: SAID.given },
  },
  responses: {
    answer: responseOf([
      {
        type: "reasoning",
        id: "rs_1",
        summary: [SAID.thoughts, SAID.more].map((words) => ({ type: "summary_text", text: words })),
      },
      {
        type: "message",
        id: "msg_1",
        role: "assistant",
        content: [{ type: "output_text", text: SAID.content, annotations: [] }],
      },
      { type: "function_call", id: "fc_1", call_id: "call_1", name: "write", arguments: SAID.given },
    ]),
    said: { thoughts: `${SAID.thoughts}\n\n${SAID.more}`, content: SAID.content, given: SAID.given },
  },
};

type Fields = Readonly<Record<string, unknown>>;
interface Message extends Fields {
  readonly content: string;
  readonly reasoning_content: string;
  readonly tool_calls: readonly { readonly function: { readonly arguments: string } }[];
}

async function send(path: string, body: object): Promise<string> {
  const answer = await fetch(`${gateway.baseURL}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${gateway.key}` },
    body: JSON.stringify({ model: "scripted", ...body }),
  });
  const words = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status}: ${words.slice(0, 500)}`);
  return words;
}

const eventsOf = (words: string): readonly Fields[] =>
  words.split("\n").flatMap((line) => (line.startsWith("data: {") ? [JSON.parse(line.slice(6)) as Fields] : []));

const messages = [{ role: "user", content: "write" }];

function saidInChat({ reasoning_content: thoughts, content, tool_calls: [made] }: Message): Said {
  return { thoughts, content, given: made?.function.arguments ?? "" };
}

function saidInBlocks(blocks: readonly Fields[]): Said {
  const of = (type: string, field: string) => blocks.filter((one) => one["type"] === type).map((one) => one[field]);
  const thoughts = of("thinking", "thinking");
  return {
    thoughts: thoughts.join("\n\n"),
    content: of("text", "text").join(""),
    given: JSON.stringify(of("tool_use", "input")[0]),
  };
}

function saidInItems(items: readonly Fields[]): Said {
  const of = (type: string) => items.filter((one) => one["type"] === type);
  const texts = (list: unknown) => (list as readonly { readonly text: string }[]).map((part) => part.text);
  return {
    thoughts: of("reasoning")
      .flatMap(({ summary }) => texts(summary))
      .join("\n\n"),
    content: of("message")
      .flatMap(({ content }) => texts(content))
      .join(""),
    given: String(of("function_call")[0]?.["arguments"]),
  };
}

/** Each way to ask, and what it was answered. */
const WAYS: Readonly<Record<string, () => Promise<Said>>> = {
  "by chat completions": async () => {
    const { choices } = JSON.parse(await send("chat/completions", { messages })) as { choices: { message: Message }[] };
    return saidInChat((choices[0] as { message: Message }).message);
  },
  "by messages": async () => {
    const { content } = JSON.parse(await send("messages", { messages, max_tokens: 9 })) as { content: Fields[] };
    return saidInBlocks(content);
  },
  "by responses": async () => {
    const { output } = JSON.parse(await send("responses", { input: "write", store: false })) as { output: Fields[] };
    return saidInItems(output);
  },
  "by responses, and stored": async () => {
    const { id } = JSON.parse(await send("responses", { input: "write" })) as { id: string };
    const headers = { authorization: `Bearer ${gateway.key}` };
    const stored = await fetch(`${gateway.baseURL}/responses/${id}`, { headers });
    return saidInItems(((await stored.json()) as { output: Fields[] }).output);
  },
};

/** The same as streams, although the endpoint answers whole. */
const STREAMS: typeof WAYS = {
  "by chat completions": async () => {
    const message = { reasoning_content: "", content: "", given: "" };
    for (const { choices } of eventsOf(await send("chat/completions", { messages, stream: true })))
      for (const { delta } of choices as readonly { readonly delta: Partial<Message> }[]) {
        message.reasoning_content += delta.reasoning_content ?? "";
        message.content += delta.content ?? "";
        message.given += delta.tool_calls?.[0]?.function.arguments ?? "";
      }
    return { thoughts: message.reasoning_content, content: message.content, given: message.given };
  },
  "by messages": async () => {
    const said = { thinking: "", text: "", partial_json: "" };
    for (const { delta, content_block: begun } of eventsOf(
      await send("messages", { messages, max_tokens: 9, stream: true }),
    )) {
      if ((begun as Fields | undefined)?.["type"] === "thinking" && said.thinking !== "") said.thinking += "\n\n";
      for (const [name, words] of Object.entries((delta ?? {}) as Fields))
        if (Object.hasOwn(said, name)) said[name as keyof typeof said] += String(words);
    }
    return { thoughts: said.thinking, content: said.text, given: said.partial_json };
  },
  "by responses": async () => {
    const events = eventsOf(await send("responses", { input: "write", store: false, stream: true }));
    const { response } = events.at(-1) as { readonly response: { readonly output: readonly Fields[] } };
    return saidInItems(response.output);
  },
};

/** JSON with an escape for every other character beyond ASCII, so that characters and escapes of them are cut between pieces. */
function escaped(answer: object): string {
  let nth = 0;
  const toEscapes = (character: string) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join("");
  return JSON.stringify(answer).replaceAll(/[^\0-\u{7f}]/gu, (character) =>
    (nth += 1) % 8 < 4 ? character : toEscapes(character),
  );
}

/** Where two texts differ first, without all of their megabytes; `undefined` if they are the same. */
function difference(told: Said, said: Said): string | undefined {
  for (const name of ["thoughts", "content", "given"] as const) {
    const [one, other] = [told[name], said[name]];
    if (one === other) continue;
    let at = 0;
    while (one.slice(at, at + 64) === other.slice(at, at + 64)) at += 64;
    return `${name} of ${one.length} characters, not ${other.length}, at ${at}: ${one.slice(at, at + 64)}`;
  }
  return undefined;
}

describe.each(["chat", "anthropic", "responses"] as const)("a long whole answer of kind %s", (kind) => {
  const { answer, said } = ANSWERS[kind];
  beforeAll(async () => {
    const raw = escaped(answer);
    gateway = await startTestGateway({
      redisUrl: inject("redisUrl"),
      kind,
      script: () => ({ raw, contentType: "application/json" }),
      config: { limits: { enabled: false } },
    });
  });
  afterAll(() => gateway.close());

  it.each(Object.entries(WAYS))("is what the model said, character by character: asked %s", async (_, ask) => {
    expect(difference(await ask(), said)).toBeUndefined();
  });

  it.each(Object.entries(STREAMS))("and in a stream: asked %s", async (_, ask) => {
    expect(difference(await ask(), said)).toBeUndefined();
  });

  it("is the same for those who asked the same meanwhile", async () => {
    const before = gateway.model.requests.length;
    const ask = WAYS["by chat completions"] as () => Promise<Said>;
    const follow = STREAMS["by chat completions"] as typeof ask;
    const all = await Promise.all([ask(), ask(), follow()]);
    expect(all.map((told) => difference(told, said))).toEqual([undefined, undefined, undefined]);
    expect(gateway.model.requests.length - before).toBeLessThan(3);
  });
});
