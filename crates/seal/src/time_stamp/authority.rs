//! A time-stamp authority for demonstrations: small, real in its formats, and marked in its name.

use super::{
    error::TimeStampError,
    structure::{
        Accuracy, MessageImprint, PkiStatusInfo, TST_INFO, TimeStampReq, TimeStampResp, TstInfo, gen_time,
    },
    token::check_authority,
};
use crate::{
    algorithm::Hash,
    attribute,
    authority::{AuthorityError, Lent, checked_name, params},
    certificate::{Certificate, CertificateError},
    key::{KeyError, SigningKey},
    limit::{MAX_NUMBER_BYTES, MAX_TIME_STAMP_BYTES},
    sign::{signed_content, signer_info},
    structure::strict,
};
use der::{
    Any, Decode as _, Encode as _,
    asn1::{BitString, ObjectIdentifier, Uint},
};
use rcgen::{BasicConstraints, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyUsagePurpose};
use rustls_pki_types::CertificateDer;
use std::fmt;
use vocabulary::{Failure as _, Instant};
use zeroize::Zeroizing;

/// Under IANA's number for examples (RFC 5612): it stands for no promise.
const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1");
/// ExtKeyUsageSyntax with `id-kp-timeStamping` alone (RFC 3161, 2.3).
const ONLY_TIME_STAMPING: [u8; 12] = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8];
const EXTENDED_KEY_USAGE: [u64; 4] = [2, 5, 29, 37];
const ACCURACY_SECONDS: u32 = 1;

/// Why a query is rejected: a bit of PKIFailureInfo (RFC 3161, 2.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rejection {
    BadAlgorithm = 0,
    BadRequest = 2,
    BadDataFormat = 5,
    TimeNotAvailable = 14,
    UnacceptedPolicy = 15,
    UnacceptedExtension = 16,
}

/// Stamps time for exercises; its name says so, and [`super::TimeStamp::demonstration`] repeats it.
pub struct TimeStampAuthority {
    root: Certificate,
    certificate: Certificate,
    key: SigningKey,
    key_pem: Zeroizing<String>,
}

impl TimeStampAuthority {
    /// A fresh root and authority of the organization `name`; the root's key is thrown away at once.
    pub fn generate(name: &str, valid_from: Instant, valid_until: Instant) -> Result<Self, AuthorityError> {
        let (root_key, _) = SigningKey::generate()?;
        let subject = subject(name, "demonstration root for time-stamps")?;
        let mut root = params(subject, valid_from, valid_until)?;
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root = root.self_signed(&Lent(&root_key))?;
        let (key, key_pem) = SigningKey::generate()?;
        let subject = self::subject(name, "demonstration time-stamp authority")?;
        let mut leaf = params(subject, valid_from, valid_until)?;
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let mut usage = CustomExtension::from_oid_content(&EXTENDED_KEY_USAGE, ONLY_TIME_STAMPING.to_vec());
        usage.set_criticality(true);
        leaf.custom_extensions = vec![usage];
        let root_der = CertificateDer::from(root.der().to_vec());
        let leaf = leaf.signed_by(&Lent(&key), &Issuer::from_ca_cert_der(&root_der, Lent(&root_key))?)?;
        Self::assemble(Certificate::from_der(root.der())?, Certificate::from_der(leaf.der())?, key, key_pem)
    }

    /// Reads an authority back, and checks that its three parts belong together.
    pub fn from_pem(root_pem: &str, certificate_pem: &str, key_pem: &str) -> Result<Self, AuthorityError> {
        let key = SigningKey::from_pkcs8_pem(key_pem)?;
        let (root, certificate) = (Certificate::from_pem(root_pem)?, Certificate::from_pem(certificate_pem)?);
        Self::assemble(root, certificate, key, Zeroizing::new(key_pem.to_owned()))
    }

    fn assemble(
        root: Certificate,
        certificate: Certificate,
        key: SigningKey,
        key_pem: Zeroizing<String>,
    ) -> Result<Self, AuthorityError> {
        if !key.belongs_to(&certificate) {
            return Err(KeyError::NotOfThisCertificate.into());
        }
        let at = certificate.valid_from();
        check_authority(&certificate, &[], at, std::slice::from_ref(&root)).map_err(|error| {
            let reason = format!("{error} ({})", error.code());
            AuthorityError::Certificate(CertificateError::BrokenPath { reason })
        })?;
        Ok(Self { root, certificate, key, key_pem })
    }

