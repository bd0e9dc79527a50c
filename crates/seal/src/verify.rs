//! Verifying: CMS SignedData becomes `Verified`, and nothing else can make one.

use crate::{
    algorithm::{self, Hash},
    anchor::TrustAnchor,
    attribute::{self, Claims, Unreadable},
    certificate::{Certificate, CertificateError},
    limit::{MAX_ATTRIBUTES, MAX_CERTIFICATES, MAX_CMS_BYTES, MAX_STATEMENT_BYTES},
    sign::issuer_and_serial,
    structure::unwrap_content,
};
use cms::{
    cert::CertificateChoices,
    content_info::CmsVersion,
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use const_oid::db::rfc5911;
use der::{Encode, asn1::OctetStringRef};
use rustls_pki_types::CertificateDer;
use vocabulary::{Digest, Failure, Family, Instant, OfficeId};
use webpki::EndEntityCert;

/// A value whose signature was checked against one State's root; only the functions of this file make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
    signer: OfficeId,
    certificate: Digest,
    signing_time: Instant,
}

impl<T> Verified<T> {
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Gives up the proof and keeps the value.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The office that signed.
    pub fn signer(&self) -> OfficeId {
        self.signer
    }

    /// The fingerprint of the certificate under which it signed.
    pub fn certificate(&self) -> Digest {
        self.certificate
    }

    /// The time the signer claims; nobody else has confirmed it.
    pub fn signing_time(&self) -> Instant {
        self.signing_time
    }

    pub fn as_ref(&self) -> Verified<&T> {
        self.with(&self.value)
    }

    /// The same proof over a value computed from the signed one.
    pub fn map<U>(self, read: impl FnOnce(T) -> U) -> Verified<U> {
        let Self { value, signer, certificate, signing_time } = self;
        Verified { value: read(value), signer, certificate, signing_time }
    }

    /// As [`Self::map`] for a reading that can fail, such as parsing JSON.
    pub fn try_map<U, E>(self, read: impl FnOnce(T) -> Result<U, E>) -> Result<Verified<U>, E> {
        let Self { value, signer, certificate, signing_time } = self;
        Ok(Verified { value: read(value)?, signer, certificate, signing_time })
    }

    fn with<U>(&self, value: U) -> Verified<U> {
        Verified {
            value,
            signer: self.signer,
            certificate: self.certificate,
            signing_time: self.signing_time,
        }
    }
}

/// What a detached signature is compared with.
#[derive(Debug, Clone, Copy)]
pub enum DetachedContent<'a> {
    Bytes(&'a [u8]),
    /// The SHA-256 of content that is elsewhere; a signature with SHA-384 needs the bytes.
    Digest(Digest),
}

impl<'a> From<&'a [u8]> for DetachedContent<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for DetachedContent<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Digest> for DetachedContent<'_> {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest)
    }
}

impl DetachedContent<'_> {
    fn sha256(self) -> Digest {
        match self {
            Self::Bytes(bytes) => Digest::of(bytes),
            Self::Digest(digest) => digest,
        }
    }

    fn matches(self, hash: Hash, claimed: &[u8]) -> Result<bool, SignatureError> {
        match (self, hash) {
            (Self::Bytes(bytes), hash) => Ok(hash.of(bytes).as_ref() == claimed),
            (Self::Digest(digest), Hash::Sha256) => Ok(digest.as_bytes() == claimed),
            (Self::Digest(_), Hash::Sha384) => Err(SignatureError::ContentNeeded),
        }
    }
}

/// Verifies a message that carries its content, against the sender's root as it stood at `at` (the time of receipt).
pub fn verify_cms_attached(
    der: &[u8],
    anchor: &TrustAnchor,
    at: Instant,
) -> Result<Verified<Vec<u8>>, SignatureError> {
    let signed = read(der)?;
    let content = signed.encap_content_info.econtent.as_ref().ok_or(SignatureError::ContentMissing)?;
    let content: OctetStringRef<'_> = content.decode_as().map_err(|_| malformed("eContent"))?;
    let content = content.as_bytes();
    if content.len() > MAX_STATEMENT_BYTES {
        return Err(SignatureError::TooLarge { bytes: content.len(), limit: MAX_STATEMENT_BYTES });
    }
    Ok(check(&signed, DetachedContent::Bytes(content), anchor, at)?.map(|()| content.to_vec()))
}

