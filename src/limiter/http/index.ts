export { expressLimiter, type ExpressRequest, type ExpressResponse } from "./express.ts";
export { fastifyLimiter, type FastifyReplyLike, type FastifyRequestLike } from "./fastify.ts";
export { toDuration, toLimitHeaders, toRetryHeaders } from "./headers.ts";
export { honoLimiter, type HonoContext } from "./hono.ts";
export { permitOf, type HttpLimiterOptions } from "./asking.ts";
export { webLimiter, type WebHandler } from "./web.ts";
