import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readEnvironment } from "../../src/cli/surroundings.ts";
import { fromEnvironment, resolveConfig } from "../../src/gateway/operator.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { chartSchema } from "../../tools/write-chart-schema.ts";
import { createRenderer, documentsOf } from "./go-template.ts";
import { unknownIn } from "./kubernetes-kinds.ts";
import { cliCommands, environmentNames } from "./promises.ts";

const CHART = "deploy/helm/marrow";
const read = (file: string) => readFileSync(`${CHART}/${file}`, "utf8");
type Values = Record<string, unknown>;

const render = createRenderer(
  Object.fromEntries(globSync(`${CHART}/templates/*`).map((file) => [basename(file), readFileSync(file, "utf8")])),
);
const chart = parse(read("Chart.yaml")) as Record<string, string>;
const defaults = parse(read("values.yaml")) as Values;
const isValid = new Ajv({ strict: false }).compile(JSON.parse(read("values.schema.json")) as object);

/** Everything that the chart makes of some values. */
function rendered(values: Values = {}): readonly Manifest[] {
  const given = merged(defaults, values);
  if (!isValid(given)) throw new Error(JSON.stringify(isValid.errors));
  const data = {
    Values: given,
    Chart: { Name: chart["name"], Version: chart["version"], AppVersion: chart["appVersion"] },
    Release: { Name: "prod", Namespace: "ai", Service: "Helm" },
    Files: { "files/alerts.yaml": read("files/alerts.yaml") },
  };
  return globSync(`${CHART}/templates/*.yaml`)
    .toSorted()
    .flatMap((file) => documentsOf(render(basename(file), data)) as unknown as Manifest[]);
}

function merged(base: Values, over: Values): Values {
  const isMap = (value: unknown): value is Values =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const all = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const before = all[name];
    all[name] = isMap(value) && isMap(before) ? merged(before, value) : value;
  }
  return all;
}

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly securityContext: object;
  readonly image: string;
  readonly volumeMounts: readonly { readonly mountPath: string }[];
  readonly livenessProbe?: { readonly exec?: { readonly command: readonly string[] } };
}
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas?: number;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations: object };
      readonly spec: {
        readonly containers: readonly Container[];
        readonly terminationGracePeriodSeconds: number;
        readonly enableServiceLinks?: boolean;
        readonly volumes: readonly object[];
      };
    };
  };
}

const small = { redis: { url: "redis://redis:6379" } };
const full = {
  image: { repository: "example.com/ai/marrow", tag: "0.2.0", pullSecrets: [{ name: "pull" }] },
  redis: {
    url: "rediss://cache.example.com:6379",
    passwordSecret: { name: "redis", key: "password" },
    usernameSecret: { name: "redis", key: "user" },
    caSecret: { name: "redis-ca", key: "ca.crt" },
  },
  cacheRedis: { urlSecret: { name: "cache-redis", key: "url" } },
  upstream: { url: "https://api.openai.com/v1", keySecret: { name: "openai", key: "key" } },
  config: { defaultPlan: "free", plans: { free: { requestsPerMinute: 100 } } },
  extraEnv: [{ name: "MARROW_LOG_LEVEL", value: "info" }],
  serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/marrow" } },
  podAnnotations: { "example.com/team": "ai" },
  podLabels: { tier: "web" },
  nodeSelector: { "kubernetes.io/arch": "amd64" },
  tolerations: [{ key: "spot", operator: "Exists", effect: "NoSchedule" }],
  affinity: { nodeAffinity: {} },
  gateway: {
    background: true,
    service: { annotations: { "service.beta.kubernetes.io/aws-load-balancer-type": "nlb" } },
    autoscaling: { enabled: true, requestsPerSecond: 200 },
  },
  worker: { autoscaling: { enabled: true, jobsWaiting: 50 } },
  networkPolicy: { from: [{ namespaceSelector: { matchLabels: { team: "ai" } } }] },
  serviceMonitor: { enabled: true, labels: { release: "prometheus" } },
  prometheusRule: { enabled: true, labels: { release: "prometheus" }, runbookUrl: "https://wiki.example.com/marrow" },
  upstreamKeys: { name: "upstream-keys" },
  ingress: {
    enabled: true,
    className: "nginx",
    annotations: { "nginx.ingress.kubernetes.io/proxy-buffering": "off" },
    host: "llm.example.com",
    tlsSecret: "llm-tls",
  },
};
const both = [
  ["few values", small],
  ["every value", full],
] as const;
const deployments = (values: Values) => rendered(values).filter(({ kind }) => kind === "Deployment");
const containers = (values: Values) => deployments(values).flatMap(({ spec }) => spec.template.spec.containers);

