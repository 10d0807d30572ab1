{{- define "marrow.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "marrow.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "marrow.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "marrow.selector" -}}
app.kubernetes.io/name: {{ include "marrow.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "marrow.labels" -}}
{{ include "marrow.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "marrow.secret" -}}
valueFrom:
  secretKeyRef:
    name: {{ .name }}
    key: {{ .key }}
{{- end -}}

{{- define "marrow.environment" -}}
{{- $redis := .Values.redis -}}
- name: MARROW_REDIS_URL
{{- if $redis.urlSecret.name }}
  {{- include "marrow.secret" $redis.urlSecret | nindent 2 }}
{{- else }}
  value: {{ required "redis.url or redis.urlSecret.name is needed" $redis.url | quote }}
{{- end }}
{{- if $redis.passwordSecret.name }}
- name: MARROW_REDIS_PASSWORD
  {{- include "marrow.secret" $redis.passwordSecret | nindent 2 }}
{{- end }}
{{- if $redis.usernameSecret.name }}
- name: MARROW_REDIS_USERNAME
  {{- include "marrow.secret" $redis.usernameSecret | nindent 2 }}
{{- end }}
{{- if $redis.caSecret.name }}
- name: MARROW_REDIS_CA_FILE
  value: /etc/marrow-ca/{{ $redis.caSecret.key }}
{{- else if $redis.caConfigMap.name }}
- name: MARROW_REDIS_CA_FILE
  value: /etc/marrow-ca/{{ $redis.caConfigMap.key }}
{{- end }}
{{- if .Values.cacheRedis.urlSecret.name }}
- name: MARROW_CACHE_REDIS_URL
  {{- include "marrow.secret" .Values.cacheRedis.urlSecret | nindent 2 }}
{{- end }}
{{- if .Values.upstream.url }}
- name: MARROW_UPSTREAM_URL
  value: {{ .Values.upstream.url | quote }}
{{- end }}
{{- if .Values.upstream.keySecret.name }}
- name: MARROW_UPSTREAM_KEY
  {{- include "marrow.secret" .Values.upstream.keySecret | nindent 2 }}
{{- end }}
- name: MARROW_HOST
  value: "0.0.0.0"
- name: MARROW_PORT
  value: "8080"
- name: MARROW_DRAIN_DELAY_MS
  value: {{ .Values.drain.delayMs | quote }}
- name: MARROW_DRAIN_MS
  value: {{ .Values.drain.boundMs | quote }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "marrow.container" -}}
{{- if .Values.image.digest }}
image: {{ printf "%s@%s" .Values.image.repository .Values.image.digest | quote }}
{{- else }}
image: {{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) | quote }}
{{- end }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: config
    mountPath: /etc/marrow
    readOnly: true
  - name: scratch
    mountPath: /tmp
  {{- if or .Values.redis.caSecret.name .Values.redis.caConfigMap.name }}
  - name: ca
    mountPath: /etc/marrow-ca
    readOnly: true
  {{- end }}
  {{- if .Values.upstreamKeys.name }}
  - name: upstream-keys
    mountPath: /etc/marrow-keys
    readOnly: true
  {{- end }}
{{- /* Last, so that a container may add to it. */}}
env:
  {{- include "marrow.environment" . | nindent 2 }}
{{- end -}}

{{- /* What a schema cannot say: values that must fit one another. */}}
{{- define "marrow.check" -}}
{{- if gt .Values.gateway.autoscaling.minReplicas .Values.gateway.autoscaling.maxReplicas -}}
{{- fail "gateway.autoscaling.minReplicas is more than maxReplicas" -}}
{{- end -}}
{{- if gt .Values.worker.autoscaling.minReplicas .Values.worker.autoscaling.maxReplicas -}}
{{- fail "worker.autoscaling.minReplicas is more than maxReplicas" -}}
{{- end -}}
{{- if and .Values.redis.caSecret.name .Values.redis.caConfigMap.name -}}
{{- fail "redis.caSecret and redis.caConfigMap may not both be named" -}}
{{- end -}}
{{- if and .Values.redis.url .Values.redis.urlSecret.name -}}
{{- fail "redis.url and redis.urlSecret may not both be given" -}}
{{- end -}}
{{- end -}}

{{- define "marrow.pod" -}}
{{- include "marrow.check" . -}}
serviceAccountName: {{ include "marrow.fullname" . }}
automountServiceAccountToken: false
{{- /* With them, the Service named marrow would set MARROW_PORT to tcp://…, over what the image says. */}}
enableServiceLinks: false
{{- /* Longer than the delay, the bound and the three seconds of the last goodbyes. */}}
terminationGracePeriodSeconds: {{ add (div (add .Values.drain.delayMs .Values.drain.boundMs) 1000) 10 }}
securityContext:
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "marrow.fullname" . }}
  - name: scratch
    emptyDir:
      sizeLimit: 64Mi
  {{- if .Values.redis.caSecret.name }}
  - name: ca
    secret:
      secretName: {{ .Values.redis.caSecret.name }}
  {{- else if .Values.redis.caConfigMap.name }}
  - name: ca
    configMap:
      name: {{ .Values.redis.caConfigMap.name }}
  {{- end }}
  {{- if .Values.upstreamKeys.name }}
  - name: upstream-keys
    secret:
      secretName: {{ .Values.upstreamKeys.name }}
  {{- end }}
{{- end -}}

{{- define "marrow.podMetadata" -}}
annotations:
  checksum/config: {{ .Values.config | toJson | sha256sum }}
  {{- with .Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
labels:
  {{- include "marrow.labels" . | nindent 2 }}
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
