// One question, asked by chat, answered by an upstream of Anthropic's messages API.
import { anthropicModel } from "marrow/models";
import { startScriptedModel } from "marrow/testing";

// A stand-in on loopback; yours is https://api.anthropic.com/v1.
const upstream = await startScriptedModel(() => ({
  raw: JSON.stringify({
    type: "message",
    id: "msg_1",
    model: "claude",
    content: [{ type: "text", text: "Paris." }],
    stop_reason: "end_turn",
    usage: { input_tokens: 3, cache_read_input_tokens: 9, output_tokens: 2 },
  }),
}));

const model = anthropicModel({ baseUrl: upstream.baseUrl, apiKey: "sk-ant-key" });
const messages = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "The capital of France?" },
];
const { completion } = await model.complete({ request: { model: "claude", messages } });
console.log(completion.choices[0]?.message.content, completion.usage?.prompt_tokens);

const refused = await model
  .complete({ request: { model: "claude", messages, seed: 7 } })
  .catch((error: Error) => error);
console.log((refused as Error).message);

await model.close();
await upstream.close();

// Output:
// Paris. 12
// seed cannot be carried to an upstream of kind anthropic