describe("the Helm chart", () => {
  it.each(both)("renders manifests that Kubernetes' schemas know every field of: with %s", (_, values) => {
    const manifests = rendered(values);
    expect(manifests.length).toBeGreaterThanOrEqual(7);
    for (const manifest of manifests) {
      expect(unknownIn(manifest, manifest.kind)).toEqual([]);
    }
  });

  it("would be told of a field that Kubernetes does not know", () => {
    const [deployment] = deployments(small);
    const wrong = structuredClone(deployment) as unknown as { spec: Record<string, unknown> };
    wrong.spec["replica"] = 2;
    expect(unknownIn(wrong, "Deployment")).toEqual(["/spec/replica"]);
    const text = structuredClone(deployment) as unknown as { spec: Record<string, unknown> };
    text.spec["replicas"] = "two";
    expect(() => unknownIn(text, "Deployment")).toThrow(/integer/);
  });

  it.each(both)("starts programs by commands and variables that Marrow knows: with %s", (_, values) => {
    const known = environmentNames();
    for (const { args, env } of containers(values)) {
      expect(cliCommands()).toContain(args[0]);
      expect(env.map(({ name }) => name).filter((name) => !known(name))).toEqual([]);
      expect(new Set(env.map(({ name }) => name)).size).toBe(env.length);
    }
  });

  it("lets no Service set variables of its pods, and says the port itself", () => {
    const services = rendered(small).filter(({ kind }) => kind === "Service");
    expect(services.map(({ metadata }) => metadata.name)).toContain("prod-marrow");
    for (const { spec } of deployments(small)) expect(spec.template.spec.enableServiceLinks).toBe(false);
    for (const { env } of containers(small)) expect(env).toContainEqual({ name: "MARROW_PORT", value: "8080" });
    // And where links are on all the same, as in a manifest of one's own, they change nothing.
    const named = { MARROW_PORT: "tcp://10.0.0.7:80", MARROW_SERVICE_PORT: "80", MARROW_PORT_80_TCP_ADDR: "10.0.0.7" };
    expect(resolveConfig(fromEnvironment(readEnvironment(named))).port).toBe(8080);
  });

  it("gives pods longer to stop than the gateway takes", () => {
    for (const drain of [
      { delayMs: 5_000, boundMs: 20_000 },
      { delayMs: 0, boundMs: 0 },
      { delayMs: 299_999, boundMs: 3_600_000 },
    ])
      for (const { spec } of deployments({ ...small, drain }))
        expect(1_000 * spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(
          drain.delayMs + drain.boundMs + 3_000,
        );
  });

  it("gives its programs no rights, and puts a configuration in place that Marrow takes", () => {
    for (const { securityContext } of containers(full))
      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
      });
    const config = rendered(full).find(({ kind }) => kind === "ConfigMap")?.data?.["marrow.config.json"] ?? "";
    expect(resolveConfig(JSON.parse(config))).toMatchObject({ defaultPlan: "free" });
  });

  it("takes every secret by reference: none stands in a manifest", () => {
    for (const { env } of containers(full)) {
      const secrets = env.filter(({ name }) => /PASSWORD|USERNAME|_KEY$|CACHE_REDIS_URL/.test(name));
      expect(secrets).toHaveLength(4);
      for (const { value, valueFrom } of secrets)
        expect([value, Object.keys(valueFrom ?? {})]).toEqual([undefined, ["secretKeyRef"]]);
    }
  });

  it("selects its own pods, gateways and workers apart, and rolls them when the configuration changes", () => {
    const [gateway, worker] = deployments(full);
    for (const { spec } of [gateway, worker] as Manifest[])
      expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
    expect(gateway?.spec.selector).not.toEqual(worker?.spec.selector);
    const changed = deployments({ ...full, config: { defaultPlan: "free", plans: { free: {} } } });
    expect(changed[0]?.spec.template.metadata.annotations).not.toEqual(gateway?.spec.template.metadata.annotations);
  });

  it("leaves the number of replicas to the autoscaler where there is one", () => {
    expect(deployments(small).map(({ spec }) => spec.replicas)).toEqual([2, 1]);
    expect(deployments(full).map(({ spec }) => spec.replicas)).toEqual([undefined, undefined]);
    const scaled = rendered(full).filter(({ kind }) => kind === "HorizontalPodAutoscaler");
    expect(scaled.map(({ metadata }) => metadata.name)).toEqual(["prod-marrow-gateway", "prod-marrow-worker"]);
  });

  const portsOf = (values: Values) => {
    const policy = rendered(values).find(({ kind }) => kind === "NetworkPolicy") as unknown as {
      spec: { egress: { ports: { port: number }[] }[] };
    };
    return policy.spec.egress[1]?.ports.map(({ port }) => port).toSorted((one, other) => one - other);
  };

  it.each([
    [{ redis: { url: "redis://redis" } }, [443, 6379]],
    [{ redis: { url: "rediss://cache.example.com:7443/0" } }, [443, 7443]],
    [{ redis: { url: "redis+cluster://a:7000,b:7001,c:7000" } }, [443, 7000, 7001]],
    [{ redis: { url: "redis+sentinel://a,b:26380/master" } }, [443, 6379, 26379, 26380]],
    [{ redis: { url: "redis://redis:6379" }, upstream: { url: "http://vllm:8000/v1" } }, [443, 6379, 8000]],
    [{ redis: { url: "redis://redis:6379" }, upstream: { url: "http://vllm/v1" } }, [80, 443, 6379]],
    [{ redis: { url: "redis://r" }, networkPolicy: { redisPorts: [6380], egressPorts: [] } }, [6379, 6380]],
    [
      { ...small, config: { upstreams: [{ baseUrl: "https://a:8443/v1" }, { baseUrl: "https://b/v1" }] } },
      [443, 6379, 8443],
    ],
  ])("lets its pods reach the ports that its URLs name: %j", (values, ports) => {
    expect(portsOf(values)).toEqual(ports);
  });

  it("takes the certificate of Redis' authority from a secret or a config map, and keys of upstreams as files", () => {
    const volumes = (values: Values) => deployments(values)[0]?.spec.template.spec.volumes;
    expect(volumes(full)).toContainEqual({ name: "ca", secret: { secretName: "redis-ca" } });
    expect(volumes(full)).toContainEqual({ name: "upstream-keys", secret: { secretName: "upstream-keys" } });
    const mapped = { redis: { ...small.redis, caConfigMap: { name: "authorities", key: "redis.pem" } } };
    expect(volumes(mapped)).toContainEqual({ name: "ca", configMap: { name: "authorities" } });
    for (const { env } of containers(mapped))
      expect(env).toContainEqual({ name: "MARROW_REDIS_CA_FILE", value: "/etc/marrow-ca/redis.pem" });
    for (const { volumeMounts } of containers(full))
      expect(volumeMounts.map(({ mountPath }) => mountPath)).toEqual(
        expect.arrayContaining(["/etc/marrow-ca", "/etc/marrow-keys"]),
      );
  });

  it("names an image by its digest where there is one", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    for (const { image } of containers({ ...small, image: { digest } })) expect(image).toBe(`marrow@${digest}`);
  });

  it("asks a worker whether it lives by a command that the CLI has", () => {
    const [, worker] = deployments(small);
    const { command } = worker?.spec.template.spec.containers[0]?.livenessProbe?.exec ?? { command: [] };
    expect(command.slice(0, 2)).toEqual(["marrow", "health"]);
    const [health] = COMMANDS.get("health")?.acts.values() ?? [];
    expect([...(health?.flags.keys() ?? [])]).toContain(String(command[2]).replace("--", ""));
  });

  it("has the alerts of deploy/prometheus, for the job that its ServiceMonitor gives whatever the chart's names are", () => {
    expect(read("files/alerts.yaml")).toBe(readFileSync("deploy/prometheus/alerts.yaml", "utf8"));
    const named = rendered({ ...full, nameOverride: "llm" });
    const text = JSON.stringify(named.find(({ kind }) => kind === "PrometheusRule"));
    expect(text).toContain("https://wiki.example.com/marrow#marrowgatewaydown");
    expect(text).toContain("absent(up{job=");
    const jobs = [...read("files/alerts.yaml").matchAll(/job="([^"]+)"/g)].map(([, job]) => job);
    const monitor = JSON.stringify(named.find(({ kind }) => kind === "ServiceMonitor"));
    for (const job of jobs) expect(monitor).toContain(`{"targetLabel":"job","replacement":"${job}"}`);
  });

  it("opens no Ingress unless asked for one", () => {
    expect(rendered(small).map(({ kind }) => kind)).not.toContain("Ingress");
  });

  it.each([
    ["minReplicas", { gateway: { autoscaling: { minReplicas: 5, maxReplicas: 2 } } }],
    ["minReplicas", { worker: { autoscaling: { minReplicas: 5, maxReplicas: 2 } } }],
    ["may not both", { redis: { ...small.redis, urlSecret: { name: "redis" } } }],
    ["may not both", { redis: { ...small.redis, caSecret: { name: "a" }, caConfigMap: { name: "b" } } }],
  ])("renders nothing of values that do not fit one another: %s", (message, values) => {
    expect(() => rendered(merged(small, values))).toThrow(message);
  });

  it("has the version of the package", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect([chart["version"], chart["appVersion"]]).toEqual([version, version]);
  });
});

