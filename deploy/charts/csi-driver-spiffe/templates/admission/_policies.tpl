{{/*
CEL: whether the request in a variable names an issuer, with names as cert-manager reads them:
(dict "object" "oldObject" "issuer" (dict "name" "a" "kind" "" "group" "" "namespace" "")). Without a namespace an
Issuer is the one of that name in the namespace of the request, whichever that is.
*/}}
{{- define "spiffe.celNamesIssuer" -}}
{{- $group := .issuer.group | default "cert-manager.io" -}}
{{- $kind := .issuer.kind | default "Issuer" -}}
{{ .object }}.spec.issuerRef.name == {{ .issuer.name | quote }} &&
{{ .object }}.spec.issuerRef.?kind.orValue("") in [{{ $kind | quote }}{{ if eq $kind "Issuer" }}, ""{{ end }}] &&
{{ .object }}.spec.issuerRef.?group.orValue("") in [{{ $group | quote }}{{ if eq $group "cert-manager.io" }}, ""{{ end }}]
{{- with .issuer.namespace }} &&
request.namespace == {{ . | quote }}
{{- end }}
{{- end -}}

{{/*
CEL: whether the request in a variable names the issuer of app.issuer: (dict "context" $ "object" "object").
Empty where the issuer may change while running.
*/}}
{{- define "spiffe.celOurIssuer" -}}
{{- $app := .context.Values.app -}}
{{- if and $app.issuer.name (not $app.runtimeIssuanceConfigMap) -}}
{{- include "spiffe.celNamesIssuer" (dict "object" .object "issuer" $app.issuer) -}}
{{- end -}}
{{- end -}}

{{/* "true" where nobody but our approver, and whom the values name, may decide for our issuer. */}}
{{- define "spiffe.exclusiveApproval" -}}
{{- if and (include "spiffe.admissionPolicies" .) (dig "exclusiveApproval" "enabled" true .Values.admissionPolicies) -}}
true
{{- end -}}
{{- end -}}

{{/* CEL: whether "oldObject" names an issuer that is closed whatever a ConfigMap says. Empty where none is. */}}
{{- define "spiffe.celClosedIssuers" -}}
{{- $all := list -}}
{{- if .Values.app.issuer.name -}}
{{- $all = append $all .Values.app.issuer -}}
{{- end -}}
{{- $each := list -}}
{{- range concat $all (dig "exclusiveApproval" "otherIssuers" list .Values.admissionPolicies | default list) -}}
{{- $each = append $each (printf "(%s)" (include "spiffe.celNamesIssuer" (dict "object" "oldObject" "issuer" .))) -}}
{{- end -}}
{{- join " ||\n" $each -}}
{{- end -}}

{{/* CEL: the users that may decide for our issuer. */}}
{{- define "spiffe.celApprovers" -}}
{{- $others := dig "exclusiveApproval" "otherApprovers" list .Values.admissionPolicies | default list -}}
{{- prepend $others (include "spiffe.approverUser" .) | toJson -}}
{{- end -}}

{{/* CEL: what others are told. */}}
{{- define "spiffe.celRefusedApprover" -}}
request.userInfo.username + " may not decide on CertificateRequests for the issuer " + oldObject.spec.issuerRef.name +
{{ printf ": it gives SPIFFE identities, and %s checks them" (include "spiffe.approverUser" .) | quote }} +
"; the value admissionPolicies.exclusiveApproval.otherApprovers of the chart csi-driver-spiffe lets others decide"
{{- end -}}

{{/* CEL, as variables of a policy on the status of requests: what was decided before and is decided after. */}}
{{- define "spiffe.celDecisions" -}}
- name: before
  expression: >-
    oldObject.?status.?conditions.orValue([]).filter(one, one.type in ["Approved", "Denied"])
- name: after
  expression: >-
    object.?status.?conditions.orValue([]).filter(one, one.type in ["Approved", "Denied"])
- name: isSame
  expression: >-
    variables.before.size() == variables.after.size() &&
    variables.after.all(one, variables.before.exists(old, old.type == one.type && old.status == one.status))
{{- end -}}

{{/* What puts a policy into effect, everywhere: (dict "context" $ "policy" "driver"). */}}
{{- define "spiffe.policyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ include "spiffe.name" .context }}-{{ .policy }}
  labels:
    {{- include "spiffe.labels" .context | nindent 4 }}
spec:
  policyName: {{ include "spiffe.name" .context }}-{{ .policy }}
  validationActions: [Deny]
{{- end -}}

{{/*
"true" where admission policies are wanted and can be had. Without a cluster (helm template) no kinds are
known, only groups and the version.
*/}}
{{- define "spiffe.admissionPolicies" -}}
{{- $wanted := toString .Values.admissionPolicies.enabled -}}
{{- $known := .Capabilities.APIVersions.Has "v1/Pod" -}}
{{- $served := .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" -}}
{{- $recent := include "spiffe.kubernetes" (list . 30) -}}
{{- if or (eq $wanted "true") (and (eq $wanted "auto") (or $served (and $recent (not $known)))) -}}
true
{{- end -}}
{{- end -}}
