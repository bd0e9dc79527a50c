//! Signing: content becomes CMS SignedData with CAdES baseline attributes (RFC 5652, ETSI EN 319 122-1).

use crate::{
    attribute, certificate::Certificate, key::SigningKey, limit::MAX_STATEMENT_BYTES,
    private::PrivateKeyError, structure::wrap_content,
};
use cms::{
    cert::{CertificateChoices, IssuerAndSerialNumber},
    content_info::CmsVersion,
    signed_data::{
        CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
    },
};
use const_oid::db::rfc5911;
use der::{
    Any, Encode,
    asn1::{ObjectIdentifier, OctetString, OctetStringRef, SetOfVec},
};
use vocabulary::{Failure, Family, Instant};
use x509_cert::attr::Attributes;

/// Signs `content` for the office of `certificate` and returns DER.
///
/// An attached message carries the content, at most [`MAX_STATEMENT_BYTES`]; a detached one only its digest.
pub fn sign_cms(
    content: &[u8],
    attached: bool,
    key: &SigningKey,
    certificate: &Certificate,
    signing_time: Instant,
) -> Result<Vec<u8>, SigningError> {
    if attached && content.len() > MAX_STATEMENT_BYTES {
        return Err(SigningError::TooLarge { bytes: content.len(), limit: MAX_STATEMENT_BYTES });
    }
    if !key.belongs_to(certificate) {
        return Err(SigningError::KeyOfAnotherCertificate);
    }
    if !certificate.may_sign() {
        return Err(SigningError::MayNotSign);
    }
    let attributes = attribute::attributes(key.hash().of(content).as_ref(), certificate, signing_time)
        .map_err(|_| SigningError::Time { at: signing_time })?;
    let signer = signer_info(attributes, key, certificate)?;
    let enclosed = attached.then_some(content);
    signed_data(enclosed, vec![signer], &[certificate]).map_err(|_| SigningError::Encoding)
}

/// One SignerInfo over `attributes` (RFC 5652, 5.3).
pub(crate) fn signer_info(
    attributes: Attributes,
    key: &SigningKey,
    certificate: &Certificate,
) -> Result<SignerInfo, SigningError> {
    let to_sign = attributes.to_der().map_err(|_| SigningError::Encoding)?;
    let signature = key.sign(&to_sign)?;
    Ok(SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(issuer_and_serial(certificate)),
        digest_alg: key.hash().identifier(),
        signed_attrs: Some(attributes),
        signature_algorithm: key.kind().signature_algorithm().map_err(|_| SigningError::Encoding)?,
        signature: OctetString::new(signature).map_err(|_| SigningError::Encoding)?,
        unsigned_attrs: None,
    })
}

/// SignedData over `id-data` in its ContentInfo (RFC 5652, 5.1).
pub(crate) fn signed_data(
    content: Option<&[u8]>,
    signers: Vec<SignerInfo>,
    certificates: &[&Certificate],
) -> der::Result<Vec<u8>> {
    signed_content(rfc5911::ID_DATA, content, signers, certificates)
}

/// As [`signed_data`] for content of any type; version 3 where it is not `id-data`.
pub(crate) fn signed_content(
    econtent_type: ObjectIdentifier,
    content: Option<&[u8]>,
    signers: Vec<SignerInfo>,
    certificates: &[&Certificate],
) -> der::Result<Vec<u8>> {
    let choices: Vec<_> =
        certificates.iter().map(|c| CertificateChoices::Certificate(c.x509().clone())).collect();
    let mut digests: Vec<_> = signers.iter().map(|signer| signer.digest_alg.clone()).collect();
    digests.dedup();
    let econtent = content.map(|bytes| Any::encode_from(&OctetStringRef::new(bytes)?)).transpose()?;
    let signed = SignedData {
        version: if econtent_type == rfc5911::ID_DATA { CmsVersion::V1 } else { CmsVersion::V3 },
        digest_algorithms: SetOfVec::from_iter(digests)?,
        encap_content_info: EncapsulatedContentInfo { econtent_type, econtent },
        certificates: (!choices.is_empty()).then(|| CertificateSet::try_from(choices)).transpose()?,
        crls: None,
        signer_infos: SignerInfos::try_from(signers)?,
    };
    wrap_content(&signed, rfc5911::ID_SIGNED_DATA)
}

pub(crate) fn issuer_and_serial(certificate: &Certificate) -> IssuerAndSerialNumber {
    IssuerAndSerialNumber {
        issuer: certificate.issuer().clone(),
        serial_number: certificate.x509().tbs_certificate.serial_number.clone(),
    }
}

/// Why our own office could not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    #[error("the statement has {bytes} bytes, at most {limit} are signed")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the signing key does not belong to the certificate")]
    KeyOfAnotherCertificate,
    #[error("the certificate's key usage does not allow signatures")]
    MayNotSign,
    #[error("the signing time `{at}` cannot be written in a signature")]
    Time { at: Instant },
    #[error("the signed message could not be encoded")]
    Encoding,
    #[error(transparent)]
    Key(#[from] PrivateKeyError),
}