describe("the chart's values", () => {
  it.each([
    ["a name that is not known", { gatway: {} }],
    ["a number of the wrong kind", { gateway: { replicas: "two" } }],
    ["a password in the URL of Redis", { redis: { url: "redis://user:word@redis:6379" } }],
    ["a secret without a key", { upstream: { keySecret: { name: "openai", key: "" } } }],
    ["a delay beyond Marrow's bound", { drain: { delayMs: 300_001 } }],
    ["a password in the query of Redis' URL", { redis: { url: "redis://redis:6379?password=word" } }],
    ["a key in the URL of an upstream", { upstream: { url: "https://a/v1?api-key=word" } }],
    ["a key in the configuration", { config: { upstreams: [{ baseUrl: "https://a/v1", apiKey: "sk-word" }] } }],
    ["a key in a header", { config: { upstreams: [{ baseUrl: "https://a/v1", headers: { "X-Api-Key": "word" } }] } }],
    [
      "a key in a header of another case",
      { config: { upstreams: [{ baseUrl: "https://a/v1", headers: { API_KEY: "word" } }] } },
    ],
    ["a key in a URL of another case", { upstream: { url: "https://a/v1?Api-Key=word" } }],
    ["a password in an address", { config: { upstreams: [{ baseUrl: "https://user:word@a/v1" }] } }],
    ["a key of the embedder", { config: { embedder: { kind: "openai", apiKey: "sk-word" } } }],
    ["a secret as a variable", { extraEnv: [{ name: "MARROW_UPSTREAM_KEY", value: "sk-word" }] }],
    ["a drain that the grace period does not know", { extraEnv: [{ name: "MARROW_DRAIN_MS", value: "3600000" }] }],
    ["a drain in the configuration", { config: { drainMs: 3_600_000 } }],
    ["a field that the configuration has not", { config: { defaultPlam: "free" } }],
    ["a field deep in it that it has not", { config: { cache: { entriesMaxx: 1 } } }],
    ["a name that is no DNS label", { fullnameOverride: "Marrow_Prod" }],
    ["a name that begins with a digit", { nameOverride: "1marrow" }],
    ["a secret's name that is none", { redis: { passwordSecret: { name: "Redis Secret" } } }],
    ["a repository with a tag", { image: { repository: "example.com/marrow:latest" } }],
    ["a repository that is blank", { image: { repository: " " } }],
    ["a tag with blanks", { image: { tag: "1 2" } }],
    ["a digest that is none", { image: { digest: "sha256:abc" } }],
    ["more than all pods gone", { gateway: { disruptionBudget: { maxUnavailable: "150%" } } }],
    ["an interval of nothing", { serviceMonitor: { interval: "0s" } }],
    ["a label that selects pods", { podLabels: { "app.kubernetes.io/name": "other" } }],
    ["a label's value that is none", { podLabels: { team: "a b" } }],
    ["an Ingress without a host", { ingress: { enabled: true } }],
    ["a port that is none", { networkPolicy: { egressPorts: [0] } }],
  ])("are refused with %s", (_, wrong) => {
    expect(isValid(merged(defaults, wrong))).toBe(false);
  });

  it("name where Redis is, or nothing is rendered", () => {
    expect(() => rendered()).toThrow("redis.url or redis.urlSecret.name is needed");
  });

  it.each([
    ["a registry with a port", { image: { repository: "localhost:5000/ai/marrow" } }],
    [
      "the key of an upstream as a file",
      { config: { upstreams: [{ baseUrl: "https://a/v1?api-version=1", apiKeyFile: "/etc/marrow-keys/a" }] } },
    ],
    [
      "a secret variable by reference",
      { extraEnv: [{ name: "MY_TOKEN", valueFrom: { secretKeyRef: { name: "a", key: "b" } } }] },
    ],
  ])("are taken with %s", (_, right) => {
    expect([isValid(merged(defaults, right)), isValid.errors]).toEqual([true, null]);
  });

  it("of the configuration are those that the gateway knows: npm run chart:schema writes them", () => {
    const schema = read("values.schema.json");
    expect(JSON.parse(schema)).toEqual(JSON.parse(chartSchema(schema)));
    // Helm reads patterns as Go does, which cannot look ahead or behind.
    expect(schema).not.toMatch(/\(\?[=!<]/);
  });

  it("are each described by the schema, with its default", () => {
    expect(isValid(defaults)).toBe(true);
    const { properties } = JSON.parse(read("values.schema.json")) as { properties: object };
    expect(new Set(Object.keys(properties))).toEqual(new Set([...Object.keys(defaults), "global"]));
  });
});
