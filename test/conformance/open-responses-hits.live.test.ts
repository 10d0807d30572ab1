import { describe, expect, inject, it } from "vitest";
import { startTestGateway } from "../gateway.ts";

describe("what an endpoint adds to its answer", () => {
  it("comes with a hit and a follower as with the first answer, in both APIs", async () => {
    const found = { url: "https://a", title: "A", start_index: 0, end_index: 1 };
    const logprobs = { content: [{ token: "x", logprob: -0.5, bytes: null, top_logprobs: [] }] };
    const answer = {
      id: "c",
      object: "chat.completion",
      created: 1,
      model: "scripted",
      system_fingerprint: "fp",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "x", annotations: [{ type: "url_citation", url_citation: found }] },
          logprobs,
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    };
    const cached = await startTestGateway({
      redisUrl: inject("redisUrl"),
      script: () => ({ raw: JSON.stringify(answer), contentType: "application/json" }),
    });
    const client = cached.client();
    const asked = {
      model: "scripted",
      input: "Which lighthouse of France is the tallest?",
      include: ["message.output_text.logprobs" as const],
    };
    const parts: unknown[] = [];
    for (let nth = 0; nth < 2; nth += 1) {
      const { output } = await client.responses.create(asked);
      parts.push(output[0]?.type === "message" ? output[0].content[0] : undefined);
    }
    const [item] = (await client.responses.stream(asked).finalResponse()).output;
    parts.push(item?.type === "message" ? item.content[0] : undefined);
    for (const part of parts)
      expect(part).toMatchObject({
        text: "x",
        annotations: [{ type: "url_citation", ...found }],
        logprobs: [{ token: "x", bytes: [] }],
      });
    expect(cached.model.requests).toHaveLength(1);
    const chat = {
      model: "scripted",
      messages: [{ role: "user" as const, content: "Which lighthouse of France is the tallest?" }],
    };
    // Without log probabilities it is another question: the model is asked, and its answer kept with all fields.
    for (let nth = 0; nth < 2; nth += 1)
      expect(await client.chat.completions.create(chat)).toMatchObject({
        system_fingerprint: "fp",
        usage: { total_tokens: 2 },
      });
    expect(cached.model.requests).toHaveLength(2);
    await cached.close();
  });
});
