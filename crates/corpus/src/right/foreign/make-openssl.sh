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
# OpenSSL's own order and marks, with the name alone: name NAME MARKS ARGUMENTS
name() {
    name=$1 marks=$2
    shift 2
    openssl req -new -newkey "$@" -nodes -keyout /dev/null -subj / \
        -addext "subjectAltName=${marks}URI:$id" -out "openssl-$name.pem"
}
request p256 ec -pkeyopt ec_paramgen_curve:prime256v1
request p384-sha256 ec -pkeyopt ec_paramgen_curve:secp384r1 -sha256
request p521-sha512 ec -pkeyopt ec_paramgen_curve:secp521r1 -sha512
request rsa4096-sha384 rsa:4096 -sha384
request ed25519 ed25519
request p256-sha512 ec -pkeyopt ec_paramgen_curve:prime256v1 -sha512
request p384-sha512 ec -pkeyopt ec_paramgen_curve:secp384r1 -sha512
request p521-sha256 ec -pkeyopt ec_paramgen_curve:secp521r1 -sha256
request rsa2048 rsa:2048
request rsa2560-sha512 rsa:2560 -sha512
name name-p256 "" ec -pkeyopt ec_paramgen_curve:prime256v1
name name-critical-p256 critical, ec -pkeyopt ec_paramgen_curve:prime256v1
name name-rsa3072 "" rsa:3072
