{{/* Name of the installation, first part of the names of all objects but the CSIDriver. */}}
{{- define "spiffe.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "spiffe.labels" -}}
app.kubernetes.io/name: {{ include "spiffe.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with omit (.Values.commonLabels | default dict) "app" "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "helm.sh/chart" }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* "true" from a minor version of Kubernetes 1 on: (list $ 35). Vendors add to the version, as in "35+". */}}
{{- define "spiffe.kubernetes" -}}
{{- if ge (regexFind "[0-9]+" (index . 0).Capabilities.KubeVersion.Minor | int) (index . 1) -}}
true
{{- end -}}
{{- end -}}

{{/*
Where the image of a role is: (dict "context" $ "role" "driver"). The deprecated `image` counts where the
role's own values are silent. Empty where the values name none, or the Go driver's, which values of its
releases carry along: at quay.io/jetstack, where nothing is ours, or in a mirror of that.
*/}}
{{- define "spiffe.repository" -}}
{{- $values := .context.Values -}}
{{- $own := index $values (printf "%sImage" .role) | default dict -}}
{{- $old := $values.image | default dict -}}
{{- $registry := $own.registry | default $old.registry -}}
{{- $repository := $own.repository | default (get ($old.repository | default dict) .role) -}}
{{- $folder := compact (list ($registry | default $values.imageRegistry) $values.imageNamespace) -}}
{{- $named := "" -}}
{{- if $repository -}}
{{- $named = join "/" (compact (list $registry $repository)) -}}
{{- else if $folder -}}
{{- $named = join "/" (compact (append $folder $own.name)) -}}
{{- end -}}
{{- if not (regexMatch "^quay[.]io/+jetstack/|(^|/)jetstack/+cert-manager-csi-driver-spiffe" $named) -}}
{{- $named -}}
{{- end -}}
{{- end -}}

{{/* Image of a role. */}}
{{- define "spiffe.image" -}}
{{- $values := .context.Values -}}
{{- $own := index $values (printf "%sImage" .role) | default dict -}}
{{- $old := $values.image | default dict -}}
{{- include "spiffe.repository" . -}}
{{- with $own.digest | default (get ($old.digest | default dict) .role) -}}
@{{ . }}
{{- else -}}
:{{ $own.tag | default $old.tag | default (printf "v%s" $.context.Chart.AppVersion) }}
{{- end -}}
{{- end -}}

{{/* Pull policy of a role's image. */}}
{{- define "spiffe.pullPolicy" -}}
{{- $own := index .context.Values (printf "%sImage" .role) | default dict -}}
{{- $own.pullPolicy | default (.context.Values.image | default dict).pullPolicy | default "IfNotPresent" -}}
{{- end -}}

{{/* More labels of a role's pods, without those that select them: (dict "context" $ "role" "driver"). */}}
{{- define "spiffe.podLabels" -}}
{{- with omit ((index .context.Values.app .role).podLabels | default dict) "app" "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "helm.sh/chart" -}}
{{ toYaml . }}
{{- end -}}
{{- end -}}

{{/*
Where pods run: (dict "context" $ "role" "driver" "key" "affinity"). The role's own value, or the one for both, or
for the driver the default.
*/}}
{{- define "spiffe.scheduling" -}}
{{- $role := index .context.Values.app .role -}}
{{- $default := dict -}}
{{- if $role.schedulingDefaults -}}
{{- $default = include "spiffe.driverScheduling" . | fromYaml -}}
{{- end -}}
{{- with get $role .key | default (get .context.Values .key) | default (get $default .key) -}}
{{ $.key }}:{{ if kindIs "string" . }} {{ . | quote }}{{ else }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end -}}
{{- end -}}

{{/* Where drivers run by default. */}}
{{- define "spiffe.driverScheduling" -}}
priorityClassName: system-node-critical
tolerations:
  - operator: Exists
affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
        - matchExpressions:
            - key: type
              operator: NotIn
              values: [virtual-kubelet]
            - key: eks.amazonaws.com/compute-type
              operator: NotIn
              values: [fargate]
{{- end -}}

{{/* Security context of pods that need nothing of the node. */}}
{{- define "spiffe.podSecurityContext" -}}
runAsNonRoot: true
{{- /* OpenShift gives each namespace users of its own. */}}
{{- if not (include "spiffe.openshift" .) }}
runAsUser: 65532
runAsGroup: 65532
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Security context of the containers of such pods. */}}
{{- define "spiffe.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Flags that both roles must agree on, as a list. */}}
{{- define "spiffe.commonArgs" -}}
- {{ printf "--log-level=%v" .Values.app.logLevel | quote }}
- {{ printf "--log-format=%v" (.Values.app.logFormat | default "text") | quote }}
- {{ printf "--csi-driver-name=%v" .Values.app.name | quote }}
- {{ printf "--trust-domain=%v" .Values.app.trustDomain | quote }}
- {{ printf "--certificate-request-duration=%v" .Values.app.certificateRequestDuration | quote }}
- {{ printf "--issuer-name=%v" (.Values.app.issuer.name | default "") | quote }}
- {{ printf "--issuer-kind=%v" (.Values.app.issuer.kind | default "") | quote }}
- {{ printf "--issuer-group=%v" (.Values.app.issuer.group | default "") | quote }}
{{- /* Also where there are none: an approver without the flag takes nearly any. */}}
- {{ printf "--extra-certificate-request-annotations=%s" (.Values.app.extraCertificateRequestAnnotations | default "") | quote }}
{{- with .Values.app.runtimeIssuanceConfigMap }}
- {{ printf "--runtime-issuance-config-map-name=%s" . | quote }}
- --runtime-issuance-config-map-namespace={{ $.Release.Namespace }}
{{- end }}
{{- end -}}

{{/* User name under which the API server knows the driver. */}}
{{- define "spiffe.driverUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "spiffe.name" . }}
{{- end -}}

{{/* User name under which the API server knows the approver. */}}
{{- define "spiffe.approverUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "spiffe.name" . }}-approver
{{- end -}}

{{/* Folder of the node for the driver's records. */}}
{{- define "spiffe.dataDir" -}}
{{- $old := .Values.app.driver.csiDataDir -}}
{{- if and $old (ne (trimSuffix "/" $old) "/tmp/cert-manager-csi-driver") -}}
{{- $old -}}
{{- else -}}
{{- .Values.app.driver.dataDir -}}
{{- end -}}
{{- end -}}

{{/* Folder of the kubelet, without a slash at its end. */}}
{{- define "spiffe.kubeletRootDir" -}}
{{- trimSuffix "/" .Values.app.driver.kubeletRootDir -}}
{{- end -}}

{{/* The issuer's group as cert-manager reads it. */}}
{{- define "spiffe.issuerGroup" -}}
{{- .Values.app.issuer.group | default "cert-manager.io" -}}
{{- end -}}

{{/* The issuer's kind as cert-manager reads it. */}}
{{- define "spiffe.issuerKind" -}}
{{- .Values.app.issuer.kind | default "Issuer" -}}
{{- end -}}

{{/*
Name of the one signer that the approver may approve for; empty: all of them. Only for cert-manager's own
kinds is the signer's name (with the plural of the kind) known here.
*/}}
{{- define "spiffe.signerName" -}}
{{- $static := not (or .Values.app.runtimeIssuanceConfigMap .Values.app.approver.autoApproveNonSPIFFE) -}}
{{- $own := eq (include "spiffe.issuerGroup" .) "cert-manager.io" -}}
{{- $kind := include "spiffe.issuerKind" . -}}
{{- if .Values.app.approver.signerName -}}
{{- .Values.app.approver.signerName -}}
{{- else if and $static $own (eq $kind "ClusterIssuer") -}}
clusterissuers.cert-manager.io/{{ .Values.app.issuer.name }}
{{- else if and $static $own (eq $kind "Issuer") -}}
issuers.cert-manager.io/*
{{- end -}}
{{- end -}}

{{/* "true" where the chart gives the driver a SecurityContextConstraint. */}}
{{- define "spiffe.openshift" -}}
{{- $enabled := toString .Values.openshift.securityContextConstraint.enabled -}}
{{- if or (eq $enabled "true") (and (eq $enabled "detect") (.Capabilities.APIVersions.Has "security.openshift.io/v1")) -}}
true
{{- end -}}
{{- end -}}

{{/* The Pod Security Standard that the release's namespace enforces; empty where it says none, or no cluster is asked. */}}
{{- define "spiffe.podSecurity" -}}
{{- $namespace := lookup "v1" "Namespace" "" .Release.Namespace -}}
{{- dig "metadata" "labels" "pod-security.kubernetes.io/enforce" "" $namespace -}}
{{- end -}}

{{/*
"true" where the CSIDriver asks for tokens as secrets. The Go driver reads them from the volume context
only, so while its pods (of several containers) are still being replaced it stays as it was.
*/}}
{{- define "spiffe.tokenInSecrets" -}}
{{- $wanted := toString .Values.app.driver.serviceAccountTokenInSecrets -}}
{{- if eq $wanted "true" -}}
true
{{- else if and (eq $wanted "auto") (include "spiffe.kubernetes" (list . 35)) -}}
{{- $running := lookup "apps/v1" "DaemonSet" .Release.Namespace (printf "%s-driver" (include "spiffe.name" .)) -}}
{{- if le (len (dig "spec" "template" "spec" "containers" list $running)) 1 -}}
true
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Ends the rendering where the values cannot work, with what to do. */}}
{{- define "spiffe.check" -}}
{{- $driver := .Values.app.driver -}}
{{- if not (hasKey $driver "kubeletRootDir") -}}
{{- fail "The values lack app.driver.kubeletRootDir, so they are those of another chart, images included, as with --reuse-values: upgrade with --reset-then-reuse-values, or give your own values with -f, and name the image with imageRegistry and imageNamespace, or with driverImage.repository and approverImage.repository." -}}
{{- end -}}
{{- range $role := list "driver" "approver" -}}
{{- if not (include "spiffe.repository" (dict "context" $ "role" $role)) -}}
{{- fail (printf "The values name no image of this program for the %s: set imageRegistry and imageNamespace to where yours is, or driverImage.repository and approverImage.repository; the Go driver's image, quay.io/jetstack/cert-manager-csi-driver-spiffe, is a different program." $role) -}}
{{- end -}}
{{- end -}}
{{- /* Without a cluster (helm template) the version is not one that anybody runs. */ -}}
{{- $known := .Capabilities.APIVersions.Has "v1/Pod" -}}
{{- if and $driver.useOwnServiceAccount $known (not (include "spiffe.kubernetes" (list . 30))) -}}
{{- fail "app.driver.useOwnServiceAccount needs Kubernetes 1.30 or newer: tokens of older versions do not name the node, and the approver would deny every request." -}}
{{- end -}}
{{- if not (or .Values.app.issuer.name .Values.app.runtimeIssuanceConfigMap) -}}
{{- fail "No issuer: set app.issuer.name or app.runtimeIssuanceConfigMap." -}}
{{- end -}}
{{- if not (hasPrefix "/" (include "spiffe.dataDir" .)) -}}
{{- fail "app.driver.dataDir (and app.driver.csiDataDir, where it is set) must be an absolute path on the node." -}}
{{- end -}}
{{- range $driver.extraArgs -}}
{{- if hasPrefix "--extra-certificate-request-annotations" . -}}
{{- fail "app.driver.extraArgs has --extra-certificate-request-annotations, which the approver would not know about and deny every request: set app.extraCertificateRequestAnnotations, which both get." -}}
{{- end -}}
{{- end -}}
{{- if eq (toString $driver.livenessProbe.port) (toString $driver.metrics.port) -}}
{{- fail "app.driver.livenessProbe.port and app.driver.metrics.port must differ." -}}
{{- end -}}
{{- if eq (toString .Values.app.approver.readinessProbe.port) (toString .Values.app.approver.metrics.port) -}}
{{- fail "app.approver.readinessProbe.port and app.approver.metrics.port must differ." -}}
{{- end -}}
{{- end -}}
