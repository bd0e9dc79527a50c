"""AS4 in memory: build, sign and encrypt; parse, verify and decrypt; sign the receipt; verify the receipt.

Usage: as4_round.py COUNT BYTES FOLDER. Prints {"samples_ms": [...]}. Nothing is sent and nothing is kept.
"""

import base64
import datetime
import json
import os
import sys
import time

from as4 import AS4LocalPrivateKey
from as4.peppol import (
    build_peppol_message,
    create_peppol_external_party,
    create_peppol_internal_party,
    parse_peppol_message,
    parse_peppol_receipt,
    peppol_security_policy,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def certify(name, issuer=None):
    """A key with its certificate; without an issuer it is a root."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + 365 * DAY)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, builder.sign(issuer[0] if issuer else key, hashes.SHA256())


def main():
    count, size = int(sys.argv[1]), int(sys.argv[2])
    root = certify("Root")
    parties = {name: certify(name, root) for name in ("PXA000001", "PXB000002")}
    inside = {n: create_peppol_internal_party(n, c, AS4LocalPrivateKey(k)) for n, (k, c) in parties.items()}
    outside = {n: create_peppol_external_party(n, c) for n, (_, c) in parties.items()}
    policy = peppol_security_policy(root[1])
    a, b = parties

    def exchange(payload):
        message = build_peppol_message(
            payload=payload,
            local_party=inside[a],
            remote_party=outside[b],
            sender="9932:1111111111",
            recipient="9932:2222222222",
            sender_country_id="XA",
            document_type_identifier_scheme="busdox-docid-qns",
            document_type_identifier_value="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2::Invoice"
            "##urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0::2.1",
            process_identifier="urn:fdc:peppol.eu:2017:poacc:billing:01:1.0",
        )
        body, boundary = message.get_request_data()
        received = parse_peppol_message(
            request_headers=message.get_http_headers(boundary),
            request_body=body,
            local_party=inside[b],
            security_policy=policy,
        )
        _, signal = received.build_signal()
        if not received.successful:
            raise SystemExit(f"the message was not taken: {signal!r}"[:400])
        receipt = parse_peppol_receipt(signal, outside[b].credentials.certificate)
        receipt.verify_non_repudiation(message.signed_references)

    samples = []
    for turn in range(count + 3):
        text = base64.b64encode(os.urandom(size * 3 // 4)).decode()
        payload = f'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2">{text}</Invoice>'.encode()
        began = time.perf_counter()
        exchange(payload)
        if turn >= 3:
            samples.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"samples_ms": samples}))


if __name__ == "__main__":
    main()
