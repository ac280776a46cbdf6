{{/* The pod spec for both modes. Takes a dict: root (the chart's scope), args, daemon
(whether it serves HTTP), claim (whether it uses the persistent volume), scale (whether it connects to a Dask
scheduler), resources (in place of those of the values). */}}
{{- define "s3mover.pod" -}}
{{- $root := .root }}
{{- with .root.Values -}}
serviceAccountName: {{ include "s3mover.serviceAccountName" $root }}
{{- $labels := and $.daemon .leaderService.enabled }}
# IRSA mounts its own token; the Kubernetes API is used to label the pod of the leader at most.
automountServiceAccountToken: {{ if $labels }}true{{ else }}false{{ end }}
# Service links would set variables such as S3MOVER_PORT, which are not settings.
enableServiceLinks: false
{{- with .imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext: {{- toYaml .podSecurityContext | nindent 2 }}
terminationGracePeriodSeconds: {{ include "s3mover.terminationGracePeriodSeconds" $root }}
{{- end }}
containers:
  - name: s3mover
{{- include "s3mover.container" . | nindent 4 }}
volumes: {{- include "s3mover.volumes" . | nindent 2 }}
{{- include "s3mover.placement" . }}
{{- end }}

{{- define "s3mover.container" -}}
{{- $root := .root }}
{{- $daemon := .daemon }}
{{- $args := .args }}
{{- $scale := .scale }}
{{- $resources := default .root.Values.resources .resources }}
{{- with .root.Values -}}
image: {{ include "s3mover.image" $root }}
imagePullPolicy: {{ .image.pullPolicy }}
args: {{- toYaml (concat .extraArgs $args) | nindent 2 }}
env: {{- include "s3mover.environment" $root | nindent 2 }}
{{- if and $daemon (not (dig "kubernetes" "pod" "" .config)) }}
  - name: S3MOVER_KUBERNETES__POD
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
{{- end }}
{{- if and $daemon .leaderService.enabled }}
  - name: S3MOVER_KUBERNETES__LEADER_LABEL
    value: {{ .leaderService.label }}
{{- end }}
{{- if and $daemon (not (dig "http" "url" "" .config)) }}
  # The link to the leader on the status page of a pod that stands by.
  - name: POD_IP
    valueFrom:
      fieldRef:
        fieldPath: status.podIP
  - name: S3MOVER_HTTP__URL
    value: http://$(POD_IP):{{ include "s3mover.port" $root }}
{{- end }}
{{- if $scale }}
  - name: S3MOVER_SCALE__SCHEDULER
    value: {{ include "s3mover.schedulerAddress" $root }}
{{- include "s3mover.tlsEnvironment" $root | nindent 2 }}
{{- end }}
{{- with .extraEnvFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $daemon }}
ports:
  - name: http
    containerPort: {{ include "s3mover.port" $root }}
    protocol: TCP
{{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
{{- with index $root.Values $probe }}
{{ $probe }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
resources: {{- toYaml $resources | nindent 2 }}
securityContext: {{- toYaml .securityContext | nindent 2 }}
volumeMounts:
  - name: config
    mountPath: /etc/s3mover
    readOnly: true
{{- if and (include "s3mover.secretName" $root) (eq .secrets.as "files") }}
  - name: secrets
    mountPath: /run/secrets/s3mover
    readOnly: true
{{- end }}
  - name: data
    mountPath: /var/lib/s3mover
  - name: tmp
    mountPath: /tmp
{{- if $scale }}
{{- include "s3mover.tlsMount" $root | nindent 2 }}
{{- end }}
{{- with .extraVolumeMounts }}
{{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "s3mover.environment" -}}
- name: S3MOVER_CONFIG
  value: /etc/s3mover/config.yaml
{{- if not (dig "control" "socket" "" .Values.config) }}
# One per pod, because several pods may share a volume.
- name: S3MOVER_CONTROL__SOCKET
  value: /tmp/s3mover.sock
{{- end }}
{{- $secret := include "s3mover.secretName" . }}
{{- $files := eq .Values.secrets.as "files" }}
{{- range include "s3mover.secretKeys" . | fromJsonArray }}
{{- if $files }}
- name: {{ . }}_FILE
  value: /run/secrets/s3mover/{{ . }}
{{- else }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ . }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "s3mover.volumes" -}}
{{- $root := .root }}
{{- $claim := .claim }}
{{- $scale := .scale }}
{{- with .root.Values -}}
- name: config
  configMap:
    name: {{ include "s3mover.fullname" $root }}
{{- $secret := include "s3mover.secretName" $root }}
{{- if and $secret (eq .secrets.as "files") }}
- name: secrets
  secret:
    secretName: {{ $secret }}
    # Readable by the group that fsGroup sets.
    defaultMode: 0440
    items:
{{- range include "s3mover.secretKeys" $root | fromJsonArray }}
      - key: {{ . }}
        path: {{ . }}
{{- end }}
{{- end }}
- name: data
{{- if and $claim .persistence.enabled }}
  persistentVolumeClaim:
    claimName: {{ default (include "s3mover.fullname" $root) .persistence.existingClaim }}
{{- else }}
  emptyDir:
    sizeLimit: {{ .persistence.sizeLimit }}
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- if $scale }}
{{ include "s3mover.tlsVolume" $root }}
{{- end }}
{{- with .extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "s3mover.placement" -}}
{{- $root := .root }}
{{- $spread := and .daemon (gt (int .root.Values.replicas) 1) }}
{{- with .root.Values }}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .affinity }}
affinity: {{- toYaml .affinity | nindent 2 }}
{{- else if $spread }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {{- include "s3mover.selectorLabels" $root | nindent 14 }}
{{- end }}
{{- with .topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* The labels and annotations of pods. With the checksums a change of settings or secrets starts a rollout. */}}
{{- define "s3mover.podMetadata" -}}
labels:
  {{- include "s3mover.labels" . | nindent 2 }}
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ .Values.config | toYaml | sha256sum }}
  checksum/secrets: {{ .Values.secrets.values | toYaml | sha256sum }}
  {{- with .Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
