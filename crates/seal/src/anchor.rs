//! A State's root as this node trusts it, and the certificates believed under it.

use crate::{
    algorithm::CHAIN,
    certificate::{Certificate, CertificateError},
};
use rustls_pki_types::{CertificateDer, TrustAnchor as WebpkiAnchor, UnixTime};
use std::{fmt, time::Duration};
use vocabulary::{Digest, Instant, OfficeFunction, OfficeId, StateCode};
use webpki::{EndEntityCert, Error as PathError, KeyUsage};

/// `id-kp-emailProtection` (RFC 5280, 4.2.1.12): what `openssl cms -verify` asks for by default.
const EMAIL_PROTECTION: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 4];

/// One State's root certificate, trusted because an officer enrolled it; it speaks for that State only.
#[derive(Clone)]
pub struct TrustAnchor {
    state: StateCode,
    root: Certificate,
    anchor: WebpkiAnchor<'static>,
}

impl TrustAnchor {
    /// Takes `root` for `state`: a CA certificate with a believable key whose country is that State.
    pub fn new(state: StateCode, root: Certificate) -> Result<Self, CertificateError> {
        if root.country() != Some(state) {
            let found = root.country().map_or_else(|| "none".to_owned(), |c| c.to_string());
            return Err(CertificateError::RootOfAnotherState { expected: state, found });
        }
        if !root.is_ca() {
            return Err(CertificateError::NotARoot);
        }
        root.check_strength()?;
        let der = CertificateDer::from(root.der());
        let anchor = webpki::anchor_from_trusted_cert(&der).map_err(broken)?.to_owned();
        Ok(Self { state, root, anchor })
    }

    pub fn from_der(state: StateCode, der: &[u8]) -> Result<Self, CertificateError> {
        Self::new(state, Certificate::from_der(der)?)
    }

    pub fn from_pem(state: StateCode, pem: &str) -> Result<Self, CertificateError> {
        Self::new(state, Certificate::from_pem(pem)?)
    }

    pub fn state(&self) -> StateCode {
        self.state
    }

    pub fn certificate(&self) -> &Certificate {
        &self.root
    }

    /// What two officers compare by telephone.
    pub fn fingerprint(&self) -> Digest {
        self.root.fingerprint()
    }

    /// Believes an office's certificate, as it stood at `at`, for signing and receiving.
    pub fn verify(
        &self,
        certificate: &Certificate,
        at: Instant,
    ) -> Result<VerifiedCertificate, CertificateError> {
        self.verify_with(certificate, &[], at)
    }

    /// As [`Self::verify`], with the sub-authorities that the message brought.
    pub(crate) fn verify_with(
        &self,
        certificate: &Certificate,
        others: &[Certificate],
        at: Instant,
    ) -> Result<VerifiedCertificate, CertificateError> {
        let usage = KeyUsage::required_if_present(EMAIL_PROTECTION);
        self.path(certificate, others, at, usage, "signing statements")?;
        let office = self.office_of(certificate)?;
        Ok(VerifiedCertificate { office, certificate: certificate.clone() })
    }

    /// Believes the TLS certificate of the State's node, as client and as server.
    pub fn verify_tls(
        &self,
        certificate: &Certificate,
        at: Instant,
    ) -> Result<VerifiedCertificate, CertificateError> {
        self.path(certificate, &[], at, KeyUsage::client_auth(), "TLS client authentication")?;
        self.path(certificate, &[], at, KeyUsage::server_auth(), "TLS server authentication")?;
        let office = self.office_of(certificate)?;
        if office.function != OfficeFunction::Node {
            return Err(CertificateError::WrongPurpose { purpose: "a node's TLS connections" });
        }
        Ok(VerifiedCertificate { office, certificate: certificate.clone() })
    }

    fn office_of(&self, certificate: &Certificate) -> Result<OfficeId, CertificateError> {
        let office = certificate.office().ok_or(CertificateError::NoOffice)?;
        if office.state == self.state {
            Ok(office)
        } else {
            Err(CertificateError::AnotherState { office, root: self.state })
        }
    }

