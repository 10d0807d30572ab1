import { MarrowError } from "../../errors.ts";
import { checkText, refuse } from "../../internal/check.ts";

/** The part of a PostgreSQL client that is used. `Pool` and `Client` of `pg`, and PGlite, have it. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** A PostgreSQL database (13 or newer) with pgvector 0.8 or newer, which you open and close. */
export interface Postgres {
  /** Returns a handle for one tenant. The name is required. */
  scope(name: string): ScopedPostgres;
}

/** A database for one tenant. */
export interface ScopedPostgres {
  readonly app: string;
  readonly scope: string;
  /** Runs a statement and returns its rows. @throws MarrowError `unavailable`, `timeout`, `conflict`, `postgres_rejected` */
  rows(
    text: string,
    values?: readonly unknown[],
    timeoutMs?: number,
  ): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

const BRAND = Symbol.for("marrow.postgres");

/** Uses your PostgreSQL client and never closes it. @throws MarrowError `invalid_option` */
export function postgres(
  client: PostgresClient,
  { app = "marrow" }: { readonly app?: string | undefined } = {},
): Postgres {
  if (typeof (client as Partial<PostgresClient> | null)?.query !== "function")
    refuse("client", "a PostgreSQL client with a query method", client);
  checkText("app", app, 128);
  return {
    scope: (scope) =>
      ({
        app,
        scope: checkText("scope", scope, 512),
        async rows(text: string, values: readonly unknown[] = [], timeoutMs = 60_000) {
          try {
            const { rows } = await within(client.query(text, [...values]), timeoutMs);
            return rows as readonly Readonly<Record<string, unknown>>[];
          } catch (error) {
            throw MarrowError.is(error) ? error : toMarrowError(error);
          }
        },
        [BRAND]: true,
      }) as ScopedPostgres,
  };
}

/** Returns true for a connection made by {@link postgres}. */
export function isPostgres(connection: unknown): connection is ScopedPostgres {
  return typeof connection === "object" && connection !== null && BRAND in connection;
}

async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new MarrowError("timeout", `PostgreSQL did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  // An answer that comes after the deadline is nobody's.
  work.catch(() => {});
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Converts an error by its SQLSTATE, which every client passes on; an error without one never reached the server. */
function toMarrowError(error: unknown): MarrowError {
  const code = (error as { code?: unknown } | null)?.code;
  const state = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
  if (state === undefined || /^(08|57P|53)/.test(state))
    return new MarrowError("unavailable", "PostgreSQL cannot be reached", { cause: error });
  if (state === "57014") return new MarrowError("timeout", "PostgreSQL ended the statement", { cause: error });
  return new MarrowError("postgres_rejected", `PostgreSQL refused a statement (${state})`, {
    cause: error,
    details: { state },
  });
}
