import { afterEach, expect } from "vitest";
import { createRecorder } from "../../src/models/recorder.ts";
import { anthropicModel, responsesModel, type ChatCompletion, type ChatRequest } from "../../src/models/index.ts";
import { startScriptedModel, type ScriptedAnswer, type ScriptedModel } from "../../src/testing/index.ts";

export const request: ChatRequest = { model: "m", messages: [{ role: "user", content: "hello" }] };
/** The same as a stream with its usage. */
export const streamed: ChatRequest = { ...request, stream: true, stream_options: { include_usage: true } };
type Model = ReturnType<typeof anthropicModel>;
const KINDS: Readonly<Record<"anthropic" | "responses", typeof responsesModel>> = {
  anthropic: anthropicModel,
  responses: responsesModel,
};

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** A model of a kind whose endpoint answers these one after another, the last one again and again. */
export async function modelThat(
  kind: keyof typeof KINDS,
  ...answers: ScriptedAnswer[]
): Promise<Model & { readonly endpoint: ScriptedModel }> {
  const endpoint = await startScriptedModel((_, nth) => answers[Math.min(nth, answers.length) - 1] ?? "");
  const model = KINDS[kind]({ baseUrl: endpoint.baseUrl, apiKey: "sk-secret-key", firstByteTimeoutMs: 1_000 });
  open.push(
    () => model.close(),
    () => endpoint.close(),
  );
  return Object.assign(model, { endpoint });
}

/** A stream, read to its end as a session reads it. */
export async function recorded(from: Model, asked: ChatRequest = streamed): Promise<ChatCompletion> {
  const recorder = createRecorder(asked.model);
  let done = false;
  for await (const part of await from.stream({ request: asked })) {
    recorder.add(part.chunks);
    done = part.done;
    expect(Buffer.from(part.bytes).toString()).toMatch(/^data: [\s\S]*\n\n$/);
  }
  expect(done).toBe(true);
  return recorder.completion();
}

/** What a client reads of an answer, and a session keeps. */
export function gist({ choices, usage, model: named }: ChatCompletion): {
  readonly said: Readonly<Record<string, unknown>>;
  readonly finish_reason: string | null;
  readonly usage: unknown;
  readonly named: string;
} {
  const { message, finish_reason } = choices[0] ?? ({} as ChatCompletion["choices"][0]);
  const { refusal = null, ...said } = message;
  return { said: { ...said, refusal }, finish_reason, usage, named };
}
