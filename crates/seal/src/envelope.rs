//! Encrypting to offices and opening: CMS AuthEnvelopedData (RFC 5083, RFC 5084, RFC 5753).

use crate::{
    algorithm::Curve,
    certificate::Certificate,
    key::{DecryptionKey, agreement_algorithm},
    limit::{MAX_CMS_BYTES, MAX_RECIPIENTS},
    randomness,
    sign::issuer_and_serial,
    structure::{
        AuthEnvelopedData, GcmParameters, STD_DH_SHA256_KDF, SharedInfo, strict, unwrap_content, wrap_content,
    },
};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{self, PrivateKey, UnparsedPublicKey},
    digest,
    error::Unspecified,
    key_wrap::{AES_256, AesKek, KeyWrap as _},
};
use cms::{
    content_info::CmsVersion,
    enveloped_data::{
        EncryptedContentInfo, KeyAgreeRecipientIdentifier, KeyAgreeRecipientInfo, OriginatorIdentifierOrKey,
        OriginatorPublicKey, RecipientEncryptedKey, RecipientInfo, RecipientInfos,
    },
};
use const_oid::db::{rfc5911, rfc5912};
use der::{
    Any, Decode as _, Encode,
    asn1::{BitString, ObjectIdentifier, OctetString},
};
use spki::AlgorithmIdentifierOwned;
use vocabulary::{Failure, Family, OfficeId};
use x509_cert::attr::Attributes;
use zeroize::Zeroizing;

const KEY_LEN: usize = 32;
/// AES key wrap adds one block of 8 bytes (RFC 3394, 2.2.1).
const WRAPPED_LEN: usize = KEY_LEN + 8;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
/// Room for the structure around the ciphertext: [`MAX_RECIPIENTS`] recipients of about 500 bytes.
const OVERHEAD: usize = 32 << 10;

/// Encrypts `plaintext` to every office in `recipients` and returns DER.
///
/// One AES-256-GCM key for the content; for each recipient an ephemeral ECDH key on its curve.
pub fn encrypt_cms(plaintext: &[u8], recipients: &[Certificate]) -> Result<Vec<u8>, EncryptionError> {
    encrypt_with(plaintext, recipients, None)
}

fn encrypt_with(
    plaintext: &[u8],
    recipients: &[Certificate],
    auth_attributes: Option<Attributes>,
) -> Result<Vec<u8>, EncryptionError> {
    if plaintext.len() > MAX_CMS_BYTES - OVERHEAD {
        return Err(EncryptionError::TooLarge { bytes: plaintext.len(), limit: MAX_CMS_BYTES - OVERHEAD });
    }
    if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
        return Err(EncryptionError::Recipients { found: recipients.len(), limit: MAX_RECIPIENTS });
    }
    let key = Zeroizing::new(randomness::bytes::<KEY_LEN>()?);
    let infos = recipients.iter().map(|to| recipient_info(&key, to)).collect::<Result<Vec<_>, _>>()?;
    let nonce = randomness::bytes::<NONCE_LEN>()?;
    let mut ciphertext = plaintext.to_vec();
    let aad = associated_data(auth_attributes.as_ref())?;
    let tag = gcm(&key)?.seal_in_place_separate_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(&aad),
        &mut ciphertext,
    )?;
    let parameters = GcmParameters { nonce: OctetString::new(nonce)?, icv_len: Some(TAG_LEN as u8) };
    let enveloped = AuthEnvelopedData {
        version: CmsVersion::V0,
        originator_info: None,
        recipient_infos: RecipientInfos::try_from(infos)?,
        encrypted_content: EncryptedContentInfo {
            content_type: rfc5911::ID_DATA,
            content_enc_alg: with_parameters(rfc5911::ID_AES_256_GCM, &parameters)?,
            encrypted_content: Some(OctetString::new(ciphertext)?),
        },
        auth_attributes,
        mac: OctetString::new(tag.as_ref())?,
        unauth_attributes: None,
    };
    Ok(wrap_content(&enveloped, rfc5911::ID_CT_AUTH_ENVELOPED_DATA)?)
}

