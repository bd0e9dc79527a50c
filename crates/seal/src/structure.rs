//! The DER structures that `cms` 0.2 lacks, and strict decoding of all of them.

use cms::{
    content_info::{CmsVersion, ContentInfo},
    enveloped_data::{EncryptedContentInfo, OriginatorInfo, RecipientInfos},
};
use der::{
    Any, Decode, Encode, ErrorKind, Header, Reader as _, Sequence, SliceReader, Tag,
    asn1::{ObjectIdentifier, OctetString},
};
use spki::AlgorithmIdentifierOwned;
use x509_cert::attr::Attributes;

/// `dhSinglePass-stdDH-sha256kdf-scheme` (RFC 5753, 7.1.4).
pub(crate) const STD_DH_SHA256_KDF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.11.1");

/// DER values in one message, all levels together.
const MAX_VALUES: usize = 16_384;
/// Levels of values inside values.
const MAX_DEPTH: usize = 32;
/// Values in one SET OF, or in anything with a context tag that may be one.
const MAX_SET: usize = 64;

/// AuthEnvelopedData (RFC 5083, 2.1).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(crate) struct AuthEnvelopedData {
    pub version: CmsVersion,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub originator_info: Option<OriginatorInfo>,
    pub recipient_infos: RecipientInfos,
    pub encrypted_content: EncryptedContentInfo,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub auth_attributes: Option<Attributes>,
    pub mac: OctetString,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub unauth_attributes: Option<Attributes>,
}

/// GCMParameters (RFC 5084, 3.2).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(crate) struct GcmParameters {
    pub nonce: OctetString,
    /// Bytes of the tag; absent means 12.
    pub icv_len: Option<u8>,
}

/// ECC-CMS-SharedInfo (RFC 5753, 7.2).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(crate) struct SharedInfo {
    pub key_info: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub entity_u_info: Option<OctetString>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    pub supp_pub_info: OctetString,
}

/// SigningCertificateV2 (RFC 5035, 3).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(crate) struct SigningCertificateV2 {
    pub certificates: Vec<EssCertIdV2>,
    pub policies: Option<Any>,
}

/// ESSCertIDv2 (RFC 5035, 4); an absent algorithm means SHA-256.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(crate) struct EssCertIdV2 {
    pub hash_algorithm: Option<AlgorithmIdentifierOwned>,
    pub hash: OctetString,
    pub issuer_serial: Option<IssuerSerial>,
}

/// SigningCertificate (RFC 2634, 5.4).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(crate) struct SigningCertificate {
    pub certificates: Vec<EssCertId>,
    pub policies: Option<Any>,
}

/// ESSCertID (RFC 2634, 5.4.1); the digest is SHA-1.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(crate) struct EssCertId {
    pub hash: OctetString,
    pub issuer_serial: Option<IssuerSerial>,
}

/// IssuerSerial (RFC 5035, 5.4.1).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(crate) struct IssuerSerial {
    pub issuer: Any,
    pub serial_number: Any,
}

/// RSAPublicKey (RFC 8017, A.1.1).
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(crate) struct RsaPublicKey {
    pub modulus: der::asn1::Uint,
    pub exponent: der::asn1::Uint,
}

/// OneAsymmetricKey without attributes (RFC 5958, 2).
#[derive(Sequence)]
pub(crate) struct OneAsymmetricKey {
    pub version: u8,
    pub algorithm: AlgorithmIdentifierOwned,
    pub private_key: OctetString,
}

/// RSAES-OAEP-params (RFC 4055, 4.1); an absent digest would mean SHA-1.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub(crate) struct OaepParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub hash: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub mask: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    pub source: Option<AlgorithmIdentifierOwned>,
}

/// Decodes `bytes` and refuses whatever is not the one DER encoding of the value, trailing bytes included.
pub(crate) fn strict<T: for<'a> Decode<'a> + Encode>(bytes: &[u8]) -> der::Result<T> {
    bounded(bytes)?;
    let value = T::from_der(bytes)?;
    if value.to_der()? == bytes {
        Ok(value)
    } else {
        Err(ErrorKind::Noncanonical { tag: Tag::Sequence }.into())
    }
}

/// Decodes bytes that need not be in the order of DER: only where nothing depends on their exact form.
pub(crate) fn readable<T: for<'a> Decode<'a>>(bytes: &[u8]) -> der::Result<T> {
    bounded(bytes)?;
    T::from_der(bytes)
}

