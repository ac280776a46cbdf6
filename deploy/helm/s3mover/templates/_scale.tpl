{{/* Names of what `scaleOut` adds: pods of scheduler and workers are not those that the Service selects. */}}
{{- define "s3mover.schedulerName" -}}
{{ include "s3mover.fullname" . }}-scheduler
{{- end }}

{{- define "s3mover.workerName" -}}
{{ include "s3mover.fullname" . }}-worker
{{- end }}

{{- define "s3mover.schedulerLabels" -}}
app.kubernetes.io/name: {{ include "s3mover.name" . }}-scheduler
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: scheduler
{{- end }}

{{- define "s3mover.workerLabels" -}}
app.kubernetes.io/name: {{ include "s3mover.name" . }}-worker
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: worker
{{- end }}

{{/* "true" if this chart runs a Dask scheduler. */}}
{{- define "s3mover.ownScheduler" -}}
{{- if and .Values.scaleOut.enabled (not .Values.scaleOut.scheduler) }}true{{ end }}
{{- end }}

{{- define "s3mover.schedulerAddress" -}}
{{- default (printf "tls://%s:8786" (include "s3mover.schedulerName" .)) .Values.scaleOut.scheduler }}
{{- end }}

{{/* Fails where scaling out cannot work; renders nothing. */}}
{{- define "s3mover.checkScaleOut" -}}
{{- if ne .Values.mode "daemon" }}{{ fail "scaleOut: requires mode: daemon" }}{{ end }}
{{- if not .Values.scaleOut.tls.existingSecret }}
{{- fail "scaleOut.tls.existingSecret: is not set; name a Secret with ca.crt, tls.crt and tls.key, as cert-manager writes it" }}
{{- end }}
{{- if not (include "s3mover.sharedTrail" .) }}
{{- fail "scaleOut: needs MySQL, which all machines write to; set it in secrets (MYSQL_DSN) or config.audit.url" }}
{{- end }}
{{- $grace := include "s3mover.seconds" (dig "stop" "grace" "25s" .Values.config) | int }}
{{- $seconds := include "s3mover.terminationGracePeriodSeconds" . | int }}
{{- if lt $seconds (int (add $grace 10)) }}
{{- fail (printf "terminationGracePeriodSeconds: with scaleOut at least config.stop.grace (%d s) plus 10: a machine hands its last answer over" $grace) }}
{{- end }}
{{- end }}

{{- define "s3mover.tlsEnvironment" -}}
- name: S3MOVER_SCALE__CA_FILE
  value: /run/secrets/s3mover-tls/ca.crt
- name: S3MOVER_SCALE__CERTIFICATE_FILE
  value: /run/secrets/s3mover-tls/tls.crt
- name: S3MOVER_SCALE__KEY_FILE
  value: /run/secrets/s3mover-tls/tls.key
{{- end }}

{{- define "s3mover.schedulerProbe" -}}
exec:
  command:
    - python3
    - -m
    - s3mover.scale.probe
    - /run/secrets/s3mover-tls/ca.crt
    - /run/secrets/s3mover-tls/tls.crt
    - /run/secrets/s3mover-tls/tls.key
timeoutSeconds: 10
{{- end }}

{{- define "s3mover.tlsMount" -}}
- name: tls
  mountPath: /run/secrets/s3mover-tls
  readOnly: true
{{- end }}

{{- define "s3mover.tlsVolume" -}}
- name: tls
  secret:
    secretName: {{ .Values.scaleOut.tls.existingSecret }}
    # Readable by the group that fsGroup sets.
    defaultMode: 0440
    items:
{{- range list "ca.crt" "tls.crt" "tls.key" }}
      - key: {{ . }}
        path: {{ . }}
{{- end }}
{{- end }}

{{/* What a supervisor or a worker may connect to. */}}
{{- define "s3mover.egress" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
    {{- range .Values.networkPolicy.egressPorts }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
{{- if include "s3mover.ownScheduler" . }}
- ports:
    - port: 8786
      protocol: TCP
  to:
    - podSelector:
        matchLabels: {{- include "s3mover.schedulerLabels" . | nindent 10 }}
{{- end }}
{{- with .Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}
