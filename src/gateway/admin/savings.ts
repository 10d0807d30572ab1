import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import type { GatewayApp } from "../parts.ts";
import type { SavedAnswer, SavingsAnswer, SavingsRowAnswer } from "./answers.ts";
import type { CacheReport } from "../../cache/index.ts";
import { OTHER } from "../tenancy/summing.ts";
import type { Saved, Savings, SavingsBy, SavingsRow } from "../tenancy/savings.ts";
import { sumEvidence, toWrongShare } from "../tenancy/wrong-share.ts";
import { checkAdmin } from "./guard.ts";
import { reportPage, toReportPage } from "./queries.ts";

const day = z.iso.date();
const savingsQuery = z.looseObject({
  scope: z.string().min(1).max(256).optional(),
  by: z.enum(["scope", "key", "user", "model", "tier"]).optional(),
  from: day.optional(),
  to: day.optional(),
  ...reportPage,
});

/** Scopes whose evidence a report of all scopes reads: those that saved most. */
const SCOPES_MAX = 100;

/** Options of a savings report. */
export interface SavingsAsked {
  readonly scope: string;
  readonly by: SavingsBy;
  readonly from: string;
  readonly to: string;
  /** Number of rows to skip, and most rows to return. @default 0 and 1,000 */
  readonly after?: number | undefined;
  readonly limit?: number | undefined;
}

/** Registers `GET /v1/admin/savings`: the cache's savings, and how often it is wrong as far as known. */
export function registerSavings({ app, savings, tenants }: Pick<GatewayApp, "app" | "savings" | "tenants">): void {
  app.get(
    "/v1/admin/savings",
    { onRequest: checkAdmin, schema: { querystring: savingsQuery } },
    async ({ query, principal }): Promise<SavingsAnswer> => {
      const today = new Date().toISOString().slice(0, 10);
      const { by = "model", to = today, from = to, scope = principal.scope, after, limit } = savingsQuery.parse(query);
      checkDays(from, to);
      await savings.flush();
      return readSavings(savings, (one) => tenants(one).cacheReport(), { scope, by, from, to, after, limit });
    },
  );
}

/** Checks the order of two days. @throws MarrowError `invalid_input` */
export function checkDays(from: string, to: string): void {
  if (from > to)
    throw new MarrowError("invalid_input", `from must not be after to, got from ${from} to ${to}`, {
      details: { path: "from" },
    });
}

/** Reads the savings of a scope, or of all scopes by name, with the evidence on wrong answers. */
export async function readSavings(
  savings: Pick<Savings, "read">,
  reportOf: (scope: string) => Promise<CacheReport | undefined>,
  { scope, by, from, to, after, limit }: SavingsAsked,
): Promise<SavingsAnswer> {
  const rows = await savings.read(scope, by, from, to);
  const most = by === "scope" ? rows.slice(0, SCOPES_MAX).map(({ name }) => name) : [];
  const scopes = most.filter((name) => name !== OTHER);
  const reports = await Promise.all((scopes.length === 0 ? [scope] : scopes).map(reportOf));
  const known = reports.filter((report) => report !== undefined);
  const evidence = sumEvidence(known);
  const wrong = evidence && toWrongShare(evidence);
  const { data, next } = toReportPage(rows, { after, limit });
  return {
    object: "list",
    by,
    scope: by === "scope" ? null : scope,
    from,
    to,
    data: data.map(toRow),
    ...(next !== undefined && { next }),
    total: toRow(rows.total),
    wrong: wrong ?? null,
    wrong_reason: wrong === undefined ? (evidence === undefined ? "cache_off" : "no_evidence") : null,
    evidence: evidence ?? null,
  };
}

function toRow({ name, answers, hits, bySource, unknown, saved, spent, hitMs, missMs }: SavingsRow): SavingsRowAnswer {
  const misses = answers - hits;
  return {
    name,
    answers,
    hits,
    hit_share: answers === 0 ? 0 : hits / answers,
    by_tier: bySource,
    unknown,
    saved: toSaved(saved),
    spent: toSaved(spent),
    mean_seconds: {
      hit: hits === 0 ? null : hitMs / hits / 1_000,
      miss: misses === 0 ? null : missMs / misses / 1_000,
    },
  };
}

function toSaved({ promptTokens, completionTokens, cachedTokens, reasoningTokens, micros, ms }: Saved): SavedAnswer {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    cached_tokens: cachedTokens,
    reasoning_tokens: reasoningTokens,
    cost: micros / 1_000_000,
    seconds: ms / 1_000,
  };
}
