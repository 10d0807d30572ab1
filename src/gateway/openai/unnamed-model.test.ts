import { describe, expect, it } from "vitest";
import { demoModel } from "../../models/index.ts";
import { modelFor } from "./unnamed-model.ts";

const among = (...ids: readonly string[]) => ({
  findModel: () => undefined,
  listModels: async () => ids.map((id) => ({ id, owned_by: "upstream", created: 0 })),
});

describe("a request that names no model", () => {
  it.each([
    ["/v1/moderations", ["gpt-5", "text-moderation-7"], "text-moderation-7"],
    ["/v1/moderations", ["text-moderation-7", "omni-moderation-latest"], "omni-moderation-latest"],
    ["/v1/images/generations", ["gpt-5", "gpt-image-1"], "gpt-image-1"],
    ["/v1/images/edits", ["dall-e-2", "whisper-1"], "dall-e-2"],
    ["/v1/images/variations", ["flux-pro"], "flux-pro"],
  ])("at %s among %j is for %s", async (path, ids, model) => {
    expect(await modelFor(path, among(...ids))).toBe(model);
  });

  it("at /v1/moderations is for a model that is served and not listed", async () => {
    const served = { ...among("gpt-5"), findModel: () => demoModel({}) };
    expect(await modelFor("/v1/moderations", served)).toBe("omni-moderation-latest");
  });

  it.each([
    ["/v1/moderations", ["gpt-5"], "no model of this gateway is known"],
    ["/v1/images/generations", ["gpt-image-1", "dall-e-3"], "(gpt-image-1, dall-e-3)"],
    ["/v1/audio/speech", ["tts-1"], "must be given"],
  ])("at %s among %j is refused with the reason", async (path, ids, why) => {
    await expect(modelFor(path, among(...ids))).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining(why),
      details: { path: "model" },
    });
  });
});
