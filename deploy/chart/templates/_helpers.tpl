{{- define "crd.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "crd.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "crd.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "crd.selector" . }}
{{- end }}

{{- define "crd.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "crd.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "crd.fullname" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "crd.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int . }}
runAsGroup: {{ int . }}
fsGroup: {{ int . }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "crd.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "crd.databaseUrl" -}}
{{- if .Values.database.sqlite.enabled -}}
value: sqlite:////var/lib/crd/crd.sqlite3
{{- else -}}
valueFrom: {secretKeyRef: {name: {{ .Values.database.secret | quote }}, key: {{ .Values.database.key | quote }}}}
{{- end }}
{{- end }}

{{/* A probe by HTTP; under mutual TLS the kubelet has no certificate, and sees only that the port is open. */}}
{{- define "crd.probe" -}}
{{- if .root.Values.tls.clientCaSecret -}}
tcpSocket: {port: http}
{{- else -}}
httpGet: {path: {{ .path }}, port: http, scheme: {{ ternary "HTTPS" "HTTP" (ne .root.Values.tls.secret "") }}}
{{- end }}
{{- end }}

{{/* DNS, and the database: what the service and the migrations both ask. */}}
{{- define "crd.egressToDatabase" -}}
- to: [{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}]
  ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- if not .Values.database.sqlite.enabled }}
- ports: [{port: {{ .Values.networkPolicy.databasePort }}, protocol: TCP}]
  {{- with .Values.networkPolicy.database }}
  to: {{ toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Refuses values that would make a service which does not start, or which forgets. */}}
{{- define "crd.check" -}}
{{- $v := .Values }}
{{- $replicas := ternary $v.autoscaling.maxReplicas $v.replicas $v.autoscaling.enabled }}
{{- if not $v.publicBaseUrl }}{{ fail "publicBaseUrl must be set: the URL under which clients call, which their tokens are made for" }}{{ end }}
{{- if not $v.auth.clientsSecret }}{{ fail "auth.clientsSecret must be set: the Secret with clients.json (docs/clients.md)" }}{{ end }}
{{- if $v.database.sqlite.enabled }}
{{- if gt (int $replicas) 1 }}{{ fail "database.sqlite allows one replica only: several would each have a file of their own, so that a token could be used once at each; set database.secret to a PostgreSQL, or replicas to 1" }}{{ end }}
{{- if $v.database.secret }}{{ fail "database.secret and database.sqlite.enabled exclude each other" }}{{ end }}
{{- else if not $v.database.secret }}{{ fail "database.secret must be set: the Secret with the URL of a PostgreSQL (or database.sqlite.enabled with one replica)" }}{{ end }}
{{- if and $v.autoscaling.enabled (not $v.autoscaling.cpuUtilization) (not $v.autoscaling.callsInFlight) }}{{ fail "autoscaling needs cpuUtilization or callsInFlight" }}{{ end }}
{{- if and $v.autoscaling.callsInFlight (not $v.metrics.enabled) }}{{ fail "autoscaling.callsInFlight needs metrics.enabled" }}{{ end }}
{{- if and $v.tls.clientCaSecret (not $v.tls.secret) }}{{ fail "tls.clientCaSecret needs tls.secret" }}{{ end }}
{{- if $v.ingress.enabled }}
{{- if not $v.ingress.tlsSecret }}{{ fail "ingress.tlsSecret must be set: CRD is spoken over TLS only" }}{{ end }}
{{- if not $v.trustedProxies }}{{ fail "trustedProxies must be set with an Ingress: without it all callers have its address, and one can use up the calls of all" }}{{ end }}
{{- if not (hasPrefix "https://" $v.publicBaseUrl) }}{{ fail "publicBaseUrl must begin with https:// where an Ingress serves TLS" }}{{ end }}
{{- if (urlParse $v.publicBaseUrl).path }}{{ fail "publicBaseUrl has a path, which this Ingress does not take off; give the service a host of its own" }}{{ end }}
{{- end }}
{{- if $v.console.enabled }}
{{- if not $v.console.keySecret }}{{ fail "console.keySecret must be set: replicas that each draw a key refuse each other's forms" }}{{ end }}
{{- if or (not $v.console.oidcIssuer) (not $v.console.oidcClient) }}{{ fail "console.oidcIssuer and console.oidcClient must be set: nobody could log in" }}{{ end }}
{{- end }}
{{- $own := list "CRD_HOST" "CRD_PORT" "CRD_WORKERS" "CRD_PUBLIC_BASE_URL" "CRD_AUTH" "CRD_CLIENTS" "CRD_DATABASE_URL" "CRD_MIGRATIONS" "CRD_CONSOLE" "CRD_CONSOLE_KEY" "CRD_OIDC_ISSUER" "CRD_OIDC_CLIENT" "CRD_OIDC_SECRET" "CRD_AUDIT_KEYS" "CRD_RATE_STORE" "CRD_METRICS_PORT" "CRD_METRICS_HOST" "CRD_TRUSTED_PROXIES" "CRD_POLICIES" "CRD_PAYERS" "CRD_VOCABULARY" "CRD_TLS_CERTIFICATE" "CRD_TLS_KEY" "CRD_TLS_CLIENT_CA" }}
{{- range $name, $_ := $v.settings }}
{{- if has $name $own }}{{ fail (printf "settings.%s is set by a value of its own: see values.yaml" $name) }}{{ end }}
{{- end }}
{{- end }}
