import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { departureOf } from "./outlet.ts";

test("a client whose answer is dropped loses its connection, also where the answer waits for those before it", async () => {
  const answers: ServerResponse[] = [];
  const server = createServer((_, response) => void answers.push(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const closed = once(
    socket.on("error", () => {}),
    "close",
  );
  socket.write("GET /a HTTP/1.1\r\nhost: a\r\n\r\nGET /b HTTP/1.1\r\nhost: a\r\n\r\n");
  await expect.poll(() => answers.length).toBe(2);
  const left = answers.map((answer) => new Promise<void>((resolve) => departureOf(answer).onEnd?.(resolve)));
  departureOf(answers[1] as ServerResponse).drop?.();
  await Promise.all([closed, ...left]);
  server.close();
});
