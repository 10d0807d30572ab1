import { connect, type Socket } from "node:net";

/** An answer as it came over a socket, whole. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** One kept-alive connection that writes requests byte for byte, as a client of another language does. */
export interface RawSocket {
  /** Writes a request, waits for all of its answer. One at a time. */
  send(bytes: string | Buffer): Promise<RawAnswer>;
  /** Connections that were dialled: one, unless the server closed it. */
  dialled(): number;
  close(): void;
}

/** Opens it; nothing is dialled before the first request. */
export function openRawSocket(port: number): RawSocket {
  let socket: Socket | undefined;
  let count = 0;

  function dial(): Socket {
    if (socket !== undefined && !socket.destroyed && socket.readable) return socket;
    count += 1;
    socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    return socket;
  }

  return {
    send(bytes) {
      const one = dial();
      return new Promise((resolve, reject) => {
        let read = Buffer.alloc(0);
        const done = (act: () => void) => {
          one.off("data", hear).off("error", fail).off("close", end);
          act();
        };
        const fail = (error: Error) => done(() => reject(error));
        const end = () => done(() => reject(new Error(`closed after ${read.toString("utf8").slice(0, 200)}`)));
        const hear = (data: Buffer) => {
          read = Buffer.concat([read, data]);
          const answer = toAnswer(read);
          if (answer === undefined) return;
          done(() => resolve(answer));
          if (answer.headers.get("connection") === "close") one.destroy();
        };
        one.on("data", hear).on("error", fail).on("close", end);
        one.write(bytes);
      });
    },
    dialled: () => count,
    close: () => socket?.destroy(),
  };
}

/** An answer once all of it is there. */
function toAnswer(read: Buffer): RawAnswer | undefined {
  const split = read.indexOf("\r\n\r\n");
  if (split < 0) return undefined;
  const [first = "", ...lines] = read.toString("latin1", 0, split).split("\r\n");
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const status = Number(first.split(" ")[1]);
  const rest = read.subarray(split + 4);
  if (headers.get("transfer-encoding") === "chunked") {
    const body = toChunks(rest);
    return body === undefined ? undefined : { status, headers, body };
  }
  const length = status === 204 ? 0 : Number(headers.get("content-length"));
  return rest.length < length ? undefined : { status, headers, body: rest.toString("utf8", 0, length) };
}

function toChunks(bytes: Buffer): string | undefined {
  const pieces: Buffer[] = [];
  for (let at = 0; ;) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    const end = line + 2 + size + 2;
    if (bytes.length < end) return undefined;
    if (size === 0) return Buffer.concat(pieces).toString("utf8");
    pieces.push(bytes.subarray(line + 2, line + 2 + size));
    at = end;
  }
}