/// KeyAgreeRecipientInfo with an ephemeral key (RFC 5753, 3.1).
fn recipient_info(key: &[u8; KEY_LEN], to: &Certificate) -> Result<RecipientInfo, EncryptionError> {
    let curve = Curve::of(to.key_info()).ok_or(EncryptionError::KeyKind { office: to.office() })?;
    if !to.may_receive() {
        return Err(EncryptionError::MayNotReceive { office: to.office() });
    }
    let wrap = AlgorithmIdentifierOwned { oid: rfc5911::ID_AES_256_WRAP, parameters: None };
    let ephemeral = PrivateKey::generate(agreement_algorithm(curve))?;
    let kek = agree(&ephemeral, curve, to.public_key(), &wrap, None)
        .map_err(|_| EncryptionError::KeyKind { office: to.office() })?;
    let mut wrapped = [0; WRAPPED_LEN];
    AesKek::new(&AES_256, kek.as_slice())?.wrap(key, &mut wrapped)?;
    let originator = OriginatorPublicKey {
        algorithm: AlgorithmIdentifierOwned { oid: rfc5912::ID_EC_PUBLIC_KEY, parameters: None },
        public_key: BitString::from_bytes(ephemeral.compute_public_key()?.as_ref())?,
    };
    Ok(RecipientInfo::Kari(KeyAgreeRecipientInfo {
        version: CmsVersion::V3,
        originator: OriginatorIdentifierOrKey::OriginatorKey(originator),
        ukm: None,
        key_enc_alg: with_parameters(STD_DH_SHA256_KDF, &wrap)?,
        recipient_enc_keys: vec![RecipientEncryptedKey {
            rid: KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(issuer_and_serial(to)),
            enc_key: OctetString::new(wrapped)?,
        }],
    }))
}

/// Opens `der` for the office of `certificate`; every byte that concerns this recipient is checked.
pub fn decrypt_cms(
    der: &[u8],
    key: &DecryptionKey,
    certificate: &Certificate,
) -> Result<Vec<u8>, EnvelopeError> {
    if der.len() > MAX_CMS_BYTES {
        return Err(EnvelopeError::TooLarge { bytes: der.len(), limit: MAX_CMS_BYTES });
    }
    if !key.belongs_to(certificate) {
        return Err(EnvelopeError::KeyOfAnotherCertificate);
    }
    let enveloped: AuthEnvelopedData = unwrap_content(der, rfc5911::ID_CT_AUTH_ENVELOPED_DATA)
        .map_err(|_| malformed("AuthEnvelopedData"))?
        .ok_or(EnvelopeError::NotAuthEnvelopedData)?;
    if enveloped.version != CmsVersion::V0
        || enveloped.originator_info.is_some()
        || enveloped.unauth_attributes.is_some()
    {
        return Err(malformed("AuthEnvelopedData version or unprotected fields"));
    }
    let (info, wrapped) = addressed_to(&enveloped.recipient_infos, certificate)?;
    let content_key = unwrap_key(info, wrapped, key)?;
    open_content(&enveloped, &content_key)
}

/// The recipient info that names `certificate` by issuer and serial number.
fn addressed_to<'a>(
    infos: &'a RecipientInfos,
    certificate: &Certificate,
) -> Result<(&'a KeyAgreeRecipientInfo, &'a OctetString), EnvelopeError> {
    let found = infos.0.len();
    if found > MAX_RECIPIENTS {
        return Err(EnvelopeError::TooManyRecipients { found, limit: MAX_RECIPIENTS });
    }
    let mine = KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(issuer_and_serial(certificate));
    let agreements = infos.0.iter().filter_map(|info| match info {
        RecipientInfo::Kari(info) => Some(info),
        _ => None,
    });
    agreements
        .flat_map(|info| info.recipient_enc_keys.iter().map(move |key| (info, key)))
        .find(|(_, key)| key.rid == mine)
        .map(|(info, key)| (info, &key.enc_key))
        .ok_or(EnvelopeError::NotARecipient { office: certificate.office(), recipients: found })
}

