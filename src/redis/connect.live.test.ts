import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { liveTest } from "../../test/live.ts";
import { startRefusingServer } from "../../test/refusing-server.ts";
import { freePort, ownServer } from "../../test/servers.ts";
import { connect } from "./index.ts";

describe("capabilities", () => {
  liveTest("name the engine and what it can do", async ({ redis }) => {
    const kind = inject("redisKind");
    expect(await redis.capabilities()).toMatchObject({
      engine: kind.replace(/\d+/, ""),
      version: expect.stringMatching(new RegExp(`^${kind.replace(/\D+/, "")}\\.`)),
      vectorSets: kind === "redis8" ? "yes" : "no",
      cluster: "no",
    });
  });

  liveTest("are unknown, and no error, for a user who may not ask", async ({ redis, unique }) => {
    await redis.send(["ACL", "SETUSER", unique, "on", ">secret", "~*", "&*", "+get", "+ping", "+hello", "+client"]);
    const url = inject("redisUrl").replace("unix://", `unix://${unique}:secret@`);
    for (const [rights, engine] of [
      ["-info", "unknown"],
      ["+info", inject("redisKind").replace(/\d+/, "")],
    ] as const) {
      await redis.send(["ACL", "SETUSER", unique, rights]);
      const narrow = await connect(url);
      expect(await narrow.capabilities()).toMatchObject({ engine, vectorSets: "unknown", search: "unknown" });
      await narrow.close();
    }
    await redis.send(["ACL", "DELUSER", unique]);
  });

  liveTest("are refused with their own code for a wrong password", async ({ unique }) => {
    const wrong = connect(inject("redisUrl").replace("unix://", `unix://${unique}:wrong@`), {
      connectTimeoutMs: 1_000,
    });
    await expect(wrong).rejects.toMatchObject({ code: "redis_denied" });
  });
});

describe("a connection over TLS", () => {
  const openssl = spawnSync("openssl", ["version"]).status === 0;

  it.skipIf(!openssl)("is made and checked against the authorities of the process", async () => {
    const directory = mkdtempSync(join(tmpdir(), "marrow-tls-"));
    const [key, certificate] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", key, "-out", certificate, ...subject],
      { stdio: "ignore" },
    );
    const tlsPort = await freePort();
    const files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate];
    const server = await ownServer(inject("redisBinary"), [
      "--tls-port",
      String(tlsPort),
      ...files,
      "--tls-auth-clients",
      "no",
    ]);
    await server.start();
    const url = `rediss://localhost:${tlsPort}`;
    await expect(connect(url, { connectTimeoutMs: 1_000 })).rejects.toMatchObject({ code: "unavailable" });
    const script = `import { connect } from ${JSON.stringify(import.meta.resolve("./index.ts"))};
      const redis = await connect(${JSON.stringify(url)}); console.log(await redis.send(["PING"])); await redis.close();`;
    const trusting = spawnSync(process.execPath, ["--conditions=@marrow/source", "--input-type=module", "-e", script], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
    });
    expect(String(trusting.stdout).trim()).toBe("PONG");
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });
});

describe("connecting", () => {
  it("names host and cause when nobody answers, and no password", async () => {
    const failed = connect("redis://user:secret-word@127.0.0.1:1/0", { connectTimeoutMs: 100 });
    await expect(failed).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/at 127\.0\.0\.1:1.*ECONNREFUSED/) as string,
    });
    await expect(failed).rejects.not.toThrow(/secret-word/);
    const unknown = connect("redis://nowhere.invalid:6379", { connectTimeoutMs: 2_000 });
    await expect(unknown).rejects.toThrow(/nowhere\.invalid:6379.*(ENOTFOUND|EAI_AGAIN)/);
  });

  it("may start while Redis is away, tells why once, and finds it when it is there", async () => {
    const server = await ownServer(inject("redisBinary"));
    const heard: (string | undefined)[] = [];
    const redis = await connect(server.url, { whenAway: "start", onConnection: (lost) => heard.push(lost) });
    await expect(redis.send(["PING"])).rejects.toMatchObject({
      code: "unavailable",
      details: { state: "unreachable" },
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(heard).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+: .*ECONNREFUSED/)]);
    await server.start();
    await expect.poll(() => redis.send(["PING"]).catch(() => "away")).toBe("PONG");
    expect(heard.at(-1)).toBeUndefined();
    await server.kill();
    await expect.poll(() => heard.length).toBeGreaterThan(2);
    await redis.close();
    await server.stop();
  });

  it.each([
    ["refuses PING after a failed snapshot", "MISCONF Errors writing to the AOF file: No space left on device"],
    ["runs a script", "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."],
  ])("succeeds with a server that %s: it is there", async (_, error) => {
    const server = await startRefusingServer(inject("redisUrl"));
    server.refuse(error);
    const redis = await connect(server.url, { commandTimeoutMs: 200 });
    await expect(redis.send(["SET", "a", "1"])).rejects.toMatchObject({ code: "unavailable" });
    await redis.close();
    await server.close();
  });
});
