import { describe, expect, it } from "vitest";
import { createChunkReader } from "../models/index.ts";
import { createRecorder } from "../models/recorder.ts";
import { toReplay, toReplayEvents } from "./replay.ts";

describe("a stored answer", () => {
  const message = {
    role: "assistant",
    content: "One. Two.",
    phases: [{ start: 0, phase: "commentary" }, { start: 5, phase: "final_answer" }, { start: 9 }],
  };
  const usage = {
    prompt_tokens: 3,
    completion_tokens: 2,
    total_tokens: 5,
    cost: 0.5,
    cost_details: { upstream_inference_cost: 0.5 },
    is_byok: false,
  };

  it("costs nothing when it is given again, whole and streamed", () => {
    const free = {
      prompt_tokens: 3,
      completion_tokens: 2,
      total_tokens: 5,
      prompt_tokens_details: { cached_tokens: 3 },
      cost: 0,
      is_byok: false,
    };
    expect(toReplay({ model: "m", message, usage }).usage).toEqual(free);
    const chunks = createChunkReader()(Buffer.from(toReplayEvents({ model: "m", message, usage }, true)));
    expect(chunks.at(-1)?.usage).toEqual(free);
  });

  it.each([undefined, { logprobs: { content: [] } }])(
    "has each mark beside the text that begins there: %j",
    (choice) => {
      const chunks = createChunkReader()(Buffer.from(toReplayEvents({ model: "m", message, choice }, false)));
      const recorder = createRecorder("m");
      recorder.add(chunks);
      expect(recorder.completion().choices[0]?.message).toEqual(message);
      if (choice !== undefined) return;
      const deltas = chunks.map(({ choices }) => choices?.[0]?.delta);
      expect(deltas.map((delta) => [delta?.["content"], delta?.["phases"]])).toEqual([
        ["", message.phases.slice(0, 1)],
        ["One. ", undefined],
        ["Two.", message.phases.slice(1, 2)],
        [undefined, message.phases.slice(2)],
      ]);
    },
  );

  it("is kept without what only hides the length of its pieces", () => {
    const recorder = createRecorder("m");
    recorder.add([{ obfuscation: "xx", system_fingerprint: "fp", choices: [{ index: 0, delta: { content: "a" } }] }]);
    expect(recorder.completion()).toMatchObject({ system_fingerprint: "fp" });
    expect(recorder.completion()).not.toHaveProperty("obfuscation");
  });
});
