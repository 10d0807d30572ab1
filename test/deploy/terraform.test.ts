import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { environmentNames } from "./promises.ts";
import { DATA, META, RESOURCES, type Arguments } from "./terraform-arguments.ts";

// Imported, its types would bring the browser's globals into the whole project.
const require = createRequire(import.meta.url);
const { parse } = require("@cdktf/hcl2json") as { parse: (file: string, text: string) => Promise<unknown> };

const ROOT = "deploy/terraform";
const files = globSync(`${ROOT}/**/*.tf`).toSorted();
const MODULES = ["azure", "elasticache", "gateway-ecs", "memorydb", "memorystore", "redis-cloud"];

/** HCL as its parser gives it: blocks are lists below their labels. */
type Hcl = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
const parsed = new Map<string, Hcl>();
beforeAll(async () => {
  for (const file of files) parsed.set(file, (await parse(file, readFileSync(file, "utf8"))) as Hcl);
});

/** All that the files of a directory say of one kind of block: label to bodies. */
function blocksOf(directory: string, kind: string): [label: string, body: Body][] {
  const texts = files
    .filter((file) => file.startsWith(`${ROOT}/${directory}/`))
    .map((file) => parsed.get(file)?.[kind]);
  return texts.flatMap((text) => Object.entries(text ?? {}) as [string, Body][]);
}
type Body = Readonly<Record<string, unknown>>[] & Readonly<Record<string, readonly Record<string, unknown>[]>>;

const bodyOf = (directory: string, kind: string, label: string) =>
  blocksOf(directory, kind).find(([name]) => name === label)?.[1][0] ?? {};
const resource = (directory: string, type: string): Readonly<Record<string, unknown>> => {
  const named = blocksOf(directory, "resource").find(([name]) => name === type)?.[1]["this"];
  return named?.[0] ?? {};
};

/** Names that a block has and the table has not. */
function unknownNames(block: object, table: Arguments, path: string): string[] {
  return Object.entries(block).flatMap(([name, value]: [string, unknown]) => {
    if (name === "dynamic")
      return Object.entries(value as Record<string, { content: object[] }[]>).flatMap(([inner, [body]]) =>
        unknownNames({ [inner]: body?.content }, table, path),
      );
    const known = table[name] ?? (path.split(".").length === 1 ? META[name] : undefined);
    if (known === undefined) return [`${path}.${name}`];
    if (known === true || !Array.isArray(value)) return [];
    return value.flatMap((one: object) => unknownNames(one, known, `${path}.${name}`));
  });
}

