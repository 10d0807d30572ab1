import type { Socket } from "node:net";
import { endOfValue } from "./resp.ts";

/** Sends whole commands over one socket and gives each its whole reply; what comes beyond replies, as to subscribers, is pushed on. */
export function asker(upstream: Socket, push: (bytes: Buffer) => void): (raw: Buffer) => Promise<Buffer> {
  let pending: Buffer = Buffer.alloc(0);
  const waiting: { resolve: (reply: Buffer) => void; reject: (error: Error) => void }[] = [];
  upstream.on("data", (data) => {
    pending = Buffer.concat([pending, data]);
    for (let end = endOfValue(pending); end > 0; end = pending.length > 0 ? endOfValue(pending) : -1) {
      const value = pending.subarray(0, end);
      const first = waiting.shift();
      if (first === undefined) push(value);
      else first.resolve(value);
      pending = pending.subarray(end);
    }
  });
  upstream.on("error", () => {});
  upstream.on("close", () => {
    for (const { reject } of waiting.splice(0)) reject(new Error("the Redis behind is gone"));
  });
  return (raw) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      upstream.write(raw);
    });
}
