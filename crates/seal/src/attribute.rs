//! The signed attributes of a CAdES baseline signature (ETSI EN 319 122-1, 6.3): made and read.

use crate::{
    algorithm::Hash,
    certificate::Certificate,
    limit::MAX_ATTRIBUTES,
    structure::{EssCertIdV2, SigningCertificate, SigningCertificateV2, strict},
};
use aws_lc_rs::digest;
use const_oid::db::rfc5911;
use der::{
    Any, Decode as _, Encode,
    asn1::{GeneralizedTime, ObjectIdentifier, OctetString, SetOfVec, UtcTime},
};
use std::time::Duration;
use vocabulary::Instant;
use x509_cert::{
    attr::{Attribute, Attributes},
    time::Time,
};

/// Content type, message digest, signing time and signing certificate, in DER order.
pub(crate) fn attributes(
    content_digest: &[u8],
    certificate: &Certificate,
    signing_time: Instant,
) -> der::Result<Attributes> {
    attributes_of(rfc5911::ID_DATA, content_digest, certificate, signing_time)
}

/// As [`attributes`], for content of any type.
pub(crate) fn attributes_of(
    content_type: ObjectIdentifier,
    content_digest: &[u8],
    certificate: &Certificate,
    signing_time: Instant,
) -> der::Result<Attributes> {
    let signing_certificate = SigningCertificateV2 {
        certificates: vec![EssCertIdV2 {
            hash_algorithm: None,
            hash: OctetString::new(certificate.fingerprint().as_bytes().as_slice())?,
            issuer_serial: None,
        }],
        policies: None,
    };
    SetOfVec::from_iter([
        attribute(rfc5911::ID_CONTENT_TYPE, &content_type)?,
        attribute(rfc5911::ID_MESSAGE_DIGEST, &OctetString::new(content_digest)?)?,
        attribute(rfc5911::ID_SIGNING_TIME, &time(signing_time)?)?,
        attribute(rfc5911::ID_AA_SIGNING_CERTIFICATE_V_2, &signing_certificate)?,
    ])
}

fn attribute(oid: ObjectIdentifier, value: &impl Encode) -> der::Result<Attribute> {
    let value = Any::from_der(&value.to_der()?)?;
    Ok(Attribute { oid, values: SetOfVec::from_iter([value])? })
}

/// UTCTime up to 2049, GeneralizedTime after (RFC 5652, 11.3); whole seconds.
fn time(instant: Instant) -> der::Result<Time> {
    let seconds = u64::try_from(instant.seconds()).map_err(|_| der::ErrorKind::DateTime)?;
    let since_epoch = Duration::from_secs(seconds);
    match UtcTime::from_unix_duration(since_epoch) {
        Ok(utc) => Ok(Time::UtcTime(utc)),
        Err(_) => GeneralizedTime::from_unix_duration(since_epoch).map(Time::GeneralTime),
    }
}

/// What the signed attributes say.
pub(crate) struct Claims {
    pub(crate) content_type: ObjectIdentifier,
    pub(crate) content_digest: Vec<u8>,
    pub(crate) signing_time: Instant,
    /// The digest of the certificate that the signer meant (RFC 5035, 3: the first of the list).
    meant: (Hash, Vec<u8>),
}

impl Claims {
    /// True when `certificate` is the one that the signer meant.
    pub(crate) fn mean(&self, certificate: &Certificate) -> bool {
        let (hash, digest) = &self.meant;
        hash.of(certificate.der()).as_ref() == digest
    }
}

/// Why signed attributes cannot be read; the name is the attribute's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Missing(&'static str),
    /// More than one attribute of a type, or not exactly one value.
    Repeated(&'static str),
    Malformed(&'static str),
    TooMany(usize),
}

pub(crate) fn read(attributes: &Attributes) -> Result<Claims, Unreadable> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(Unreadable::TooMany(attributes.len()));
    }
    let content_type: ObjectIdentifier = single(attributes, rfc5911::ID_CONTENT_TYPE, "contentType")?;
    let digest: OctetString = single(attributes, rfc5911::ID_MESSAGE_DIGEST, "messageDigest")?;
    let time: Time = single(attributes, rfc5911::ID_SIGNING_TIME, "signingTime")?;
    let micros = i64::try_from(time.to_unix_duration().as_micros()).unwrap_or(i64::MAX);
    Ok(Claims {
        content_type,
        content_digest: digest.into_bytes(),
        signing_time: Instant::from_micros(micros),
        meant: signing_certificate(attributes)?,
    })
}

fn signing_certificate(attributes: &Attributes) -> Result<(Hash, Vec<u8>), Unreadable> {
    const NAME: &str = "signingCertificateV2";
    let value: SigningCertificateV2 = single(attributes, rfc5911::ID_AA_SIGNING_CERTIFICATE_V_2, NAME)?;
    let first = value.certificates.into_iter().next().ok_or(Unreadable::Missing(NAME))?;
    let hash = first.hash_algorithm.as_ref().map_or(Some(Hash::Sha256), Hash::from_identifier);
    Ok((hash.ok_or(Unreadable::Malformed(NAME))?, first.hash.into_bytes()))
}

/// True when `certificate` is the one that the signer meant, by version 2 of the attribute, version 1
/// (SHA-1, RFC 2634, 5.4) or both; one of them is needed.
pub(crate) fn means(attributes: &Attributes, certificate: &Certificate) -> Result<bool, Unreadable> {
    const NAME: &str = "signingCertificate";
    let has = |oid| attributes.iter().any(|attribute| attribute.oid == oid);
    let (new, old) = (has(rfc5911::ID_AA_SIGNING_CERTIFICATE_V_2), has(rfc5911::ID_AA_SIGNING_CERTIFICATE));
    if !new && !old {
        return Err(Unreadable::Missing(NAME));
    }
    let mut meant = true;
    if new {
        let (hash, digest) = signing_certificate(attributes)?;
        meant &= hash.of(certificate.der()).as_ref() == digest;
    }
    if old {
        let value: SigningCertificate = single(attributes, rfc5911::ID_AA_SIGNING_CERTIFICATE, NAME)?;
        let first = value.certificates.first().ok_or(Unreadable::Missing(NAME))?;
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate.der());
        meant &= digest.as_ref() == first.hash.as_bytes();
    }
    Ok(meant)
}

pub(crate) fn single<T>(
    attributes: &Attributes,
    oid: ObjectIdentifier,
    name: &'static str,
) -> Result<T, Unreadable>
where
    T: for<'a> der::Decode<'a> + Encode,
{
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    let attribute = found.next().ok_or(Unreadable::Missing(name))?;
    let [value] = attribute.values.as_slice() else { return Err(Unreadable::Repeated(name)) };
    if found.next().is_some() {
        return Err(Unreadable::Repeated(name));
    }
    let bytes = value.to_der().map_err(|_| Unreadable::Malformed(name))?;
    strict(&bytes).map_err(|_| Unreadable::Malformed(name))
}