describe("the Terraform modules", () => {
  it("are all there, each with an example that calls it", () => {
    const directories = new Set(files.map((file) => file.slice(ROOT.length + 1).split("/")[0]));
    expect(directories).toEqual(new Set([...MODULES, "examples"]));
    for (const name of MODULES) {
      const sources = blocksOf(`examples/${name}`, "module").map(([, [body]]) => body?.["source"]);
      expect(sources).toContain(`../../${name}`);
    }
  });

  it("name no argument that their providers do not have", () => {
    const wrong = files.flatMap((file) =>
      (["resource", "data"] as const).flatMap((kind) =>
        Object.entries(parsed.get(file)?.[kind] ?? {}).flatMap(([type, named]) => {
          const table = (kind === "resource" ? RESOURCES : DATA)[type];
          if (table === undefined || table === true) return [`${file}: ${type} is in no table`];
          return Object.values(named as Record<string, object[]>).flatMap(([block]) =>
            unknownNames(block ?? {}, table, type),
          );
        }),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it("would be told of an argument that a provider does not have", async () => {
    const text =
      'resource "aws_memorydb_acl" "x" {\n  name = "a"\n  user_name = ["b"]\n  lifecycle {\n    never = 1\n  }\n}\n';
    const { resource: found } = (await parse("x.tf", text)) as {
      resource: { aws_memorydb_acl: { x: object[] } };
    };
    const [block] = found.aws_memorydb_acl.x;
    expect(unknownNames(block ?? {}, RESOURCES["aws_memorydb_acl"] as Arguments, "acl")).toEqual([
      "acl.lifecycle.never",
      "acl.user_name",
    ]);
  });

  it("use every variable that they declare, and declare every one that they use", () => {
    for (const name of MODULES) {
      const declared = blocksOf(name, "variable").map(([variable]) => variable);
      const used = files
        .filter((file) => file.startsWith(`${ROOT}/${name}/`))
        .flatMap((file) => [...readFileSync(file, "utf8").matchAll(/\bvar\.(\w+)/g)].map(([, one]) => one));
      expect(new Set(used)).toEqual(new Set(declared));
    }
  });

  it("describe every variable and output, and keep secrets out of what is shown", () => {
    for (const name of MODULES)
      for (const kind of ["variable", "output"])
        for (const [label] of blocksOf(name, kind)) {
          const { description, sensitive } = bodyOf(name, kind, label);
          expect(description).toMatch(/\.$/);
          if (/password|token|secrets$/.test(label)) expect(sensitive).toBe(true);
        }
  });

  it("are given every variable without a default by their examples, and none that they do not know", () => {
    for (const name of MODULES)
      for (const [, [call]] of blocksOf(`examples/${name}`, "module")) {
        const { source, ...given } = call ?? {};
        const called = String(source).split("/").at(-1) ?? "";
        const declared = blocksOf(called, "variable").map(([variable]) => variable);
        const required = declared.filter((variable) => !("default" in bodyOf(called, "variable", variable)));
        expect(Object.keys(given).filter((variable) => !declared.includes(variable))).toEqual([]);
        expect(required.filter((variable) => !(variable in given))).toEqual([]);
      }
  });

  it("pin their providers to a range, and Terraform to a lower bound", () => {
    for (const name of MODULES) {
      const text = readFileSync(`${ROOT}/${name}/versions.tf`, "utf8");
      expect(text).toMatch(/required_version = ">= 1\.\d+\.\d+"/);
      expect(text).toMatch(/version = ">= \d+\.\d+\.\d+, < \d+\.0\.0"/);
    }
  });

  it("tell Marrow where Redis is by variables that it reads", () => {
    const known = environmentNames();
    for (const name of MODULES.filter((one) => one !== "gateway-ecs")) {
      const told = bodyOf(name, "output", "marrow_environment")["value"] as Record<string, string>;
      expect(Object.keys(told).filter((variable) => !known(variable))).toEqual([]);
      expect(told["MARROW_REDIS_URL"]).toMatch(/^rediss(?:\+cluster)?:\/\//);
    }
  });
});

describe("what Marrow needs of a managed Redis", () => {
  it("is declared: encryption, a password, no eviction, search, what is kept on disk", () => {
    expect(resource("elasticache", "aws_elasticache_replication_group")).toMatchObject({
      engine: "valkey",
      transit_encryption_enabled: true,
      at_rest_encryption_enabled: true,
      auth_token: "${var.auth_token}",
    });
    expect(resource("elasticache", "aws_elasticache_parameter_group")["parameter"]).toEqual([
      { name: "maxmemory-policy", value: "noeviction" },
    ]);
    expect(resource("memorydb", "aws_memorydb_cluster")).toMatchObject({ num_shards: 1, tls_enabled: true });
    expect(resource("redis-cloud", "rediscloud_subscription_database")).toMatchObject({
      data_persistence: "aof-every-write",
      data_eviction: "noeviction",
      enable_tls: true,
    });
    expect(resource("azure", "azurerm_managed_redis")["default_database"]).toMatchObject([
      { eviction_policy: "NoEviction", client_protocol: "Encrypted", module: [{ name: "RediSearch" }] },
    ]);
    expect(resource("memorystore", "google_memorystore_instance")).toMatchObject({
      engine_configs: { "maxmemory-policy": "noeviction" },
      transit_encryption_mode: "SERVER_AUTHENTICATION",
    });
  });

  it("is reached over a private network: Redis Cloud is peered with AWS or Google, or linked, where it is asked for", () => {
    for (const [type, label, variable] of [
      ["rediscloud_subscription_peering", "aws", "aws_peering"],
      ["rediscloud_subscription_peering", "gcp", "gcp_peering"],
      ["rediscloud_private_link", "this", "private_link"],
    ] as const) {
      const body = blocksOf("redis-cloud", "resource").find(([name, named]) => name === type && label in named)?.[1];
      expect(body?.[label]?.[0]).toMatchObject({ count: `\${var.${variable} == null ? 0 : 1}` });
      expect(bodyOf("redis-cloud", "variable", variable)).toMatchObject({ default: null });
    }
  });

  it("is not deleted by a change: each of them is protected", () => {
    for (const [name, type] of [
      ["elasticache", "aws_elasticache_replication_group"],
      ["memorydb", "aws_memorydb_cluster"],
      ["redis-cloud", "rediscloud_subscription_database"],
      ["azure", "azurerm_managed_redis"],
    ] as const)
      expect(resource(name, type)["lifecycle"]).toMatchObject([{ prevent_destroy: true }]);
    expect(resource("memorystore", "google_memorystore_instance")["deletion_protection_enabled"]).toBe(true);
  });

  it("gives MemoryDB's user the rights that the documents name, no more", () => {
    const { access_string: rights } = (blocksOf("memorydb", "resource").find(
      ([type]) => type === "aws_memorydb_user",
    )?.[1]["marrow"]?.[0] ?? {}) as { access_string: string };
    const line = /^ACL SETUSER marrow on >PASSWORD (.*\+@pubsub.*)$/m.exec(readFileSync("docs/operations.md", "utf8"));
    const documented = (line?.[1] ?? "").replaceAll("marrow", "${var.app}");
    expect(rights).toBe(`on ${documented} +cluster +ft.create +ft.search`);
  });

  it("gives Fargate's tasks longer to stop than the gateway takes, and names programs and variables that Marrow has", () => {
    const text = readFileSync(`${ROOT}/gateway-ecs/main.tf`, "utf8");
    expect(text).toContain("drain_seconds = ceil((var.drain_delay_ms + var.drain_ms) / 1000)");
    expect(text).toContain("stopTimeout            = local.drain_seconds + 5");
    const { lifecycle } = resource("gateway-ecs", "aws_ecs_task_definition") as { lifecycle: object[] };
    expect(JSON.stringify(lifecycle)).toContain("local.drain_seconds + 5 <= 120");
    const known = environmentNames();
    const names = [...text.matchAll(/\b(MARROW_[A-Z_]+)\b/g)].map(([, name = ""]) => name);
    expect(names.filter((name) => !known(name))).toEqual([]);
  });
});

describe("the module gateway-ecs", () => {
  it("keeps healthy gateways while Redis is away: the load balancer asks /healthz, unless told otherwise", () => {
    const { health_check: [check] = [] } = resource("gateway-ecs", "aws_lb_target_group") as {
      health_check?: object[];
    };
    expect(check).toMatchObject({ path: "${var.health_path}" });
    expect(bodyOf("gateway-ecs", "variable", "health_path")["default"]).toBe("/healthz");
    expect(resource("gateway-ecs", "aws_ecs_service")["health_check_grace_period_seconds"]).toContain(
      "var.health_grace_seconds",
    );
  });

  it("mounts its scratch directory where the image declares one, which Fargate gives its mode", () => {
    const text = readFileSync(`${ROOT}/gateway-ecs/main.tf`, "utf8");
    const [, path = "?"] = /containerPath = "([^"]+)"/.exec(text) ?? [];
    const [, volumes = "[]"] = /^VOLUME (.*)$/m.exec(readFileSync("Dockerfile", "utf8")) ?? [];
    expect(JSON.parse(volumes)).toContain(path);
    expect(text).toContain("readonlyRootFilesystem = true");
  });

  it("scales gateways and workers, and lets nothing set their number back", () => {
    expect(resource("gateway-ecs", "aws_appautoscaling_target")).toMatchObject({ min_capacity: "${each.value.count}" });
    expect(resource("gateway-ecs", "aws_ecs_service")["lifecycle"]).toMatchObject([
      { ignore_changes: [expect.anything()] },
    ]);
  });

  it("may read the secrets that it names, encrypted by keys of one's own, too", () => {
    const text = readFileSync(`${ROOT}/gateway-ecs/main.tf`, "utf8");
    expect(text).toMatch(/actions   = \["kms:Decrypt"\]\s+resources = var\.kms_key_arns/);
    expect(text).toMatch(/resources = local\.secret_arns/);
  });
});

it("No variable's check asks for another variable, which Terraform before 1.9 refuses", () => {
  for (const name of MODULES)
    for (const [label] of blocksOf(name, "variable")) {
      const { validation = [] } = bodyOf(name, "variable", label) as { validation?: { condition: string }[] };
      for (const { condition } of validation)
        for (const [, asked] of condition.matchAll(/\bvar\.(\w+)/g))
          expect(`${name}: ${asked}`).toBe(`${name}: ${label}`);
    }
});

describe("the Terraform files", () => {
  it.each(files)("%s is formatted", (file) => {
    expect(misplaced(readFileSync(file, "utf8"))).toEqual([]);
  });

  const home = mkdtempSync(join(tmpdir(), "marrow-terraform-"));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it("are formatted as Terraform itself does it, where it is installed", () => {
    const config = join(home, "cli.tfrc");
    writeFileSync(config, "");
    expect(formatted(config)).toBe("");
  });
});

/** What `terraform fmt` would change; nothing where there is no Terraform. */
function formatted(config: string): string {
  try {
    const env = { ...process.env, TF_CLI_CONFIG_FILE: config };
    return String(execFileSync("terraform", ["fmt", "-check", "-recursive", ROOT], { env, stdio: "pipe" }));
  } catch (error) {
    const { code, stdout } = error as { code?: string; stdout?: Buffer };
    return code === "ENOENT" ? "" : String(stdout);
  }
}

/** Lines that are not indented by their brackets, or whose `=` does not stand below that of the line before. */
function misplaced(text: string): string[] {
  let depth = 0;
  let before: { readonly column: number; readonly indent: number } | undefined;
  return text.split("\n").filter((line) => {
    const code = line.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/^\s*#.*/, "");
    const opened = (code.match(/[{[(]/g) ?? []).length;
    const closed = (code.match(/[}\])]/g) ?? []).length;
    const indent = line.length - line.trimStart().length;
    const wanted = 2 * (depth - (/^\s*[}\])]/.test(code) ? 1 : 0));
    const isWrong = line !== "" && (indent !== Math.max(0, wanted) || /\s$|\t/.test(line));
    depth += Math.sign(opened - closed) * (opened === closed ? 0 : 1);
    const column = /^\s*\w+ *= /.test(code) && opened === closed ? code.indexOf("= ") : -1;
    const isRagged = column >= 0 && before?.indent === indent && before.column !== column;
    before = column < 0 ? undefined : { column, indent };
    return isWrong || isRagged;
  });
}
