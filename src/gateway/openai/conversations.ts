import { randomBytes } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { sizeOf } from "../../internal/json-pieces.ts";
import type { Fields } from "../../internal/fields.ts";
import type { Session, SessionInfo, Turn } from "../../memory/index.ts";
import { checkReasoningItem } from "../responses/reasoning-item.ts";
import { withPictures } from "../responses/resolve.ts";
import { askerOf } from "../tenancy/asker.ts";
import { userOf } from "../tenancy/identity.ts";
import { checkResults, findItem, placeOf } from "./conversation-items.ts";
import { toTurn } from "./items.ts";
import { toItems, type ConversationItem } from "./kept-items.ts";
import { metadataPairs } from "./metadata.ts";
import { sendLarge } from "../http/large-answer.ts";
import { including, pageQuery, toListBody, toItemPage, unsealed, wantsPictures } from "./pages.ts";
import type { GatewayApp } from "../parts.ts";

const items = z.array(z.looseObject({})).min(1).max(20);
const createBody = z
  .looseObject({ metadata: metadataPairs.nullish(), items: z.array(z.looseObject({})).max(20).nullish() })
  .nullish();
const updateBody = z.looseObject({ metadata: metadataPairs.nullish() });
const itemsQuery = pageQuery.extend(including);
const itemsBody = z.looseObject({ items });

/** An item that a client adds, as a turn. @throws MarrowError `invalid_input`, `too_large` */
function toAddedTurn(item: Fields, at: number): Turn {
  if (item["type"] === "reasoning") checkReasoningItem(item, `items.${at}`);
  return toTurn(item, `items.${at}`);
}

interface Named {
  Params: { readonly conversation: string; readonly item: string };
}

/** Turns that are read at a time for a page of items. */
const TURNS_READ = 20;
/** Approximate characters per page of items: larger pages end early, with `has_more`, so that the event loop is not blocked. */
const PAGE_CHARS_MAX = 2_097_152;

/**
 * Registers `/v1/conversations` with their items, as in OpenAI's API: sessions of their user, and the turns of chats with `conversation`.
 */
