{{- define "ragwright.labels" -}}
app.kubernetes.io/name: ragwright
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "ragwright.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}-operator
{{- end }}

{{- define "ragwright.image" -}}
{{- if not .Values.image.repository -}}
{{- fail "image.repository is empty: name the image to run, for example --set image.repository=registry.example.com/ragwright --set image.tag=0.1.0" -}}
{{- end -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
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
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
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
