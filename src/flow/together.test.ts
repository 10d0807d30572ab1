import { expect, it } from "vitest";
import type { ChatChunk, ChatCompletion } from "../models/index.ts";
import { createRecorder } from "../models/recorder.ts";
import { afterSaid, toChunks } from "./together.ts";

it("an answer that is asked for again goes on with its calls, phases and citations, none of them twice", async () => {
  const cited = (url: string) => ({ type: "url_citation", url_citation: { url } });
  const message = {
    role: "assistant",
    content: "I look. Then I call.",
    reasoning_content: "thought",
    phases: [
      { start: 0, phase: "commentary" },
      { start: 8, phase: "final_answer" },
    ],
    annotations: [cited("a"), cited("b")],
    tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
  };
  const choice = { index: 0, message, finish_reason: "tool_calls" };
  const completion: ChatCompletion = { id: "c", object: "chat.completion", created: 1, model: "m", choices: [choice] };
  for (const text of ["I look", message.content]) {
    const { tool_calls: _, ...before } = message;
    const said = {
      ...before,
      content: text,
      phases: message.phases.slice(0, text === message.content ? 2 : 1),
      annotations: message.annotations.slice(0, 1),
    };
    const first: ChatChunk = { id: "c", choices: [{ index: 0, delta: said }] };
    const recorder = createRecorder("m");
    recorder.add([first]);
    for await (const chunk of afterSaid(said, toChunks(completion))) recorder.add([chunk]);
    expect(recorder.completion().choices[0]).toMatchObject({ message, finish_reason: "tool_calls" });
  }
});

const chunkOf = (delta: Record<string, unknown>, reason: string | null = null): ChatChunk => ({
  id: "c",
  choices: [{ index: 0, delta, finish_reason: reason }],
});

/** What a client has that got `said`, and then the rest of an answer. */
async function continued(said: Record<string, unknown>, chunks: readonly ChatChunk[]): Promise<unknown> {
  const recorder = createRecorder("m");
  recorder.add([chunkOf({ role: "assistant", ...said })]);
  const before = recorder.completion().choices[0]?.message;
  for await (const chunk of afterSaid(before, chunks)) recorder.add([chunk]);
  return recorder.completion().choices[0];
}

it.each([
  ["all thoughts, before any text", { reasoning_content: "first, second" }],
  ["half of the thoughts", { reasoning_content: "first" }],
  ["the thoughts and half of the text", { reasoning_content: "first, second", content: "Par" }],
  ["the thoughts and the text", { reasoning_content: "first, second", content: "Paris" }],
])("an answer that breaks off after %s goes on without repeating any", async (_, said) => {
  const message = { role: "assistant", reasoning_content: "first, second", content: "Paris" };
  const choice = { index: 0, message, finish_reason: "stop" };
  const whole: ChatCompletion = { id: "c", object: "chat.completion", created: 1, model: "m", choices: [choice] };
  const pieces = ["first", ", se", "cond"].map((reasoning_content) => chunkOf({ reasoning_content }));
  const texts = ["P", "aris"].map((content) => chunkOf({ content }));
  for (const chunks of [[...toChunks(whole)], [...pieces, ...texts, chunkOf({}, "stop")]])
    expect(await continued(said, chunks)).toMatchObject({ message, finish_reason: "stop" });
});

it("an answer that breaks off in its thoughts goes on with its text where the new thoughts are others", async () => {
  const chunks = [
    ...["oth", "er"].map((reasoning_content) => chunkOf({ reasoning_content })),
    chunkOf({ content: "Paris" }, "stop"),
  ];
  expect(await continued({ reasoning_content: "first" }, chunks)).toMatchObject({
    message: { reasoning_content: "first", content: "Paris" },
    finish_reason: "stop",
  });
});
