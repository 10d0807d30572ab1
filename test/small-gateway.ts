/** A gateway in a process of little memory, in front of a scripted endpoint. */
import { fork, type ChildProcess } from "node:child_process";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { inject } from "vitest";

/** A gateway in a process of its own, which serves with default bounds and without limits. */
export interface SmallGateway {
  readonly port: number;
  readonly process: ChildProcess;
  close(): void;
}

/** Starts a gateway whose heap has at most `heapMb` MB, and its endpoint, which answers by `reply`. `name`: of its installation. */
export async function startSmallGateway(name: string, heapMb: number, reply: RequestListener): Promise<SmallGateway> {
  const upstream = createServer(reply);
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const upstreamPort = (upstream.address() as AddressInfo).port;
  const gateway = fork(
    new URL("scaling/gateway-process.ts", import.meta.url),
    [inject("redisUrl"), `${name}-${upstreamPort}`, `http://127.0.0.1:${upstreamPort}`],
    { execArgv: ["--conditions=@marrow/source", `--max-old-space-size=${heapMb}`] },
  );
  const { port } = await new Promise<{ port: number }>((resolve, reject) => {
    gateway.once("message", resolve);
    gateway.once("exit", (code, signal) => reject(new Error(`the gateway ended: ${code} ${signal}`)));
  });
  return {
    port,
    process: gateway,
    close() {
      gateway.disconnect();
      upstream.closeAllConnections();
      upstream.close();
    },
  };
}
