import type { ChildProcess } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect as dial, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis as Client } from "ioredis";
import { spawnTied } from "../src/redis/managed/index.ts";

/** A Redis of a test's own, on a TCP port, that may be killed and started again with its data. */
export interface OwnServer {
  readonly port: number;
  readonly url: string;
  start(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Freezes it: connections stay, answers do not come. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Prepares a server on a free port; `start` starts it. */
export async function ownServer(binary: string, args: readonly string[] = []): Promise<OwnServer> {
  const directory = mkdtempSync(join(tmpdir(), "marrow-own-"));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const command = [binary, "--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "", ...args];
  const kill = async () => {
    const running = child;
    if (running === undefined) return;
    child = undefined;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.ref();
    running.kill("SIGKILL");
    await ended;
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    async start() {
      child = spawnTied(command);
      await until(() => pings(port), `Redis on ${port}`);
    },
    kill,
    freeze: () => child?.kill("SIGSTOP"),
    thaw: () => child?.kill("SIGCONT"),
    async stop() {
      child?.kill("SIGCONT");
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Several servers that work together. */
export interface Group {
  readonly url: string;
  readonly nodes: readonly OwnServer[];
  stop(): Promise<void>;
}

const SLOTS = 16_384;

/** A cluster of masters, each with a replica or without, ready in about a second; the replicas follow the masters in `nodes`. */
export async function startCluster(
  binary: string,
  { masters = 3, replicas = false, args = [] }: { masters?: number; replicas?: boolean; args?: readonly string[] } = {},
): Promise<Group> {
  const own = [
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "1000",
    "--repl-diskless-sync-delay",
    "0",
    ...args,
  ];
  const count = replicas ? 2 * masters : masters;
  const nodes = await Promise.all(Array.from({ length: count }, () => ownServer(binary, own)));
  await Promise.all(nodes.map((node) => node.start()));
  const clients = nodes.map(({ port }) => new Client(port, "127.0.0.1"));
  for (const [at, client] of clients.slice(0, masters).entries()) {
    const from = Math.floor((SLOTS * at) / masters);
    const to = Math.floor((SLOTS * (at + 1)) / masters) - 1;
    await client.call("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
    await client.call("CLUSTER", "SET-CONFIG-EPOCH", String(at + 1));
  }
  for (const { port } of nodes.slice(1)) await clients[0]?.call("CLUSTER", "MEET", "127.0.0.1", String(port));
  await until(async () => {
    const states = await Promise.all(clients.map((client) => client.call("CLUSTER", "INFO")));
    return states.every(
      (state) => /cluster_state:ok/.test(String(state)) && String(state).includes(`cluster_known_nodes:${count}`),
    );
  }, "the cluster");
  for (const [at, client] of clients.slice(masters).entries())
    await client.call("CLUSTER", "REPLICATE", String(await clients[at]?.call("CLUSTER", "MYID")));
  if (replicas) await replicated(nodes.slice(0, masters), 1);
  for (const client of clients) client.disconnect();
  return {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    nodes,
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  };
}

/** A master with two replicas, watched by three sentinels; `nodes[0]` is the master at first. */
export async function startSentinel(binary: string): Promise<Group> {
  const master = await ownServer(binary, ["--repl-diskless-sync-delay", "0"]);
  await master.start();
  const replicas = await Promise.all(
    [0, 1].map(() => ownServer(binary, ["--replicaof", `127.0.0.1 ${master.port}`, "--repl-diskless-sync-delay", "0"])),
  );
  await Promise.all(replicas.map((replica) => replica.start()));
  const client = new Client(master.port, "127.0.0.1");
  await until(async () => (await client.info("replication")).match(/state=online/g)?.length === 2, "two replicas");
  client.disconnect();
  const directory = mkdtempSync(join(tmpdir(), "marrow-sentinel-"));
  const sentinels = await Promise.all(
    [0, 1, 2].map(async (at) => {
      const port = await freePort();
      const home = join(directory, String(at));
      mkdirSync(home);
      const config = join(home, "sentinel.conf");
      writeFileSync(
        config,
        [
          `port ${port}`,
          "bind 127.0.0.1",
          `dir ${home}`,
          `sentinel monitor main 127.0.0.1 ${master.port} 2`,
          "sentinel down-after-milliseconds main 1000",
          "sentinel failover-timeout main 1000",
        ].join("\n"),
      );
      return { port, child: spawnTied([binary, config, "--sentinel"]) };
    }),
  );
  const watchers = sentinels.map(({ port }) => new Client(port, "127.0.0.1"));
  for (const watcher of watchers) watcher.on("error", () => {});
  for (const [at, watcher] of watchers.entries()) {
    await until(() => pings(sentinels[at]?.port ?? 0), "a sentinel");
    const periods = ["INFO-PERIOD", "PUBLISH-PERIOD", "PING-PERIOD", "ASK-PERIOD"].flatMap((name) => [name, "200"]);
    await watcher.call("SENTINEL", "DEBUG", ...periods);
  }
  for (const watcher of watchers) {
    await until(async () => {
      const reply = (await watcher.call("SENTINEL", "MASTER", "main")) as string[];
      const field = (name: string) => reply[reply.indexOf(name) + 1];
      return field("num-slaves") === "2" && field("num-other-sentinels") === "2";
    }, "the sentinels to know each other");
    watcher.disconnect();
  }
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/main`,
    nodes: [master, ...replicas],
    async stop() {
      for (const { child } of sentinels) child.kill("SIGKILL");
      await Promise.all([master, ...replicas].map((node) => node.stop()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Waits until so many replicas of each master have all that was written there by now. */
export async function replicated(masters: readonly OwnServer[], replicas: number): Promise<void> {
  for (const { port } of masters) {
    const client = new Client(port, "127.0.0.1");
    const wanted = Number(/master_repl_offset:(\d+)/.exec(await client.info("replication"))?.[1]);
    await until(async () => {
      const offsets = [...(await client.info("replication")).matchAll(/state=online,offset=(\d+)/g)].map(([, at]) =>
        Number(at),
      );
      return offsets.length >= replicas && offsets.every((offset) => offset >= wanted);
    }, `the replicas of ${port}`);
    client.disconnect();
  }
}

/** Waits until one of the nodes is a master. */
export async function takenOver(nodes: readonly OwnServer[]): Promise<void> {
  const clients = nodes.map(({ port }) => new Client(port, "127.0.0.1"));
  for (const client of clients) client.on("error", () => {});
  await until(async () => {
    const roles = await Promise.all(clients.map((client) => client.info("replication")));
    return roles.some((role) => role.includes("role:master"));
  }, "a replica to take over");
  for (const client of clients) client.disconnect();
}

/** Waits until something holds, at most 40 seconds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = performance.now() + 40_000;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const taken = new Set<number>();

/** A TCP port that nobody listens on, low enough for a cluster's bus beside it. */
export async function freePort(): Promise<number> {
  for (;;) {
    // Below the ports that outgoing connections are given, as is its bus 10,000 above it.
    const port = 10_000 + Math.floor(Math.random() * 12_000);
    if (taken.has(port)) continue;
    taken.add(port);
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => {
        void (probe.address() as AddressInfo);
        probe.close(() => resolve(true));
      });
    });
    if (free) return port;
  }
}

function pings(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, "127.0.0.1");
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(500, () => finish(false));
    socket.once("error", () => finish(false));
    socket.once("connect", () => socket.write("PING\r\n"));
    // A server that asks who is there is ready, too.
    socket.once("data", (data) => finish(/^(?:\+PONG|-NOAUTH)/.test(data.toString())));
  });
}
