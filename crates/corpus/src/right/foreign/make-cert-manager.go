// Writes the signing requests in this folder that cert-manager's own library makes. In
// cluster/certmanager, whose modules it needs: `go run ../../PATH-OF-THIS-FILE FOLDER`.
package main

import (
	"crypto"
	"encoding/pem"
	"os"
	"path/filepath"

	api "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/cert-manager/cert-manager/pkg/util/pki"
)

func check[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	no := false
	forth := []api.KeyUsage{
		api.UsageDigitalSignature, api.UsageKeyEncipherment, api.UsageServerAuth, api.UsageClientAuth,
	}
	back := []api.KeyUsage{forth[3], forth[2], forth[1], forth[0]}
	for _, form := range []struct {
		name      string
		algorithm api.PrivateKeyAlgorithm
		size      int
		encode    *bool
		usages    []api.KeyUsage
		signature api.SignatureAlgorithm
	}{
		{"ecdsa256", api.ECDSAKeyAlgorithm, 256, nil, forth, ""},
		{"ecdsa256-sha512", api.ECDSAKeyAlgorithm, 256, nil, forth, api.ECDSAWithSHA512},
		{"ecdsa384", api.ECDSAKeyAlgorithm, 384, nil, forth, ""},
		{"ecdsa521", api.ECDSAKeyAlgorithm, 521, nil, back, ""},
		{"ed25519", api.Ed25519KeyAlgorithm, 0, &no, forth, ""},
		{"ed25519-usages", api.Ed25519KeyAlgorithm, 0, nil, forth, ""},
		{"rsa2048", api.RSAKeyAlgorithm, 2048, nil, back, ""},
		{"rsa3072", api.RSAKeyAlgorithm, 3072, nil, back, ""},
		{"rsa4096", api.RSAKeyAlgorithm, 4096, nil, back, api.SHA512WithRSA},
	} {
		for suffix, basic := range map[string]bool{"": false, "-basic": true} {
			certificate := &api.Certificate{Spec: api.CertificateSpec{
				URIs:                  []string{"spiffe://cluster.local/ns/payments/sa/api"},
				Usages:                form.usages,
				EncodeUsagesInRequest: form.encode,
				SignatureAlgorithm:    form.signature,
				PrivateKey:            &api.CertificatePrivateKey{Algorithm: form.algorithm, Size: form.size},
			}}
			key := check(pki.GeneratePrivateKeyForCertificate(certificate))
			request := check(pki.GenerateCSR(certificate, pki.WithEncodeBasicConstraintsInRequest(basic)))
			der := check(pki.EncodeCSR(request, key.(crypto.Signer)))
			text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
			name := filepath.Join(os.Args[1], "cert-manager-"+form.name+suffix+".pem")
			if err := os.WriteFile(name, text, 0o644); err != nil {
				panic(err)
			}
		}
	}
}