/// Verifies a detached signature over `content`; the value is the SHA-256 of what was signed.
pub fn verify_cms_detached<'a>(
    der: &[u8],
    content: impl Into<DetachedContent<'a>>,
    anchor: &TrustAnchor,
    at: Instant,
) -> Result<Verified<Digest>, SignatureError> {
    let signed = read(der)?;
    if signed.encap_content_info.econtent.is_some() {
        return Err(SignatureError::ContentUnexpected);
    }
    let content = content.into();
    Ok(check(&signed, content, anchor, at)?.map(|()| content.sha256()))
}

pub(crate) fn read(der: &[u8]) -> Result<SignedData, SignatureError> {
    if der.len() > MAX_CMS_BYTES {
        return Err(SignatureError::TooLarge { bytes: der.len(), limit: MAX_CMS_BYTES });
    }
    let signed: SignedData = unwrap_content(der, rfc5911::ID_SIGNED_DATA)
        .map_err(|_| malformed("SignedData"))?
        .ok_or(SignatureError::NotSignedData)?;
    if signed.version != CmsVersion::V1 || signed.crls.is_some() {
        return Err(malformed("SignedData version"));
    }
    if signed.encap_content_info.econtent_type != rfc5911::ID_DATA {
        return Err(SignatureError::ContentType);
    }
    Ok(signed)
}

/// Verifies a message that its own self-signed root signed, and returns the content with that root.
///
/// It proves that whoever holds the root's key signed these bytes. Whose root it is, people establish
/// by comparing its fingerprint.
pub fn verify_self_signed(der: &[u8]) -> Result<(Vec<u8>, Certificate), SignatureError> {
    let signed = read(der)?;
    let content = signed.encap_content_info.econtent.as_ref().ok_or(SignatureError::ContentMissing)?;
    let content: OctetStringRef<'_> = content.decode_as().map_err(|_| malformed("eContent"))?;
    let (_, certificate, _) = check_signature(&signed, DetachedContent::Bytes(content.as_bytes()))?;
    Ok((content.as_bytes().to_vec(), certificate))
}

/// Everything but the content itself: attributes, digest, signature, certificate, path.
fn check(
    signed: &SignedData,
    content: DetachedContent<'_>,
    anchor: &TrustAnchor,
    at: Instant,
) -> Result<Verified<()>, SignatureError> {
    let (claims, certificate, others) = check_signature(signed, content)?;
    let verified = anchor.verify_with(&certificate, &others, at)?;
    Ok(Verified {
        value: (),
        signer: verified.office(),
        certificate: certificate.fingerprint(),
        signing_time: claims.signing_time,
    })
}

/// The signature and its attributes under the certificate that the message carries, believed by nobody yet.
fn check_signature(
    signed: &SignedData,
    content: DetachedContent<'_>,
) -> Result<(Claims, Certificate, Vec<Certificate>), SignatureError> {
    let signer = only_signer(signed)?;
    let hash = digest_algorithm(signed, signer)?;
    let (certificate, others) = signer_certificate(signed, signer)?;
    let attributes =
        signer.signed_attrs.as_ref().ok_or(SignatureError::AttributeMissing { name: "signedAttrs" })?;
    let claims = attribute::read(attributes)?;
    agree(&claims, &certificate)?;
    if !content.matches(hash, &claims.content_digest)? {
        return Err(SignatureError::DigestMismatch);
    }
    let to_verify = attributes.to_der().map_err(|_| malformed("signedAttrs"))?;
    verify_signature(signer, hash, &certificate, &to_verify)?;
    Ok((claims, certificate, others))
}

pub(crate) fn only_signer(signed: &SignedData) -> Result<&SignerInfo, SignatureError> {
    match signed.signer_infos.0.as_slice() {
        [signer] if signer.version == CmsVersion::V1 => Ok(signer),
        [_] => Err(malformed("SignerInfo version")),
        signers => Err(SignatureError::Signers { found: signers.len() }),
    }
}

fn digest_algorithm(signed: &SignedData, signer: &SignerInfo) -> Result<Hash, SignatureError> {
    match signed.digest_algorithms.as_slice() {
        [listed] if *listed == signer.digest_alg => Hash::from_identifier(listed)
            .ok_or_else(|| SignatureError::Algorithm { found: listed.oid.to_string() }),
        _ => Err(malformed("digestAlgorithms")),
    }
}

