{{- define "crd.env" -}}
- {name: CRD_HOST, value: "0.0.0.0"}
- {name: CRD_PORT, value: "8000"}
- {name: CRD_WORKERS, value: {{ .Values.workers | quote }}}
- {name: CRD_PUBLIC_BASE_URL, value: {{ .Values.publicBaseUrl | quote }}}
- {name: CRD_AUTH, value: {{ .Values.auth.mode | quote }}}
- {name: CRD_CLIENTS, value: {{ printf "/etc/crd/clients/%s" .Values.auth.clientsKey | quote }}}
- {name: CRD_CONSOLE, value: {{ ternary "login" "off" .Values.console.enabled | quote }}}
{{- if .Values.console.enabled }}
- name: CRD_CONSOLE_KEY
  valueFrom: {secretKeyRef: {name: {{ .Values.console.keySecret | quote }}, key: {{ .Values.console.key | quote }}}}
- {name: CRD_OIDC_ISSUER, value: {{ .Values.console.oidcIssuer | quote }}}
- {name: CRD_OIDC_CLIENT, value: {{ .Values.console.oidcClient | quote }}}
{{- if .Values.console.oidcSecret }}
- name: CRD_OIDC_SECRET
  valueFrom: {secretKeyRef: {name: {{ .Values.console.oidcSecret | quote }}, key: {{ .Values.console.oidcSecretKey | quote }}}}
{{- end }}
{{- end }}
- name: CRD_DATABASE_URL
  {{- include "crd.databaseUrl" . | nindent 2 }}
- {name: CRD_MIGRATIONS, value: {{ ternary "start" "command" .Values.database.sqlite.enabled }}}
{{- if .Values.audit.keysSecret }}
- {name: CRD_AUDIT_KEYS, value: {{ printf "/etc/crd/audit/%s" .Values.audit.keysKey | quote }}}
{{- end }}
{{- if .Values.rateStore.secret }}
- name: CRD_RATE_STORE
  valueFrom: {secretKeyRef: {name: {{ .Values.rateStore.secret | quote }}, key: {{ .Values.rateStore.key | quote }}}}
{{- end }}
{{- if .Values.metrics.enabled }}
- {name: CRD_METRICS_PORT, value: {{ .Values.metrics.port | quote }}}
- {name: CRD_METRICS_HOST, value: "0.0.0.0"}
{{- end }}
{{- if .Values.trustedProxies }}
- {name: CRD_TRUSTED_PROXIES, value: {{ .Values.trustedProxies | quote }}}
{{- end }}
{{- range $name, $rules := .Values.rules }}
{{- if $rules.volume }}
- {name: {{ printf "CRD_%s" (upper $name) }}, value: {{ printf "/etc/crd/rules/%s/%s" $name $rules.path | trimSuffix "/" | quote }}}
{{- end }}
{{- end }}
{{- if .Values.tls.secret }}
- {name: CRD_TLS_CERTIFICATE, value: /etc/crd/tls/tls.crt}
- {name: CRD_TLS_KEY, value: /etc/crd/tls/tls.key}
{{- end }}
{{- if .Values.tls.clientCaSecret }}
- {name: CRD_TLS_CLIENT_CA, value: {{ printf "/etc/crd/client-ca/%s" .Values.tls.clientCaKey | quote }}}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- /* Helm's numbers are floats, and it would write a large one as 1.048576e+06. */}}
{{- if and (kindIs "float64" $value) (eq (floor $value) $value) }}{{ $value = int64 $value }}{{ end }}
- {name: {{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Everything that may be written: temporary files, the workers' counts, and the file of SQLite. */}}
{{- define "crd.mounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: shm, mountPath: /dev/shm}
- {name: data, mountPath: /var/lib/crd}
- {name: clients, mountPath: /etc/crd/clients, readOnly: true}
{{- if .Values.audit.keysSecret }}
- {name: audit-keys, mountPath: /etc/crd/audit, readOnly: true}
{{- end }}
{{- range $name, $rules := .Values.rules }}
{{- if $rules.volume }}
- {name: {{ $name }}, mountPath: {{ printf "/etc/crd/rules/%s" $name }}, readOnly: true}
{{- end }}
{{- end }}
{{- if .Values.tls.secret }}
- {name: tls, mountPath: /etc/crd/tls, readOnly: true}
{{- end }}
{{- if .Values.tls.clientCaSecret }}
- {name: client-ca, mountPath: /etc/crd/client-ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "crd.volumes" -}}
- {name: tmp, emptyDir: {sizeLimit: 256Mi}}
- {name: shm, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
- name: data
  {{- if .Values.database.sqlite.enabled }}
  persistentVolumeClaim: {claimName: {{ include "crd.fullname" . }}}
  {{- else }}
  emptyDir: {sizeLimit: 64Mi}
  {{- end }}
- {name: clients, secret: {secretName: {{ .Values.auth.clientsSecret | quote }}, defaultMode: 0440}}
{{- if .Values.audit.keysSecret }}
- {name: audit-keys, secret: {secretName: {{ .Values.audit.keysSecret | quote }}, defaultMode: 0440}}
{{- end }}
{{- range $name, $rules := .Values.rules }}
{{- if $rules.volume }}
- name: {{ $name }}
  {{- toYaml $rules.volume | nindent 2 }}
{{- end }}
{{- end }}
{{- if .Values.tls.secret }}
- {name: tls, secret: {secretName: {{ .Values.tls.secret | quote }}, defaultMode: 0440}}
{{- end }}
{{- if .Values.tls.clientCaSecret }}
- {name: client-ca, secret: {secretName: {{ .Values.tls.clientCaSecret | quote }}, defaultMode: 0440}}
{{- end }}
{{- end }}
