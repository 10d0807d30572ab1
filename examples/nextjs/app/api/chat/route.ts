import { connect } from "marrow";
import { createChat } from "../../../lib/chat.ts";

/** Marrow's connection needs Node's sockets. */
export const runtime = "nodejs";

let chat: Promise<(request: Request) => Promise<Response>> | undefined;

/** Connects at the first request: `next build` loads this module, too, on machines without a Redis. */
export async function POST(request: Request): Promise<Response> {
  chat ??= connect(process.env["MARROW_REDIS_URL"] ?? "redis://localhost:6379", {
    app: "shop",
    whenAway: "start",
  }).then(createChat);
  const handle = await chat;
  return handle(request);
}
