import { expect, it } from "vitest";
import type { ChatChunk, ChatCompletion } from "../models/index.ts";
import { createRecorder } from "./recorder.ts";
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
