/** The model of the benches: answers every request at once, whole or as a stream of `chunks` events. Prints its port. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const chunks = Number(process.env["CHUNKS"] ?? 100);
const text = "The quick brown fox jumps over the lazy dog and runs through the forest until the evening comes. ".repeat(
  5,
);
const whole = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "bench",
  choices: [
    { index: 0, message: { role: "assistant", content: text, refusal: null }, logprobs: null, finish_reason: "stop" },
  ],
  usage: { prompt_tokens: 40, completion_tokens: 100, total_tokens: 140 },
  system_fingerprint: "fp_bench",
});
const event = (delta: unknown, finish: string | null) =>
  `data: ${JSON.stringify({ id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1_700_000_000, model: "bench", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (piece) => (body += piece));
  request.on("end", () => {
    if (!body.includes('"stream":true')) {
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(whole) });
      response.end(whole);
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    let sent = 0;
    const next = () => {
      if (sent < chunks) {
        response.write(event({ content: `word${sent} ` }, null));
        sent += 1;
        // A turn of the event loop between events, so that each travels alone, as from a model.
        setTimeout(next, 1);
      } else response.end(`${event({}, "stop")}data: [DONE]\n\n`);
    };
    next();
  });
});
server.listen(0, "127.0.0.1", () => console.log(`port ${(server.address() as AddressInfo).port}`));
