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
	write("go-driver-rsa4096", driver, check(rsa.GenerateKey(rand.Reader, 4096)))

	// The same with the other hashes that crypto/x509 knows for these keys.
	rsa2048 := check(rsa.GenerateKey(rand.Reader, 2048))
	p384 := check(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	p521 := check(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	hashed := func(name string, algorithm x509.SignatureAlgorithm, key crypto.Signer) {
		write(name, x509.CertificateRequest{URIs: driver.URIs, SignatureAlgorithm: algorithm}, key)
	}
	hashed("go-p256-sha384", x509.ECDSAWithSHA384, p256)
	hashed("go-p256-sha512", x509.ECDSAWithSHA512, p256)
	hashed("go-p384-sha256", x509.ECDSAWithSHA256, p384)
	hashed("go-p384-sha512", x509.ECDSAWithSHA512, p384)
	hashed("go-p521-sha256", x509.ECDSAWithSHA256, p521)
	hashed("go-p521-sha384", x509.ECDSAWithSHA384, p521)
	hashed("go-rsa2048-sha384", x509.SHA384WithRSA, rsa2048)
	hashed("go-rsa2048-sha512", x509.SHA512WithRSA, rsa2048)

	usage := check(asn1.Marshal(asn1.BitString{Bytes: []byte{0xa0}, BitLength: 3}))
	server := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	client := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
	names := check(asn1.Marshal([]asn1.RawValue{{Class: 2, Tag: 6, Bytes: []byte(id.String())}}))
	noAuthority := check(asn1.Marshal(struct {
		IsCA       bool `asn1:"optional"`
		MaxPathLen int  `asn1:"optional,default:-1"`
	}{false, -1}))
	for name, purposes := range map[string][]asn1.ObjectIdentifier{
		"go-cert-manager-server-client": {server, client},
		"go-cert-manager-client-server": {client, server},
	} {
		name17 := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: true, Value: names}
		basic := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: noAuthority}
		usages := []pkix.Extension{
			{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: usage},
			{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Value: check(asn1.Marshal(purposes))},
		}
		write(name, x509.CertificateRequest{
			ExtraExtensions: append([]pkix.Extension{name17}, usages...),
		}, p256)
		write(name+"-basic", x509.CertificateRequest{
			ExtraExtensions: append([]pkix.Extension{name17, basic}, usages...),
		}, p256)
		// Here crypto/x509 writes the name itself, before or after the others.
		write(name+"-uris", x509.CertificateRequest{URIs: driver.URIs, ExtraExtensions: usages}, p256)
	}
}
