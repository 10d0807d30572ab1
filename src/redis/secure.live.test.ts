import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis as Client } from "ioredis";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { freePort, ownServer, startSentinel, until, type OwnServer } from "../../test/servers.ts";
import { connect, type ConnectOptions, type Credentials } from "./index.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

async function opened(url: string, options: ConnectOptions = {}) {
  const redis = await connect(url, { connectTimeoutMs: 3_000, ...options });
  onTestFinished(() => redis.close());
  return redis;
}

const failureOf = (url: string, options: ConnectOptions = {}) =>
  connect(url, { connectTimeoutMs: 700, ...options }).then(
    () => undefined,
    (error: Error) => error,
  );

async function started(...args: string[]): Promise<OwnServer> {
  const server = await ownServer(inject("redisBinary"), args);
  await server.start();
  onTestFinished(() => server.stop());
  return server;
}

async function adminOf(server: OwnServer): Promise<Client> {
  const admin = new Client(server.port, "127.0.0.1");
  onTestFinished(() => admin.disconnect());
  return admin;
}

describe.skipIf(!hasOpenssl)("a connection over TLS", () => {
  let directory: string;
  let server: OwnServer;
  let tlsPort: number;
  const at = (name: string) => join(directory, name);
  const url = () => `rediss://127.0.0.1:${tlsPort}`;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "marrow-tls-"));
    const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory, stdio: "ignore" });
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-days",
      "30",
      "-subj",
      "/CN=test authority",
    );
    for (const name of ["server", "client"]) {
      openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
      writeFileSync(at(`${name}.ext`), "subjectAltName=DNS:cache.internal\n");
      const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", `${name}.ext`];
      openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.crt`, ...signed);
    }
    tlsPort = await freePort();
    const files = ["--tls-cert-file", at("server.crt"), "--tls-key-file", at("server.key")];
    const ca = ["--tls-ca-cert-file", at("ca.crt"), "--tls-auth-clients", "yes"];
    server = await ownServer(inject("redisBinary"), ["--tls-port", String(tlsPort), ...files, ...ca]);
    await server.start();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const full = () => ({
    ca: { file: at("ca.crt") },
    cert: { file: at("client.crt") },
    key: { file: at("client.key") },
    serverName: "cache.internal",
  });

  it.each(["rediss", "valkeys"])(
    "takes authority, client certificate and server name from files (%s)",
    async (scheme) => {
      const redis = await opened(`${scheme}://127.0.0.1:${tlsPort}`, { tls: full() });
      expect(await redis.send(["PING"])).toBe("PONG");
      const line = await redis.dedicate();
      expect(await line.send(["PING"])).toBe("PONG");
      await line.close();
    },
  );

  it("says that the server's certificate is not trusted, or bears another name", async () => {
    const { serverName: _, ...unnamed } = full();
    const { ca: __, ...unsigned } = full();
    expect(await failureOf(url(), { tls: unnamed })).toMatchObject({
      code: "unavailable",
      message: /altnames|does not match/,
    });
    expect(await failureOf(url(), { tls: unsigned })).toMatchObject({ code: "unavailable", message: /certificate/ });
  });

  it("says which file cannot be read, and refuses half a pair", async () => {
    const missing = { ...full(), ca: { file: at("absent.crt") } };
    expect(await failureOf(url(), { tls: missing })).toMatchObject({
      code: "invalid_option",
      message: /absent\.crt: ENOENT/,
    });
    const { key: _, ...half } = full();
    expect(await failureOf(url(), { tls: half })).toMatchObject({ code: "invalid_option", details: { path: "tls" } });
  });
});

