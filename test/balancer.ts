import { connect as dial, createServer, type AddressInfo, type Socket } from "node:net";

/** A load balancer over TCP, as small as one can be. */
export interface Balancer {
  readonly port: number;
  /** Connections that found no backend. */
  readonly refused: number;
  /** Backends whose `/readyz` said 200 when it was last looked at. */
  readonly ready: () => readonly number[];
  close(): Promise<void>;
}

const LOOK_MS = 100;

/** Spreads connections over the ports that are ready: each is asked for `/readyz` ten times a second, and one that refuses is passed over. */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  let ready: readonly number[] = [];
  let turn = 0;
  let refused = 0;
  const sockets = new Set<Socket>();

  const look = async () => {
    const states = await Promise.all(ports.map(isReady));
    ready = ports.filter((_, at) => states[at]);
  };
  await look();
  const timer = setInterval(() => void look(), LOOK_MS);

  function pass(client: Socket, candidates: readonly number[]): void {
    const [port, ...others] = candidates;
    if (port === undefined) {
      refused += 1;
      client.destroy();
      return;
    }
    const backend = dial(port, "127.0.0.1");
    sockets.add(backend);
    backend.once("close", () => sockets.delete(backend));
    let isConnected = false;
    backend.once("connect", () => {
      isConnected = true;
      client.pipe(backend).pipe(client);
    });
    backend.on("error", () => {
      if (!isConnected) return pass(client, others);
      client.destroy();
    });
    client.once("close", () => backend.destroy());
  }

  const server = createServer((client) => {
    sockets.add(client);
    client.on("error", () => client.destroy());
    client.once("close", () => sockets.delete(client));
    turn += 1;
    pass(client, [...ready.slice(turn % ready.length), ...ready.slice(0, turn % ready.length)]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get refused() {
      return refused;
    },
    ready: () => ready,
    close: () =>
      new Promise((resolve) => {
        clearInterval(timer);
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function isReady(port: number): Promise<boolean> {
  try {
    const { status } = await fetch(`http://127.0.0.1:${port}/readyz`, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(1_000),
    });
    return status === 200;
  } catch {
    return false;
  }
}