fn unwrap_key(
    info: &KeyAgreeRecipientInfo,
    wrapped: &OctetString,
    key: &DecryptionKey,
) -> Result<Zeroizing<[u8; KEY_LEN]>, EnvelopeError> {
    let wrap = wrap_algorithm(info)?;
    let point = originator_point(info, key.curve())?;
    let kek = agree(key.private(), key.curve(), point, &wrap, info.ukm.as_ref())
        .map_err(|_| EnvelopeError::Refused { what: "ephemeral key" })?;
    let mut content_key = Zeroizing::new([0; KEY_LEN]);
    if wrapped.as_bytes().len() != WRAPPED_LEN {
        return Err(malformed("encryptedKey"));
    }
    AesKek::new(&AES_256, kek.as_slice())
        .and_then(|kek| kek.unwrap(wrapped.as_bytes(), content_key.as_mut_slice()).map(|_| ()))
        .map_err(|_| EnvelopeError::Refused { what: "wrapped key" })?;
    Ok(content_key)
}

fn wrap_algorithm(info: &KeyAgreeRecipientInfo) -> Result<AlgorithmIdentifierOwned, EnvelopeError> {
    if info.version != CmsVersion::V3 {
        return Err(malformed("KeyAgreeRecipientInfo version"));
    }
    if info.key_enc_alg.oid != STD_DH_SHA256_KDF {
        return Err(unsupported(info.key_enc_alg.oid));
    }
    let wrap: AlgorithmIdentifierOwned = parameters(&info.key_enc_alg)?;
    if wrap.oid != rfc5911::ID_AES_256_WRAP || !absent_or_null(&wrap) {
        return Err(unsupported(wrap.oid));
    }
    Ok(wrap)
}

/// The sender's ephemeral point: uncompressed, on the recipient's curve (RFC 5753, 7.1.2).
fn originator_point(info: &KeyAgreeRecipientInfo, curve: Curve) -> Result<&[u8], EnvelopeError> {
    let OriginatorIdentifierOrKey::OriginatorKey(originator) = &info.originator else {
        return Err(malformed("originator (an ephemeral key is expected)"));
    };
    let algorithm = &originator.algorithm;
    let same_curve = algorithm
        .parameters
        .as_ref()
        .is_some_and(|named| named.decode_as::<ObjectIdentifier>() == Ok(curve.oid()));
    if algorithm.oid != rfc5912::ID_EC_PUBLIC_KEY || !(absent_or_null(algorithm) || same_curve) {
        return Err(unsupported(algorithm.oid));
    }
    match originator.public_key.as_bytes() {
        Some(point) if point.len() == curve.point_len() && point.first() == Some(&4) => Ok(point),
        _ => Err(malformed("ephemeral key")),
    }
}

fn open_content(enveloped: &AuthEnvelopedData, key: &[u8; KEY_LEN]) -> Result<Vec<u8>, EnvelopeError> {
    let content = &enveloped.encrypted_content;
    if content.content_type != rfc5911::ID_DATA {
        return Err(malformed("content type (`id-data` is expected)"));
    }
    if content.content_enc_alg.oid != rfc5911::ID_AES_256_GCM {
        return Err(unsupported(content.content_enc_alg.oid));
    }
    let gcm_parameters: GcmParameters = parameters(&content.content_enc_alg)?;
    let nonce =
        <[u8; NONCE_LEN]>::try_from(gcm_parameters.nonce.as_bytes()).map_err(|_| malformed("nonce"))?;
    if gcm_parameters.icv_len != Some(TAG_LEN as u8) || enveloped.mac.as_bytes().len() != TAG_LEN {
        return Err(malformed("authentication tag (16 bytes are expected)"));
    }
    let ciphertext = content.encrypted_content.as_ref().ok_or_else(|| malformed("encryptedContent"))?;
    let aad = associated_data(enveloped.auth_attributes.as_ref())
        .map_err(|_| malformed("authenticated attributes"))?;
    let refused = |_| EnvelopeError::Refused { what: "content" };
    let mut sealed = Vec::with_capacity(ciphertext.as_bytes().len() + TAG_LEN);
    sealed.extend_from_slice(ciphertext.as_bytes());
    sealed.extend_from_slice(enveloped.mac.as_bytes());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let plaintext_len = gcm(key)
        .and_then(|gcm| gcm.open_in_place(nonce, Aad::from(&aad), &mut sealed).map(|plain| plain.len()))
        .map_err(refused)?;
    sealed.truncate(plaintext_len);
    Ok(sealed)
}

