{{- define "lectern.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "lectern.fullname" -}}
{{- $name := include "lectern.name" . }}
{{- if contains $name .Release.Name }}{{- $name = .Release.Name }}{{- else }}{{- $name = printf "%s-%s" .Release.Name $name }}{{- end }}
{{- default $name .Values.fullnameOverride | trunc 54 | trimSuffix "-" }}
{{- end }}

{{- define "lectern.selector" -}}
app.kubernetes.io/name: {{ include "lectern.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "lectern.gateway" -}}
{{ include "lectern.selector" . }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "lectern.labels" -}}
{{ include "lectern.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "lectern.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "lectern.settings" -}}
{{- $own := dict
  "LECTERN_ADMIN_HOST" "0.0.0.0"
  "LECTERN_ADMIN_PORT" "9400"
  "LECTERN_DRAIN_DELAY" (toString .Values.drain.delaySeconds)
  "LECTERN_DRAIN_SECONDS" (toString .Values.drain.seconds) }}
{{- range $name, $key := .Values.secrets.keys }}
{{- $_ := set $own (printf "%s_FILE" $name) (printf "/run/secrets/lectern/%s" $key) }}
{{- end }}
{{- toYaml (merge $own .Values.settings) }}
{{- end }}

{{- define "lectern.pod" -}}
automountServiceAccountToken: false
# Otherwise, Kubernetes would set LECTERN_PORT and others for a Service named `lectern`.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  - name: secrets
    secret:
      secretName: {{ required "Set secrets.existingSecret to the name of a Secret with the MongoDB URI and LECTERN_SECRET: see the chart's README.md" .Values.secrets.existingSecret }}
      defaultMode: 0440
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "lectern.container" -}}
image: {{ include "lectern.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  - {name: secrets, mountPath: /run/secrets/lectern, readOnly: true}
resources: {{- toYaml .Values.resources | nindent 2 }}
{{- end }}
