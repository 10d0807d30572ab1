import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import { openaiModel } from "./index.ts";

afterEach(() => vi.restoreAllMocks());

it("a list of models stays as it was known last while the endpoint answers an error", async () => {
  const answers = [
    [200, { data: [{ id: "a" }] }],
    [500, { error: { message: "down" } }],
    [404, {}],
    [200, { error: "busy" }],
    [200, { data: [{ id: "b" }] }],
  ] as const;
  let nth = 0;
  const server = createServer((_, response) => {
    const [status, body] = answers[nth++] ?? [500, {}];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const model = openaiModel({ baseUrl });
  const now = vi.spyOn(performance, "now");
  const told: string[] = [];
  for (let at = 0; at < answers.length; at += 1) {
    now.mockReturnValue(1_000_000 * (at + 1));
    told.push(...(await model.list()).map(({ id }) => id));
  }
  expect(told).toEqual(["a", "a", "a", "a", "b"]);
  nth = 1;
  await expect(openaiModel({ baseUrl }).list()).rejects.toMatchObject({ code: "model_failed" });
  nth = 1;
  expect(await openaiModel({ baseUrl, ids: ["c"] }).list()).toMatchObject([{ id: "c" }]);
  await model.close();
  server.close();
  server.closeAllConnections();
});
