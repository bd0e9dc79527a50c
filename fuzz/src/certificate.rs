//! Certificates, requests for certificates and keys: what verifies was issued by the root, what is certified is what was asked.

use crate::{
    input::{pem, way},
    scene::{CERTIFICATE_PEM, EXERCISE, ROOT_PEM, VECTORS, now, text, xa, xb},
};
use seal::{Certificate, DecryptionKey, OfficeKey, Root, SigningKey, TrustAnchor};
use std::time::Duration;
use vocabulary::{OfficeFunction, OfficeId};

pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 6) else { return };
    let text = || std::str::from_utf8(rest).ok();
    match way {
        0 => drop(Certificate::from_der(rest).map(|found| certificate(&found))),
        1 => drop(text().and_then(|text| Certificate::from_pem(text).ok()).map(|found| certificate(&found))),
        2 => request(&pem("CERTIFICATE REQUEST", rest)),
        3 => drop(text().map(request)),
        4 => key(rest, &pem("PRIVATE KEY", rest)),
        _ => drop(text().map(|text| key(rest, text))),
    }
}

fn certificate(certificate: &Certificate) {
    let again = Certificate::from_pem(&certificate.to_pem()).expect("our own PEM");
    assert_eq!(again.fingerprint(), certificate.fingerprint());
    assert!(certificate.der().len() <= seal::MAX_CERTIFICATE_BYTES);
    let _ = (certificate.office(), certificate.subject(), certificate.country(), certificate.common_name());
    let _ = (certificate.organization(), certificate.valid_from(), certificate.valid_until());
    let _ = certificate.check_recipient(now());
    let vectors = &*VECTORS;
    for peer in [&vectors.a, &vectors.b] {
        if let Ok(verified) = peer.anchor().verify(certificate, now()) {
            assert!(vectors.issued.contains(&verified.fingerprint()), "the root never issued this");
        }
        let _ = peer.anchor().verify_tls(certificate, now());
    }
    for state in [xa(), xb()] {
        if let Ok(anchor) = TrustAnchor::new(state, certificate.clone()) {
            assert_eq!(anchor.state(), state);
            let _ = anchor.verify(VECTORS.key.certificate(), now());
        }
    }
}

fn request(csr: &str) {
    let exercise = &*EXERCISE;
    let office = OfficeId::new(xb(), OfficeFunction::EvidenceOffice);
    let until = now().plus(Duration::from_secs(86_400));
    let Ok(issued) = exercise.b.root.certify(&office, "Evidence office", csr, now(), until) else { return };
    let verified = exercise.peer_b.anchor().verify(&issued, now()).expect("our root issued it");
    assert_eq!(verified.office(), office);
    assert_eq!(issued.common_name().as_deref(), Some("Evidence office"));
}

fn key(der: &[u8], pem: &str) {
    for key in [SigningKey::from_pkcs8_der(der), SigningKey::from_pkcs8_pem(pem)].into_iter().flatten() {
        let _ = key.belongs_to(VECTORS.key.certificate());
    }
    for key in [DecryptionKey::from_pkcs8_der(der), DecryptionKey::from_pkcs8_pem(pem)].into_iter().flatten()
    {
        let _ = key.belongs_to(VECTORS.key.certificate());
    }
    let _ = OfficeKey::from_pem(text(CERTIFICATE_PEM), pem);
    let _ = Root::from_pem(text(ROOT_PEM), pem);
}
