// Command peer looks at a volume as a workload does, with go-spiffe and Go's crypto/x509, and talks mutual TLS with
// other peers. It is what the end-to-end tests believe.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

const usage = `usage:
  peer check VOLUME             prints what is in the volume; exit 1 when it is not valid now
  peer watch VOLUME             checks five times a second, prints changes, ends with 1 when it is not valid
  peer serve VOLUME ADDRESS ID  answers peers that are ID
  peer dial VOLUME ADDRESS ID   asks the peer at ADDRESS, which must be ID
  peer idle COUNT ADDRESS...    holds so many connections to each address and sends nothing, until it is killed
  peer requests                 checks signing requests, {"name", "id", "pem"} a line, against their identities`

// volume reads the files anew each time somebody asks.
type volume string

// seen is what a volume holds.
type seen struct {
	ID        string    `json:"id"`
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	Key       string    `json:"key"`
	Roots     int       `json:"roots"`
	URIs      int       `json:"uris"`
	Subject   string    `json:"subject"`
	// Authority is the key that signed, of which the certificate names a digest.
	Authority string `json:"authority"`
}

func main() {
	log.SetFlags(log.Ltime)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(words []string) error {
	switch {
	case len(words) == 1 && words[0] == "requests":
		return requests(os.Stdin)
	case len(words) >= 3 && words[0] == "idle":
		return idle(words[1], words[2:])
	case len(words) == 2 && words[0] == "check":
		return check(volume(words[1]))
	case len(words) == 2 && words[0] == "watch":
		return watch(volume(words[1]))
	case len(words) == 4 && words[0] == "serve":
		return serve(volume(words[1]), words[2], spiffeid.RequireFromString(words[3]))
	case len(words) == 4 && words[0] == "dial":
		return dial(volume(words[1]), words[2], spiffeid.RequireFromString(words[3]))
	}
	return fmt.Errorf("%s", usage)
}

func (v volume) GetX509SVID() (*x509svid.SVID, error) {
	// Through one set of files, though a new one may come in between.
	set, err := filepath.EvalSymlinks(filepath.Join(string(v), "..data"))
	if err != nil {
		return nil, err
	}
	return x509svid.Load(filepath.Join(set, "tls.crt"), filepath.Join(set, "tls.key"))
}

func (v volume) GetX509BundleForTrustDomain(domain spiffeid.TrustDomain) (*x509bundle.Bundle, error) {
	return x509bundle.Load(domain, filepath.Join(string(v), "ca.crt"))
}

func (v volume) look() (*seen, error) {
	svid, err := v.GetX509SVID()
	if err != nil {
		return nil, err
	}
	bundle, err := v.GetX509BundleForTrustDomain(svid.ID.TrustDomain())
	if err != nil {
		return nil, err
	}
	if _, _, err := x509svid.Verify(svid.Certificates, bundle); err != nil {
		return nil, err
	}
	leaf := svid.Certificates[0]
	_, key, err := svid.MarshalRaw()
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(key)
	return &seen{
		ID:        svid.ID.String(),
		Serial:    leaf.SerialNumber.Text(16),
		NotBefore: leaf.NotBefore,
		NotAfter:  leaf.NotAfter,
		Key:       hex.EncodeToString(digest[:8]),
		Roots:     len(bundle.X509Authorities()),
		URIs:      len(leaf.URIs),
		Subject:   leaf.Subject.String(),
		Authority: hex.EncodeToString(leaf.AuthorityKeyId),
	}, nil
}

func (s *seen) print() {
	text, _ := json.Marshal(s)
	fmt.Println(string(text))
}

func check(v volume) error {
	now, err := v.look()
	if err != nil {
		return err
	}
	now.print()
	return nil
}

func watch(v volume) error {
	var last seen
	for range time.Tick(200 * time.Millisecond) {
		now, err := v.look()
		if err != nil {
			return err
		}
		if *now != last {
			now.print()
			last = *now
		}
	}
	return nil
}

func serve(v volume, address string, allowed spiffeid.ID) error {
	config := tlsconfig.MTLSServerConfig(v, v, tlsconfig.AuthorizeID(allowed))
	listener, err := tls.Listen("tcp", address, config)
	if err != nil {
		return err
	}
	log.Printf("serving %s", allowed)
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go answer(connection.(*tls.Conn))
	}
}

func answer(connection *tls.Conn) {
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := connection.HandshakeContext(ctx); err != nil {
		log.Printf("refused: %v", err)
		return
	}
	id, err := x509svid.IDFromCert(connection.ConnectionState().PeerCertificates[0])
	if err != nil {
		log.Printf("refused: %v", err)
		return
	}
	fmt.Fprintf(connection, "you are %s\n", id)
}

func dial(v volume, address string, expected spiffeid.ID) error {
	config := tlsconfig.MTLSClientConfig(v, v, tlsconfig.AuthorizeID(expected))
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: config}
	connection, err := dialer.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	text, err := io.ReadAll(connection)
	if err != nil {
		return err
	}
	fmt.Print(string(text))
	return nil
}
