/** The floor: node:http and an undici pool, bodies parsed both ways, streams written through. Nothing else. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";

const pool = new Pool(process.env["UPSTREAM"] ?? "", { connections: 256 });
const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => pieces.push(piece));
  request.on("end", () => {
    const body = Buffer.concat(pieces);
    const { stream } = JSON.parse(body.toString("utf8")) as { stream?: boolean };
    void forward(body, stream === true);
  });

  async function forward(body: Buffer, stream: boolean): Promise<void> {
    const answer = await pool.request({
      path: "/v1/chat/completions",
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    if (stream) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for await (const piece of answer.body) response.write(piece);
      response.end();
      return;
    }
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    JSON.parse(bytes.toString("utf8"));
    response.writeHead(answer.statusCode, { "content-type": "application/json", "content-length": bytes.length });
    response.end(bytes);
  }
});
process.once("SIGTERM", () => process.exit(0));
server.listen(0, "127.0.0.1", () => console.log(`port ${(server.address() as AddressInfo).port}`));