fn gcm(key: &[u8; KEY_LEN]) -> Result<LessSafeKey, Unspecified> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?))
}

/// The authenticated attributes as a SET OF (RFC 5083, 2.2); empty when there are none.
fn associated_data(attributes: Option<&Attributes>) -> der::Result<Vec<u8>> {
    attributes.map_or_else(|| Ok(Vec::new()), Encode::to_der)
}

/// ECDH, then the X9.63 key derivation with SHA-256, one block (SEC 1, 3.6.1; RFC 5753, 7.2).
fn agree(
    mine: &PrivateKey,
    curve: Curve,
    theirs: &[u8],
    wrap: &AlgorithmIdentifierOwned,
    ukm: Option<&OctetString>,
) -> Result<Zeroizing<[u8; KEY_LEN]>, Unspecified> {
    let shared_info = SharedInfo {
        key_info: wrap.clone(),
        entity_u_info: ukm.cloned(),
        supp_pub_info: OctetString::new(256_u32.to_be_bytes()).map_err(|_| Unspecified)?,
    };
    let shared_info = shared_info.to_der().map_err(|_| Unspecified)?;
    let theirs = UnparsedPublicKey::new(agreement_algorithm(curve), theirs);
    agreement::agree(mine, theirs, Unspecified, |secret| {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(secret);
        context.update(&1_u32.to_be_bytes());
        context.update(&shared_info);
        <[u8; KEY_LEN]>::try_from(context.finish().as_ref()).map(Zeroizing::new).map_err(|_| Unspecified)
    })
}

fn with_parameters(oid: ObjectIdentifier, value: &impl Encode) -> der::Result<AlgorithmIdentifierOwned> {
    let parameters = Any::from_der(&value.to_der()?)?;
    Ok(AlgorithmIdentifierOwned { oid, parameters: Some(parameters) })
}

fn parameters<T>(algorithm: &AlgorithmIdentifierOwned) -> Result<T, EnvelopeError>
where
    T: for<'a> der::Decode<'a> + Encode,
{
    let wrong = || malformed("algorithm parameters");
    let bytes = algorithm.parameters.as_ref().ok_or_else(wrong)?.to_der().map_err(|_| wrong())?;
    strict(&bytes).map_err(|_| wrong())
}

fn absent_or_null(algorithm: &AlgorithmIdentifierOwned) -> bool {
    algorithm.parameters.as_ref().is_none_or(Any::is_null)
}

fn malformed(what: &'static str) -> EnvelopeError {
    EnvelopeError::Malformed { what }
}

fn unsupported(oid: ObjectIdentifier) -> EnvelopeError {
    EnvelopeError::Algorithm { found: oid.to_string() }
}

fn named(office: Option<OfficeId>) -> String {
    office.map_or_else(|| "an unnamed office".to_owned(), |office| office.to_string())
}

/// Why a message cannot be encrypted to its recipients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncryptionError {
    #[error("the message has {bytes} bytes, at most {limit} are encrypted")]
    TooLarge { bytes: usize, limit: usize },
    #[error("there are {found} recipients, 1 to {limit} are expected")]
    Recipients { found: usize, limit: usize },
    #[error("the key of `{}` is not on P-256 or P-384", named(*.office))]
    KeyKind { office: Option<OfficeId> },
    #[error("the certificate of `{}` does not allow key agreement", named(*.office))]
    MayNotReceive { office: Option<OfficeId> },
    #[error("the encrypted message could not be encoded")]
    Encoding,
    #[error("the cryptographic library refused to encrypt")]
    Crypto,
}

impl From<Unspecified> for EncryptionError {
    fn from(_: Unspecified) -> Self {
        Self::Crypto
    }
}

impl From<der::Error> for EncryptionError {
    fn from(_: der::Error) -> Self {
        Self::Encoding
    }
}