describe("a connection's credentials", () => {
  it.each(["p:a:s@s", "50%", "%41", "a/b?c=d#e", "ünï code", "@", ":", "%zz%25", "https://x:y@z/0"])(
    "may hold any character, as they are and percent-encoded: %s",
    async (password) => {
      const server = await started();
      const admin = await adminOf(server);
      await admin.acl("SETUSER", "o:p@x", "on", `>${password}`, "~*", "+@all");
      const user = encodeURIComponent("o:p@x");
      const coded = await opened(`redis://${user}:${encodeURIComponent(password)}@127.0.0.1:${server.port}`);
      expect(await coded.send(["ACL", "WHOAMI"])).toBe("o:p@x");
      // A code that is meant as it stands must be encoded: nobody can tell it from a code otherwise.
      if (!/%[0-9A-Fa-f]{2}/.test(password))
        expect(await (await opened(`redis://${user}:${password}@127.0.0.1:${server.port}/0`)).send(["PING"])).toBe(
          "PONG",
        );
      const given = await opened(`redis://127.0.0.1:${server.port}`, { username: "o:p@x", password });
      expect(await given.send(["PING"])).toBe("PONG");
    },
  );

  it("come from a provider at each connection, and at each reconnection after the last ones ended", async () => {
    const server = await started();
    const admin = await adminOf(server);
    let asked = 0;
    const credentials = async (): Promise<Credentials> => {
      asked += 1;
      await admin.acl("SETUSER", "token", "on", "resetpass", `>${asked}`, "~*", "&*", "+@all");
      return { username: "token", password: String(asked) };
    };
    const redis = await opened(`redis://127.0.0.1:${server.port}`, { credentials });
    expect(await redis.send(["ACL", "WHOAMI"])).toBe("token");
    const before = asked;
    await admin.call("CLIENT", "KILL", "USER", "token");
    await until(async () => (await redis.send(["PING"]).catch(() => "")) === "PONG", "the reconnection");
    expect(asked).toBeGreaterThan(before);
    const line = await redis.dedicate();
    expect(await line.send(["ACL", "WHOAMI"], { timeoutMs: 5_000 })).toBe("token");
    await line.close();
  });

  it("are renewed on an open connection before they end", async () => {
    const server = await started();
    const admin = await adminOf(server);
    let asked = 0;
    const credentials = async (): Promise<Credentials> => {
      asked += 1;
      const username = `token${Math.min(asked, 4)}`;
      await admin.acl("SETUSER", username, "on", ">secret", "~*", "+@all");
      return { username, password: "secret", endsAtMs: Date.now() + 1_200 };
    };
    const redis = await opened(`redis://127.0.0.1:${server.port}`, { credentials });
    const first = await redis.send(["ACL", "WHOAMI"]);
    const id = await redis.send(["CLIENT", "ID"]);
    await until(async () => (await redis.send(["ACL", "WHOAMI"])) !== first, "new credentials");
    expect(await redis.send(["CLIENT", "ID"])).toBe(id);
  });

  it("that a provider cannot make are an error that says so, and its reason is the cause", async () => {
    const failure = await failureOf("redis://127.0.0.1:1", {
      credentials: () => Promise.reject(new Error("the metadata service is away")),
    });
    expect(failure).toMatchObject({ code: "redis_denied", cause: { message: "the metadata service is away" } });
  });

  it("are told apart from a server that is away, whose reason is told without them", async () => {
    expect(await failureOf("redis://u:hunter2@127.0.0.1:1")).toMatchObject({
      code: "unavailable",
      message: /ECONNREFUSED/,
    });
    expect(await failureOf("redis://u:hunter2@no-such-host.invalid")).toMatchObject({
      code: "unavailable",
      message: /ENOTFOUND|EAI_AGAIN/,
    });
    for (const kind of ["redis+sentinel", "redis+cluster"]) {
      const failure = await failureOf(`${kind}://u:hunter2@127.0.0.1:1/main`);
      expect(failure).toMatchObject({ code: "unavailable", message: /ECONNREFUSED/ });
      expect(`${failure?.message} ${JSON.stringify(failure)}`).not.toContain("hunter2");
    }
  });

  it("of sentinels are their own", async () => {
    const group = await startSentinel(inject("redisBinary"));
    onTestFinished(() => group.stop());
    const ports = [...group.url.matchAll(/:(\d+)/g)].map(([, port]) => Number(port));
    for (const port of ports) {
      const sentinel = new Client(port, "127.0.0.1");
      await sentinel.acl("SETUSER", "watcher", "on", ">s:e@c", "~*", "&*", "+@all");
      await sentinel.acl("SETUSER", "default", "off");
      sentinel.disconnect();
    }
    const redis = await opened(group.url, { sentinel: { username: "watcher", password: "s:e@c" } });
    expect(await redis.send(["PING"])).toBe("PONG");
    expect(await failureOf(group.url)).toMatchObject({ code: expect.stringMatching(/redis_denied|unavailable/) });
  });
});
