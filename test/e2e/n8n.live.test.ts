/**
 * The example of a node for n8n, by a scripted context of an execution against a gateway. n8n's package has 143 MB and is no dependency.
 * `MARROW_N8N=1 npx vitest run test/e2e/n8n.live.test.ts` installs it, and holds the node to its types and its parameters.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, it, onTestFinished } from "vitest";
import { startTestGateway, type TestGateway } from "../gateway.ts";

const HOME = resolve("examples/n8n");
const INSTALL_MS = 300_000;
const load = createRequire(join(HOME, "package.json"));

interface Property {
  readonly name: string;
  readonly type: string;
  readonly default: unknown;
  readonly options?: readonly { readonly value: string }[];
  readonly displayOptions?: { readonly show: { readonly operation: readonly string[] } };
}
type Json = Record<string, unknown>;
interface Node {
  readonly description: { readonly name: string; readonly properties: readonly Property[] };
  execute(this: unknown): Promise<{ readonly json: Json; readonly pairedItem: { readonly item: number } }[][]>;
}
interface Credentials {
  readonly name: string;
  readonly properties: readonly Property[];
  readonly authenticate: { readonly properties: { readonly headers: Readonly<Record<string, string>> } };
}
interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

const { n8n } = load("./package.json") as { n8n: { nodes: string[]; credentials: string[] } };
const [node] = n8n.nodes.map((file) => new (load(`./${file}`) as { Marrow: new () => Node }).Marrow()) as [Node];
const [credentials] = n8n.credentials.map(
  (file) => new (load(`./${file}`) as { MarrowApi: new () => Credentials }).MarrowApi(),
) as [Credentials];

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ redisUrl: inject("redisUrl") });
});
afterAll(() => gateway.close());

/** Runs the node once for each set of parameters, as n8n would: what a set leaves out has the default of its property. */
async function runNode(sets: readonly Json[], { continues = false, apiKey = gateway.key } = {}) {
  const given: Json = { baseUrl: gateway.baseURL, apiKey };
  const context = {
    getInputData: () => sets.map(() => ({ json: {} })),
    getCredentials: async () => given,
    continueOnFail: () => continues,
    getNodeParameter(name: string, item: number) {
      const property = node.description.properties.find((candidate) => candidate.name === name);
      if (property === undefined) throw new Error(`the node has no parameter ${name}`);
      return sets[item]?.[name] ?? property.default;
    },
    helpers: {
      async httpRequestWithAuthentication(_: string, { url, body, headers, method }: HttpRequest) {
        const signed = Object.entries(credentials.authenticate.properties.headers).map(([name, value]) => [
          name,
          value.slice(1).replaceAll(/\{\{\$credentials\.(\w+)\}\}/g, (_all, field: string) => String(given[field])),
        ]);
        const response = await fetch(url, {
          method,
          headers: { ...headers, ...(Object.fromEntries(signed) as Json), "content-type": "application/json" },
          body: JSON.stringify(body),
        });
        const answer = (await response.json()) as Json;
        if (!response.ok) throw new Error(`${response.status}: ${JSON.stringify(answer)}`);
        return { body: answer, headers: Object.fromEntries(response.headers) };
      },
    },
  };
  const [items = []] = await node.execute.call(context);
  return items;
}

it("Each operation has its fields, and each field belongs to an operation", () => {
  const { properties } = node.description;
  const operations = properties[0]?.options?.map(({ value }) => value) ?? [];
  const shown = new Set(properties.flatMap(({ displayOptions }) => displayOptions?.show.operation ?? []));
  expect([...shown].toSorted()).toEqual(operations.toSorted());
  expect(new Set(properties.map(({ name }) => name)).size).toBe(properties.length);
  expect(credentials.properties.map(({ name }) => name)).toEqual(["baseUrl", "apiKey"]);
});

it("A chat answers each item, remembers the session, and says what the cache did", async () => {
  const question = { prompt: "What is the capital of France?" };
  const items = await runNode([question, question, { prompt: "My name is Ada.", session: "n8n", user: "ada" }]);
  expect(items.map(({ json }) => json["cache"])).toEqual(["miss", "exact", "miss"]);
  expect(items.map(({ pairedItem }) => pairedItem.item)).toEqual([0, 1, 2]);
  const [told] = await runNode([{ prompt: "What is my name?", session: "n8n", user: "ada" }]);
  expect(told?.json["answer"]).toContain("Ada");
});

it("Memories belong to the user who is named, and cached values are found again", async () => {
  const of = (user: string) => ({ operation: "recall", query: "Where does order 881 go?", user });
  await runNode([{ operation: "remember", text: "Order 881 goes to Oslo", user: "kim" }]);
  const [kim, lee] = await runNode([of("kim"), of("lee")]);
  expect(JSON.stringify(kim?.json)).toContain("Oslo");
  expect(lee?.json["memories"]).toEqual([]);

  const prompt = "How long does a parcel take?";
  const [before] = await runNode([{ operation: "findCached", prompt }]);
  await runNode([{ operation: "storeCached", prompt, response: "Two days" }]);
  const [after] = await runNode([{ operation: "findCached", prompt }]);
  expect([before?.json["hit"], after?.json["hit"], after?.json["response"]]).toEqual([false, true, "Two days"]);
});

it("A refusal fails the node, or becomes an item where the workflow continues", async () => {
  const wrong = { apiKey: "mrw_nobody" };
  await expect(runNode([{ prompt: "Hello" }], wrong)).rejects.toThrow("401");
  const [item] = await runNode([{ prompt: "Hello" }], { ...wrong, continues: true });
  expect(item?.json["error"]).toContain("401");
});

it.runIf(process.env["MARROW_N8N"] !== undefined)(
  "n8n's own package agrees with the types of the node, its parameters and their defaults",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "marrow-n8n-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const run = promisify(execFile);
    for (const part of [HOME, "test/n8n"]) cpSync(part, directory, { recursive: true });
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: directory });
    await run(process.execPath, [join(directory, "node_modules/typescript/bin/tsc")], { cwd: directory });

    const { NodeHelpers } = createRequire(join(directory, "package.json"))("n8n-workflow") as {
      NodeHelpers: Record<string, (...args: unknown[]) => unknown>;
    };
    const { description } = node;
    for (const { value } of description.properties[0]?.options ?? []) {
      const placed = { id: "1", name: "Marrow", type: "marrow", typeVersion: 1, position: [0, 0], credentials: {} };
      const parameters = NodeHelpers["getNodeParameters"]?.(
        description.properties,
        { operation: value },
        true,
        false,
        placed,
        description,
      ) as Json;
      const names = description.properties
        .filter(({ displayOptions }) => displayOptions?.show.operation.includes(value) ?? true)
        .map(({ name }) => name);
      expect(Object.keys(parameters).toSorted()).toEqual(names.toSorted());
      const filled = Object.fromEntries(names.map((name) => [name, parameters[name] === "" ? "x" : parameters[name]]));
      const issues = NodeHelpers["getNodeParametersIssues"]?.(
        description.properties,
        { ...placed, parameters: filled },
        description,
      );
      expect(issues).toBeNull();
    }
  },
  INSTALL_MS,
);
