// oxlint-disable no-underscore-dangle -- Node calls the reading of a stream so.
import { IncomingMessage } from "node:http";
import { MarrowError } from "../../errors.ts";

/**
 * Chunks of a body after which reading pauses until the next turn of the event loop. Each costs about a microsecond, however small it is,
 * nearly all of it in Node's parser. This parses all of one read of a connection (64 KiB: 10,922 chunks of one byte) before it can pause.
 */
const CHUNKS_A_TURN = 2_000;
/** Chunks that a body may have whatever their size, and bytes that each one above must bring on average. */
const [CHUNKS_FREE, CHUNK_BYTES_MIN] = [16_384, 16];
/** Smaller chunks are handed on together, but for a body's first ones: most bodies have no more. */
const SMALL_BYTES = 1_024;
const CHUNKS_ALONE = 16;
const TOGETHER_BYTES = 65_536;

/**
 * A request whose body cannot block the event loop: a megabyte in chunks of one byte is a million events, and Node reads two megabytes of a
 * socket at once. Small chunks are joined; after {@link CHUNKS_A_TURN} reading continues in the next turn. A body of only tiny chunks fails
 * as too large, and the rest is discarded.
 */
export class PacedRequest extends IncomingMessage {
  #chunks = 0;
  #bytes = 0;
  /** Small chunks that were not passed on yet, and their bytes. */
  #small: Buffer[] = [];
  #smallBytes = 0;
  /** Whether reading waits for the next turn, and whether the reader's buffer is full. */
  #waits = false;
  #isFull = false;
  #isRefused = false;
  #refusal: MarrowError | undefined;

  override push(chunk: Buffer | null): boolean {
    // The buffered rest is discarded quickly.
    if (this.#isRefused) return true;
    if (chunk === null) {
      this.#handOn();
      return super.push(null);
    }
    this.#chunks += 1;
    this.#bytes += chunk.length;
    if (this.#chunks > CHUNKS_FREE + this.#bytes / CHUNK_BYTES_MIN) return this.#refuse();
    if (this.#chunks % CHUNKS_A_TURN === 0) this.#wait();
    const isAlone = chunk.length >= SMALL_BYTES || this.#chunks <= CHUNKS_ALONE;
    if (isAlone && this.#small.length === 0) this.#isFull = !super.push(chunk);
    else this.#gather(chunk);
    return !this.#isFull && !this.#waits;
  }

  override _read(size: number): void {
    this.#isFull = false;
    if (!this.#waits) super._read(size);
  }

  override resume(): this {
    super.resume();
    this.#fail();
    return this;
  }

  /** Node's own version discards the rest without pacing. */
  _dump(): void {
    this.removeAllListeners("data");
    this.resume();
  }

  #gather(chunk: Buffer): void {
    this.#small.push(chunk);
    this.#smallBytes += chunk.length;
    if (this.#smallBytes >= TOGETHER_BYTES) this.#handOn();
    else if (this.#small.length === 1) process.nextTick(() => this.#handOn());
  }

  #handOn(): void {
    if (this.#small.length === 0 || this.destroyed) return;
    const [first = Buffer.alloc(0)] = this.#small;
    const together = this.#small.length === 1 ? first : Buffer.concat(this.#small, this.#smallBytes);
    this.#small = [];
    this.#smallBytes = 0;
    this.#isFull = !super.push(together);
  }

  #wait(): void {
    this.#waits = true;
    setImmediate(() => {
      this.#waits = false;
      if (!this.destroyed) super._read(0);
    });
  }

  #refuse(): boolean {
    this.#isRefused = true;
    this.#small = [];
    const message = `the body comes in more than ${CHUNKS_FREE} chunks of less than ${CHUNK_BYTES_MIN} bytes on average`;
    const error = new MarrowError("too_large", message, { details: { chunksMax: CHUNKS_FREE } });
    this.#refusal = error;
    this.#fail();
    return true;
  }

  /** Reports a refused body to its reader, once there is one. */
  #fail(): void {
    if (this.#refusal === undefined || this.listenerCount("data") === 0) return;
    const error = this.#refusal;
    this.#refusal = undefined;
    process.nextTick(() => {
      if (this.listenerCount("error") > 0) this.emit("error", error);
      // A reader without an error listener sees a truncated body.
      super.push(null);
    });
  }
}
