import type { OutgoingHttpHeaders, ServerResponse } from "node:http";

/** A response as it was sent, or would have been, complete enough to send again. */
export interface RecordedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Records an answer while it is streamed, also after its client has left. */
export interface Recording {
  /** Adds bytes that are not written because the client is gone. */
  add(bytes: string | Uint8Array): void;
  /** Ends a response whose client is gone. */
  end(): void;
  /** Marks the response as failed, whatever its status; nothing is stored. */
  fail(): void;
}

/** Headers of an answer that are sent again. */
const KEPT = /^(content-type|x-marrow-.+|x-ratelimit-.+|ratelimit.*|age)$/;

const recordings = new WeakMap<ServerResponse, Recording>();

/** Returns the recording of a response, if there is one. */
export function recordingOf(raw: ServerResponse): Recording | undefined {
  return recordings.get(raw);
}

/**
 * Records a response up to a number of bytes. Calls `onEnd` once with the whole response, or `undefined` for one that failed or was too
 * large, before the last byte is sent. Its result is not awaited.
 */
export function record(
  raw: ServerResponse,
  bytesMax: number,
  onEnd: (answer: RecordedAnswer | undefined) => void,
): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  let head: { readonly status: number; readonly headers: Readonly<Record<string, string>> } | undefined;
  let isFailed = false;
  let isOver = false;
  const [writeHead, write, end] = [raw.writeHead.bind(raw), raw.write.bind(raw), raw.end.bind(raw)];

  function add(piece: unknown): void {
    if (typeof piece !== "string" && !(piece instanceof Uint8Array)) return;
    if (typeof piece === "string" && /^event: (?:error|response\.failed)\n/.test(piece)) isFailed = true;
    bytes += piece.length;
    if (bytes > bytesMax) isFailed = true;
    else pieces.push(Buffer.from(piece as string));
  }

  function finish(): void {
    if (isOver) return;
    isOver = true;
    const { status, headers } = head ?? { status: raw.statusCode, headers: {} };
    const isKept = !isFailed && status >= 200 && status < 300;
    onEnd(isKept ? { status, headers, body: Buffer.concat(pieces).toString("utf8") } : undefined);
  }

  raw.writeHead = (status: number, ...rest: unknown[]) => {
    const given = rest.find((one) => typeof one === "object" && one !== null) as OutgoingHttpHeaders | undefined;
    head = { status, headers: toKept({ ...raw.getHeaders(), ...given }) };
    return (writeHead as (...args: unknown[]) => ServerResponse)(status, ...rest);
  };
  raw.write = ((piece: unknown, ...rest: unknown[]) => {
    add(piece);
    return (write as (...args: unknown[]) => boolean)(piece, ...rest);
  }) as typeof write;
  raw.end = ((piece?: unknown, ...rest: unknown[]) => {
    add(piece);
    finish();
    return (end as (...args: unknown[]) => ServerResponse)(piece, ...rest);
  }) as typeof end;
  recordings.set(raw, { add, end: finish, fail: () => (isFailed = true) });
}

function toKept(headers: OutgoingHttpHeaders): Readonly<Record<string, string>> {
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    KEPT.test(name.toLowerCase()) && value !== undefined ? [[name.toLowerCase(), String(value)]] : [],
  );
  return Object.fromEntries(kept) as Readonly<Record<string, string>>;
}
