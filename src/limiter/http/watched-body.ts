/** Wraps a body to call `over` when it has ended or its reader has left. */
export function watchBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  over: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  // Node's types lack `cancel` of a transformer, which runs if the client disconnects.
  const watcher = { flush: over, cancel: over } as ConstructorParameters<
    typeof TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>
  >[0];
  return body.pipeThrough(new TransformStream(watcher));
}