impl Failure for EncryptionError {
    fn family(&self) -> Family {
        match self {
            Self::TooLarge { .. } | Self::Recipients { .. } => Family::Refusal,
            Self::KeyKind { .. } | Self::MayNotReceive { .. } => Family::PeerFault,
            Self::Encoding | Self::Crypto => Family::Fault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "R-641",
            Self::Recipients { .. } => "R-642",
            Self::KeyKind { .. } => "P-641",
            Self::MayNotReceive { .. } => "P-642",
            Self::Encoding => "F-641",
            Self::Crypto => "F-642",
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::KeyKind { .. } => Some("RFC 5753, 3.1".to_owned()),
            Self::MayNotReceive { .. } => Some("RFC 5280, 4.2.1.3".to_owned()),
            _ => None,
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::TooLarge { .. } => "shorten the message, or send the material as an evidence package",
            Self::Recipients { .. } => "name at least one office, and not more than the limit",
            Self::KeyKind { .. } | Self::MayNotReceive { .. } => {
                "ask the peer for a certificate on P-256 or P-384 with `keyAgreement`"
            }
            Self::Encoding | Self::Crypto => "try again, then report the fault with the log",
        }
        .to_owned()
    }
}

/// Why an encrypted message cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error("the encrypted message has {bytes} bytes, at most {limit} are read")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the encrypted message's {what} cannot be read as strict DER of the expected form")]
    Malformed { what: &'static str },
    #[error("the bytes are not CMS AuthEnvelopedData")]
    NotAuthEnvelopedData,
    #[error("the message has {found} recipients, at most {limit} are read")]
    TooManyRecipients { found: usize, limit: usize },
    #[error("the message is not encrypted to `{}` under this certificate, it has {recipients} other recipients", named(*.office))]
    NotARecipient { office: Option<OfficeId>, recipients: usize },
    #[error(
        "the algorithm `{found}` is not accepted: AES-256-GCM and ECDH with SHA-256 and AES-256 key wrap are expected"
    )]
    Algorithm { found: String },
    #[error("the {what} of the encrypted message was altered or made for another key")]
    Refused { what: &'static str },
    #[error("the private key does not belong to the certificate")]
    KeyOfAnotherCertificate,
}

impl Failure for EnvelopeError {
    fn family(&self) -> Family {
        match self {
            Self::KeyOfAnotherCertificate => Family::Fault,
            _ => Family::PeerFault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "P-651",
            Self::Malformed { .. } => "P-652",
            Self::NotAuthEnvelopedData => "P-653",
            Self::TooManyRecipients { .. } => "P-654",
            Self::NotARecipient { .. } => "P-655",
            Self::Algorithm { .. } => "P-656",
            Self::Refused { .. } => "P-657",
            Self::KeyOfAnotherCertificate => "F-651",
        }
    }

    fn clause(&self) -> Option<String> {
        let clause = match self {
            Self::TooLarge { .. } | Self::KeyOfAnotherCertificate => return None,
            Self::Malformed { .. } | Self::NotAuthEnvelopedData => "RFC 5083, 2.1",
            Self::TooManyRecipients { .. } | Self::NotARecipient { .. } => "RFC 5652, 6.2.2",
            Self::Algorithm { .. } => "RFC 5753, 7.1 and RFC 5084, 3.2",
            Self::Refused { .. } => "RFC 5083, 2.2",
        };
        Some(clause.to_owned())
    }

    fn remedy(&self) -> String {
        match self {
            Self::NotARecipient { .. } => {
                "ask the peer to encrypt again to the certificate in our newest State descriptor"
            }
            Self::KeyOfAnotherCertificate => {
                "put the certificate and the key of the same office side by side"
            }
            Self::Refused { .. } => "keep the bytes as proof and ask the peer to send the message again",
            _ => "ask the peer to encrypt again as the specification says",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        OfficeKey,
        judge::{Judge, OFFICE_EXTENSIONS, authority, office, root},
    };
    use der::asn1::SetOfVec;
    use vocabulary::OfficeFunction::ContactPoint;
    use x509_cert::attr::Attribute;

    const SECRET: &[u8] = b"{\"name\":\"known to two offices\"}";

    fn open(der: &[u8], office: &OfficeKey) -> Result<Vec<u8>, EnvelopeError> {
        decrypt_cms(der, office.decryption(), office.certificate())
    }

    fn to(office: &OfficeKey) -> [Certificate; 1] {
        [office.certificate().clone()]
    }

    #[test]
    fn openssl_opens_what_we_encrypt_for_each_recipient() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        let p384 =
            judge.certify(&root, "p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", OFFICE_EXTENSIONS);
        let office = office(&root, ContactPoint);
        judge.put_pair("p256", office.certificate(), office.key_pem());
        for content in [SECRET, &[], &vec![7; 100_000]] {
            judge.put("e.p7m", encrypt_cms(content, &[office.certificate().clone(), p384.clone()]).unwrap());
            for stem in ["p256", "p384"] {
                judge.must(&format!(
                    "cms -decrypt -inform DER -in e.p7m -recip {stem}.pem -inkey {stem}.key -out out"
                ));
                assert_eq!(judge.get("out"), content);
            }
        }
    }

