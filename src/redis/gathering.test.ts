import type { Redis as IoredisClient } from "ioredis";
import { describe, expect, test } from "vitest";
import { ioredisDriver } from "./from-ioredis.ts";

/** A client whose socket writes down what it is told. */
function recording() {
  const seen: string[] = [];
  const client = {
    status: "ready",
    on: () => client,
    stream: { cork: () => seen.push("cork"), uncork: () => seen.push("write") },
    sendCommand: async () => void seen.push("command"),
  };
  const driver = ioredisDriver(client as unknown as IoredisClient, { owned: false });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { seen, call: () => void driver.call(["PING"], false), turn };
}

describe("commands of one connection", () => {
  test("that are given in one moment leave in one write at its end", async () => {
    const { seen, call, turn } = recording();
    call();
    call();
    await new Promise((resolve) => process.nextTick(resolve));
    expect(seen).toEqual(["cork", "command", "command", "write"]);
    await turn();
  });

  test("leave at once when they come alone", async () => {
    const { seen, call, turn } = recording();
    call();
    await turn();
    await turn();
    seen.length = 0;
    call();
    expect(seen).toEqual(["command"]);
    await turn();
    expect(seen).toEqual(["command"]);
  });

  test("leave together at the end of a turn while turns have several moments", async () => {
    const { seen, call, turn } = recording();
    const moments = () => {
      setImmediate(call);
      setImmediate(call);
    };
    moments();
    await turn();
    await turn();
    seen.length = 0;
    moments();
    await turn();
    await turn();
    expect(seen.filter((one) => one === "command")).toHaveLength(2);
    expect(seen.filter((one) => one === "write")).toHaveLength(1);
  });

  test("are written sixteen at a time, so that the server begins with the first", async () => {
    const { seen, call, turn } = recording();
    for (let n = 0; n < 40; n += 1) call();
    await turn();
    expect(seen.filter((one) => one === "command")).toHaveLength(40);
    expect(seen.filter((one) => one === "write")).toHaveLength(3);
  });
});
