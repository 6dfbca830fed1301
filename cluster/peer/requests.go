package main

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
)

// request is one signing request and the identity for which it was approved.
type request struct {
	Name string `json:"name"`
	ID   string `json:"id"`
	PEM  string `json:"pem"`
}

// requests reads a JSON object a line and says how many Go reads as a request for exactly the one name.
func requests(input io.Reader) error {
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, 1<<20)
	var wrong []error
	count := 0
	for lines.Scan() {
		var one request
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return err
		}
		count++
		if err := one.check(); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", one.Name, err))
		}
	}
	if err := errors.Join(append(wrong, lines.Err())...); err != nil {
		return err
	}
	fmt.Println(count)
	return nil
}

func (r *request) check() error {
	block, rest := pem.Decode([]byte(r.PEM))
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return fmt.Errorf("not one PEM block: %d bytes are left", len(rest))
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return err
	}
	if err := csr.CheckSignature(); err != nil {
		return err
	}
	if hex.EncodeToString(csr.RawSubject) != "3000" {
		return fmt.Errorf("a subject: %s", csr.Subject)
	}
	if len(csr.URIs) != 1 || csr.URIs[0].String() != r.ID {
		return fmt.Errorf("%v instead of %s", csr.URIs, r.ID)
	}
	if n := len(csr.DNSNames) + len(csr.EmailAddresses) + len(csr.IPAddresses); n > 0 {
		return fmt.Errorf("%d more names", n)
	}
	return nil
}
