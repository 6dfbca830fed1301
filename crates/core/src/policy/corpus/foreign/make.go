// Writes the signing requests in this folder that Go makes: `go run make.go`.
//
// The forms are those of cert-manager/csi-driver-spiffe (only URIs set, so that crypto/x509 writes
// the one extension) and of cert-manager's own library (critical name, key usage and extended key
// usage as extensions, in the order of spec.usages).
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net/url"
	"os"
)

func check[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func write(name string, template x509.CertificateRequest, key crypto.Signer) {
	der := check(x509.CreateCertificateRequest(rand.Reader, &template, key))
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	if err := os.WriteFile(name+".pem", text, 0o644); err != nil {
		panic(err)
	}
}

func main() {
	id := check(url.Parse("spiffe://cluster.local/ns/payments/sa/api"))
	driver := x509.CertificateRequest{URIs: []*url.URL{id}}
	p256 := check(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	write("go-driver-p256", driver, p256)
	write("go-driver-p384", driver, check(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)))
	write("go-driver-p521", driver, check(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)))
	write("go-driver-rsa2048", driver, check(rsa.GenerateKey(rand.Reader, 2048)))
	write("go-driver-rsa3072", driver, check(rsa.GenerateKey(rand.Reader, 3072)))
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	check(edKey, err)
	write("go-driver-ed25519", driver, edKey)

	usage := check(asn1.Marshal(asn1.BitString{Bytes: []byte{0xa0}, BitLength: 3}))
	server := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	client := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
	names := check(asn1.Marshal([]asn1.RawValue{{Class: 2, Tag: 6, Bytes: []byte(id.String())}}))
	for name, purposes := range map[string][]asn1.ObjectIdentifier{
		"go-cert-manager-server-client": {server, client},
		"go-cert-manager-client-server": {client, server},
	} {
		write(name, x509.CertificateRequest{
			ExtraExtensions: []pkix.Extension{
				{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: true, Value: names},
				{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: usage},
				{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Value: check(asn1.Marshal(purposes))},
			},
		}, p256)
	}
}