    /// Path validation (RFC 5280, 6.1) by rustls-webpki, plus what it leaves out: the root's own
    /// dates, key usage and key strength.
    fn path(
        &self,
        certificate: &Certificate,
        others: &[Certificate],
        at: Instant,
        usage: KeyUsage,
        purpose: &'static str,
    ) -> Result<(), CertificateError> {
        within(&self.root, "root's", at)?;
        within(certificate, "office's", at)?;
        let leaf = CertificateDer::from(certificate.der());
        let leaf = EndEntityCert::try_from(&leaf).map_err(broken)?;
        let intermediates: Vec<_> = others.iter().map(|c| CertificateDer::from(c.der())).collect();
        let seconds = u64::try_from(at.seconds()).unwrap_or(0);
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let anchors = std::slice::from_ref(&self.anchor);
        leaf.verify_for_usage(&CHAIN, anchors, &intermediates, time, usage, None, None)
            .map_err(|error| self.path_error(error, at, purpose))?;
        if !certificate.may_sign() {
            return Err(CertificateError::WrongPurpose { purpose });
        }
        others.iter().chain([certificate]).try_for_each(Certificate::check_strength)
    }

    fn path_error(&self, error: PathError, at: Instant, purpose: &'static str) -> CertificateError {
        match error {
            PathError::UnknownIssuer | PathError::InvalidSignatureForPublicKey => {
                CertificateError::ForeignRoot { expected: self.state }
            }
            PathError::RequiredEkuNotFoundContext(_) => CertificateError::WrongPurpose { purpose },
            PathError::CertExpired { not_after, .. } => {
                CertificateError::Expired { whose: "issuer's", until: instant(not_after), at }
            }
            PathError::CertNotValidYet { not_before, .. } => {
                CertificateError::NotYetValid { whose: "issuer's", from: instant(not_before), at }
            }
            other => broken(other),
        }
    }
}

impl fmt::Debug for TrustAnchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustAnchor").field("state", &self.state).field("root", &self.root).finish()
    }
}

fn within(certificate: &Certificate, whose: &'static str, at: Instant) -> Result<(), CertificateError> {
    let (from, until) = (certificate.valid_from(), certificate.valid_until());
    if at < from {
        Err(CertificateError::NotYetValid { whose, from, at })
    } else if at.seconds() > until.seconds() {
        Err(CertificateError::Expired { whose, until, at })
    } else {
        Ok(())
    }
}

fn broken(error: PathError) -> CertificateError {
    CertificateError::BrokenPath { reason: format!("{error:?}").chars().take(200).collect() }
}

fn instant(time: UnixTime) -> Instant {
    let micros = i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    Instant::from_micros(micros)
}

/// A certificate whose path to a State's root was checked; only [`TrustAnchor`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCertificate {
    office: OfficeId,
    certificate: Certificate,
}

impl VerifiedCertificate {
    pub fn office(&self) -> OfficeId {
        self.office
    }

    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub fn fingerprint(&self) -> Digest {
        self.certificate.fingerprint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{FROM, Judge, OFFICE_EXTENSIONS, UNTIL, at, now, office, root, state};
    use vocabulary::Failure as _;
    use vocabulary::OfficeFunction::{CentralAuthority, Node};

    const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

    #[test]
    fn an_office_is_believed_under_its_own_root_only() {
        let (a, b) = (root("XA"), root("XB"));
        let office = office(&a, CentralAuthority);
        let verified = a.anchor().verify(office.certificate(), now()).unwrap();
        assert_eq!(verified.office(), OfficeId::new(state("XA"), CentralAuthority));
        assert_eq!(verified.fingerprint(), office.certificate().fingerprint());
        assert_eq!(b.anchor().verify(office.certificate(), now()).unwrap_err().code(), "P-605");
    }

    #[test]
    fn a_foreign_root_that_bears_our_name_is_not_believed() {
        let (ours, impostor) = (root("XA"), root("XA"));
        assert_eq!(ours.certificate().subject(), impostor.certificate().subject());
        let office = office(&impostor, CentralAuthority);
        let refused = ours.anchor().verify(office.certificate(), now()).unwrap_err();
        assert_eq!(refused, CertificateError::ForeignRoot { expected: state("XA") });
    }

    #[test]
    fn a_certificate_is_believed_from_its_first_to_its_last_second() {
        let root = root("XA");
        let office = office(&root, CentralAuthority);
        let verdict = |time: &str| root.anchor().verify(office.certificate(), at(time)).map(|_| ());
        assert_eq!(verdict(FROM), Ok(()));
        assert_eq!(verdict(UNTIL), Ok(()));
        assert_eq!(verdict("2025-12-31T23:59:59Z").unwrap_err().code(), "P-604");
        let late = verdict("2028-01-01T00:00:01Z").unwrap_err();
        assert_eq!(late.code(), "P-603");
        assert!(late.to_string().contains("expired on `2028-01-01T00:00:00Z`"));
        assert_eq!(verdict("1969-01-01T00:00:00Z").unwrap_err().code(), "P-604");
    }

    #[test]
    fn a_root_cannot_speak_for_another_state() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        let extensions = OFFICE_EXTENSIONS.replace("office:XA", "office:XB");
        let certificate = judge.certify(&root, "spy", P256, &extensions);
        let refused = root.anchor().verify(&certificate, certificate.valid_from()).unwrap_err();
        assert_eq!(refused.code(), "P-607");
    }