/// The certificate that the SignerInfo names, and the other certificates of the message.
pub(crate) fn signer_certificate(
    signed: &SignedData,
    signer: &SignerInfo,
) -> Result<(Certificate, Vec<Certificate>), SignatureError> {
    let SignerIdentifier::IssuerAndSerialNumber(id) = &signer.sid else {
        return Err(malformed("signer identifier (issuer and serial number are expected)"));
    };
    let choices = signed.certificates.as_ref().map_or(&[][..], |set| set.0.as_slice());
    if choices.len() > MAX_CERTIFICATES {
        return Err(SignatureError::TooManyCertificates { found: choices.len(), limit: MAX_CERTIFICATES });
    }
    let certificates = choices.iter().map(certificate).collect::<Result<Vec<_>, _>>()?;
    let (mut named, others): (Vec<_>, Vec<_>) =
        certificates.into_iter().partition(|certificate| issuer_and_serial(certificate) == *id);
    match (named.pop(), named.is_empty()) {
        (Some(certificate), true) => Ok((certificate, others)),
        _ => Err(SignatureError::SignerCertificateMissing),
    }
}

fn certificate(choice: &CertificateChoices) -> Result<Certificate, SignatureError> {
    let CertificateChoices::Certificate(x509) = choice else {
        return Err(malformed("certificate set"));
    };
    let der = x509.to_der().map_err(|_| malformed("certificate set"))?;
    Ok(Certificate::from_der(&der)?)
}

fn agree(claims: &Claims, certificate: &Certificate) -> Result<(), SignatureError> {
    if claims.content_type != rfc5911::ID_DATA {
        return Err(SignatureError::ContentType);
    }
    if claims.mean(certificate) {
        Ok(())
    } else {
        Err(SignatureError::AnotherCertificateMeant { found: certificate.fingerprint() })
    }
}

pub(crate) fn verify_signature(
    signer: &SignerInfo,
    hash: Hash,
    certificate: &Certificate,
    message: &[u8],
) -> Result<(), SignatureError> {
    let der = CertificateDer::from(certificate.der());
    let key = EndEntityCert::try_from(&der).map_err(|_| malformed("signer certificate"))?;
    let mut outcome = Err(SignatureError::Algorithm { found: signer.signature_algorithm.oid.to_string() });
    for algorithm in algorithm::verifiers(&signer.signature_algorithm, hash) {
        match key.verify_signature(algorithm, message, signer.signature.as_bytes()) {
            Ok(()) => return Ok(()),
            Err(webpki::Error::InvalidSignatureForPublicKey) => outcome = Err(SignatureError::BadSignature),
            Err(_) => {}
        }
    }
    outcome
}

fn malformed(what: &'static str) -> SignatureError {
    SignatureError::Malformed { what }
}

impl From<Unreadable> for SignatureError {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Missing(name) => Self::AttributeMissing { name },
            Unreadable::Repeated(name) => Self::AttributeRepeated { name },
            Unreadable::Malformed(what) => Self::Malformed { what },
            Unreadable::TooMany(found) => Self::TooManyAttributes { found, limit: MAX_ATTRIBUTES },
        }
    }
}

