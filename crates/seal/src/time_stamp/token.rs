//! A time-stamp as it arrives, and everything that is checked before it is believed.

use super::{
    error::TimeStampError,
    structure::{TST_INFO, TimeStampResp, TstInfo, instant},
};
use crate::{
    algorithm::{CHAIN, Hash},
    attribute,
    certificate::Certificate,
    limit::MAX_TIME_STAMP_BYTES,
    structure::{readable, strict},
    verify::{only_signer, signer_certificate, verify_signature},
};
use cms::{
    content_info::{CmsVersion, ContentInfo},
    signed_data::{SignedData, SignerInfo},
};
use const_oid::db::rfc5911;
use der::{
    Decode as _, Encode as _, Header, Reader as _, SliceReader, Tag,
    asn1::{ObjectIdentifier, OctetString, OctetStringRef},
};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::time::Duration;
use vocabulary::{Digest, Instant};
use webpki::{EndEntityCert, Error as PathError, KeyUsage};

/// `id-kp-timeStamping` (RFC 5280, 4.2.1.12).
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
/// The word in the name of an authority whose time is worth nothing outside an exercise.
pub(super) const DEMONSTRATION: &str = "demonstration";
/// `granted` and `grantedWithMods` (RFC 3161, 2.4.2).
const GRANTED: [u8; 2] = [0, 1];

/// What a believed time-stamp says; only this crate makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeStamp {
    /// The data existed at this time.
    pub at: Instant,
    /// The subject of the authority's certificate, as RFC 4514 writes it.
    pub authority: String,
    /// The fingerprint of the authority's certificate.
    pub certificate: Digest,
    /// The authority calls itself one for demonstrations: its time is worth nothing to a court.
    pub demonstration: bool,
}

/// Verifies a response or a token over `data`, under the roots in `anchors`, as they stood at the time it names.
pub fn verify_time_stamp(
    response_or_token_der: &[u8],
    data: &[u8],
    anchors: &[Certificate],
) -> Result<TimeStamp, TimeStampError> {
    Token::read(response_or_token_der)?.verify(data, anchors)
}

/// A token that can be read and is believed by nobody yet.
pub(super) struct Token {
    der: Vec<u8>,
    signed: SignedData,
    content: Vec<u8>,
    pub(super) info: TstInfo,
}

impl Token {
    /// Reads a TimeStampResp that grants, or the token alone.
    ///
    /// Where order and repetition mean nothing (the set of certificates) it need not be DER: `openssl ts`
    /// writes them as they come. What is signed is read strictly.
    pub(super) fn read(der: &[u8]) -> Result<Self, TimeStampError> {
        if der.len() > MAX_TIME_STAMP_BYTES {
            return Err(TimeStampError::TooLarge { bytes: der.len(), limit: MAX_TIME_STAMP_BYTES });
        }
        if is_token(der) { Self::bare(der.to_vec()) } else { Self::granted(der) }
    }

    fn granted(der: &[u8]) -> Result<Self, TimeStampError> {
        let response: TimeStampResp = readable(der).map_err(|_| malformed("response"))?;
        let status = response.status.status;
        if !GRANTED.contains(&status) {
            return Err(TimeStampError::NotGranted { status });
        }
        let token = response.time_stamp_token.ok_or_else(|| malformed("response (there is no token)"))?;
        Self::bare(token.to_der().map_err(|_| malformed("token"))?)
    }

    fn bare(der: Vec<u8>) -> Result<Self, TimeStampError> {
        let info: ContentInfo = readable(&der).map_err(|_| malformed("token"))?;
        if info.content_type != rfc5911::ID_SIGNED_DATA {
            return Err(TimeStampError::NotATimeStamp);
        }
        let content = info.content.to_der().map_err(|_| malformed("token"))?;
        let signed: SignedData = readable(&content).map_err(|_| malformed("SignedData"))?;
        let inside = &signed.encap_content_info;
        if inside.econtent_type != TST_INFO {
            return Err(TimeStampError::NotATimeStamp);
        }
        let content = inside.econtent.as_ref().ok_or_else(|| malformed("content (there is none)"))?;
        let content: OctetStringRef<'_> = content.decode_as().map_err(|_| malformed("content"))?;
        let content = content.as_bytes().to_vec();
        let info: TstInfo = strict(&content).map_err(|_| malformed("TSTInfo"))?;
        if info.version != 1 || signed.version != CmsVersion::V3 {
            return Err(malformed("version"));
        }
        Ok(Self { der, signed, content, info })
    }

    /// The token without the response around it.
    pub(super) fn into_der(self) -> Vec<u8> {
        self.der
    }

    /// `digest` gives the digest of the data by the algorithm that the authority was asked for.
    pub(super) fn check_imprint(
        &self,
        digest: impl FnOnce(Hash) -> Option<Vec<u8>>,
    ) -> Result<(), TimeStampError> {
        let imprint = &self.info.message_imprint;
        let found = imprint.hash_algorithm.oid;
        let hash = Hash::from_identifier(&imprint.hash_algorithm).ok_or_else(|| algorithm(found))?;
        if digest(hash).as_deref() == Some(imprint.hashed_message.as_bytes()) {
            Ok(())
        } else {
            Err(TimeStampError::OtherData)
        }
    }

