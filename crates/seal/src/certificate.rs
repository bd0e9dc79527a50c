//! A certificate as read: its bytes, its fingerprint, the office it names and its validity.

use crate::{
    algorithm::{self, KeyKind},
    limit::{MAX_CERTIFICATE_BYTES, MAX_PEM_BYTES},
    structure::strict,
};
use const_oid::{
    AssociatedOid,
    db::{rfc4519, rfc5280},
};
use der::{
    Any, Decode, Encode, Tag, Tagged,
    asn1::{ObjectIdentifier, PrintableStringRef, Utf8StringRef},
    pem,
};
use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};
use vocabulary::{Digest, Failure, Family, Instant, OfficeId, StateCode};
use x509_cert::{
    TbsCertificate,
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName, name::GeneralName},
    name::Name,
    time::Time,
};

pub(crate) const PEM_LABEL: &str = "CERTIFICATE";
const OFFICE_PREFIX: &str = "urn:rogatory:office:";

/// An X.509 certificate that has been read but not believed; [`crate::TrustAnchor::verify`] does that.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    x509: x509_cert::Certificate,
    fingerprint: Digest,
    office: Option<OfficeId>,
    key_usage: Option<KeyUsage>,
    certifies: bool,
}

impl Certificate {
    /// Reads strict DER of at most [`MAX_CERTIFICATE_BYTES`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE_BYTES {
            return Err(CertificateError::TooLarge { bytes: der.len(), limit: MAX_CERTIFICATE_BYTES });
        }
        let x509: x509_cert::Certificate = strict(der).map_err(malformed("certificate"))?;
        let tbs = &x509.tbs_certificate;
        let names: Option<SubjectAltName> = extension(tbs, "subjectAltName")?;
        let key_usage: Option<KeyUsage> = extension(tbs, "keyUsage")?;
        let basic: Option<BasicConstraints> = extension(tbs, "basicConstraints")?;
        Ok(Self {
            office: names.as_ref().map(office_in).transpose()?.flatten(),
            certifies: basic.is_some_and(|basic| basic.ca)
                && key_usage.is_none_or(|usage| usage.key_cert_sign()),
            key_usage,
            fingerprint: Digest::of(der),
            der: der.to_vec(),
            x509,
        })
    }

    /// Reads one PEM block labelled `CERTIFICATE` (RFC 7468, 5).
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        if text.len() > MAX_PEM_BYTES {
            return Err(CertificateError::TooLarge { bytes: text.len(), limit: MAX_PEM_BYTES });
        }
        match pem::decode_vec(text.as_bytes()) {
            Ok((PEM_LABEL, der)) => Self::from_der(&der),
            Ok(_) => Err(CertificateError::Malformed { what: "PEM label" }),
            Err(_) => Err(CertificateError::Malformed { what: "PEM text" }),
        }
    }

    pub fn to_pem(&self) -> String {
        pem::encode_string(PEM_LABEL, pem::LineEnding::LF, &self.der)
            .expect("a certificate of bounded length always fits in a String")
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the DER, as `openssl x509 -fingerprint -sha256` prints it.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// The office named by the URI in the subject alternative name; a root names none.
    pub fn office(&self) -> Option<OfficeId> {
        self.office
    }

    /// The host names and addresses for which a TLS certificate stands.
    pub fn hosts(&self) -> Vec<String> {
        let names: Option<SubjectAltName> =
            extension(&self.x509.tbs_certificate, "subjectAltName").ok().flatten();
        names.iter().flat_map(|names| &names.0).filter_map(host).collect()
    }

    /// The subject as RFC 4514 writes it.
    pub fn subject(&self) -> String {
        self.x509.tbs_certificate.subject.to_string()
    }

    /// The `C` of the subject.
    pub fn country(&self) -> Option<StateCode> {
        self.subject_text(rfc4519::C)?.parse().ok()
    }

    /// The `O` of the subject: for our own certificates the name of the State.
    pub fn organization(&self) -> Option<String> {
        self.subject_text(rfc4519::O)
    }

    /// The `CN` of the subject: for our own certificates the name of the office.
    pub fn common_name(&self) -> Option<String> {
        self.subject_text(rfc4519::CN)
    }

    pub fn valid_from(&self) -> Instant {
        instant(&self.x509.tbs_certificate.validity.not_before)
    }

    /// The last second of validity, included.
    pub fn valid_until(&self) -> Instant {
        instant(&self.x509.tbs_certificate.validity.not_after)
    }

    pub(crate) fn x509(&self) -> &x509_cert::Certificate {
        &self.x509
    }

    pub(crate) fn issuer(&self) -> &Name {
        &self.x509.tbs_certificate.issuer
    }

    pub(crate) fn key_info(&self) -> &spki::SubjectPublicKeyInfoOwned {
        &self.x509.tbs_certificate.subject_public_key_info
    }

    pub(crate) fn public_key(&self) -> &[u8] {
        self.key_info().subject_public_key.raw_bytes()
    }

    pub(crate) fn is_ca(&self) -> bool {
        self.certifies
    }

    /// `digitalSignature` or `contentCommitment`; without the extension every use is allowed (RFC 5280, 4.2.1.3).
    pub(crate) fn may_sign(&self) -> bool {
        self.key_usage.is_none_or(|usage| usage.digital_signature() || usage.non_repudiation())
    }

    /// `keyAgreement` of an EC key, `keyEncipherment` of an RSA key (RFC 5280, 4.2.1.3).
    pub(crate) fn may_receive(&self) -> bool {
        let rsa = KeyKind::of(self.key_info()) == Some(KeyKind::Rsa);
        self.key_usage.is_none_or(|usage| if rsa { usage.key_encipherment() } else { usage.key_agreement() })
    }

    /// What a sender asks before anything is encrypted to this certificate at `now`.
    ///
    /// It says nothing of who issued the certificate: the officer answers for that.
    pub fn check_recipient(&self, now: Instant) -> Result<(), CertificateError> {
        if now < self.valid_from() {
            return Err(CertificateError::RecipientTooEarly { from: self.valid_from(), now });
        }
        if now.seconds() > self.valid_until().seconds() {
            return Err(CertificateError::RecipientExpired { until: self.valid_until(), now });
        }
        if let Some(found) = algorithm::weakness(self.key_info()) {
            return Err(CertificateError::RecipientKey { found });
        }
        if self.may_receive() {
            Ok(())
        } else {
            Err(CertificateError::MayNotReceive { needed: self.receiving_usage() })
        }
    }

    fn receiving_usage(&self) -> &'static str {
        match KeyKind::of(self.key_info()) {
            Some(KeyKind::Rsa) => "keyEncipherment",
            _ => "keyAgreement",
        }
    }

    /// The extended key usage is critical and names `timeStamping` alone (RFC 3161, 2.3).
    pub(crate) fn only_stamps_time(&self) -> bool {
        let tbs = &self.x509.tbs_certificate;
        let usage: Option<ExtendedKeyUsage> = extension(tbs, "extKeyUsage").ok().flatten();
        let critical = tbs
            .extensions
            .iter()
            .flatten()
            .any(|extension| extension.extn_id == ExtendedKeyUsage::OID && extension.critical);
        critical && usage.is_some_and(|usage| usage.0 == [rfc5280::ID_KP_TIME_STAMPING])
    }

    pub(crate) fn check_strength(&self) -> Result<(), CertificateError> {
        match algorithm::weakness(self.key_info()) {
            Some(found) => Err(CertificateError::WeakKey { found }),
            None => Ok(()),
        }
    }

    fn subject_text(&self, oid: ObjectIdentifier) -> Option<String> {
        let rdns = self.x509.tbs_certificate.subject.0.iter();
        rdns.flat_map(|rdn| rdn.0.iter()).find(|part| part.oid == oid).and_then(|part| text(&part.value))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("office", &self.office)
            .field("fingerprint", &self.fingerprint)
            .finish()
    }
}

