#!/bin/sh
# Writes the signing requests in this folder that OpenSSL makes.
set -eu
id=spiffe://cluster.local/ns/payments/sa/api
request() {
    name=$1
    shift
    openssl req -new -newkey "$@" -nodes -keyout /dev/null -subj / \
        -addext "subjectAltName=critical,URI:$id" \
        -addext "basicConstraints=critical,CA:FALSE" \
        -addext "keyUsage=critical,digitalSignature,keyEncipherment" \
        -addext "extendedKeyUsage=serverAuth,clientAuth" \
        -out "openssl-$name.pem"
}
request p256 ec -pkeyopt ec_paramgen_curve:prime256v1
request p384-sha256 ec -pkeyopt ec_paramgen_curve:secp384r1 -sha256
request p521-sha512 ec -pkeyopt ec_paramgen_curve:secp521r1 -sha512
request rsa4096-sha384 rsa:4096 -sha384
request ed25519 ed25519
