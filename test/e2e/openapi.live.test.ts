import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ROUTES, SUMMARIES } from "../../src/gateway/routes.ts";
import { startTestGateway, type TestGateway } from "../gateway.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: readonly unknown[];
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: { readonly required?: string[] } }> };
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let gateway: TestGateway;
let document: Document;
const origin = () => gateway.baseURL.replace(/\/v1$/, "");

beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
  const response = await fetch(`${origin()}/openapi.json`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  document = (await response.json()) as Document;
});
afterAll(() => gateway.close());

describe("GET /openapi.json", () => {
  it("is OpenAPI 3.1, without a key", async () => {
    expect(document.openapi).toBe("3.1.0");
    expect(
      await new Validator().validate(structuredClone(document) as object as Record<string, unknown>),
    ).toMatchObject({ valid: true });
  });

  it("has every route, and no other, each with one sentence of its own", () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const registered = [...ROUTES.keys()].map((route) => route.replaceAll(/:(\w+)/g, "{$1}").replace("*", "{id}"));
    expect(described.toSorted()).toEqual(registered.toSorted());
    for (const [route, summary] of SUMMARIES)
      expect([route, summary]).toEqual([route, expect.stringMatching(/^[A-Z].+\.$/)]);
    const ids = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("says what the application checks: bodies, queries, parts of paths, and where no key is needed", () => {
    const chat = document.paths["/v1/chat/completions"]?.["post"];
    expect(chat?.requestBody?.content["application/json"]?.schema.required).toEqual(["model", "messages"]);
    expect(chat?.security).toBeUndefined();
    const files = document.paths["/v1/vector_stores/{store}/files"]?.["get"];
    expect(files?.parameters.map(({ name, in: where }) => `${where} ${name}`)).toEqual(
      expect.arrayContaining(["path store", "query limit", "query after"]),
    );
    expect(document.paths["/healthz"]?.["get"]?.security).toEqual([]);
  });
});
