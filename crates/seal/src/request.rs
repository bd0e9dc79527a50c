//! Certifying a key that an office made by itself: a certificate request (PKCS #10, RFC 2986) and the State's root.

use crate::{
    algorithm::{self, Curve, Hash, KeyKind},
    authority::{AuthorityError, Root},
    certificate::Certificate,
    limit::{MAX_PEM_BYTES, MAX_REQUEST_BYTES},
    structure::strict,
};
use der::{Encode as _, pem};
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose, PublicKeyData, SignatureAlgorithm};
use vocabulary::{Instant, OfficeId};
use x509_cert::request::{CertReq, Version};

/// RFC 7468, 7; the second is what older programs write.
const PEM_LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

impl Root {
    /// Issues the certificate of an office whose private key this State's root never sees.
    ///
    /// Only the key is taken from the request, after it has shown that it signs: the names, the uses and
    /// the dates are the root's.
    pub fn certify(
        &self,
        office: &OfficeId,
        office_name: &str,
        csr_pem: &str,
        valid_from: Instant,
        valid_until: Instant,
    ) -> Result<Certificate, AuthorityError> {
        let key = TheirKey::read(csr_pem)?;
        let mut params = self.params(office, office_name, valid_from, valid_until)?;
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::ContentCommitment,
            key.receiving_usage(),
        ];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        let certificate = self.issue_for(&params, &key)?;
        self.anchor().verify(&certificate, valid_from)?;
        Ok(certificate)
    }
}

/// The public key of a request that signed itself.
struct TheirKey {
    kind: KeyKind,
    /// The bits of the SubjectPublicKeyInfo.
    public: Vec<u8>,
}

impl TheirKey {
    fn read(csr_pem: &str) -> Result<Self, AuthorityError> {
        let request = decode(csr_pem)?;
        let info = &request.info.public_key;
        if let Some(found) = algorithm::weakness(info) {
            return Err(AuthorityError::RequestKey { found });
        }
        let kind = KeyKind::of(info)
            .ok_or_else(|| AuthorityError::RequestKey { found: info.algorithm.oid.to_string() })?;
        let message = request.info.to_der().map_err(|_| AuthorityError::RequestMalformed)?;
        let signature = request.signature.as_bytes().ok_or(AuthorityError::RequestMalformed)?;
        let signed = [Hash::Sha256, Hash::Sha384]
            .into_iter()
            .any(|hash| algorithm::signed_by(info, &request.algorithm, hash, &message, signature));
        if signed {
            Ok(Self { kind, public: info.subject_public_key.raw_bytes().to_vec() })
        } else {
            Err(AuthorityError::RequestSignature { found: request.algorithm.oid.to_string() })
        }
    }

    /// An EC key agrees keys, an RSA key is enciphered to (RFC 5280, 4.2.1.3).
    fn receiving_usage(&self) -> KeyUsagePurpose {
        match self.kind {
            KeyKind::Ec(_) => KeyUsagePurpose::KeyAgreement,
            KeyKind::Rsa => KeyUsagePurpose::KeyEncipherment,
        }
    }
}

