// oxlint-disable no-underscore-dangle -- Node calls the reading of a stream so.
import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** Chunks of a body that are taken in one turn of the event loop: each costs microseconds, however small it is. */
const CHUNKS_A_TURN = 1_000;
/** Chunks that a body may have whatever their size, and bytes that each one above must bring: a client's smallest writes have more. */
const [CHUNKS_FREE, CHUNK_BYTES_MIN] = [1_024, 16];

/**
 * A request whose body holds nobody up, whatever pieces it comes in: a megabyte in chunks of one byte is a million of them, and Node reads two
 * megabytes of a socket in one go. After {@link CHUNKS_A_TURN} chunks the socket is read on in the next turn; a body that is nothing but tiny
 * chunks is refused as malformed, also before a key is asked for.
 */
export class PacedRequest extends IncomingMessage {
  #chunks = 0;
  #bytes = 0;
  /** Whether reading waits for the next turn, and whether somebody asked for more meanwhile. */
  #waits = false;
  #isAskedFor = false;
  #isRefused = false;

  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    // Of what is read already, the rest is dropped as quickly as can be.
    if (this.#isRefused) return true;
    if (chunk === null) return super.push(chunk, encoding);
    this.#chunks += 1;
    this.#bytes += chunk.length;
    if (this.#chunks > CHUNKS_FREE + this.#bytes / CHUNK_BYTES_MIN) return this.#refuse();
    if (this.#chunks % CHUNKS_A_TURN === 0) this.#wait();
    return super.push(chunk, encoding) && !this.#waits;
  }

  override _read(size: number): void {
    if (this.#waits) this.#isAskedFor = true;
    else super._read(size);
  }

  /** Node's own drops what nobody reads without asking for its pace. */
  _dump(): void {
    this.removeAllListeners("data");
    this.resume();
  }

  #wait(): void {
    this.#waits = true;
    setImmediate(() => {
      this.#waits = false;
      if (!this.#isAskedFor || this.destroyed) return;
      this.#isAskedFor = false;
      super._read(0);
    });
  }

  #refuse(): boolean {
    this.#isRefused = true;
    const error = Object.assign(new Error("the body comes in too many tiny chunks"), { code: TINY_CHUNKS });
    const { socket } = this as { socket: Socket & { server?: { emit(name: string, ...args: unknown[]): boolean } } };
    socket.pause();
    socket.server?.emit("clientError", error, socket);
    return true;
  }
}

/** Code of the error for a body of tiny chunks. */
export const TINY_CHUNKS = "MARROW_TINY_CHUNKS";
