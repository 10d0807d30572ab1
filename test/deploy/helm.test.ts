import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { Ajv } from "ajv";
import { validate as isConfigMap } from "kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap";
import { validate as isDeployment } from "kubernetes-models/_schemas/IoK8sApiAppsV1Deployment";
import { validate as isHorizontalPodAutoscaler } from "kubernetes-models/_schemas/IoK8sApiAutoscalingV2HorizontalPodAutoscaler";
import { validate as isNetworkPolicy } from "kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy";
import { validate as isPodDisruptionBudget } from "kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget";
import { validate as isService } from "kubernetes-models/_schemas/IoK8sApiCoreV1Service";
import { validate as isServiceAccount } from "kubernetes-models/_schemas/IoK8sApiCoreV1ServiceAccount";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readEnvironment } from "../../src/cli/surroundings.ts";
import { fromEnvironment, resolveConfig } from "../../src/gateway/operator.ts";
import { createRenderer, documentsOf } from "./go-template.ts";
import { cliCommands, environmentNames } from "./promises.ts";
import { unknownFields } from "./unknown-fields.ts";

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
      };
    };
  };
}

interface Validator {
  (value: unknown): boolean;
  readonly errors?: unknown;
}

/** What the chart says of a ServiceMonitor, which is the Prometheus operator's: its schemas are too large for one use. */
function isServiceMonitor(value: unknown): boolean {
  const { apiVersion, kind, metadata, spec } = value as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const { jobLabel, selector, endpoints } = spec ?? {};
  const { matchLabels } = selector as { matchLabels: object };
  const named = Object.keys({ ...metadata, ...(metadata?.["labels"] as object), ...matchLabels }).length > 0;
  const [{ port, path, interval } = {}] = endpoints as Readonly<Record<string, unknown>>[];
  const texts = [apiVersion, kind, jobLabel, port, path, interval];
  return named && texts.every((text) => typeof text === "string");
}

/** Kubernetes' schema of each kind that the chart makes. */
const KINDS: Readonly<Record<string, Validator>> = {
  ConfigMap: isConfigMap,
  Deployment: isDeployment,
  HorizontalPodAutoscaler: isHorizontalPodAutoscaler,
  NetworkPolicy: isNetworkPolicy,
  PodDisruptionBudget: isPodDisruptionBudget,
  Service: isService,
  ServiceAccount: isServiceAccount,
  ServiceMonitor: isServiceMonitor,
};

/** Fields of a manifest that Kubernetes does not know. @throws Error for a value that is not of its field's type */
function unknownIn(manifest: object, kind: string): string[] {
  const validate = KINDS[kind];
  if (validate === undefined) throw new Error(`no schema for ${kind}`);
  return unknownFields(manifest, (watched) => {
    if (!validate(watched)) throw new Error(JSON.stringify(validate.errors));
  });
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
  ])("are refused with %s", (_, wrong) => {
    expect(isValid(merged(defaults, wrong))).toBe(false);
  });

  it("name where Redis is, or nothing is rendered", () => {
    expect(() => rendered()).toThrow("redis.url or redis.urlSecret.name is needed");
  });

  it("are each described by the schema, with its default", () => {
    expect(isValid(defaults)).toBe(true);
    const { properties } = JSON.parse(read("values.schema.json")) as { properties: object };
    expect(new Set(Object.keys(properties))).toEqual(new Set([...Object.keys(defaults), "global"]));
  });
});

describe("the renderer", () => {
  const renderOne = (template: string, data = { Values: { a: "x", list: [1, 2], none: "" } }) =>
    createRenderer({ t: template })("t", data);

  it.each([
    ["{{ .Values.a }}", "x"],
    ["{{ .Values.a | quote }}", '"x"'],
    ["a\n{{- if .Values.none }}\nb\n{{- else }}\nc\n{{- end }}", "a\nc"],
    ["{{ range .Values.list }}{{ . }},{{ end }}", "1,2,"],
    ['{{ $b := default "y" .Values.none }}{{ $b }}', "y"],
    ['{{ define "d" }}<{{ . }}>{{ end }}{{ include "d" .Values.a }}', "<x>"],
    ['{{ printf "%s-%s" .Values.a (include "d" "z") }}{{ define "d" }}{{ . }}{{ end }}', "x-z"],
    ["{{ add (div 7 2) 1 }}", "4"],
  ])("makes of %s", (template, wanted) => {
    expect(renderOne(template)).toBe(wanted);
  });

  it.each([
    ["{{ lookup 1 }}", "unknown function"],
    ["{{ .Values.b }}", "there is no .Values.b"],
    ["{{ if .Values.a }}", "not closed"],
    ["{{ end }}", "closes nothing"],
    ["{{ .Values.list }}", "no text"],
    ["{{ $c }}", "never set"],
  ])("refuses %s", (template, message) => {
    expect(() => renderOne(template)).toThrow(message);
  });
});
