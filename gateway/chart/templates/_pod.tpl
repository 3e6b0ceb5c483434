{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- /* A digest of the configuration that this chart holds, so that another one makes new pods. */ -}}
{{- define "gateway.podAnnotations" -}}
{{- $annotations := deepCopy (default dict .Values.podAnnotations) -}}
{{- with .Values.dblessConfig }}{{ if and .config (not .configMap) (not .secret) -}}
{{- $_ := set $annotations "checksum/dbless" (sha256sum .config) -}}
{{- end }}{{ end -}}
{{- if $annotations }}{{ toYaml $annotations }}{{ end -}}
{{- end -}}

{{- define "gateway.pod" -}}
metadata:
  # Not the chart's version: an edit that leaves the pod as it is restarts nothing.
  labels:
{{ include "gateway.selector" . | indent 4 }}
{{- with .Values.extraLabels }}
{{ toYaml . | indent 4 }}
{{- end }}
{{- with .Values.podLabels }}
{{ toYaml . | indent 4 }}
{{- end }}
{{- with include "gateway.podAnnotations" . }}
  annotations:
{{ . | indent 4 }}
{{- end }}
spec:
  serviceAccountName: {{ include "gateway.serviceAccount" . }}
  automountServiceAccountToken: {{ .Values.deployment.serviceAccount.automountServiceAccountToken }}
  enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
  imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
  securityContext:
{{ toYaml .Values.securityContext | indent 4 }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
  nodeSelector:
{{ toYaml . | indent 4 }}
{{- end }}
{{- with .Values.tolerations }}
  tolerations:
{{ toYaml . | indent 2 }}
{{- end }}
{{- with .Values.affinity }}
  affinity:
{{ toYaml . | indent 4 }}
{{- end }}
  topologySpreadConstraints:
{{ include "gateway.spread" . | trim | indent 2 }}
  containers:
  - name: proxy
    image: {{ include "gateway.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    securityContext:
{{ toYaml .Values.containerSecurityContext | indent 6 }}
    env:
{{ include "gateway.environment" . | trim | indent 4 }}
{{- with .Values.envFrom }}
    envFrom:
{{ toYaml . | indent 4 }}
{{- end }}
    ports:
{{ include "gateway.ports" . | trim | indent 4 }}
{{- with .Values.startupProbe }}
    startupProbe:
{{ toYaml . | indent 6 }}
{{- end }}
    readinessProbe:
{{ toYaml .Values.readinessProbe | indent 6 }}
    livenessProbe:
{{ toYaml .Values.livenessProbe | indent 6 }}
    lifecycle:
{{ toYaml .Values.lifecycle | indent 6 }}
    resources:
{{ toYaml .Values.resources | indent 6 }}
    volumeMounts:
    - name: prefix
      mountPath: {{ .Values.env.prefix | default "/kong_prefix" | trimSuffix "/" }}
{{- range .Values.secretVolumes }}
    - name: {{ . }}
      mountPath: /etc/secrets/{{ . }}
      readOnly: true
{{- end }}
{{- with .Values.dblessConfig }}{{ if or .configMap .secret .config }}
    - name: declarative-config
      mountPath: /kong_dbless
      readOnly: true
{{- end }}{{ end }}
{{- with .Values.deployment.userDefinedVolumeMounts }}
{{ toYaml . | indent 4 }}
{{- end }}
{{- with include "gateway.volumes" . | trim }}
  volumes:
{{ . | indent 2 }}
{{- end }}
{{- end -}}

{{- define "gateway.volumes" -}}
{{- $keep := and (eq (include "gateway.role" .) "control_plane") .Values.persistence.enabled (ne (include "gateway.postgres" .) "true") -}}
{{- if not $keep }}
- name: prefix
  emptyDir:
    sizeLimit: {{ .Values.deployment.prefixDir.sizeLimit }}
{{- end }}
{{- range .Values.secretVolumes }}
- name: {{ . }}
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with .Values.dblessConfig }}{{ if or .configMap .secret .config }}
- name: declarative-config
{{- if .secret }}
  secret:
    secretName: {{ .secret }}
{{- else }}
  configMap:
    name: {{ .configMap | default (printf "%s-dbless" (include "gateway.fullname" $)) }}
{{- end }}
{{- end }}{{ end }}
{{- with .Values.deployment.userDefinedVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
