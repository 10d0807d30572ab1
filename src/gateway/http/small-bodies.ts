import type { FastifyInstance } from "fastify";

/**
 * Most bytes of a body of the routes below. The longest that their schemas accept has some 200 KB, with each character escaped. Without this
 * bound, a longer one would be refused only after its texts were read to their end in one go.
 */
const SMALL_BODY_BYTES_MAX = 1_048_576;

const SMALL = /^\/v1\/(?:memories|limits|webhooks|tasks\/webhooks)(?:\/|$)/;
/** Routes below these that accept more: a text of 100,000 characters may have 1.2 MB, and so may a thousand ids. */
const LONGER = /\/(?:recall|redrive)$/;

/** Gives routes whose valid bodies are all small a bound of 1 MiB instead of `bodyBytesMax`, among those registered afterwards. */
export function boundSmallBodies(app: FastifyInstance): void {
  const bodyLimit = Math.min(app.initialConfig.bodyLimit ?? SMALL_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX);
  app.addHook("onRoute", (route) => {
    if (SMALL.test(route.url) && !LONGER.test(route.url)) route.bodyLimit = bodyLimit;
  });
}