/// The one extension of the type `T`, in strict DER.
fn extension<T>(tbs: &TbsCertificate, name: &'static str) -> Result<Option<T>, CertificateError>
where
    T: for<'a> Decode<'a> + Encode + AssociatedOid,
{
    let mut found = tbs.extensions.iter().flatten().filter(|extension| extension.extn_id == T::OID);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => strict(one.extn_value.as_bytes()).map(Some).map_err(malformed(name)),
        (Some(_), Some(_)) => Err(CertificateError::Malformed { what: name }),
    }
}

fn malformed(what: &'static str) -> impl Fn(der::Error) -> CertificateError {
    move |_| CertificateError::Malformed { what }
}

/// One office at most: a certificate that speaks for two offices is refused.
fn office_in(names: &SubjectAltName) -> Result<Option<OfficeId>, CertificateError> {
    let mut uris = names.0.iter().filter_map(|name| match name {
        GeneralName::UniformResourceIdentifier(uri) if uri.as_str().starts_with(OFFICE_PREFIX) => {
            Some(uri.as_str())
        }
        _ => None,
    });
    match (uris.next(), uris.next()) {
        (None, _) => Ok(None),
        (Some(uri), None) => {
            OfficeId::from_uri(uri).map(Some).map_err(|_| CertificateError::Malformed { what: "office URI" })
        }
        (Some(_), Some(_)) => Err(CertificateError::Malformed { what: "list of offices (more than one)" }),
    }
}