impl PublicKeyData for TheirKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.kind {
            KeyKind::Ec(Curve::P256) => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyKind::Ec(Curve::P384) => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyKind::Rsa => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

fn decode(csr_pem: &str) -> Result<CertReq, AuthorityError> {
    let wrong = || AuthorityError::RequestMalformed;
    if csr_pem.len() > MAX_PEM_BYTES {
        return Err(wrong());
    }
    let (label, der) = pem::decode_vec(csr_pem.as_bytes()).map_err(|_| wrong())?;
    if !PEM_LABELS.contains(&label) || der.len() > MAX_REQUEST_BYTES {
        return Err(wrong());
    }
    let request: CertReq = strict(&der).map_err(|_| wrong())?;
    if request.info.version == Version::V1 { Ok(request) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        DecryptionKey, OfficeKey, decrypt_cms, encrypt_cms,
        judge::{FROM, Judge, UNTIL, at, now, root},
        sign_cms, verify_cms_attached,
    };
    use vocabulary::{Failure as _, OfficeFunction::EvidenceOffice};

    fn certify(root: &Root, csr: &str) -> Result<Certificate, AuthorityError> {
        let office = OfficeId::new(root.state(), EvidenceOffice);
        root.certify(&office, "Forensic laboratory", csr, at(FROM), at(UNTIL))
    }

    #[test]
    fn a_laboratory_keeps_its_own_key_and_gets_an_office_certificate() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        for (key, options) in [
            ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "-sha256"),
            ("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "-sha384"),
            ("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "-sha256"),
            ("-algorithm RSA -pkeyopt rsa_keygen_bits:3072", "-sha256"),
            (
                "-algorithm RSA -pkeyopt rsa_keygen_bits:3072",
                "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest",
            ),
        ] {
            judge.must(&format!("genpkey {key} -out lab.key"));
            judge.must(&format!(
                "req -new -key lab.key {options} -subj /C=XB/CN=Impostor -addext basicConstraints=CA:TRUE -out lab.csr"
            ));
            let certificate = certify(&root, &judge.text("lab.csr")).unwrap();
            assert_eq!(certificate.office().unwrap().to_string(), "XA/evidence-office");
            assert_eq!(certificate.common_name().as_deref(), Some("Forensic laboratory"));
            assert_eq!(certificate.country(), Some(root.state()));
            assert_eq!(certificate.check_recipient(now()), Ok(()));
            assert!(!certificate.is_ca());
            let envelope = encrypt_cms(b"x", std::slice::from_ref(&certificate)).unwrap();
            let private = DecryptionKey::from_pkcs8_pem(&judge.text("lab.key")).unwrap();
            assert_eq!(decrypt_cms(&envelope, &private, &certificate).unwrap(), b"x");
            let office = OfficeKey::from_pem(&certificate.to_pem(), &judge.text("lab.key")).unwrap();
            let signed = sign_cms(b"x", true, office.signing(), office.certificate(), now()).unwrap();
            assert!(verify_cms_attached(&signed, root.anchor(), now()).is_ok());
            judge.put("s.p7m", signed);
            judge.put("root.pem", root.certificate_pem());
            judge.must(
                "cms -verify -cades -binary -inform DER -in s.p7m -CAfile root.pem -attime {now} -out out",
            );
        }
    }

    #[test]
    fn a_request_that_its_key_did_not_sign_is_refused() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        judge.must("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out lab.key");
        judge.must("req -new -key lab.key -subj /CN=Lab -out lab.csr");
        judge.must("req -in lab.csr -outform DER -out lab.der");
        let der = judge.get("lab.der");
        let text = |der: &[u8]| pem::encode_string(PEM_LABELS[0], pem::LineEnding::LF, der).unwrap();
        assert!(certify(&root, &text(&der)).is_ok());
        for position in 0..der.len() {
            let mut altered = der.clone();
            altered[position] ^= 1;
            let code = certify(&root, &text(&altered)).unwrap_err().code();
            assert!(["R-665", "R-666", "R-667"].contains(&code), "byte {position}: {code}");
        }
        assert_eq!(certify(&root, &text(&[der.as_slice(), &[0]].concat())).unwrap_err().code(), "R-665");
        assert_eq!(certify(&root, &judge.text("lab.key")).unwrap_err().code(), "R-665");
        assert_eq!(certify(&root, "").unwrap_err().code(), "R-665");
        assert_eq!(certify(&root, &"x".repeat(MAX_PEM_BYTES + 1)).unwrap_err().code(), "R-665");
    }

    #[test]
    fn weak_keys_and_offices_of_others_are_not_certified() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        for key in ["-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "-algorithm ED25519"] {
            judge.must(&format!("genpkey {key} -out lab.key"));
            judge.must("req -new -key lab.key -subj /CN=Lab -out lab.csr");
            assert_eq!(certify(&root, &judge.text("lab.csr")).unwrap_err().code(), "R-666");
        }
        judge.must("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out lab.key");
        judge.must("req -new -sha512 -key lab.key -subj /CN=Lab -out lab.csr");
        assert_eq!(certify(&root, &judge.text("lab.csr")).unwrap_err().code(), "R-667");
        judge.must("req -new -key lab.key -subj /CN=Lab -out lab.csr");
        let foreign = OfficeId::new("XB".parse().unwrap(), EvidenceOffice);
        let refused = root.certify(&foreign, "Lab", &judge.text("lab.csr"), at(FROM), at(UNTIL));
        assert_eq!(refused.unwrap_err().code(), "R-614");
    }
}
