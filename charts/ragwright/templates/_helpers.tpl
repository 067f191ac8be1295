{{- define "ragwright.podLabels" -}}
app.kubernetes.io/name: ragwright
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: operator
{{- end }}

{{/* A label takes neither the + of a version nor more than 63 characters. Ours win over
     commonLabels, because selectors name them. */}}
{{- define "ragwright.labels" -}}
{{- $ours := include "ragwright.podLabels" . | fromYaml -}}
{{- $chart := printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimAll "-_." -}}
{{- $_ := set $ours "helm.sh/chart" $chart -}}
{{- $_ := set $ours "app.kubernetes.io/part-of" "ragwright" -}}
{{- $_ := set $ours "app.kubernetes.io/version" (.Chart.AppVersion | replace "+" "_" | trunc 63 | trimAll "-_.") -}}
{{- mergeOverwrite (deepCopy (default dict .Values.commonLabels)) $ours | toYaml -}}
{{- end }}

{{- define "ragwright.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "ragwright.name" .) }}
{{- else -}}
{{ required "serviceAccount.create is false: name the account to use, --set serviceAccount.name=NAME" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- define "ragwright.name" -}}
{{- /* A Service's name has at most 63 characters, no dot, and begins with a letter; the longest
       is this with -metrics. A release's name is freer. */ -}}
{{- $name := .Release.Name | replace "." "-" -}}
{{- if regexMatch "^[0-9]" $name -}}{{- $name = printf "r-%s" $name -}}{{- end -}}
{{ $name | trunc 46 | trimSuffix "-" }}-operator
{{- end }}

{{- define "ragwright.image" -}}
{{- if not .Values.image.repository -}}
{{- fail "image.repository is empty: name the image to run, for example --set image.repository=registry.example.com/ragwright --set image.tag=0.1.0" -}}
{{- end -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default (.Chart.AppVersion | replace "+" "_") }}
{{- end -}}
{{- end }}

{{- define "ragwright.rules" -}}
- apiGroups: [ragwright.dev]
  resources: [ragpipelines]
  verbs: [get, list, watch, patch]
- apiGroups: [ragwright.dev]
  resources: [ragpipelines/status]
  verbs: [get, patch]
- apiGroups: [ragwright.dev]
  resources: [ragpipelines/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [services, configmaps, serviceaccounts, persistentvolumeclaims]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# Of two operators, one works in a namespace.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, patch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
# Nothing but create: patch, update and even delete answer with the content of a Secret.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
{{- end }}

{{/* The rules, each alert with the page that says what to do about it. */}}
{{- define "ragwright.alerts" -}}
{{- $pages := .Values.monitoring.runbookUrl | trimSuffix "/" -}}
{{- $rules := .Files.Get "files/rules.yaml" | fromYaml -}}
{{- range $group := $rules.groups -}}
{{- range $rule := $group.rules -}}
{{- if and $pages $rule.alert -}}
{{- $_ := set $rule.annotations "runbook_url" (printf "%s/%s" $pages $rule.alert) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $rules -}}
{{- end }}
