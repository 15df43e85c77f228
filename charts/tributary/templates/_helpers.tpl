{{/* Helpers. Their names begin with "hub." because names that begin with "tributary." are topics. */}}

{{- define "hub.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough that every name made of it is a DNS label. */}}
{{- define "hub.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "hub.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "hub.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Names all pods of the release. */}}
{{- define "hub.selector" -}}
app.kubernetes.io/name: {{ include "hub.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hub.labels" -}}
{{ include "hub.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "hub.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- .Values.image.repository }}:{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{- define "hub.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "hub.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The services that are there, separated by commas. */}}
{{- define "hub.services" -}}
{{- if .Values.allInOne -}}
all
{{- else -}}
{{- $services := list -}}
{{- range $name := list "gateway" "normalizer" "identity" "journey" "insight" "delivery" -}}
{{- if (index $.Values.services $name).enabled -}}
{{- $services = append $services $name -}}
{{- end -}}
{{- end -}}
{{- required "services: all of them are switched off" (join "," $services) -}}
{{- end -}}
{{- end -}}

{{/* The stages by which KEDA scales one service, as a JSON list; empty when it scales by none. Delivery without
     destinations reads nothing, so it would seem behind for ever. Takes root and service. */}}
{{- define "hub.scalingStages" -}}
{{- $stages := list -}}
{{- $autoscaling := default dict (index .root.Values.services .service).autoscaling -}}
{{- if and .root.Values.keda.enabled $autoscaling.enabled -}}
{{- $delivers := dig "delivery" "destinations" dict .root.Values.config -}}
{{- range $of, $list := .root.Files.Get "stages.yaml" | fromYaml -}}
{{- if and (has $.service (list "all" $of)) (or $delivers (ne $of "delivery")) -}}
{{- range $list -}}
{{- if not .alone -}}
{{- $stages = append $stages . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $stages -}}
{{- end -}}

{{/* The configuration of one service, or of the job `topics`. Takes root and service. */}}
{{- define "hub.config" -}}
{{- $root := .root -}}
{{- $config := deepCopy $root.Values.config -}}
{{- with (index $root.Values.services .service) -}}
{{- $config = mergeOverwrite $config (deepCopy (default dict .config)) -}}
{{- end -}}
{{- $kafka := default dict $config.kafka -}}
{{- if $root.Values.secrets.kafkaProperties -}}
{{- $kafka = set $kafka "properties_file" "/etc/tributary/secrets/kafka.properties" -}}
{{- end -}}
{{- $config = set $config "kafka" $kafka -}}
{{- $config = set $config "admin" (dict "listen" (printf "0.0.0.0:%v" $root.Values.ports.admin)) -}}
{{- if has .service (list "gateway" "all") -}}
{{- $listen := printf "0.0.0.0:%v" $root.Values.ports.gateway -}}
{{- $config = set $config "gateway" (set (default dict $config.gateway) "listen" $listen) -}}
{{- else -}}
{{- $config = unset $config "gateway" -}}
{{- end -}}
{{- if not (has .service (list "normalizer" "all")) -}}
{{- $config = unset (unset $config "pseudonym_key") "pseudonym_keys" -}}
{{- end -}}
{{- if eq .service "topics" -}}
{{- $config = unset $config "delivery" -}}
{{- end -}}
{{- if has .service (list "gateway" "topics") -}}
{{- $config = unset $config "state" -}}
{{- else -}}
{{- $config = set $config "state" (set (default dict $config.state) "directory" "/var/lib/tributary") -}}
{{- end -}}
{{- if $root.Values.definitions -}}
{{- $config = set $config "definitions" "/etc/tributary/definitions" -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* The environment of one service. Takes root and service. */}}
{{- define "hub.env" -}}
{{- $root := .root -}}
{{- $service := .service -}}
{{- $secret := $root.Values.secrets.existingSecret -}}
- name: TRIBUTARY_CONFIG
  value: /etc/tributary/tributary.yaml
{{- if not (has $service (list "gateway" "topics")) }}
- name: TRIBUTARY__KAFKA__INSTANCE
  valueFrom: { fieldRef: { fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } }
{{- end }}
{{- if and $root.Values.secrets.pseudonymKey (has $service (list "normalizer" "all")) }}
- name: TRIBUTARY_PSEUDONYM_KEY
  valueFrom: { secretKeyRef: { name: {{ $secret | quote }}, key: {{ $root.Values.secrets.pseudonymKey | quote }} } }
{{- end }}
{{- if ne $service "topics" }}
{{- range $root.Values.secrets.env }}
{{- if or (eq $service "all") (not .services) (has $service .services) }}
- name: {{ .name }}
  valueFrom: { secretKeyRef: { name: {{ $secret | quote }}, key: {{ .key | quote }} } }
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Mounts that every container has. */}}
{{- define "hub.mounts" -}}
- { name: config, mountPath: /etc/tributary/tributary.yaml, subPath: tributary.yaml, readOnly: true }
{{- if .Values.secrets.kafkaProperties }}
- { name: secrets, mountPath: /etc/tributary/secrets, readOnly: true }
{{- end }}
{{- if .Values.definitions }}
- { name: definitions, mountPath: /etc/tributary/definitions, readOnly: true }
{{- end }}
{{- end -}}

{{/* The volumes behind them. Takes root and the name of the ConfigMap. */}}
{{- define "hub.volumes" -}}
- name: config
  configMap: { name: {{ .configMap }} }
{{- with .root.Values.secrets.kafkaProperties }}
- name: secrets
  secret:
    secretName: {{ $.root.Values.secrets.existingSecret | quote }}
    defaultMode: 0440
    items:
      - { key: {{ . | quote }}, path: kafka.properties }
{{- end }}
{{- with .root.Values.definitions }}
- name: definitions
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "hub.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{/* Where pods may run, and what they may not. */}}
{{- define "hub.placement" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
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
{{- end -}}