/// Refuses what would cost more to decode than to send: `der` 0.7 sorts every SET OF by insertion,
/// so an unsorted set of many small elements would take the square of their number.
fn bounded(bytes: &[u8]) -> der::Result<()> {
    let mut values_left = MAX_VALUES;
    let mut level = vec![bytes];
    for _ in 0..MAX_DEPTH {
        let mut below = Vec::new();
        for content in level {
            children(content, &mut values_left, &mut below)?;
        }
        if below.is_empty() {
            return Ok(());
        }
        level = below;
    }
    Err(ErrorKind::Overlength.into())
}

/// Counts the values in `content` and collects the contents of the constructed ones.
fn children<'a>(content: &'a [u8], values_left: &mut usize, below: &mut Vec<&'a [u8]>) -> der::Result<()> {
    let mut reader = SliceReader::new(content)?;
    while !reader.is_finished() {
        let header = Header::decode(&mut reader)?;
        let inner = reader.read_slice(header.length)?;
        *values_left = values_left.checked_sub(1).ok_or(ErrorKind::Overlength)?;
        if header.tag.is_constructed() && !inner.is_empty() {
            if header.tag != Tag::Sequence && count(inner)? > MAX_SET {
                return Err(ErrorKind::Overlength.into());
            }
            below.push(inner);
        }
    }
    Ok(())
}

/// The number of values in `content`, read no further than one above [`MAX_SET`].
fn count(content: &[u8]) -> der::Result<usize> {
    let mut reader = SliceReader::new(content)?;
    let mut found = 0;
    while !reader.is_finished() && found <= MAX_SET {
        let header = Header::decode(&mut reader)?;
        reader.read_slice(header.length)?;
        found += 1;
    }
    Ok(found)
}

/// The content of a ContentInfo (RFC 5652, 3) of the type `expected`, or `None` for another type.
pub(crate) fn unwrap_content<T: for<'a> Decode<'a> + Encode>(
    bytes: &[u8],
    expected: ObjectIdentifier,
) -> der::Result<Option<T>> {
    let info: ContentInfo = strict(bytes)?;
    if info.content_type != expected {
        return Ok(None);
    }
    strict(&info.content.to_der()?).map(Some)
}

/// Wraps `content` in a ContentInfo (RFC 5652, 3).
pub(crate) fn wrap_content(content: &impl Encode, content_type: ObjectIdentifier) -> der::Result<Vec<u8>> {
    ContentInfo { content_type, content: Any::from_der(&content.to_der()?)? }.to_der()
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::asn1::SetOfVec;
    use std::time::{Duration, Instant};

    fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
        Any::new(Tag::try_from(tag).unwrap(), content).unwrap().to_der().unwrap()
    }

    #[test]
    fn a_set_that_would_take_hours_to_sort_is_refused_at_once() {
        let falling: Vec<u8> = (0..400_000_u32)
            .rev()
            .flat_map(|i| [2, 3, 1 + (i >> 16) as u8, (i >> 8) as u8, i as u8])
            .collect();
        let started = Instant::now();
        for tag in [0x31, 0xa0] {
            assert!(strict::<Any>(&wrapped(tag, &falling)).is_err());
            assert!(strict::<Any>(&wrapped(0x30, &wrapped(tag, &falling))).is_err());
        }
        assert!(strict::<Vec<Any>>(&wrapped(0x30, &falling)).is_err());
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn values_nested_too_deep_are_refused() {
        let nested = |depth| (0..depth).fold(vec![5, 0], |inner, _| wrapped(0x30, &inner));
        assert!(strict::<Any>(&nested(MAX_DEPTH - 1)).is_ok());
        assert!(strict::<Any>(&nested(MAX_DEPTH + 1)).is_err());
        assert!(strict::<Any>(&nested(10_000)).is_err());
    }

    #[test]
    fn unsorted_repeated_and_overlong_encodings_are_refused() {
        assert!(strict::<SetOfVec<u8>>(&[0x31, 6, 2, 1, 1, 2, 1, 2]).is_ok());
        assert!(strict::<SetOfVec<u8>>(&[0x31, 6, 2, 1, 2, 2, 1, 1]).is_err());
        assert!(strict::<SetOfVec<u8>>(&[0x31, 6, 2, 1, 1, 2, 1, 1]).is_err());
        assert!(strict::<u8>(&[2, 0x81, 1, 1]).is_err());
        assert!(strict::<u8>(&[2, 2, 0, 1]).is_err());
        assert!(strict::<u8>(&[2, 1, 1, 0]).is_err());
    }
}