    #[test]
    fn a_certificate_without_an_office_is_refused() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        let certificate = judge.certify(&root, "nobody", P256, "subjectAltName=DNS:a.example\n");
        let refused = root.anchor().verify(&certificate, certificate.valid_from()).unwrap_err();
        assert_eq!(refused, CertificateError::NoOffice);
    }

    #[test]
    fn a_weak_key_is_refused_though_its_path_is_sound() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        for (stem, key) in [
            ("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
            ("p521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521"),
            ("ed", "-algorithm ED25519"),
        ] {
            let certificate = judge.certify(&root, stem, key, OFFICE_EXTENSIONS);
            let refused = root.anchor().verify(&certificate, certificate.valid_from()).unwrap_err();
            assert_eq!(refused.code(), "P-609", "{stem}");
        }
    }

    #[test]
    fn tls_and_statements_use_different_certificates() {
        let root = root("XA");
        let node = OfficeId::new(root.state(), Node);
        let tls = root.issue_tls(&node, &["node.xa.example"], at(FROM), at(UNTIL)).unwrap();
        assert_eq!(root.anchor().verify_tls(tls.certificate(), now()).unwrap().office(), node);
        assert_eq!(root.anchor().verify(tls.certificate(), now()).unwrap_err().code(), "P-608");
        let office = office(&root, Node);
        assert_eq!(root.anchor().verify_tls(office.certificate(), now()).unwrap_err().code(), "P-608");
    }

    #[test]
    fn a_certificate_that_may_not_sign_is_refused() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        let extensions = OFFICE_EXTENSIONS.replace("digitalSignature,", "");
        let certificate = judge.certify(&root, "mute", P256, &extensions);
        assert_eq!(root.anchor().verify(&certificate, certificate.valid_from()).unwrap_err().code(), "P-608");
    }

    #[test]
    fn only_a_root_of_the_named_state_is_enrolled() {
        let root = root("XA");
        let other = TrustAnchor::new(state("XB"), root.certificate().clone()).unwrap_err();
        assert_eq!(other.code(), "P-612");
        let office = office(&root, CentralAuthority);
        let refused = TrustAnchor::from_pem(state("XA"), &office.certificate_pem()).unwrap_err();
        assert_eq!(refused, CertificateError::NotARoot);
    }

    #[test]
    fn an_office_cannot_certify_an_office() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        let office = office(&root, CentralAuthority);
        judge.certify(&root, "clerk", P256, OFFICE_EXTENSIONS);
        judge.put_pair("ca", office.certificate(), office.key_pem());
        judge.must(
            "x509 -req -in clerk.csr -CA ca.pem -CAkey ca.key -days 400 -extfile extensions -out clerk.pem",
        );
        let clerk = Certificate::from_pem(&judge.text("clerk.pem")).unwrap();
        let chain = [office.certificate().clone()];
        assert!(root.anchor().verify_with(&clerk, &chain, clerk.valid_from()).is_err());
    }
}
