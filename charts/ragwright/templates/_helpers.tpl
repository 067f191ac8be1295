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

{{/* Of the Job that lets pipelines go, which no selector of the operator may choose. */}}
{{- define "ragwright.letGoLabels" -}}
{{- set (include "ragwright.labels" . | fromYaml) "app.kubernetes.io/component" "let-go" | toYaml -}}
{{- end }}

{{- define "ragwright.testLabels" -}}
{{- set (include "ragwright.labels" . | fromYaml) "app.kubernetes.io/component" "test" | toYaml -}}
{{- end }}

{{/* A hook and the moment at which it is made; before the next one its remains are deleted. */}}
{{- define "ragwright.hook" -}}
helm.sh/hook: {{ index . 0 | quote }}
helm.sh/hook-weight: {{ index . 1 | quote }}
helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded"
{{- end }}

{{- define "ragwright.podPlacement" -}}
{{- with concat (.Values.global.imagePullSecrets | default list) .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end }}

{{/* What the operator and its end are both told. */}}
{{/* A variable by its name and value; none when it is empty, because the API server drops an empty
value, and what is compared with it would differ for ever. */}}
{{- define "ragwright.env" -}}
{{- if index . 1 -}}
- {name: {{ index . 0 }}, value: {{ index . 1 | quote }}}
{{- end -}}
{{- end }}

{{- define "ragwright.scopeEnv" -}}
- {name: RAGWRIGHT_OPERATOR_ID, value: {{ printf "%s/%s" .Release.Namespace (include "ragwright.name" .) | quote }}}
{{- include "ragwright.env" (list "RAGWRIGHT_WATCH_NAMESPACES" (join "," .Values.watchNamespaces)) | nindent 0 }}
- {name: RAGWRIGHT_LOG_LEVEL, value: {{ .Values.logLevel | quote }}}
{{- end }}

{{- define "ragwright.letGoRules" -}}
- apiGroups: [ragwright.dev]
  resources: [ragpipelines]
  verbs: [list, patch]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [list]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [ragwright-operator]
  verbs: [delete]
{{- end }}

{{/* Values that do not go together, or cannot be used, in words instead of a pattern. */}}
{{- define "ragwright.checks" -}}
{{- range $name := list "http_proxy" "https_proxy" }}
{{- $proxy := index $.Values $name -}}
{{- if and $proxy (not (regexMatch "^https?://[^/@[:space:]]+/?$" $proxy)) -}}
{{- fail (printf "%s is %q: write http://host:port. A login would stand in ConfigMaps; let the proxy admit the cluster's addresses instead" $name $proxy) -}}
{{- end -}}
{{- end -}}
{{- if ne (len (uniq .Values.watchNamespaces)) (len .Values.watchNamespaces) -}}
{{- fail "watchNamespaces names a namespace twice: write each once" -}}
{{- end -}}
{{- if and .Values.networkPolicy.metricsFrom (not .Values.networkPolicy.enabled) -}}
{{- fail "networkPolicy.metricsFrom is set, but networkPolicy.enabled is false: nobody would be kept out. Set it to true, or leave metricsFrom empty" -}}
{{- end -}}
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
{{- $image := .Values.image.repository -}}
{{- with .Values.image.registry -}}{{- $image = printf "%s/%s" . $image -}}{{- end -}}
{{- $image = include "ragwright.mirrored" (list $ $image) -}}
{{- if .Values.image.digest -}}
{{ $image }}@{{ .Values.image.digest }}
{{- else -}}
{{ $image }}:{{ .Values.image.tag | default (.Chart.AppVersion | replace "+" "_") }}
{{- end -}}
{{- end }}

{{/* An image of global.imageRegistry, if there is one, instead of the registry that it names: its
     first part with a dot or a colon, or localhost. */}}
{{- define "ragwright.mirrored" -}}
{{- $image := index . 1 -}}
{{- with (index . 0).Values.global.imageRegistry -}}
{{- $first := splitList "/" $image | first -}}
{{- $named := and (contains "/" $image) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) -}}
{{- $image = printf "%s/%s" (trimSuffix "/" .) (ternary (trimPrefix (printf "%s/" $first) $image) $image $named) -}}
{{- end -}}
{{ $image }}
{{- end }}

{{/* Only what is set, as the operator reads it. */}}
{{- define "ragwright.pipelinePods" -}}
{{- $pods := deepCopy .Values.pipelines.podTemplate -}}
{{- $_ := set $pods "imagePullSecrets" (concat (.Values.global.imagePullSecrets | default list) ($pods.imagePullSecrets | default list)) -}}
{{- range $name, $value := $pods -}}
{{- if not $value -}}{{- $_ := unset $pods $name -}}{{- end -}}
{{- end -}}
{{ $pods | toJson }}
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
