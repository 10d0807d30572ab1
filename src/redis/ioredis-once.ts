import { Command as IoredisCommand, type Redis as IoredisClient } from "ioredis";
import type { Command } from "./connection.ts";
import { NotSent, Written } from "./failure.ts";

/** How a reply is read: as text, or as bytes. */
export type How = { readonly replyEncoding: "utf8" | null };

/** What the client says of a command whose node has no connection, or lost it before the reply. */
export const CLOSED = "Connection is closed.";

/**
 * Written in the place of a command that was written before. By default a client sends the unanswered commands of a lost connection again, and
 * takes the replies in their order: something must be asked in the place of each.
 */
export const IN_PLACE: Buffer = Buffer.from("*1\r\n$4\r\nPING\r\n");

/**
 * A command that is written once. The client would send it again when its connection is lost before the reply, although it may have run; it fails
 * instead. The failure of a command that was not written is a {@link NotSent}, and of one that was a {@link Written}.
 */
export class OnceCommand extends IoredisCommand {
  /** Whether it was written to a server, and not refused there since. */
  isWritten = false;

  constructor(command: Command, how: How) {
    super(String(command[0]), command.slice(1) as (string | Buffer)[], how);
    const settle = this.reject;
    this.reject = (error) => settle(this.isWritten ? new Written(error) : new NotSent(error));
  }

  override toWritable(socket: object): string | Buffer {
    if (this.isWritten) {
      this.lose();
      return IN_PLACE;
    }
    this.isWritten = true;
    return super.toWritable(socket);
  }

  /** The server answered with an error: that is its reply, also if the client would send it again (`reconnectOnError`). */
  refuse(error: Error): void {
    this.reject(error);
  }

  /** Its connection ended before the reply. */
  lose(): void {
    if (this.isWritten) this.reject(new Error(CLOSED));
  }
}

/** Fails the commands of a connection that ended, at once: a client that would send them again keeps them until it is connected. */
export function loseWithConnection(client: IoredisClient): void {
  client.on("close", () => {
    const { commandQueue } = client as unknown as Waiting;
    for (let at = 0; at < commandQueue.length; at += 1) commandQueue.peekAt(at)?.command.lose?.();
  });
}

/** Commands of a client that wait for their replies. The client keeps them to itself: this reaches for them, in the version that is pinned. */
interface Waiting {
  readonly commandQueue: {
    readonly length: number;
    peekAt(at: number): { readonly command: { readonly lose?: () => void } } | undefined;
  };
}