fn host(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        GeneralName::IpAddress(bytes) => match *bytes.as_bytes() {
            [a, b, c, d] => Some(Ipv4Addr::new(a, b, c, d).to_string()),
            ref long => <[u8; 16]>::try_from(long).ok().map(|bytes| Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}

fn text(value: &Any) -> Option<String> {
    match value.tag() {
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().ok().map(|s| s.as_str().to_owned()),
        Tag::PrintableString => {
            value.decode_as::<PrintableStringRef<'_>>().ok().map(|s| s.as_str().to_owned())
        }
        _ => None,
    }
}

fn instant(time: &Time) -> Instant {
    let micros = i64::try_from(time.to_unix_duration().as_micros()).unwrap_or(i64::MAX);
    Instant::from_micros(micros)
}

/// Why a certificate is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("the certificate's {what} cannot be read as strict DER")]
    Malformed { what: &'static str },
    #[error("the certificate has {bytes} bytes, at most {limit} are read")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the {whose} certificate expired on `{until}`, it is asked to be valid at `{at}`")]
    Expired { whose: &'static str, until: Instant, at: Instant },
    #[error("the {whose} certificate is valid from `{from}`, it is asked to be valid at `{at}`")]
    NotYetValid { whose: &'static str, from: Instant, at: Instant },
    #[error("the certificate was not issued by the root of `{expected}`")]
    ForeignRoot { expected: StateCode },
    #[error("the certificate names no office, one URI `urn:rogatory:office:<State>:<function>` is expected")]
    NoOffice,
    #[error("the certificate names `{office}`, the root speaks for `{root}` only")]
    AnotherState { office: OfficeId, root: StateCode },
    #[error("the certificate may not be used for {purpose}")]
    WrongPurpose { purpose: &'static str },
    #[error("the certificate holds {found}, P-256, P-384 or RSA of 3072 bits is expected")]
    WeakKey { found: String },
    #[error("the certificate path breaks RFC 5280: {reason}")]
    BrokenPath { reason: String },
    #[error("the certificate is not a root: it may not issue certificates")]
    NotARoot,
    #[error("the root's country is `{found}`, `{expected}` is expected")]
    RootOfAnotherState { expected: StateCode, found: String },
    #[error("the recipient's certificate expired on `{until}`, it is now `{now}`")]
    RecipientExpired { until: Instant, now: Instant },
    #[error("the recipient's certificate is valid from `{from}`, it is now `{now}`")]
    RecipientTooEarly { from: Instant, now: Instant },
    #[error("the recipient's certificate does not allow `{needed}`, nothing can be encrypted to it")]
    MayNotReceive { needed: &'static str },
    #[error(
        "the recipient's certificate holds {found}, P-256, P-384 or RSA of 3072 to 8192 bits is expected"
    )]
    RecipientKey { found: String },
}

impl Failure for CertificateError {
    fn family(&self) -> Family {
        match self {
            Self::RecipientExpired { .. }
            | Self::RecipientTooEarly { .. }
            | Self::MayNotReceive { .. }
            | Self::RecipientKey { .. } => Family::Refusal,
            _ => Family::PeerFault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "P-601",
            Self::TooLarge { .. } => "P-602",
            Self::Expired { .. } => "P-603",
            Self::NotYetValid { .. } => "P-604",
            Self::ForeignRoot { .. } => "P-605",
            Self::NoOffice => "P-606",
            Self::AnotherState { .. } => "P-607",
            Self::WrongPurpose { .. } => "P-608",
            Self::WeakKey { .. } => "P-609",
            Self::BrokenPath { .. } => "P-610",
            Self::NotARoot => "P-611",
            Self::RootOfAnotherState { .. } => "P-612",
            Self::RecipientExpired { .. } => "R-660",
            Self::RecipientTooEarly { .. } => "R-661",
            Self::MayNotReceive { .. } => "R-662",
            Self::RecipientKey { .. } => "R-663",
        }
    }

    fn clause(&self) -> Option<String> {
        Some(
            match self {
                Self::Malformed { .. } | Self::TooLarge { .. } => "RFC 5280, 4.1",
                Self::Expired { .. } | Self::NotYetValid { .. } => "RFC 5280, 4.1.2.5",
                Self::ForeignRoot { .. } | Self::BrokenPath { .. } => "RFC 5280, 6.1",
                Self::NoOffice | Self::AnotherState { .. } => "RFC 5280, 4.2.1.6",
                Self::WrongPurpose { .. } => "RFC 5280, 4.2.1.3 and 4.2.1.12",
                Self::WeakKey { .. } => "RFC 5280, 4.1.2.7",
                Self::NotARoot => "RFC 5280, 4.2.1.9",
                Self::RootOfAnotherState { .. } => "RFC 5280, 4.1.2.6",
                Self::RecipientExpired { .. } | Self::RecipientTooEarly { .. } => "RFC 5280, 4.1.2.5",
                Self::MayNotReceive { .. } => "RFC 5280, 4.2.1.3",
                Self::RecipientKey { .. } => "RFC 5280, 4.1.2.7",
            }
            .to_owned(),
        )
    }

    fn remedy(&self) -> String {
        match self {
            Self::Expired { .. } | Self::NotYetValid { .. } => {
                "ask the peer for its newest State descriptor, and compare the clocks of both nodes"
            }
            Self::ForeignRoot { .. } | Self::NotARoot | Self::RootOfAnotherState { .. } => {
                "enrol the State again and compare the root's fingerprint by telephone"
            }
            Self::RecipientExpired { .. } => "ask the recipient for their newest certificate",
            Self::RecipientTooEarly { .. } => "compare the clocks, or wait until the certificate is valid",
            Self::MayNotReceive { .. } => {
                "ask the recipient for their certificate for encryption; one for signatures cannot receive"
            }
            Self::RecipientKey { .. } => "ask the recipient for a certificate with such a key",
            Self::AnotherState { .. } => "keep the bytes as proof and tell both States",
            _ => "ask the peer to issue the certificate again as the specification says",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{FROM, Judge, OFFICE_EXTENSIONS, UNTIL, at, office, root};
    use vocabulary::OfficeFunction::ContactPoint;

    #[test]
    fn a_certificate_says_who_it_is_for_and_until_when() {
        let root = root("XA");
        let certificate = office(&root, ContactPoint).certificate().clone();
        assert_eq!(certificate.office().unwrap().to_string(), "XA/contact-point");
        assert_eq!(certificate.country().unwrap().as_str(), "XA");
        assert_eq!(certificate.organization().as_deref(), Some("Republic of Exercise"));
        assert_eq!((certificate.valid_from(), certificate.valid_until()), (at(FROM), at(UNTIL)));
        assert_eq!(root.certificate().office(), None);
        assert_eq!(Certificate::from_pem(&certificate.to_pem()), Ok(certificate));
    }

    #[test]
    fn the_fingerprint_is_the_one_openssl_prints() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        judge.put("root.pem", root.certificate_pem());
        let printed = judge.must("x509 -in root.pem -noout -fingerprint -sha256").stdout;
        let printed = String::from_utf8(printed).unwrap().replace(':', "").to_ascii_lowercase();
        assert!(printed.trim().ends_with(&root.certificate().fingerprint().hex()));
    }

    #[test]
    fn cut_lengthened_or_oversized_bytes_are_refused() {
        let der = root("XA").certificate().der().to_vec();
        for length in 0..der.len() {
            assert!(Certificate::from_der(&der[..length]).is_err());
        }
        let longer = [der.as_slice(), &[0]].concat();
        assert_eq!(Certificate::from_der(&longer).unwrap_err().code(), "P-601");
        let huge = vec![0x30; MAX_CERTIFICATE_BYTES + 1];
        assert_eq!(Certificate::from_der(&huge).unwrap_err().code(), "P-602");
    }

    #[test]
    fn text_that_is_not_one_certificate_is_refused() {
        let root = root("XA");
        assert!(Certificate::from_pem(root.key_pem()).is_err());
        assert!(Certificate::from_pem("").is_err());
        assert!(Certificate::from_pem(&"x".repeat(MAX_PEM_BYTES + 1)).is_err());
    }

    #[test]
    fn a_recipient_is_looked_at_before_anything_is_sealed() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        let ours = office(&root, ContactPoint).certificate().clone();
        assert_eq!(ours.check_recipient(at("2026-11-15T08:00:00Z")), Ok(()));
        assert_eq!(ours.check_recipient(at("2028-01-01T00:00:01Z")).unwrap_err().code(), "R-660");
        assert_eq!(ours.check_recipient(at("2025-12-31T23:59:59Z")).unwrap_err().code(), "R-661");
        let (p256, rsa) = ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "-algorithm RSA -pkeyopt");
        for (stem, key, usage, code) in [
            ("agrees", p256.to_owned(), "keyAgreement", None),
            ("signs", p256.to_owned(), "digitalSignature", Some("R-662")),
            ("enciphers", p256.to_owned(), "keyEncipherment", Some("R-662")),
            ("long", format!("{rsa} rsa_keygen_bits:3072"), "keyEncipherment", None),
            ("mixed", format!("{rsa} rsa_keygen_bits:3072"), "keyAgreement", Some("R-662")),
            ("short", format!("{rsa} rsa_keygen_bits:2048"), "keyEncipherment", Some("R-663")),
            ("edwards", "-algorithm ED25519".to_owned(), "keyAgreement", Some("R-663")),
        ] {
            let certificate = judge.certify(&root, stem, &key, &format!("keyUsage=critical,{usage}\n"));
            let outcome = certificate.check_recipient(certificate.valid_from());
            assert_eq!(outcome.as_ref().err().map(Failure::code), code, "{stem}");
            if let Err(error) = outcome {
                assert!(error.clause().is_some() && error.family() == Family::Refusal);
            }
        }
    }

    #[test]
    fn a_certificate_for_two_offices_is_refused() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        judge.certify(&root, "one", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", OFFICE_EXTENSIONS);
        let two = "subjectAltName=URI:urn:rogatory:office:XA:node,URI:urn:rogatory:office:XA:contact-point\n";
        judge.put("extensions", two);
        judge.must("x509 -req -in one.csr -CA ca.pem -CAkey ca.key -extfile extensions -out two.pem");
        assert!(matches!(
            Certificate::from_pem(&judge.text("two.pem")),
            Err(CertificateError::Malformed { what: "list of offices (more than one)" })
        ));
    }
}
