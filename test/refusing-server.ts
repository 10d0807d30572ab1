import { connect as dial } from "node:net";
import { isReadOnly } from "../src/redis/routing.ts";
import { startRespServer, type RespServer } from "./resp-server.ts";
import { endOfValue } from "./resp.ts";

/** A real Redis behind a server that can be told to refuse commands with any error. */
export interface RefusingServer extends RespServer {
  /** From now on refuses all commands, or those that may write (scripts too), with this error; `undefined`: none. */
  refuse(error: string | undefined, which?: "all" | "writes"): void;
}

/** What a client says before its first command: refusing that would be another state, an unreachable server. */
const HANDSHAKE = new Set(["HELLO", "CLIENT", "AUTH", "SELECT"]);

/** Starts it in front of a Redis on a unix socket or a port, by URL. */
export async function startRefusingServer(target: string): Promise<RefusingServer> {
  let refusal: { readonly error: string; readonly which: "all" | "writes" } | undefined;
  const server = await startRespServer(() => {
    const upstream = target.startsWith("unix://")
      ? dial(target.slice(7))
      : dial(Number(new URL(target).port), "127.0.0.1");
    let pending: Buffer = Buffer.alloc(0);
    let answered: ((reply: Buffer) => void) | undefined;
    upstream.on("error", () => {});
    upstream.on("data", (data) => {
      pending = Buffer.concat([pending, data]);
      const end = endOfValue(pending);
      if (end <= 0) return;
      const reply = pending.subarray(0, end);
      pending = pending.subarray(end);
      answered?.(reply);
    });
    return {
      async answer(words, raw) {
        const command = words.map(String);
        const verb = String(command[0]).toUpperCase();
        const refused = refusal !== undefined && !HANDSHAKE.has(verb) && verb !== "INFO";
        if (refused && (refusal?.which === "all" || !isReadOnly(command))) return Buffer.from(`-${refusal?.error}\r\n`);
        return new Promise((resolve) => {
          answered = resolve;
          upstream.write(raw);
        });
      },
      close: () => upstream.destroy(),
    };
  });
  return {
    ...server,
    refuse(error, which = "all") {
      refusal = error === undefined ? undefined : { error, which };
    },
  };
}