    /// What a verifier trusts.
    pub fn root(&self) -> &Certificate {
        &self.root
    }

    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// PKCS #8 in PEM, not encrypted.
    pub fn key_pem(&self) -> &Zeroizing<String> {
        &self.key_pem
    }

    /// The response to a query that came in: a time-stamp, or a rejection that says why.
    ///
    /// `serial` is 16 random bytes, never used before; `now` is the time that is stamped.
    pub fn answer(&self, query: &[u8], serial: [u8; 16], now: Instant) -> Result<Vec<u8>, TimeStampError> {
        let response = match self.accept(query, now) {
            Ok(query) => TimeStampResp {
                status: PkiStatusInfo { status: 0, status_string: None, fail_info: None },
                time_stamp_token: Some(Any::from_der(&self.token(query, serial, now)?)?),
            },
            Err(rejection) => TimeStampResp {
                status: PkiStatusInfo { status: 2, status_string: None, fail_info: Some(bit(rejection)?) },
                time_stamp_token: None,
            },
        };
        Ok(response.to_der()?)
    }

    fn accept(&self, query: &[u8], now: Instant) -> Result<TimeStampReq, Rejection> {
        if query.len() > MAX_TIME_STAMP_BYTES {
            return Err(Rejection::BadRequest);
        }
        let query: TimeStampReq = strict(query).map_err(|_| Rejection::BadDataFormat)?;
        let nonce_len = query.nonce.as_ref().map_or(0, |nonce| nonce.as_bytes().len());
        if query.version != 1 || nonce_len > MAX_NUMBER_BYTES {
            return Err(Rejection::BadRequest);
        }
        let MessageImprint { hash_algorithm, hashed_message } = &query.message_imprint;
        let hash = Hash::from_identifier(hash_algorithm).ok_or(Rejection::BadAlgorithm)?;
        if hashed_message.as_bytes().len() != hash.of(&[]).as_ref().len() {
            return Err(Rejection::BadDataFormat);
        }
        if query.req_policy.is_some_and(|policy| policy != POLICY) {
            return Err(Rejection::UnacceptedPolicy);
        }
        if query.extensions.is_some() {
            return Err(Rejection::UnacceptedExtension);
        }
        if now < self.certificate.valid_from() || now > self.certificate.valid_until() {
            return Err(Rejection::TimeNotAvailable);
        }
        Ok(query)
    }

    pub(super) fn token(
        &self,
        query: TimeStampReq,
        serial: [u8; 16],
        now: Instant,
    ) -> Result<Vec<u8>, TimeStampError> {
        let info = TstInfo {
            version: 1,
            policy: Any::from_der(&POLICY.to_der()?)?,
            message_imprint: query.message_imprint,
            serial_number: Uint::new(&serial)?,
            gen_time: gen_time(now)?,
            accuracy: Some(Accuracy { seconds: Some(ACCURACY_SECONDS), millis: None, micros: None }),
            ordering: false,
            nonce: query.nonce,
            tsa: None,
            extensions: None,
        };
        let content = info.to_der()?;
        let digest = self.key.hash().of(&content);
        let attributes = attribute::attributes_of(TST_INFO, digest.as_ref(), &self.certificate, now)?;
        let signer = signer_info(attributes, &self.key, &self.certificate)?;
        let certificates: &[&Certificate] = if query.cert_req { &[&self.certificate] } else { &[] };
        Ok(signed_content(TST_INFO, Some(&content), vec![signer], certificates)?)
    }
}

impl fmt::Debug for TimeStampAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeStampAuthority").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

fn subject(name: &str, role: &str) -> Result<DistinguishedName, AuthorityError> {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, checked_name("organization", name)?);
    subject.push(DnType::CommonName, role);
    Ok(subject)
}

/// A named bit as DER writes it: no zero bits after the last one (X.690, 11.2.2).
fn bit(rejection: Rejection) -> der::Result<BitString> {
    let position = rejection as usize;
    let mut bytes = vec![0_u8; position / 8 + 1];
    if let Some(last) = bytes.last_mut() {
        *last = 0x80 >> (position % 8);
    }
    let unused = u8::try_from(7 - position % 8).unwrap_or(0);
    BitString::new(unused, bytes)
}