    pub(super) fn verify(&self, data: &[u8], anchors: &[Certificate]) -> Result<TimeStamp, TimeStampError> {
        self.check_imprint(|hash| Some(hash.of(data).as_ref().to_vec()))?;
        let at = instant(&self.info.gen_time).ok_or_else(|| malformed("genTime"))?;
        let signer = only_signer(&self.signed)?;
        let (certificate, others) = signer_certificate(&self.signed, signer)?;
        self.check_signature(signer, &certificate)?;
        check_authority(&certificate, &others, at, anchors)?;
        let authority = certificate.subject();
        Ok(TimeStamp {
            at,
            demonstration: authority.to_lowercase().contains(DEMONSTRATION),
            certificate: certificate.fingerprint(),
            authority,
        })
    }

    fn check_signature(&self, signer: &SignerInfo, certificate: &Certificate) -> Result<(), TimeStampError> {
        let hash =
            Hash::from_identifier(&signer.digest_alg).ok_or_else(|| algorithm(signer.digest_alg.oid))?;
        if !self.signed.digest_algorithms.iter().any(|listed| listed.oid == signer.digest_alg.oid) {
            return Err(malformed("digestAlgorithms"));
        }
        let attributes = signer.signed_attrs.as_ref().ok_or_else(|| malformed("signed attributes"))?;
        let content_type: ObjectIdentifier =
            attribute::single(attributes, rfc5911::ID_CONTENT_TYPE, "contentType")?;
        let digest: OctetString = attribute::single(attributes, rfc5911::ID_MESSAGE_DIGEST, "messageDigest")?;
        if content_type != TST_INFO {
            return Err(TimeStampError::NotATimeStamp);
        }
        if hash.of(&self.content).as_ref() != digest.as_bytes() {
            return Err(TimeStampError::Altered);
        }
        if !attribute::means(attributes, certificate)? {
            return Err(TimeStampError::AnotherCertificateMeant { found: certificate.fingerprint() });
        }
        let signed = attributes.to_der().map_err(|_| malformed("signed attributes"))?;
        Ok(verify_signature(signer, hash, certificate, &signed)?)
    }
}

/// A ContentInfo begins with an object identifier, a response with its status.
fn is_token(der: &[u8]) -> bool {
    let first = || -> der::Result<Tag> {
        let mut reader = SliceReader::new(der)?;
        Header::decode(&mut reader)?;
        reader.peek_tag()
    };
    first() == Ok(Tag::ObjectIdentifier)
}

/// The authority's certificate: for time-stamps and nothing else, and under one of our roots at `at`.
pub(super) fn check_authority(
    certificate: &Certificate,
    others: &[Certificate],
    at: Instant,
    anchors: &[Certificate],
) -> Result<(), TimeStampError> {
    if !certificate.only_stamps_time() || !certificate.may_sign() {
        return Err(TimeStampError::WrongUsage);
    }
    if at < certificate.valid_from() {
        return Err(TimeStampError::AuthorityTooEarly { from: certificate.valid_from(), at });
    }
    if at.seconds() > certificate.valid_until().seconds() {
        return Err(TimeStampError::AuthorityExpired { until: certificate.valid_until(), at });
    }
    for one in others.iter().chain([certificate]) {
        one.check_strength().map_err(|error| TimeStampError::Path { reason: error.to_string() })?;
    }
    let roots: Vec<_> = anchors.iter().filter(|root| stood(root, at)).map(Certificate::der).collect();
    let roots: Vec<_> = roots.into_iter().map(CertificateDer::from).collect();
    let roots: Vec<TrustAnchor<'_>> =
        roots.iter().filter_map(|der| webpki::anchor_from_trusted_cert(der).ok()).collect();
    let leaf = CertificateDer::from(certificate.der());
    let leaf = EndEntityCert::try_from(&leaf).map_err(|error| path(&error, certificate))?;
    let between: Vec<_> = others.iter().map(|c| CertificateDer::from(c.der())).collect();
    let seconds = u64::try_from(at.seconds()).unwrap_or(0);
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    // The authority's own purpose was checked above; an issuer between need not name any.
    let usage = KeyUsage::required_if_present(TIME_STAMPING);
    leaf.verify_for_usage(&CHAIN, &roots, &between, time, usage, None, None)
        .map(|_| ())
        .map_err(|error| path(&error, certificate))
}

/// A root that may certify, with a believable key, in its own time.
fn stood(root: &Certificate, at: Instant) -> bool {
    root.is_ca()
        && root.check_strength().is_ok()
        && at >= root.valid_from()
        && at.seconds() <= root.valid_until().seconds()
}

fn path(error: &PathError, certificate: &Certificate) -> TimeStampError {
    match error {
        PathError::UnknownIssuer | PathError::InvalidSignatureForPublicKey => {
            TimeStampError::Untrusted { authority: certificate.subject().chars().take(200).collect() }
        }
        other => TimeStampError::Path { reason: format!("{other:?}").chars().take(200).collect() },
    }
}

fn malformed(what: &'static str) -> TimeStampError {
    TimeStampError::Malformed { what }
}

fn algorithm(found: ObjectIdentifier) -> TimeStampError {
    TimeStampError::Algorithm { found: found.to_string() }
}