    #[test]
    fn we_open_what_openssl_encrypts() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        judge.put("content", SECRET);
        for curve in ["P-256", "P-384"] {
            let key = format!("-algorithm EC -pkeyopt ec_paramgen_curve:{curve}");
            judge.certify(&root, "to", &key, OFFICE_EXTENSIONS);
            let office = OfficeKey::from_pem(&judge.text("to.pem"), &judge.text("to.key")).unwrap();
            judge.must(
                "cms -encrypt -binary -aes-256-gcm -in content -recip to.pem -keyopt ecdh_kdf_md:sha256 -outform DER -out e.p7m",
            );
            assert_eq!(open(&judge.get("e.p7m"), &office).unwrap(), SECRET);
        }
    }

    #[test]
    fn weaker_envelopes_of_openssl_are_refused() {
        let Some(judge) = Judge::call() else { return };
        let office = office(&root("XA"), ContactPoint);
        judge.put_pair("to", office.certificate(), office.key_pem());
        judge.put("content", SECRET);
        for (options, code) in [
            ("-aes-256-gcm", "P-656"),
            ("-aes-128-gcm -keyopt ecdh_kdf_md:sha256", "P-656"),
            ("-aes-256-gcm -keyopt ecdh_kdf_md:sha256 -keyopt ecdh_cofactor_mode:1", "P-656"),
            ("-aes-256-cbc -keyopt ecdh_kdf_md:sha256", "P-653"),
        ] {
            judge.must(&format!(
                "cms -encrypt -binary -in content -recip to.pem {options} -outform DER -out e.p7m"
            ));
            let refused = open(&judge.get("e.p7m"), &office.office_key().unwrap()).unwrap_err();
            assert_eq!(refused.code(), code, "{options}: {refused}");
        }
    }

    #[test]
    fn each_recipient_opens_and_nobody_else() {
        let root = root("XA");
        let (one, two, three) = (authority(&root), authority(&root), authority(&root));
        let der = encrypt_cms(SECRET, &[one.certificate().clone(), two.certificate().clone()]).unwrap();
        assert_eq!(open(&der, &one).unwrap(), SECRET);
        assert_eq!(open(&der, &two).unwrap(), SECRET);
        let refused = open(&der, &three).unwrap_err();
        assert_eq!(
            refused,
            EnvelopeError::NotARecipient { office: three.certificate().office(), recipients: 2 }
        );
        let mixed = decrypt_cms(&der, three.decryption(), one.certificate()).unwrap_err();
        assert_eq!(mixed, EnvelopeError::KeyOfAnotherCertificate);
    }

    #[test]
    fn a_recipient_who_is_named_but_was_not_given_the_key_is_refused() {
        let root = root("XA");
        let (one, two) = (authority(&root), authority(&root));
        let der = encrypt_cms(SECRET, &to(&one)).unwrap();
        let mut enveloped: AuthEnvelopedData =
            unwrap_content(&der, rfc5911::ID_CT_AUTH_ENVELOPED_DATA).unwrap().unwrap();
        let RecipientInfo::Kari(mut info) = enveloped.recipient_infos.0.get(0).unwrap().clone() else {
            panic!()
        };
        info.recipient_enc_keys[0].rid =
            KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(issuer_and_serial(two.certificate()));
        enveloped.recipient_infos = RecipientInfos::try_from(vec![RecipientInfo::Kari(info)]).unwrap();
        let der = wrap_content(&enveloped, rfc5911::ID_CT_AUTH_ENVELOPED_DATA).unwrap();
        assert_eq!(open(&der, &two).unwrap_err(), EnvelopeError::Refused { what: "wrapped key" });
    }

    #[test]
    fn authenticated_attributes_are_authenticated() {
        let office = authority(&root("XA"));
        let value = Any::from_der(&rfc5911::ID_DATA.to_der().unwrap()).unwrap();
        let attribute =
            Attribute { oid: rfc5911::ID_CONTENT_TYPE, values: SetOfVec::from_iter([value]).unwrap() };
        let attributes = SetOfVec::from_iter([attribute]).unwrap();
        let der = encrypt_with(SECRET, &to(&office), Some(attributes)).unwrap();
        assert_eq!(open(&der, &office).unwrap(), SECRET);
        let mut enveloped: AuthEnvelopedData =
            unwrap_content(&der, rfc5911::ID_CT_AUTH_ENVELOPED_DATA).unwrap().unwrap();
        enveloped.auth_attributes = None;
        let der = wrap_content(&enveloped, rfc5911::ID_CT_AUTH_ENVELOPED_DATA).unwrap();
        assert_eq!(open(&der, &office).unwrap_err(), EnvelopeError::Refused { what: "content" });
    }

    #[test]
    fn every_byte_that_is_changed_is_noticed() {
        let office = authority(&root("XA"));
        let der = encrypt_cms(SECRET, &to(&office)).unwrap();
        for position in 0..der.len() {
            for mask in [0x01, 0x20, 0x80, 0xff] {
                let mut altered = der.clone();
                altered[position] ^= mask;
                assert!(open(&altered, &office).is_err(), "byte {position} ^ {mask:#x} was not noticed");
            }
        }
    }

    #[test]
    fn every_cut_and_every_appended_byte_is_refused() {
        let office = authority(&root("XA"));
        let der = encrypt_cms(SECRET, &to(&office)).unwrap();
        for length in 0..der.len() {
            assert!(open(&der[..length], &office).is_err());
        }
        assert_eq!(open(&[der.as_slice(), &[0]].concat(), &office).unwrap_err().code(), "P-652");
        assert_eq!(open(&vec![0x30; MAX_CMS_BYTES + 1], &office).unwrap_err().code(), "P-651");
    }

    #[test]
    fn two_envelopes_of_the_same_content_share_nothing() {
        let office = authority(&root("XA"));
        let (one, two) =
            (encrypt_cms(SECRET, &to(&office)).unwrap(), encrypt_cms(SECRET, &to(&office)).unwrap());
        assert_ne!(one[one.len() - 60..], two[two.len() - 60..]);
        assert!(!one.windows(8).any(|window| SECRET.windows(8).any(|plain| plain == window)));
    }

    #[test]
    fn recipients_are_counted_and_their_certificates_must_allow_it() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        assert_eq!(encrypt_cms(SECRET, &[]).unwrap_err().code(), "R-642");
        let many = vec![authority(&root).certificate().clone(); MAX_RECIPIENTS + 1];
        assert_eq!(encrypt_cms(SECRET, &many).unwrap_err().code(), "R-642");
        let deaf = OFFICE_EXTENSIONS.replace(",keyAgreement", "");
        let deaf = judge.certify(&root, "deaf", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", &deaf);
        assert_eq!(encrypt_cms(SECRET, &[deaf]).unwrap_err().code(), "P-642");
        let rsa =
            judge.certify(&root, "rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072", OFFICE_EXTENSIONS);
        let refused = encrypt_cms(SECRET, &[rsa]).unwrap_err();
        assert!(refused.to_string().contains("XA/contact-point"));
    }

    #[test]
    fn the_largest_message_to_the_most_recipients_stays_within_the_limit() {
        let root = root("XA");
        let office = authority(&root);
        let content = vec![0; MAX_CMS_BYTES - OVERHEAD];
        let der = encrypt_cms(&content, &vec![office.certificate().clone(); MAX_RECIPIENTS]);
        let der = der.unwrap();
        assert!(der.len() <= MAX_CMS_BYTES, "{}", der.len());
        assert_eq!(open(&der, &office).unwrap().len(), content.len());
        assert_eq!(encrypt_cms(&[content, vec![0]].concat(), &to(&office)).unwrap_err().code(), "R-641");
    }
}
