{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- define "gateway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* <release>-<name>, as the kong/kong chart names things: `nameOverride: kong` gives kong-dp-kong. */ -}}
{{- define "gateway.fullname" -}}
{{- $default := printf "%s-%s" .Release.Name (include "gateway.name" .) -}}
{{- default $default .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "gateway.role" -}}
{{- .Values.env.role | default "traditional" -}}
{{- end -}}

{{- /* Whether it is a control plane whose releases are in PostgreSQL, and not on a volume. */ -}}
{{- define "gateway.postgres" -}}
{{- and (eq (include "gateway.role" .) "control_plane") (eq (.Values.env.database | default "") "postgres") -}}
{{- end -}}

{{- define "gateway.selector" -}}
app.kubernetes.io/name: {{ include "gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: {{ include "gateway.role" . | replace "_" "-" }}
{{- end -}}

{{- define "gateway.labels" -}}
{{ include "gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.extraLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "gateway.serviceAccount" -}}
{{- $account := .Values.deployment.serviceAccount -}}
{{- if $account.create -}}
{{- default (include "gateway.fullname" .) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}

{{- define "gateway.image" -}}
{{- $tag := .Values.image.tag | default (ternary "" .Chart.AppVersion (ne .Values.image.digest "")) -}}
{{- .Values.image.repository -}}
{{- with $tag }}:{{ kindIs "string" . | ternary . (int64 . | toString) }}{{ end -}}
{{- with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- /*
The Deployment's replicas as they are, for a release that gets its autoscaler now, and from then on:
helm takes a number that it once gave back when the chart no longer has it, and one pod is left
until the autoscaler acts. Empty for a release that was installed with its autoscaler, and where no
cluster is asked (helm template, Argo CD).
*/ -}}
{{- define "gateway.keptReplicas" -}}
{{- $name := include "gateway.fullname" . -}}
{{- $running := lookup "apps/v1" "Deployment" .Release.Namespace $name -}}
{{- if $running -}}
{{- $scaler := lookup "autoscaling/v2" "HorizontalPodAutoscaler" .Release.Namespace $name -}}
{{- if or (not $scaler) (hasKey (default dict $running.metadata.annotations) "kafka-gateway/replicas") -}}
{{- int $running.spec.replicas -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
Parallel: with OrderedReady, a pod of a broken image blocks the way back as well
(kubernetes.io, "StatefulSets", forced rollback). The field cannot be changed in place, so a
StatefulSet that has the other one keeps it until it is deleted with --cascade=orphan.
*/ -}}
{{- define "gateway.podManagement" -}}
{{- $running := lookup "apps/v1" "StatefulSet" .Release.Namespace (include "gateway.fullname" .) -}}
{{- ($running.spec).podManagementPolicy | default "Parallel" -}}
{{- end -}}

{{- /* One listener list, "0.0.0.0:8000 reuseport, 0.0.0.0:8443 ssl"; needs section and address. */ -}}
{{- define "gateway.settings.listen" -}}
{{- $section := .section -}}
{{- $address := .address -}}
{{- $listen := list -}}
{{- with $section.http -}}
{{- if .enabled -}}
{{- $port := printf "%s:%d" $address (int .containerPort) -}}
{{- $listen = append $listen (join " " (prepend (default list .parameters) $port)) -}}
{{- end -}}
{{- end -}}
{{- with $section.tls -}}
{{- if .enabled -}}
{{- $port := printf "%s:%d" $address (int .containerPort) -}}
{{- $words := concat (list $port "ssl") (without (default list .parameters) "ssl") -}}
{{- $listen = append $listen (join " " $words) -}}
{{- end -}}
{{- end -}}
{{- if $listen -}}{{ join ", " $listen }}{{- else -}}off{{- end -}}
{{- end -}}

{{- /* What the sections of the values mean as settings; `env` wins over them. */ -}}
{{- define "gateway.settings.settings" -}}
{{- $role := include "gateway.role" . -}}
{{- $settings := dict -}}
{{- $proxy := ternary "off" (include "gateway.settings.listen" (dict "section" .Values.proxy "address" "0.0.0.0")) (or (not .Values.proxy.enabled) (eq $role "control_plane")) -}}
{{- $_ := set $settings "proxy_listen" $proxy -}}
{{- $address := ternary "0.0.0.0" "127.0.0.1" .Values.admin.enabled -}}
{{- $admin := ternary "off" (include "gateway.settings.listen" (dict "section" .Values.admin "address" $address)) (eq $role "data_plane") -}}
{{- $_ := set $settings "admin_listen" $admin -}}
{{- if and .Values.adminGui.enabled (eq $role "control_plane") -}}
{{- $_ := set $settings "admin_gui_listen" (include "gateway.settings.listen" (dict "section" .Values.adminGui "address" "0.0.0.0")) -}}
{{- end -}}
{{- $_ := set $settings "status_listen" (include "gateway.settings.listen" (dict "section" .Values.status "address" "0.0.0.0")) -}}
{{- if ne $role "control_plane" -}}
{{- $_ := set $settings "database" "off" -}}
{{- end -}}
{{- if eq $role "control_plane" -}}
{{- $_ := set $settings "cluster_listen" (printf "0.0.0.0:%d" (int .Values.cluster.tls.containerPort)) -}}
{{- end -}}
{{- with .Values.dblessConfig -}}
{{- if or .configMap .secret .config -}}
{{- $_ := set $settings "declarative_config" "/kong_dbless/kong.yml" -}}
{{- end -}}
{{- end -}}
{{- merge (deepCopy .Values.env) $settings | toYaml -}}
{{- end -}}

{{- /* One environment variable; needs name and value (a scalar, or a mapping with valueFrom). */ -}}
{{- define "gateway.variable" -}}
- name: {{ .name }}
{{- if kindIs "map" .value }}
{{ toYaml .value | indent 2 }}
{{- else if kindIs "float64" .value }}
  value: {{ ternary (printf "%d" (int64 .value)) (toString .value) (eq (floor .value) .value) | quote }}
{{- else }}
  value: {{ .value | toString | quote }}
{{- end }}
{{- end -}}

{{- define "gateway.environment" -}}
{{- $settings := include "gateway.settings.settings" . | fromYaml -}}
{{- range $name := keys $settings | sortAlpha }}
{{ include "gateway.variable" (dict "name" (printf "KONG_%s" (upper $name)) "value" (get $settings $name)) }}
{{- end }}
{{- range $name := keys .Values.customEnv | sortAlpha }}
{{ include "gateway.variable" (dict "name" (upper $name) "value" (get $.Values.customEnv $name)) }}
{{- end }}
{{- end -}}

{{- define "gateway.ports" -}}
{{- $role := include "gateway.role" . -}}
{{- if and .Values.proxy.enabled (ne $role "control_plane") }}
{{- with .Values.proxy.http }}{{ if .enabled }}
- {name: proxy, containerPort: {{ .containerPort }}, protocol: TCP}
{{- end }}{{ end }}
{{- with .Values.proxy.tls }}{{ if .enabled }}
- {name: proxy-tls, containerPort: {{ .containerPort }}, protocol: TCP}
{{- end }}{{ end }}
{{- end }}
{{- if and .Values.admin.enabled (ne $role "data_plane") }}
{{- with .Values.admin.http }}{{ if .enabled }}
- {name: admin, containerPort: {{ .containerPort }}, protocol: TCP}
{{- end }}{{ end }}
{{- with .Values.admin.tls }}{{ if .enabled }}
- {name: admin-tls, containerPort: {{ .containerPort }}, protocol: TCP}
{{- end }}{{ end }}
{{- end }}
{{- if and .Values.adminGui.enabled (eq $role "control_plane") }}
{{- with .Values.adminGui.http }}{{ if .enabled }}
- {name: admin-gui, containerPort: {{ .containerPort }}, protocol: TCP}
{{- end }}{{ end }}
{{- with .Values.adminGui.tls }}{{ if .enabled }}
- {name: admin-gui-tls, containerPort: {{ .containerPort }}, protocol: TCP}
{{- end }}{{ end }}
{{- end }}
{{- if eq $role "control_plane" }}
- {name: cluster-tls, containerPort: {{ .Values.cluster.tls.containerPort }}, protocol: TCP}
{{- end }}
- {name: status, containerPort: {{ .Values.status.http.containerPort }}, protocol: TCP}
{{- end -}}

{{- define "gateway.spread" -}}
{{- if .Values.topologySpreadConstraints -}}
{{ toYaml .Values.topologySpreadConstraints }}
{{- else -}}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
{{ include "gateway.selector" $ | indent 6 }}
{{- end }}
{{- end -}}
{{- end -}}
