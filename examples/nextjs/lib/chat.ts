/** What the route handler does, apart from Next.js: a rate limit for each user, and a semantic cache in front of the model. */
import type { Redis } from "marrow";
import { createCache } from "marrow/cache";
import { staticEmbedder } from "marrow/embedders";
import { createLimiter } from "marrow/limiter";
import { webLimiter } from "marrow/limiter/http";

/** Makes the handler of `POST { prompt }`: it answers the text as a stream, or 429. */
export function createChat(redis: Redis): (request: Request) => Promise<Response> {
  const tenant = redis.scope("acme");
  const answers = createCache<string>(tenant, { name: "answers", embedder: staticEmbedder() });
  const limiter = createLimiter(tenant, {
    name: "chat",
    onUnavailable: "local",
    rules: [
      { id: "minute", by: "user", limit: 5, windowMs: 60_000 },
      { id: "streams", by: "user", unit: "concurrency", limit: 1 },
    ],
  });
  const limited = webLimiter(limiter, {
    // In your application: the user of the session, never a header that a browser may set.
    subjects: (request: Request) => ({ user: request.headers.get("x-user") ?? "anonymous" }),
  });
  return limited(async (request) => {
    const { prompt } = (await request.json()) as { readonly prompt: string };
    const { value, source } = await answers.through({ prompt }, () => askModel(prompt));
    return new Response(toStream(value), { headers: { "content-type": "text/plain", "x-source": source } });
  });
}

/** Stands for the call of your model. */
async function askModel(prompt: string): Promise<string> {
  return `You asked: ${prompt}`;
}

/** The words of a text, one at a time, as a model would write them. */
function toStream(text: string): ReadableStream<Uint8Array> {
  const words = text.split(/(?<= )/).values();
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const { value, done } = words.next();
      if (done === true) controller.close();
      else controller.enqueue(new TextEncoder().encode(value));
    },
  });
}