impl Failure for SigningError {
    fn family(&self) -> Family {
        match self {
            Self::TooLarge { .. } => Family::Refusal,
            _ => Family::Fault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "R-621",
            Self::KeyOfAnotherCertificate => "F-621",
            Self::MayNotSign => "F-622",
            Self::Time { .. } => "F-623",
            Self::Encoding => "F-624",
            Self::Key(error) => error.code(),
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::MayNotSign => Some("RFC 5280, 4.2.1.3".to_owned()),
            Self::Time { .. } => Some("RFC 5652, 11.3".to_owned()),
            _ => None,
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::TooLarge { .. } => "shorten the statement, or send the material as an evidence package",
            Self::KeyOfAnotherCertificate => {
                "put the certificate and the key of the same office side by side"
            }
            Self::MayNotSign => "issue the office's certificate again with `digitalSignature`",
            Self::Time { .. } => "set the clock of the machine",
            Self::Encoding => "try again, then report the fault with the log",
            Self::Key(error) => return error.remedy(),
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Judge, at, authority, now, office, root};
    use vocabulary::OfficeFunction::{CentralAuthority, Node};

    const STATEMENT: &[u8] = b"{\"kind\":\"request\",\"lines\":\"a\\r\\nb\"}\r\n";

    #[test]
    fn openssl_verifies_an_attached_statement_and_gives_back_its_exact_bytes() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        let office = authority(&root);
        let signed = sign_cms(STATEMENT, true, office.signing(), office.certificate(), now()).unwrap();
        judge.put("s.p7m", signed);
        judge.put("root.pem", root.certificate_pem());
        for purpose in ["-purpose any", ""] {
            judge.must(&format!(
                "cms -verify -cades -binary -inform DER -in s.p7m -CAfile root.pem -attime {{now}} -out s.json {purpose}"
            ));
            assert_eq!(judge.get("s.json"), STATEMENT);
        }
    }

    #[test]
    fn openssl_verifies_a_detached_signature_and_refuses_changed_content() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        let office = authority(&root);
        let signed = sign_cms(STATEMENT, false, office.signing(), office.certificate(), now()).unwrap();
        judge.put("s.p7s", signed);
        judge.put("root.pem", root.certificate_pem());
        judge.put("content", STATEMENT);
        let verify = "cms -verify -cades -binary -inform DER -in s.p7s -content content -CAfile root.pem \
                      -attime {now} -purpose any -out out";
        judge.must(verify);
        judge.put("content", [STATEMENT, b" "].concat());
        assert!(!judge.run(verify).ok);
    }

    #[test]
    fn openssl_shows_the_baseline_attributes_and_one_certificate() {
        let Some(judge) = Judge::call() else { return };
        let office = authority(&root("XA"));
        let signed = sign_cms(STATEMENT, true, office.signing(), office.certificate(), now()).unwrap();
        judge.put("s.p7m", signed);
        let shown = judge.must("cms -cmsout -print -inform DER -in s.p7m").stdout;
        let shown = String::from_utf8_lossy(&shown).into_owned();
        for name in ["contentType", "signingTime", "messageDigest", "id-smime-aa-signingCertificateV2"] {
            assert!(shown.contains(name), "{name} in {shown}");
        }
        assert!(shown.contains("Nov 15 08:00:00 2026 GMT"));
        assert_eq!(shown.matches("d.certificate").count(), 1);
    }

    #[test]
    fn another_offices_key_cannot_sign_under_a_certificate() {
        let root = root("XA");
        let (one, two) = (authority(&root), office(&root, Node));
        let refused = sign_cms(b"x", true, one.signing(), two.certificate(), now()).unwrap_err();
        assert_eq!(refused, SigningError::KeyOfAnotherCertificate);
    }

    #[test]
    fn a_statement_of_the_limit_is_signed_and_one_byte_more_is_refused() {
        let office = office(&root("XA"), CentralAuthority).office_key().unwrap();
        let content = vec![b'x'; MAX_STATEMENT_BYTES + 1];
        let sign = |content: &[u8], attached| {
            sign_cms(content, attached, office.signing(), office.certificate(), now()).map(|_| ())
        };
        assert_eq!(sign(&content[1..], true), Ok(()));
        assert_eq!(sign(&content, true).unwrap_err().code(), "R-621");
        assert_eq!(sign(&content, false), Ok(()));
    }

    #[test]
    fn a_signing_time_before_1970_is_a_fault() {
        let office = authority(&root("XA"));
        let before = at("1969-12-31T23:59:59Z");
        let refused = sign_cms(b"x", true, office.signing(), office.certificate(), before).unwrap_err();
        assert_eq!(refused.code(), "F-623");
    }
}