export function registerConversations(parts: GatewayApp): void {
  const { app, tenants } = parts;
  const open = (request: FastifyRequest, id: string): Session =>
    tenants(request.principal.scope).conversations.session({ user: userOf(request, undefined), id });

  /** Converts items to the form that a query requests. */
  async function shown(request: FastifyRequest<Named>, found: readonly ConversationItem[]) {
    const seen = unsealed(found, request.query);
    return wantsPictures(request.query) ? withPictures(parts, askerOf(request, undefined), seen) : seen;
  }

  /** Finds a conversation with its details. @throws MarrowError `not_found` */
  async function find(request: FastifyRequest<Named>): Promise<{ session: Session; info: SessionInfo }> {
    const session = open(request, request.params.conversation);
    const info = await session.info();
    if (info === undefined) throw notFound();
    return { session, info };
  }

  app.post("/v1/conversations", { schema: { body: createBody } }, async (request) => {
    const { metadata: known, items: first } = (request.body ?? {}) as z.infer<typeof createBody> & object;
    const turns = (first ?? []).map(toAddedTurn);
    await checkResults(turns, undefined);
    const session = open(request, `conv_${randomBytes(24).toString("hex")}`);
    await session.create(known ?? {});
    const info = await session.info();
    const { createdAtMs } = info ?? {};
    const isThere = info !== undefined && (turns.length === 0 || !(await session.append(turns, { createdAtMs })).ended);
    // The user may be forgotten, with all sessions, at the same moment.
    if (!isThere) throw new MarrowError("conflict", "the conversation was deleted while it was being created");
    return toConversation(session.id, info);
  });

  app.get<Named>("/v1/conversations/:conversation", async (request) => {
    const { session, info } = await find(request);
    return toConversation(session.id, info);
  });

  app.post<Named>("/v1/conversations/:conversation", { schema: { body: updateBody } }, async (request) => {
    const { session, info } = await find(request);
    const { metadata: known } = request.body as z.infer<typeof updateBody>;
    await session.describe(known ?? {});
    return toConversation(session.id, { ...info, metadata: known ?? {} });
  });

  app.delete<Named>("/v1/conversations/:conversation", async (request) => {
    const { session } = await find(request);
    await session.clear();
    return { id: session.id, object: "conversation.deleted", deleted: true };
  });

  const path = "/v1/conversations/:conversation/items";

  app.post<Named>(path, { schema: { body: itemsBody } }, async (request, reply) => {
    const turns = (request.body as z.infer<typeof itemsBody>).items.map(toAddedTurn);
    const { session, info } = await find(request);
    await checkResults(turns, session);
    const { version, ended } = await session.append(turns, { createdAtMs: info.createdAtMs });
    if (ended) throw notFound();
    const first = version - turns.length + 1;
    const data = turns.flatMap((turn, at) => toItems({ sequence: first + at, turn }, session.id));
    return sendLarge(
      reply,
      toListBody({ data, hasMore: false }, (item) => item),
    );
  });

  app.get<Named>(path, { schema: { querystring: itemsQuery } }, async (request, reply) => {
    const { session } = await find(request);
    const { after, limit, newestFirst } = toItemPage(request.query);
    const { data, hasMore } = await listItems(session, after, limit, newestFirst);
    return sendLarge(
      reply,
      toListBody({ data: await shown(request, data), hasMore }, (item) => item),
    );
  });

  app.get<Named>(`${path}/:item`, { schema: { querystring: z.looseObject(including) } }, async (request) => {
    const { session } = await find(request);
    const { item } = await findItem(session, request.params.item);
    return (await shown(request, [item]))[0];
  });

  app.delete<Named>(`${path}/:item`, async (request) => {
    const { session, info } = await find(request);
    const { sequence } = await findItem(session, request.params.item);
    await session.remove(sequence);
    return toConversation(session.id, info);
  });
}

function notFound(): MarrowError {
  return new MarrowError("not_found", "there is no conversation of this id");
}

/** Returns how many items fit in a page by size; at least one. */
function fittingPage(found: readonly ConversationItem[]): number {
  let chars = 0;
  const over = found.findIndex((item) => (chars += sizeOf(item)) > PAGE_CHARS_MAX);
  return over === -1 ? found.length : Math.max(1, over);
}

async function listItems(session: Session, after: string | undefined, limit: number, newestFirst: boolean) {
  const from = after === undefined ? undefined : await placeOf(session, after);
  const data: ConversationItem[] = [];
  // A page begins in the turn of the cursor, some of whose items may be after it.
  let edge = from?.sequence;
  for (;;) {
    const { turns, oldest, version } = await session.read({
      limit: TURNS_READ,
      ...(newestFirst
        ? { from: "newest", ...(edge !== undefined && { before: edge + 1 }) }
        : { after: edge === undefined ? 0 : edge - 1 }),
    });
    const found = turns.flatMap((kept) =>
      toItems(kept, session.id).filter((_, at) => {
        if (kept.sequence !== from?.sequence) return true;
        return newestFirst ? at < from.at : at > from.at;
      }),
    );
    data.push(...(newestFirst ? found.toReversed() : found));
    const fitting = fittingPage(data);
    if (data.length > limit || fitting < data.length)
      return { data: data.slice(0, Math.min(limit, fitting)), hasMore: true };
    const [lowest, highest] = newestFirst
      ? [Math.max(oldest, (edge ?? version) - TURNS_READ + 1), 0]
      : [0, Math.max(edge ?? 1, oldest) + TURNS_READ - 1];
    if (newestFirst ? lowest <= oldest : highest >= version) return { data, hasMore: false };
    edge = newestFirst ? lowest - 1 : highest + 1;
  }
}

function toConversation(id: string, { createdAtMs, metadata: known }: SessionInfo) {
  return { id, object: "conversation", created_at: Math.floor(createdAtMs / 1000), metadata: known };
}
