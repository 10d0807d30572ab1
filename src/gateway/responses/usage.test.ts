import { expect, it } from "vitest";
import { createAssembler } from "./assemble.ts";
import type { ResponseBody } from "./shape.ts";

it("a response has its usage as the endpoint told it, by the names of this API", () => {
  const assembler = createAssembler({ id: `resp_${"0".repeat(48)}` } as unknown as ResponseBody);
  const usage = {
    prompt_tokens: 9,
    completion_tokens: 2,
    total_tokens: 11,
    prompt_tokens_details: { cached_tokens: 4, audio_tokens: 1, video_tokens: null },
    completion_tokens_details: { audio_tokens: 1, accepted_prediction_tokens: 1 },
    cost: 0.5,
    cost_details: { upstream_inference_cost: null },
    queue_time: null,
  };
  assembler.add({ choices: [], usage });
  expect(assembler.response().usage).toEqual({
    input_tokens: 9,
    input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0, audio_tokens: 1 },
    output_tokens: 2,
    output_tokens_details: { reasoning_tokens: 0, audio_tokens: 1, accepted_prediction_tokens: 1 },
    total_tokens: 11,
    cost: 0.5,
    cost_details: { upstream_inference_cost: null },
  });
});
