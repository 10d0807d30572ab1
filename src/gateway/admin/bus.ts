import { z } from "zod";
import type { TreeMessage } from "../../bus/index.ts";
import { MarrowError } from "../../errors.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { GatewayApp } from "../parts.ts";
import type { CallTreeAnswer, TopicAnswer, TreeMessageAnswer } from "./answers-roles.ts";
import type { AgentAnswer, DeadLetterAnswer, ListAnswer } from "./answers.ts";
import { checkAdmin, scopeOf } from "./guard.ts";
import { listedQuery, name, pageLimit, scoped } from "./queries.ts";
import { withUnreadable } from "./rows.ts";
import { toTopicAnswer } from "./topic-answer.ts";

const deadQuery = z.looseObject({
  scope: name.optional(),
  limit: pageLimit,
});
const redriveBody = z
  .strictObject({ ids: z.array(name).min(1).max(100).optional(), limit: z.int().min(1).max(1_000).optional() })
  .nullish();
const agentsQuery = z.looseObject({
  scope: name.optional(),
  after: z.coerce.number().int().min(0).max(1_000_000).optional(),
  limit: pageLimit,
});
const GROUPS_MAX = 200;

interface OfTopic {
  Params: { readonly topic: string };
}
interface OfTree {
  Params: { readonly id: string };
}
interface OfGroup {
  Params: { readonly topic: string; readonly group: string };
}

/** Registers `/v1/admin/agents` and `/v1/admin/topics`: the agents on a scope's bus, and its dead letters. */
export function registerBus({ app, buses }: GatewayApp, { dashboard }: Pick<GatewayConfig, "dashboard">): void {
  const shows = dashboard.content === "visible";

  app.get(
    "/v1/admin/agents",
    { onRequest: checkAdmin, schema: { querystring: agentsQuery } },
    async (request): Promise<ListAnswer<AgentAnswer>> => {
      const found = await buses(scopeOf(request)).agents(agentsQuery.parse(request.query));
      const data = found.data.map(({ card, state, sinceMs, load, instances }): AgentAnswer => {
        const skills = (card.skills ?? []).slice(0, 50).map(({ id }) => id);
        return { name: card.name, version: card.version, state, since_ms: sinceMs, load, instances, skills };
      });
      const next = found.cursor !== undefined && { next: String(found.cursor) };
      return { object: "list", data, ...next, ...withUnreadable(found.unreadable) };
    },
  );

  app.get(
    "/v1/admin/trees",
    { onRequest: checkAdmin, schema: { querystring: scoped } },
    async (request): Promise<ListAnswer<CallTreeAnswer>> => {
      const trees = await buses(scopeOf(request)).trees();
      return { object: "list", data: trees.map(({ id, atMs }) => ({ id, object: "call_tree", at_ms: atMs })) };
    },
  );

  app.get<OfTree>(
    "/v1/admin/trees/:id",
    { onRequest: checkAdmin, schema: { querystring: scoped } },
    async (request): Promise<ListAnswer<TreeMessageAnswer>> => {
      const messages = await buses(scopeOf(request)).tree(request.params.id);
      if (messages.length === 0)
        throw new MarrowError("not_found", "the scope has no call tree of this id", { details: { path: "id" } });
      return { object: "list", data: messages.map(toTreeAnswer) };
    },
  );

  app.get(
    "/v1/admin/topics",
    { onRequest: checkAdmin, schema: { querystring: listedQuery } },
    async (request): Promise<ListAnswer<TopicAnswer>> => {
      const { after, limit } = listedQuery.parse(request.query);
      const { data, cursor, unreadable } = await buses(scopeOf(request)).topics({ after, limit });
      const next = cursor !== undefined && { next: cursor };
      return { object: "list", data: data.map(toTopicAnswer), ...next, ...withUnreadable(unreadable) };
    },
  );

  app.get<OfTopic>(
    "/v1/admin/topics/:topic",
    { onRequest: checkAdmin, schema: { querystring: scoped } },
    async (request): Promise<TopicAnswer> => {
      const found = await buses(scopeOf(request)).topic(request.params.topic).stats({ groups: GROUPS_MAX });
      if (found === undefined) throw noTopic();
      return toTopicAnswer(found);
    },
  );

  app.get<OfGroup>(
    "/v1/admin/topics/:topic/groups/:group/dead",
    { onRequest: checkAdmin, schema: { querystring: deadQuery } },
    async (request): Promise<ListAnswer<DeadLetterAnswer>> => {
      const { limit = 50 } = deadQuery.parse(request.query);
      const { topic, group } = request.params;
      const letters = await buses(scopeOf(request)).topic(topic).deadLetters(group, { limit });
      const data = letters.map(({ id, key, reason, message, body }): DeadLetterAnswer => {
        return { id, key, reason, hidden: !shows, ...(shows && { message, body }) };
      });
      return { object: "list", data };
    },
  );

  app.post<OfGroup>(
    "/v1/admin/topics/:topic/groups/:group/redrive",
    { onRequest: checkAdmin, schema: { body: redriveBody, querystring: scoped } },
    async (request) => {
      const { ids, limit = 100 } = (request.body as z.infer<typeof redriveBody>) ?? {};
      const { topic, group } = request.params;
      const done = await buses(scopeOf(request))
        .topic(topic)
        .redrive(group, ids === undefined ? { limit } : { ids });
      return { object: "topic", name: topic, redriven: done.length };
    },
  );
}

function noTopic(): MarrowError {
  return new MarrowError("not_found", "the scope has no topic of this name", { details: { path: "topic" } });
}

function toTreeAnswer(message: TreeMessage): TreeMessageAnswer {
  const { id, parent, from, to, state, reason, hops, deliveries, sentAtMs, endedAtMs, gives } = message;
  const times = { sent_at_ms: sentAtMs, ended_at_ms: endedAtMs };
  return { id, parent, from, to, state, reason, hops, deliveries, ...times, tokens: gives.tokens, cost: gives.cost };
}
