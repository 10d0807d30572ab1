import type { buildConnector } from "undici";

/**
 * Connections whose client is not held up by headers beyond its bound. Undici's parser reads on to the end of what came, and makes an error for
 * each name and value behind the first one that is too much; nearly all of that time goes into stack traces that nobody sees. They have none here.
 */
export function withQuietOverflow(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...connected: Parameters<buildConnector.Callback>) => {
      // Undici's own connector gives nothing beside an error.
      const [failure, socket] = connected;
      if (failure === null) {
        const destroy = socket.destroy.bind(socket);
        socket.destroy = (error?: Error) => {
          if ((error as { readonly code?: unknown } | undefined)?.code === "UND_ERR_HEADERS_OVERFLOW") withoutTraces();
          return destroy(error);
        };
      }
      callback(...connected);
    });
}

/** Makes errors without stack traces until this turn's own work is done. */
function withoutTraces(): void {
  const { stackTraceLimit } = Error;
  if (stackTraceLimit === 0) return;
  Error.stackTraceLimit = 0;
  queueMicrotask(() => void (Error.stackTraceLimit = stackTraceLimit));
}
