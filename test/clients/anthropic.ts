import Anthropic from "@anthropic-ai/sdk";
import { expect } from "vitest";
import type { TestGateway } from "../gateway.ts";
import { PIXEL, toldLast, trialsOf, type Trial } from "./trial.ts";

const model = "scripted";
const max_tokens = 100;
const tools = [
  {
    name: "get_weather",
    description: "The weather in a city",
    input_schema: { type: "object" as const, properties: { city: { type: "string" } } },
  },
];
/** The SDK puts `/v1` before its paths itself. */
const open = ({ baseURL, key }: TestGateway) =>
  new Anthropic({ baseURL: baseURL.replace(/\/v1$/, ""), apiKey: key, maxRetries: 0 });

function textOf({ content }: Anthropic.Message): string {
  return content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

/** Runs the loop of a tool until the model says something. */
async function agent(gateway: TestGateway, messages: Anthropic.MessageParam[]): Promise<string> {
  for (let step = 0; step < 3; step += 1) {
    const answer = await open(gateway).messages.create({ model, max_tokens, messages, tools });
    messages.push({ role: "assistant", content: answer.content as Anthropic.ContentBlockParam[] });
    if (answer.stop_reason !== "tool_use") return textOf(answer);
    const results = answer.content.flatMap((block) =>
      block.type === "tool_use" ? [{ type: "tool_result" as const, tool_use_id: block.id, content: "sunny" }] : [],
    );
    messages.push({ role: "user", content: results });
  }
  throw new Error("no end");
}

/** Anthropic's own client, before a model of any kind. */
export const anthropicTrials: readonly Trial[] = trialsOf("@anthropic-ai/sdk", {
  async chat(gateway) {
    const system = [{ type: "text" as const, text: "Be brief.", cache_control: { type: "ephemeral" as const } }];
    const messages = [{ role: "user" as const, content: "hi" }];
    const answer = await open(gateway).messages.create({ model, max_tokens, system, messages });
    expect([textOf(answer), answer.stop_reason]).toEqual(["You said: hi (1)", "end_turn"]);
    expect(answer.usage).toMatchObject({ input_tokens: 10, output_tokens: 5 });
  },
  async "chat stream"(gateway) {
    const stream = open(gateway).messages.stream({
      model,
      max_tokens,
      messages: [{ role: "user", content: "hi there" }],
    });
    let text = "";
    stream.on("text", (piece) => (text += piece));
    const answer = await stream.finalMessage();
    expect([text, textOf(answer)]).toEqual(["You said: hi there (1)", "You said: hi there (1)"]);
    expect(answer.usage).toMatchObject({ input_tokens: 10, output_tokens: 5 });
  },
  async tools(gateway) {
    expect(await agent(gateway, [{ role: "user", content: "the weather?" }])).toBe("In Paris it is sunny.");
    const stream = open(gateway).messages.stream({
      model,
      max_tokens,
      tools,
      messages: [{ role: "user", content: "the weather?" }],
    });
    const answer = await stream.finalMessage();
    expect(answer.content).toMatchObject([{ type: "tool_use", name: "get_weather", input: { city: "Paris" } }]);
    expect(answer.stop_reason).toBe("tool_use");
  },
  async "conversation of three turns with tools"(gateway) {
    const messages: Anthropic.MessageParam[] = [];
    for (const content of ["the weather?", "thanks", "bye"]) {
      messages.push({ role: "user", content });
      await agent(gateway, messages);
    }
    expect(toldLast(gateway)).toEqual(["user", "assistant+calls", "tool", "assistant", "user", "assistant", "user"]);
  },
  async "structured output"(gateway) {
    const schema = {
      type: "object",
      properties: { name: { type: "string" } },
      required: ["name"],
      additionalProperties: false,
    };
    const answer = await open(gateway).messages.create({
      model,
      max_tokens,
      messages: [{ role: "user", content: "who?" }],
      output_config: { format: { type: "json_schema", schema } },
    });
    expect(JSON.parse(textOf(answer))).toEqual({ name: "Ada", age: 36 });
  },
  async images(gateway) {
    const data = PIXEL.slice(PIXEL.indexOf(",") + 1);
    const source = { type: "base64" as const, media_type: "image/png" as const, data };
    const messages = [{ role: "user" as const, content: [{ type: "image" as const, source }] }];
    expect(textOf(await open(gateway).messages.create({ model, max_tokens, messages }))).toBe("I see a picture.");
  },
  async reasoning(gateway) {
    const messages = [{ role: "user" as const, content: "think" }];
    const thinking = { type: "enabled" as const, budget_tokens: 1_024 };
    const { content } = await open(gateway).messages.create({ model, max_tokens: 2_000, messages, thinking });
    expect(content).toMatchObject([
      { type: "thinking", thinking: "Hm." },
      { type: "text", text: "Thought." },
    ]);
  },
  async "token counts"(gateway) {
    const messages = [{ role: "user" as const, content: "How many tokens are these?" }];
    const { input_tokens: tokens } = await open(gateway).messages.countTokens({ model, messages, tools });
    expect(tokens).toBeGreaterThan(10);
  },
  async errors(gateway) {
    const messages = [{ role: "user" as const, content: "hi" }];
    const unknown = await open(gateway)
      .messages.create({ model: "nothing", max_tokens, messages })
      .catch((error: unknown) => error);
    expect(unknown).toBeInstanceOf(Anthropic.NotFoundError);
    expect((unknown as InstanceType<typeof Anthropic.NotFoundError>).type).toBe("not_found_error");
    const stranger = new Anthropic({
      baseURL: gateway.baseURL.replace(/\/v1$/, ""),
      apiKey: "mrw_wrong",
      maxRetries: 0,
    });
    await expect(stranger.messages.create({ model, max_tokens, messages })).rejects.toBeInstanceOf(
      Anthropic.AuthenticationError,
    );
  },
});
