{{/* Names. The name of a CronJob may have 52 characters, because its jobs add 11; all names use this limit. */}}
{{- define "s3mover.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "s3mover.fullname" -}}
{{- $name := include "s3mover.name" . }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "s3mover.serviceAccountName" -}}
{{- default (ternary (include "s3mover.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "s3mover.selectorLabels" -}}
app.kubernetes.io/name: {{ include "s3mover.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of the pod of `helm test`. They differ from the daemon's, because the Service must not select it. */}}
{{- define "s3mover.readyLabels" -}}
app.kubernetes.io/name: {{ include "s3mover.name" . }}-ready
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "s3mover.labels" -}}
{{ include "s3mover.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "s3mover.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* The HTTP port in config.yaml. */}}
{{- define "s3mover.port" -}}
{{- dig "http" "port" 8080 .Values.config | int }}
{{- end }}

{{/* The name of the Secret, and its keys to use; both empty if there is none. */}}
{{- define "s3mover.secretName" -}}
{{- with .Values.secrets }}
{{- if .existingSecret }}{{ .existingSecret }}{{ else if .values }}{{ include "s3mover.fullname" $ }}{{ end }}
{{- end }}
{{- end }}

{{- define "s3mover.secretKeys" -}}
{{- with .Values.secrets }}
{{- if and .existingSecret .values }}{{ fail "secrets: existingSecret and values are both set; keep one of them" }}{{ end }}
{{- if and .existingSecret (not .keys) }}{{ fail "secrets.keys: list the keys of existingSecret to use, for example [MYSQL_DSN]" }}{{ end }}
{{- if and .keys (not .existingSecret) }}{{ fail "secrets.keys: requires secrets.existingSecret, which is not set" }}{{ end }}
{{- if .existingSecret }}{{ toJson .keys }}{{ else }}{{ keys .values | sortAlpha | toJson }}{{ end }}
{{- end }}
{{- end }}

{{/* Seconds of a duration such as 25s, 1m30s or 500ms, rounded up. */}}
{{- define "s3mover.seconds" -}}
{{- $units := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0 }}
{{- $sum := 0.0 }}
{{- range regexFindAll "[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)" (toString .) -1 }}
{{- $unit := regexFind "[a-z]+" . }}
{{- $sum = addf $sum (mulf (float64 (trimSuffix $unit .)) (get $units $unit)) }}
{{- end }}
{{- ceil $sum | int }}
{{- end }}

{{/* The grace period of the kubelet: always longer than s3mover takes to stop gracefully. */}}
{{- define "s3mover.terminationGracePeriodSeconds" -}}
{{- $grace := include "s3mover.seconds" (dig "stop" "grace" "25s" .Values.config) | int }}
{{- $seconds := .Values.terminationGracePeriodSeconds }}
{{- if kindIs "invalid" $seconds }}{{ add $grace 15 }}
{{- else if le (int $seconds) $grace }}
{{- fail (printf "terminationGracePeriodSeconds: %d is not more than config.stop.grace (%d s): transfers in flight would be killed" (int $seconds) $grace) }}
{{- else }}{{ int $seconds }}
{{- end }}
{{- end }}

{{/* "true" if config, secrets or environment name a database that all replicas can share. */}}
{{- define "s3mover.sharedTrail" -}}
{{- $url := dig "audit" "url" "" .Values.config | toString }}
{{- $names := concat (include "s3mover.secretKeys" . | fromJsonArray) (list) }}
{{- range .Values.extraEnv }}{{ $names = append $names (trimSuffix "_FILE" .name) }}{{ end }}
{{- $named := or (has "MYSQL_DSN" $names) (has "S3MOVER_AUDIT__URL" $names) .Values.extraEnvFrom }}
{{- if or $named (and $url (not (hasPrefix "sqlite:" $url))) }}true{{ end }}
{{- end }}

{{- define "s3mover.strategy" -}}
{{- $shared := include "s3mover.sharedTrail" . }}
{{- if and (gt (int .Values.replicas) 1) (not $shared) }}
{{- fail "replicas: more than one needs MySQL, whose lease selects the working pod; set it in secrets (MYSQL_DSN) or config.audit.url" }}
{{- end }}
{{- default (ternary "RollingUpdate" "Recreate" (eq $shared "true")) .Values.strategy }}
{{- end }}

{{/* "true" if a monitor of this chart names the release in each series. */}}
{{- define "s3mover.monitored" -}}
{{- if or .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}true{{ end }}
{{- end }}