/// Why a signed message is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the signed message has {bytes} bytes, at most {limit} are read")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the signed message's {what} cannot be read as strict DER of the expected form")]
    Malformed { what: &'static str },
    #[error("the bytes are not CMS SignedData")]
    NotSignedData,
    #[error("the signed content is not of the type `id-data`")]
    ContentType,
    #[error("the signed message does not carry its content")]
    ContentMissing,
    #[error("the signature carries content, a detached one is expected")]
    ContentUnexpected,
    #[error("the signature uses SHA-384, the content itself is needed to check it")]
    ContentNeeded,
    #[error("the message has {found} signers, exactly one is expected")]
    Signers { found: usize },
    #[error("the message carries {found} certificates, at most {limit} are read")]
    TooManyCertificates { found: usize, limit: usize },
    #[error("the message has {found} signed attributes, at most {limit} are read")]
    TooManyAttributes { found: usize, limit: usize },
    #[error("the message does not carry exactly one certificate of its signer")]
    SignerCertificateMissing,
    #[error("the signed attribute `{name}` is missing")]
    AttributeMissing { name: &'static str },
    #[error("the signed attribute `{name}` does not have exactly one value")]
    AttributeRepeated { name: &'static str },
    #[error("the signer meant another certificate than `{found}`, the one that the message carries")]
    AnotherCertificateMeant { found: Digest },
    #[error(
        "the algorithm `{found}` is not accepted for this key: ECDSA or RSA with {} is expected",
        Hash::ACCEPTED
    )]
    Algorithm { found: String },
    #[error("the content is not the one that was signed")]
    DigestMismatch,
    #[error("the signature does not verify under the signer's key")]
    BadSignature,
    #[error("the signer's certificate is not believed: {0}")]
    Certificate(#[from] CertificateError),
}

impl Failure for SignatureError {
    fn family(&self) -> Family {
        match self {
            Self::ContentNeeded => Family::Fault,
            _ => Family::PeerFault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "P-621",
            Self::Malformed { .. } => "P-622",
            Self::NotSignedData => "P-623",
            Self::ContentType => "P-624",
            Self::ContentMissing => "P-625",
            Self::ContentUnexpected => "P-626",
            Self::ContentNeeded => "F-626",
            Self::Signers { .. } => "P-627",
            Self::TooManyCertificates { .. } => "P-628",
            Self::TooManyAttributes { .. } => "P-629",
            Self::SignerCertificateMissing => "P-630",
            Self::AttributeMissing { .. } => "P-631",
            Self::AttributeRepeated { .. } => "P-632",
            Self::AnotherCertificateMeant { .. } => "P-633",
            Self::Algorithm { .. } => "P-634",
            Self::DigestMismatch => "P-635",
            Self::BadSignature => "P-636",
            Self::Certificate(error) => error.code(),
        }
    }

    fn clause(&self) -> Option<String> {
        let clause = match self {
            Self::Certificate(error) => return error.clause(),
            Self::TooLarge { .. } | Self::ContentNeeded => return None,
            Self::Malformed { .. } | Self::TooManyCertificates { .. } => "RFC 5652, 5.1",
            Self::NotSignedData => "RFC 5652, 3",
            Self::ContentType | Self::ContentMissing | Self::ContentUnexpected => "RFC 5652, 5.2",
            Self::Signers { .. } | Self::SignerCertificateMissing | Self::TooManyAttributes { .. } => {
                "RFC 5652, 5.3"
            }
            Self::AttributeMissing { .. } | Self::AttributeRepeated { .. } => "ETSI EN 319 122-1, 6.3",
            Self::AnotherCertificateMeant { .. } => "RFC 5035, 3",
            Self::Algorithm { .. } => "RFC 5754, 3",
            Self::DigestMismatch => "RFC 5652, 5.6 and 11.2",
            Self::BadSignature => "RFC 5652, 5.6",
        };
        Some(clause.to_owned())
    }

    fn remedy(&self) -> String {
        match self {
            Self::Certificate(error) => return error.remedy(),
            Self::ContentNeeded => "give the content instead of its digest",
            Self::DigestMismatch | Self::BadSignature | Self::AnotherCertificateMeant { .. } => {
                "do not act on it; keep the bytes as proof and ask the peer to send the original again"
            }
            _ => "ask the peer to sign again as the specification says",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        OfficeKey, Root,
        judge::{Judge, OFFICE_EXTENSIONS, at, authority, now, office, root},
        sign::{sign_cms, signed_data, signer_info},
    };
    use der::asn1::SetOfVec;
    use vocabulary::OfficeFunction::{CentralAuthority, ContactPoint};
    use x509_cert::attr::{Attribute, Attributes};

    const STATEMENT: &[u8] = b"{\"kind\":\"answer\"}";
    const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

    fn signed(office: &OfficeKey, attached: bool) -> Vec<u8> {
        sign_cms(STATEMENT, attached, office.signing(), office.certificate(), now()).unwrap()
    }

    fn refusal(der: &[u8], root: &Root) -> SignatureError {
        verify_cms_attached(der, root.anchor(), now()).unwrap_err()
    }

    fn attributes(office: &OfficeKey) -> Attributes {
        attribute::attributes(Hash::Sha256.of(STATEMENT).as_ref(), office.certificate(), now()).unwrap()
    }

    fn with_attributes(office: &OfficeKey, attributes: Vec<Attribute>) -> Vec<u8> {
        let attributes = SetOfVec::try_from(attributes).unwrap();
        let signer = signer_info(attributes, office.signing(), office.certificate()).unwrap();
        signed_data(Some(STATEMENT), vec![signer], &[office.certificate()]).unwrap()
    }

    #[test]
    fn a_signed_statement_comes_back_with_its_signer_certificate_and_time() {
        let root = root("XA");
        let office = authority(&root);
        let time = at("2026-11-15T07:59:59.75Z");
        let der = sign_cms(STATEMENT, true, office.signing(), office.certificate(), time).unwrap();
        let verified = verify_cms_attached(&der, root.anchor(), now()).unwrap();
        assert_eq!(verified.value(), STATEMENT);
        assert_eq!(verified.signer().to_string(), "XA/central-authority");
        assert_eq!(verified.certificate(), office.certificate().fingerprint());
        assert_eq!(verified.signing_time(), at("2026-11-15T07:59:59Z"));
        let text = verified.try_map(String::from_utf8).unwrap().map(|text| text.len());
        assert_eq!((*text.value(), text.signer().state.as_str()), (STATEMENT.len(), "XA"));
    }

    #[test]
    fn a_detached_signature_is_checked_by_bytes_or_by_digest() {
        let root = root("XA");
        let der = signed(&authority(&root), false);
        let by_bytes = verify_cms_detached(&der, STATEMENT, root.anchor(), now()).unwrap();
        let by_digest = verify_cms_detached(&der, Digest::of(STATEMENT), root.anchor(), now()).unwrap();
        assert_eq!(by_bytes, by_digest);
        assert_eq!(*by_bytes.value(), Digest::of(STATEMENT));
        let changed = verify_cms_detached(&der, b"other".as_slice(), root.anchor(), now()).unwrap_err();
        assert_eq!(changed, SignatureError::DigestMismatch);
    }

    #[test]
    fn attached_and_detached_are_not_confused() {
        let root = root("XA");
        let office = authority(&root);
        assert_eq!(refusal(&signed(&office, false), &root), SignatureError::ContentMissing);
        let attached = verify_cms_detached(&signed(&office, true), STATEMENT, root.anchor(), now());
        assert_eq!(attached.unwrap_err(), SignatureError::ContentUnexpected);
    }

    #[test]
    fn every_byte_that_is_changed_is_noticed() {
        let root = root("XA");
        let der = signed(&authority(&root), true);
        for position in 0..der.len() {
            for mask in [0x01, 0x20, 0x80, 0xff] {
                let mut altered = der.clone();
                altered[position] ^= mask;
                let outcome = verify_cms_attached(&altered, root.anchor(), now());
                assert!(outcome.is_err(), "byte {position} ^ {mask:#x} was believed");
            }
        }
    }

    #[test]
    fn every_cut_and_every_appended_byte_is_refused() {
        let root = root("XA");
        let der = signed(&authority(&root), true);
        for length in 0..der.len() {
            assert!(verify_cms_attached(&der[..length], root.anchor(), now()).is_err());
        }
        assert_eq!(refusal(&[der.as_slice(), &[0]].concat(), &root).code(), "P-622");
        assert_eq!(refusal(&vec![0x30; MAX_CMS_BYTES + 1], &root).code(), "P-621");
    }

    #[test]
    fn another_states_office_is_not_believed() {
        let (a, b) = (root("XA"), root("XB"));
        let refused = refusal(&signed(&authority(&b), true), &a);
        assert_eq!(refused.code(), "P-605");
    }

    #[test]
    fn a_foreign_root_that_claims_our_state_is_not_believed() {
        let (ours, impostor) = (root("XA"), root("XA"));
        assert_eq!(refusal(&signed(&authority(&impostor), true), &ours).code(), "P-605");
    }

    #[test]
    fn an_expired_certificate_is_refused_by_the_time_of_receipt() {
        let root = root("XA");
        let der = signed(&authority(&root), true);
        let late = verify_cms_attached(&der, root.anchor(), at("2030-01-01T00:00:00Z")).unwrap_err();
        assert_eq!(late.code(), "P-603");
        let early = verify_cms_attached(&der, root.anchor(), at("2020-01-01T00:00:00Z")).unwrap_err();
        assert_eq!(early.code(), "P-604");
    }

    #[test]
    fn two_signers_are_one_too_many_and_none_is_too_few() {
        let root = root("XA");
        let (one, two) = (authority(&root), office(&root, ContactPoint).office_key().unwrap());
        let signers = [&one, &two].map(|o| signer_info(attributes(o), o.signing(), o.certificate()).unwrap());
        let both = [one.certificate(), two.certificate()];
        let der = signed_data(Some(STATEMENT), signers.to_vec(), &both).unwrap();
        assert_eq!(refusal(&der, &root), SignatureError::Signers { found: 2 });
        let der = signed_data(Some(STATEMENT), Vec::new(), &both).unwrap();
        assert_eq!(refusal(&der, &root), SignatureError::Signers { found: 0 });
    }

    #[test]
    fn every_baseline_attribute_is_needed_once() {
        let root = root("XA");
        let office = authority(&root);
        let all = attributes(&office).into_vec();
        assert!(verify_cms_attached(&with_attributes(&office, all.clone()), root.anchor(), now()).is_ok());
        for (left_out, attribute) in all.iter().enumerate() {
            let rest =
                all.iter().enumerate().filter(|(i, _)| *i != left_out).map(|(_, a)| a.clone()).collect();
            assert_eq!(refusal(&with_attributes(&office, rest), &root).code(), "P-631");
            let none = Attribute { oid: attribute.oid, values: SetOfVec::new() };
            let mut empty = all.clone();
            empty[left_out] = none.clone();
            assert_eq!(refusal(&with_attributes(&office, empty), &root).code(), "P-632");
            let twice = all.iter().cloned().chain([none]).collect();
            assert_eq!(refusal(&with_attributes(&office, twice), &root).code(), "P-632");
        }
    }

    #[test]
    fn a_signature_that_means_another_certificate_is_refused() {
        let root = root("XA");
        let (one, two) = (authority(&root), authority(&root));
        let meant =
            attribute::attributes(Hash::Sha256.of(STATEMENT).as_ref(), two.certificate(), now()).unwrap();
        let der = with_attributes(&one, meant.into_vec());
        assert_eq!(refusal(&der, &root).code(), "P-633");
    }

    #[test]
    fn the_signers_certificate_must_come_along_and_only_a_few_others() {
        let root = root("XA");
        let office = authority(&root);
        let signer = || signer_info(attributes(&office), office.signing(), office.certificate()).unwrap();
        let der = signed_data(Some(STATEMENT), vec![signer()], &[root.certificate()]).unwrap();
        assert_eq!(refusal(&der, &root), SignatureError::SignerCertificateMissing);
        let der = signed_data(Some(STATEMENT), vec![signer()], &[office.certificate(), root.certificate()])
            .unwrap();
        assert!(verify_cms_attached(&der, root.anchor(), now()).is_ok());
        let others: Vec<_> = (0..MAX_CERTIFICATES).map(|_| authority(&root)).collect();
        let many: Vec<_> = others.iter().map(OfficeKey::certificate).chain([office.certificate()]).collect();
        let der = signed_data(Some(STATEMENT), vec![signer()], &many).unwrap();
        assert_eq!(refusal(&der, &root).code(), "P-628");
    }

    #[test]
    fn openssl_signatures_of_every_accepted_kind_are_believed() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        let rsa = "-algorithm RSA -pkeyopt rsa_keygen_bits:3072";
        let pss = "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest";
        for (stem, key, options) in [
            ("p256", P256, "-md sha256"),
            ("p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "-md sha384"),
            ("p384b", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "-md sha256"),
            ("pss", rsa, &format!("-md sha256 {pss}")),
            ("pss384", rsa, &format!("-md sha384 {pss}")),
            ("pkcs1", rsa, "-md sha256"),
        ] {
            let extensions = OFFICE_EXTENSIONS.replace("keyAgreement", "nonRepudiation");
            let certificate = judge.certify(&root, stem, key, &extensions);
            judge.put("content", STATEMENT);
            let sign = format!(
                "cms -sign -cades -binary -nodetach -in content -outform DER -out {stem}.p7m -signer {stem}.pem \
                 -inkey {stem}.key {options}"
            );
            judge.must(&sign);
            judge.must(&sign.replace("-nodetach", "").replace(".p7m", ".p7s"));
            let at = certificate.valid_from().plus(std::time::Duration::from_secs(60));
            let verified = verify_cms_attached(&judge.get(&format!("{stem}.p7m")), root.anchor(), at);
            let verified = verified.unwrap_or_else(|error| panic!("{stem}: {error}"));
            assert_eq!((verified.value().as_slice(), verified.signer().function), (STATEMENT, ContactPoint));
            let detached = judge.get(&format!("{stem}.p7s"));
            assert!(verify_cms_detached(&detached, STATEMENT, root.anchor(), at).is_ok());
            let by_digest = verify_cms_detached(&detached, Digest::of(STATEMENT), root.anchor(), at);
            assert_eq!(by_digest.is_ok(), options.contains("sha256"), "{stem}");
        }
    }

    #[test]
    fn openssl_signatures_of_other_kinds_are_refused() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        judge.put("content", STATEMENT);
        for (stem, key, options, code) in [
            ("sha1", P256, "-cades -md sha1", "P-634"),
            ("sha512", P256, "-cades -md sha512", "P-634"),
            ("plain", P256, "-md sha256", "P-631"),
            ("keyid", P256, "-cades -md sha256 -keyid", "P-622"),
            ("nocerts", P256, "-cades -md sha256 -nocerts", "P-630"),
            ("rsa2048", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "-cades -md sha256", "P-609"),
        ] {
            let extensions = format!("{OFFICE_EXTENSIONS}subjectKeyIdentifier=hash\n");
            let certificate = judge.certify(&root, stem, key, &extensions);
            judge.must(&format!(
                "cms -sign -binary -nodetach -in content -outform DER -out {stem}.p7m -signer {stem}.pem \
                 -inkey {stem}.key {options}"
            ));
            let der = judge.get(&format!("{stem}.p7m"));
            let refused = verify_cms_attached(&der, root.anchor(), certificate.valid_from()).unwrap_err();
            assert_eq!(refused.code(), code, "{stem}: {refused}");
        }
    }

    #[test]
    fn a_sub_authority_of_the_state_may_stand_between() {
        let Some(judge) = Judge::call() else { return };
        judge.must(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout r.key -out r.pem -days 4000 \
             -subj /C=XA/O=Exercise/CN=Root -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign",
        );
        let root = Root::from_pem(&judge.text("r.pem"), &judge.text("r.key")).unwrap();
        let ca = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign\n";
        judge.certify(&root, "sub", P256, ca);
        judge.certify(&root, "clerk", P256, OFFICE_EXTENSIONS);
        judge.must(
            "x509 -req -in clerk.csr -CA sub.pem -CAkey sub.key -days 400 -extfile extensions -out clerk.pem",
        );
        let clerk = OfficeKey::from_pem(&judge.text("clerk.pem"), &judge.text("clerk.key")).unwrap();
        let sub = Certificate::from_pem(&judge.text("sub.pem")).unwrap();
        let at = clerk.certificate().valid_from();
        let signer = || signer_info(attributes(&clerk), clerk.signing(), clerk.certificate()).unwrap();
        let with = signed_data(Some(STATEMENT), vec![signer()], &[clerk.certificate(), &sub]).unwrap();
        assert!(verify_cms_attached(&with, root.anchor(), at).is_ok());
        let without = signed_data(Some(STATEMENT), vec![signer()], &[clerk.certificate()]).unwrap();
        assert_eq!(verify_cms_attached(&without, root.anchor(), at).unwrap_err().code(), "P-605");
    }

    #[test]
    fn a_signature_by_another_office_of_the_same_state_names_that_office() {
        let root = root("XA");
        let contact = office(&root, ContactPoint).office_key().unwrap();
        let verified = verify_cms_attached(&signed(&contact, true), root.anchor(), now()).unwrap();
        assert_ne!(verified.signer().function, CentralAuthority);
    }

    #[test]
    fn bytes_that_are_something_else_are_named_as_such() {
        let root = root("XA");
        let office = authority(&root);
        let sealed = crate::encrypt_cms(STATEMENT, &[office.certificate().clone()]).unwrap();
        assert_eq!(refusal(&sealed, &root), SignatureError::NotSignedData);
        assert_eq!(refusal(b"", &root).code(), "P-622");
        assert_eq!(refusal(STATEMENT, &root).code(), "P-622");
    }
}
