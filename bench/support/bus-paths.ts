/** Four ways of a message from who publishes it to who handles it. */
import { Relay } from "bullmq";
import { Redis as Ioredis } from "ioredis";
import { connect } from "marrow";
import { createBus } from "marrow/bus";

export const body: Body = { text: "what one agent says to another, ".repeat(6), from: "planner", nth: 0, atMs: 0 };

/** A message. */
export interface Body {
  readonly text: string;
  readonly from: string;
  readonly nth: number;
  /** When it was published. */
  readonly atMs: number;
}

/** A clock that all processes of a machine share, in milliseconds. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export interface Opened {
  close(): Promise<unknown>;
}

export interface Path {
  readonly name: string;
  /** Listens under a name; resolves when what is published from now on is heard. */
  listen(name: string, onHandled: (message: Body) => void): Promise<Opened>;
  publish(name: string): Promise<Opened & { send(message: Body): Promise<unknown> }>;
}

export async function openPaths(url: string): Promise<readonly Path[]> {
  const socket = url.replace("unix://", "");
  const dial = () => new Ioredis(socket, { maxRetriesPerRequest: null });
  const raw = dial();
  const redis = await connect(url, { app: "bench" });
  const still = { close: async () => {} };
  const topicOf = (name: string) =>
    createBus(redis.scope("bench")).topic<Body>(name, { messagesMax: 1_000_000, partitions: 1 });

  const publishPath: Path = {
    name: "publish",
    async listen(name, onHandled) {
      const listener = dial();
      listener.on("message", (_, text: string) => onHandled(JSON.parse(text) as Body));
      await listener.subscribe(name);
      return { close: async () => listener.disconnect() };
    },
    publish: async (name) => ({ ...still, send: (message) => raw.publish(name, JSON.stringify(message)) }),
  };

  const streamPath: Path = {
    name: "stream",
    async listen(name, onHandled) {
      const [reader, acker] = [dial(), dial()];
      await raw.xgroup("CREATE", name, "g", "$", "MKSTREAM");
      let closed = false;
      const loop = (async () => {
        while (!closed) {
          const reply = (await reader
            .xreadgroup("GROUP", "g", "r", "COUNT", 128, "BLOCK", 1_000, "STREAMS", name, ">")
            .catch(() => null)) as [string, [string, string[]][]][] | null;
          const entries = reply?.[0]?.[1] ?? [];
          for (const [, [, text = ""]] of entries) onHandled(JSON.parse(text) as Body);
          if (entries.length > 0) void acker.xack(name, "g", ...entries.map(([id]) => id)).catch(() => {});
        }
      })();
      return {
        async close() {
          closed = true;
          reader.disconnect();
          await loop;
          acker.disconnect();
        },
      };
    },
    publish: async (name) => ({ ...still, send: (message) => raw.xadd(name, "*", "b", JSON.stringify(message)) }),
  };

  const marrowPath: Path = {
    name: "marrow",
    async listen(name, onHandled) {
      const reader = topicOf(name).read("g", ({ body: message }) => onHandled(message), { concurrency: 256 });
      while (reader.partitions.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      return reader;
    },
    async publish(name) {
      const topic = topicOf(name);
      return { ...still, send: (message) => topic.publish(message) };
    },
  };

  const relayOf = async (name: string) => {
    const relay = new Relay({ connection: dial(), namespace: name });
    await relay.waitUntilReady();
    return relay;
  };
  const relayPath: Path = {
    name: "relay",
    async listen(name, onHandled) {
      const relay = await relayOf(name);
      await relay.subscribe<Body>("t", ({ data }) => onHandled(data));
      return relay;
    },
    async publish(name) {
      const relay = await relayOf(name);
      return { send: (message) => relay.publish("t", message), close: () => relay.close() };
    },
  };

  return [publishPath, streamPath, marrowPath, relayPath];
}
