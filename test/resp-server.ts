import { createServer, type AddressInfo, type Socket } from "node:net";
import { endOfValue, readWords } from "./resp.ts";

/** A server that speaks RESP to its clients. */
export interface RespServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Answers one client's commands, one after another. */
export interface Session {
  /** The answer to a command, on the wire. */
  answer(words: readonly Buffer[], raw: Buffer): Promise<Buffer>;
  close(): void;
}

/** Starts a server that gives each client a session of its own, and its commands to it in order; `push` sends what nobody asked for. */
export async function startRespServer(open: (push: (bytes: Buffer) => void) => Session): Promise<RespServer> {
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    const session = open((bytes) => void client.write(bytes));
    let pending: Buffer = Buffer.alloc(0);
    let work = Promise.resolve();
    clients.add(client);
    client.setNoDelay(true);
    client.on("error", () => {});
    client.on("close", () => {
      clients.delete(client);
      session.close();
    });
    client.on("data", (data) => {
      pending = Buffer.concat([pending, data]);
      for (let end = endOfValue(pending); end > 0; end = endOfValue(pending)) {
        const raw = pending.subarray(0, end);
        pending = pending.subarray(end);
        work = work
          .then(async () => void client.write(await session.answer(readWords(raw), raw)))
          .catch(() => void client.destroy());
        if (pending.length === 0) break;
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        for (const client of clients) client.destroy();
        server.close(() => resolve());
      }),
  };
}
