import { connect as dial, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Stands between a client and Redis: counts round trips, or spoils them. */
export interface RespProxy {
  readonly url: string;
  /** Round trips since the last reset: how often the client spoke after Redis had. */
  roundTrips(): number;
  /** Bytes that Redis answered since the last reset. */
  bytes(): number;
  reset(): void;
  /** From now on every connection is cut; commands that left may have run. */
  cut(): void;
  /** From now on the answers of Redis are held back. */
  mute(on: boolean): void;
  /** The connections of this moment become half-open: both sides keep theirs, and nothing passes any more. New ones work. */
  halfOpen(): void;
  /** Says something on every connection that nobody asked for. */
  say(bytes: string): void;
  /** From now on the bytes of Redis are what this makes of them; `undefined` passes them on as they are. */
  spoil(how: ((bytes: Buffer) => Buffer | string) | undefined): void;
  /** From now on the answers of Redis come so much later, in milliseconds, and in their order. */
  delay(ms: number): void;
  /** From now on new connections lead to another Redis, as an address does that moved. */
  lead(target: string): void;
  close(): Promise<void>;
}

/** Starts a proxy before a Redis on a TCP port or a unix socket (given by URL). */
export async function startProxy(target: string): Promise<RespProxy> {
  let place = target;
  let trips = 0;
  let answered = 0;
  let muted = false;
  let delayMs = 0;
  let spoiled: ((bytes: Buffer) => Buffer | string) | undefined;
  const sockets = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  const clients = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = place.startsWith("unix://")
      ? dial(place.slice(7))
      : dial(Number(new URL(place).port), "127.0.0.1");
    let redisSpoke = true;
    let dueMs = 0;
    const pass = (data: Buffer) => {
      const nowMs = performance.now();
      dueMs = Math.max(dueMs, nowMs + delayMs);
      if (dueMs <= nowMs) client.write(data);
      else setTimeout(() => client.writable && client.write(data), dueMs - nowMs);
    };
    clients.add(client);
    client.on("close", () => clients.delete(client));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
        sockets.delete(socket);
      });
    }
    client.on("data", (data) => {
      if (silent.has(client)) return;
      if (redisSpoke) trips += 1;
      redisSpoke = false;
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      redisSpoke = true;
      answered += data.length;
      if (!muted && !silent.has(client)) pass(spoiled === undefined ? data : Buffer.from(spoiled(data)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    roundTrips: () => trips,
    bytes: () => answered,
    reset: () => (trips = answered = 0),
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    mute: (on) => (muted = on),
    halfOpen() {
      for (const socket of sockets) silent.add(socket);
    },
    say(bytes) {
      for (const client of clients) client.write(bytes);
    },
    spoil: (how) => (spoiled = how),
    delay: (ms) => (delayMs = ms),
    lead: (other) => (place = other),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
