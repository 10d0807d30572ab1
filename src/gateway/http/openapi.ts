import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { createTimeSlice } from "../../internal/time-slice.ts";
import { ROUTES, SUMMARIES } from "../routes.ts";
import { RESOURCES, type Resource } from "../tenancy/ownership.ts";
import { VERSION } from "../version.ts";

/** A route as it was registered. */
interface Registered {
  readonly method: string;
  /** Its pattern, such as `/v1/files/:id`. */
  readonly url: string;
  readonly body?: unknown;
  readonly querystring?: unknown;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Registers `GET /openapi.json`: all routes registered afterwards, in OpenAPI 3.1, from the schemas by which requests are checked. Public.
 * Built at the first request, in slices of the event loop.
 */
export function describeApi(app: FastifyInstance): void {
  const routes: Registered[] = [];
  app.addHook("onRoute", ({ method, url, schema }) => {
    for (const one of Array.isArray(method) ? method : [method])
      if (one !== "HEAD") routes.push({ method: one, url, body: schema?.body, querystring: schema?.querystring });
  });
  let made: Promise<string> | undefined;
  app.get("/openapi.json", { config: { open: true } }, async (_, reply) =>
    reply.type("application/json; charset=utf-8").send(await (made ??= toDocument(routes))),
  );
}

async function toDocument(routes: readonly Registered[]): Promise<string> {
  const paths = new Map<string, Map<string, Json>>();
  const slice = createTimeSlice();
  for (const route of routes) {
    const resource = ROUTES.get(`${route.method} ${route.url}`);
    if (resource === undefined) continue;
    const rest = slice();
    if (rest !== undefined) await rest;
    const path = toPath(route.url);
    const operations = paths.get(path) ?? new Map<string, Json>();
    paths.set(path, operations.set(route.method.toLowerCase(), toOperation(route, resource)));
  }
  const document = {
    openapi: "3.1.0",
    info: {
      title: "Marrow",
      version: VERSION,
      description:
        "Chat, responses, embeddings, files and vector stores as OpenAI's API has them, messages as Anthropic's has them, and Marrow's roles over HTTP.",
    },
    tags: Object.keys(RESOURCES).map((name) => ({ name })),
    security: [{ key: [] }],
    paths: Object.fromEntries([...paths].map(([path, operations]) => [path, Object.fromEntries(operations)])),
    components: {
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "An API key of this gateway." } },
      responses: {
        error: {
          description: "An error, in the shape of OpenAI's API.",
          content: { "application/json": { schema: ERROR } },
        },
      },
    },
  };
  return JSON.stringify(document);
}

const text = { type: "string" };
const ERROR = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["message", "type", "code"],
      properties: {
        message: text,
        type: text,
        code: { type: ["string", "null"] },
        param: { type: ["string", "null"] },
      },
    },
  },
};

function toOperation({ method, url, body, querystring }: Registered, resource: Resource): Json {
  const belonging = RESOURCES[resource];
  return {
    operationId: `${method.toLowerCase()}${toPath(url).replaceAll(/[^A-Za-z0-9]+/g, "_")}`.replace(/_$/, ""),
    summary: SUMMARIES.get(`${method} ${url}`),
    tags: [resource],
    "x-marrow-belongs-to": belonging,
    ...(belonging === "open" && { security: [] }),
    parameters: [...inPath(url), ...inQuery(querystring)],
    ...(body !== undefined && {
      requestBody: { required: true, content: { "application/json": { schema: toSchema(body) } } },
    }),
    responses: { "2XX": { description: "Done." }, default: { $ref: "#/components/responses/error" } },
  };
}

/** A pattern as OpenAPI writes it: `/v1/files/{id}`. */
function toPath(url: string): string {
  return url.replaceAll(/:(\w+)/g, "{$1}").replace("*", "{id}");
}

function inPath(url: string): readonly Json[] {
  return [...toPath(url).matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: text,
  }));
}

function inQuery(schema: unknown): readonly Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = toSchema(schema) as {
    readonly properties?: Readonly<Record<string, unknown>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, one]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema: one,
  }));
}

/** Converts a schema; parts that JSON Schema cannot express accept anything. */
function toSchema(schema: unknown): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema as z.ZodType, { io: "input", unrepresentable: "any" });
  return rest;
}
