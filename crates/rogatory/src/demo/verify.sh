#!/bin/sh
# Checks the package beside this file with tools that other people made. Exit code 0: nothing that was checked is wrong.
# A tool that is not installed is named with the command that installs it; with REQUIRE_ALL=1 that is a failure.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
package=$here/package
trust=$here/trust
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
skipped=0

ok() { printf 'ok       %s\n' "$1"; }
wrong() { printf 'WRONG    %s\n' "$1"; exit 1; }
skip() {
    printf 'skipped  %s (install: %s)\n' "$1" "$2"
    skipped=$((skipped + 1))
}
have() { command -v "$1" >/dev/null 2>&1; }

# Every file is what the manifests say (RFC 8493).
(cd "$package" && sha256sum --quiet -c manifest-sha256.txt tagmanifest-sha256.txt) || wrong "sha256sum: the files of the package"
ok "sha256sum: every file is what the manifests say"
if have bagit.py; then
    bagit.py --quiet --validate "$package" || wrong "bagit.py: the outer bag"
    ok "bagit.py: the outer bag"
else
    skip "bagit.py: the outer bag" "pip install bagit"
fi

# The evidence office of XB signed the tag manifest, which covers everything else (CAdES, RFC 5652).
openssl cms -verify -cades -binary -inform DER -in "$package/seal/signature.p7s" \
    -content "$package/tagmanifest-sha256.txt" -CAfile "$trust/xb.root.pem" -purpose any -out /dev/null \
    -signer "$scratch/signer.pem" 2>/dev/null || wrong "openssl: the signature"
openssl x509 -in "$scratch/signer.pem" -noout -ext subjectAltName | grep -q 'urn:rogatory:office:XB:evidence-office' ||
    wrong "openssl: the signer is not the evidence office of XB"
ok "openssl: signed by the evidence office of XB under its State's root"
if openssl cms -verify -binary -inform DER -in "$package/seal/signature.p7s" -content "$package/tagmanifest-sha256.txt" \
    -CAfile "$trust/xa.root.pem" -purpose any -out /dev/null 2>/dev/null; then
    wrong "openssl: another State's root vouches for the signature"
fi
ok "openssl: no other State's root vouches for it"

# With the key of A's evidence office, which a court may or may not have.
key=$here/a/keys/evidence-office.key.pem
if [ ! -r "$key" ]; then
    skip "openssl and age: the content" "the key of the evidence office of XA"
elif ! have age; then
    skip "age: the content" "apt-get install age"
else
    openssl cms -decrypt -inform DER -in "$package/data/package-key.p7m" -recip "$here/a/keys/evidence-office.cert.pem" \
        -inkey "$key" -out "$scratch/identity.txt" 2>/dev/null || wrong "openssl: the package key"
    ok "openssl: the package key opens for the evidence office of XA"
    cat "$package"/data/payload.age.* | age -d -i "$scratch/identity.txt" | tar -x -C "$scratch" || wrong "age and tar: the content"
    ok "age: every part decrypts and is authentic"
    (cd "$scratch/plain" && sha256sum --quiet -c manifest-sha256.txt tagmanifest-sha256.txt) || wrong "sha256sum: the exhibits"
    ok "sha256sum: every exhibit is what the inner manifest says"
    if have bagit.py; then
        bagit.py --quiet --validate "$scratch/plain" || wrong "bagit.py: the inner bag"
        ok "bagit.py: the inner bag"
    fi
    openssl cms -verify -cades -binary -inform DER -in "$scratch/plain/inner-signature.p7s" \
        -content "$scratch/plain/tagmanifest-sha256.txt" -CAfile "$trust/xb.root.pem" -purpose any -out /dev/null 2>/dev/null ||
        wrong "openssl: the inner signature"
    ok "openssl: the evidence office of XB knew the plain text when it signed"
fi

if [ "$skipped" -gt 0 ]; then
    printf '%s check(s) skipped\n' "$skipped"
    [ "${REQUIRE_ALL:-0}" = 0 ] || exit 1
fi
