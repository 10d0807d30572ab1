import { validate as isConfigMap } from "kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap";
import { validate as isDeployment } from "kubernetes-models/_schemas/IoK8sApiAppsV1Deployment";
import { validate as isHorizontalPodAutoscaler } from "kubernetes-models/_schemas/IoK8sApiAutoscalingV2HorizontalPodAutoscaler";
import { validate as isIngress } from "kubernetes-models/_schemas/IoK8sApiNetworkingV1Ingress";
import { validate as isNetworkPolicy } from "kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy";
import { validate as isPodDisruptionBudget } from "kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget";
import { validate as isService } from "kubernetes-models/_schemas/IoK8sApiCoreV1Service";
import { validate as isServiceAccount } from "kubernetes-models/_schemas/IoK8sApiCoreV1ServiceAccount";
import { unknownFields } from "./unknown-fields.ts";

interface Validator {
  (value: unknown): boolean;
  readonly errors?: unknown;
}

/** What the chart says of a ServiceMonitor, which is the Prometheus operator's: its schemas are too large for one use. */
function isServiceMonitor(value: unknown): boolean {
  const { apiVersion, kind, metadata, spec } = value as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const { selector, endpoints } = spec ?? {};
  const { matchLabels } = selector as { matchLabels: object };
  const named = Object.keys({ ...metadata, ...(metadata?.["labels"] as object), ...matchLabels }).length > 0;
  const [{ port, path, interval, relabelings } = {}] = endpoints as Readonly<Record<string, unknown>>[];
  const texts = [apiVersion, kind, port, path, interval, ...(relabelings as object[]).flatMap(Object.values)];
  return named && texts.every((text) => typeof text === "string");
}

/** What the chart says of a PrometheusRule, which is the Prometheus operator's, too. */
function isPrometheusRule(value: unknown): boolean {
  const { apiVersion, kind, metadata, spec } = value as PrometheusRule & { spec: { groups: PrometheusGroup[] } };
  const [{ name, rules } = { name: "", rules: [] }] = spec.groups;
  const texts = rules.flatMap((rule) => [
    rule.alert,
    rule.expr,
    ...Object.values({ ...rule.labels, ...rule.annotations }),
  ]);
  const named = [apiVersion, kind, metadata.name, ...Object.values(metadata.labels), name, ...texts];
  return named.every((text) => typeof text === "string") && rules.every((rule) => /^\d+[mh]$/.test(rule.for ?? "1m"));
}
interface PrometheusRule {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
}
interface PrometheusGroup {
  readonly name: string;
  readonly rules: readonly {
    readonly alert: string;
    readonly expr: string;
    readonly for?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

/** Kubernetes' schema of each kind that the chart makes. */
const KINDS: Readonly<Record<string, Validator>> = {
  ConfigMap: isConfigMap,
  Deployment: isDeployment,
  HorizontalPodAutoscaler: isHorizontalPodAutoscaler,
  Ingress: isIngress,
  NetworkPolicy: isNetworkPolicy,
  PodDisruptionBudget: isPodDisruptionBudget,
  Service: isService,
  ServiceAccount: isServiceAccount,
  ServiceMonitor: isServiceMonitor,
  PrometheusRule: isPrometheusRule,
};

/** Fields of a manifest that Kubernetes does not know. @throws Error for a value that is not of its field's type */
export function unknownIn(manifest: object, kind: string): string[] {
  const validate = KINDS[kind];
  if (validate === undefined) throw new Error(`no schema for ${kind}`);
  return unknownFields(manifest, (watched) => {
    if (!validate(watched)) throw new Error(JSON.stringify(validate.errors));
  });
}
