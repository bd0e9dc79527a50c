//! Encrypting to offices and opening: CMS AuthEnvelopedData (RFC 5083, RFC 5084, RFC 5753).

use crate::{
    algorithm::{self, Curve, Hash, KeyKind},
    certificate::Certificate,
    key::DecryptionKey,
    limit::{MAX_CMS_BYTES, MAX_RECIPIENTS, MIN_RSA_BITS},
    private::{self, PrivateKeyError},
    randomness,
    sign::issuer_and_serial,
    structure::{
        AuthEnvelopedData, GcmParameters, OaepParameters, STD_DH_SHA256_KDF, SharedInfo, strict,
        unwrap_content, wrap_content,
    },
};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::PrivateKey,
    digest,
    error::Unspecified,
    key_wrap::{AES_256, AesKek, KeyWrap as _},
    rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey},
};
use cms::{
    content_info::CmsVersion,
    enveloped_data::{
        EncryptedContentInfo, KeyAgreeRecipientIdentifier, KeyAgreeRecipientInfo, KeyTransRecipientInfo,
        OriginatorIdentifierOrKey, OriginatorPublicKey, RecipientEncryptedKey, RecipientIdentifier,
        RecipientInfo, RecipientInfos,
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
/// Room for the structure around the ciphertext: [`MAX_RECIPIENTS`] recipients of at most 2 KiB.
const OVERHEAD: usize = 64 << 10;

/// Encrypts `plaintext` to every office in `recipients` and returns DER.
///
/// One AES-256-GCM key for the content; for each recipient an ephemeral ECDH key on its curve, or RSA-OAEP.
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

fn recipient_info(key: &[u8; KEY_LEN], to: &Certificate) -> Result<RecipientInfo, EncryptionError> {
    let kind = || EncryptionError::KeyKind { office: to.office() };
    if algorithm::weakness(to.key_info()).is_some() {
        return Err(kind());
    }
    if !to.may_receive() {
        return Err(EncryptionError::MayNotReceive { office: to.office() });
    }
    match Curve::of(to.key_info()) {
        Some(curve) => agreed(key, to, curve).map(RecipientInfo::Kari),
        None => transported(key, to).map(RecipientInfo::Ktri),
    }
}

/// KeyAgreeRecipientInfo with an ephemeral key (RFC 5753, 3.1).
fn agreed(
    key: &[u8; KEY_LEN],
    to: &Certificate,
    curve: Curve,
) -> Result<KeyAgreeRecipientInfo, EncryptionError> {
    let wrap = AlgorithmIdentifierOwned { oid: rfc5911::ID_AES_256_WRAP, parameters: None };
    let ephemeral = PrivateKey::generate(private::agreement_algorithm(curve))?;
    let secret = private::agree(&ephemeral, curve, to.public_key())
        .map_err(|_| EncryptionError::KeyKind { office: to.office() })?;
    let kek = derive(&secret, &wrap, None)?;
    let mut wrapped = [0; WRAPPED_LEN];
    AesKek::new(&AES_256, kek.as_slice())?.wrap(key, &mut wrapped)?;
    let originator = OriginatorPublicKey {
        algorithm: AlgorithmIdentifierOwned { oid: rfc5912::ID_EC_PUBLIC_KEY, parameters: None },
        public_key: BitString::from_bytes(ephemeral.compute_public_key()?.as_ref())?,
    };
    Ok(KeyAgreeRecipientInfo {
        version: CmsVersion::V3,
        originator: OriginatorIdentifierOrKey::OriginatorKey(originator),
        ukm: None,
        key_enc_alg: with_parameters(STD_DH_SHA256_KDF, &wrap)?,
        recipient_enc_keys: vec![RecipientEncryptedKey {
            rid: KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(issuer_and_serial(to)),
            enc_key: OctetString::new(wrapped)?,
        }],
    })
}

/// KeyTransRecipientInfo with RSAES-OAEP (RFC 5652, 6.2.1; RFC 3560).
fn transported(key: &[u8; KEY_LEN], to: &Certificate) -> Result<KeyTransRecipientInfo, EncryptionError> {
    let kind = |_| EncryptionError::KeyKind { office: to.office() };
    let info = to.key_info().to_der()?;
    let public =
        PublicEncryptingKey::from_der(&info).map_err(|_| EncryptionError::KeyKind { office: to.office() })?;
    let public = OaepPublicEncryptingKey::new(public).map_err(kind)?;
    let mut buffer = vec![0; public.ciphertext_size()];
    let encrypted = public.encrypt(&OAEP_SHA256_MGF1SHA256, key, &mut buffer, None).map_err(kind)?;
    Ok(KeyTransRecipientInfo {
        version: CmsVersion::V0,
        rid: RecipientIdentifier::IssuerAndSerialNumber(issuer_and_serial(to)),
        key_enc_alg: with_parameters(rfc5912::ID_RSAES_OAEP, &oaep_parameters()?)?,
        enc_key: OctetString::new(&*encrypted)?,
    })
}

/// SHA-256 for the label and in MGF1, both named (RFC 4055, 2.1 and 4.1: with NULL).
fn oaep_parameters() -> der::Result<OaepParameters> {
    let hash = AlgorithmIdentifierOwned { oid: Hash::Sha256.oid(), parameters: Some(Any::null()) };
    let mask = with_parameters(rfc5912::ID_MGF_1, &hash)?;
    Ok(OaepParameters { hash: Some(hash), mask: Some(mask), source: None })
}

/// The number of recipients of an envelope, told without any key; the bytes are otherwise not believed.
pub fn recipient_count(cms_der: &[u8]) -> Result<usize, EnvelopeError> {
    Ok(count(&read(cms_der)?.recipient_infos))
}

/// Opens `der` for the holder of `certificate`; every byte that concerns this recipient is checked.
pub fn decrypt_cms(
    der: &[u8],
    key: &DecryptionKey,
    certificate: &Certificate,
) -> Result<Vec<u8>, EnvelopeError> {
    if der.len() <= MAX_CMS_BYTES && !key.belongs_to(certificate) {
        return Err(EnvelopeError::KeyOfAnotherCertificate);
    }
    let enveloped = read(der)?;
    check_content_type(&enveloped.encrypted_content)?;
    let content_key = match addressed_to(&enveloped.recipient_infos, certificate)? {
        Mine::Agreed(info, wrapped) => unwrap_agreed(info, wrapped, key)?,
        Mine::Transported(info) => unwrap_transported(info, key)?,
    };
    open_content(&enveloped, &content_key)
}

fn read(der: &[u8]) -> Result<AuthEnvelopedData, EnvelopeError> {
    if der.len() > MAX_CMS_BYTES {
        return Err(EnvelopeError::TooLarge { bytes: der.len(), limit: MAX_CMS_BYTES });
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
    let found = count(&enveloped.recipient_infos);
    if found > MAX_RECIPIENTS {
        return Err(EnvelopeError::TooManyRecipients { found, limit: MAX_RECIPIENTS });
    }
    Ok(enveloped)
}

/// A KeyAgreeRecipientInfo may hold the key for several recipients (RFC 5652, 6.2.2).
fn count(infos: &RecipientInfos) -> usize {
    let keys = |info: &RecipientInfo| match info {
        RecipientInfo::Kari(info) => info.recipient_enc_keys.len(),
        _ => 1,
    };
    infos.0.iter().map(keys).sum()
}

/// Where the content key for one certificate is.
enum Mine<'a> {
    Agreed(&'a KeyAgreeRecipientInfo, &'a OctetString),
    Transported(&'a KeyTransRecipientInfo),
}

/// The recipient info that names `certificate` by issuer and serial number.
fn addressed_to<'a>(infos: &'a RecipientInfos, certificate: &Certificate) -> Result<Mine<'a>, EnvelopeError> {
    let id = issuer_and_serial(certificate);
    let agreement = KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(id.clone());
    let transport = RecipientIdentifier::IssuerAndSerialNumber(id);
    let mine = |info: &'a RecipientInfo| match info {
        RecipientInfo::Kari(info) => {
            let key = info.recipient_enc_keys.iter().find(|key| key.rid == agreement)?;
            Some(Mine::Agreed(info, &key.enc_key))
        }
        RecipientInfo::Ktri(info) => (info.rid == transport).then_some(Mine::Transported(info)),
        _ => None,
    };
    let recipients = count(infos);
    infos
        .0
        .iter()
        .find_map(mine)
        .ok_or(EnvelopeError::NotARecipient { office: certificate.office(), recipients })
}

fn unwrap_agreed(
    info: &KeyAgreeRecipientInfo,
    wrapped: &OctetString,
    key: &DecryptionKey,
) -> Result<Zeroizing<[u8; KEY_LEN]>, EnvelopeError> {
    let wrap = wrap_algorithm(info)?;
    let KeyKind::Ec(curve) = key.kind() else { return Err(unsupported(info.key_enc_alg.oid)) };
    let point = originator_point(info, curve)?;
    let secret = key.private().agree(point).map_err(refused("ephemeral key"))?;
    let kek = derive(&secret, &wrap, info.ukm.as_ref())
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

/// One answer for everything that is wrong inside the padding, so that nobody learns from it.
fn unwrap_transported(
    info: &KeyTransRecipientInfo,
    key: &DecryptionKey,
) -> Result<Zeroizing<[u8; KEY_LEN]>, EnvelopeError> {
    if info.version != CmsVersion::V0 {
        return Err(malformed("KeyTransRecipientInfo version"));
    }
    if info.key_enc_alg.oid != rfc5912::ID_RSAES_OAEP || key.kind() != KeyKind::Rsa {
        return Err(unsupported(info.key_enc_alg.oid));
    }
    check_oaep(&parameters(&info.key_enc_alg)?)?;
    let plain = key.private().decrypt(info.enc_key.as_bytes()).map_err(refused("wrapped key"))?;
    let content_key = <[u8; KEY_LEN]>::try_from(plain.as_slice());
    content_key.map(Zeroizing::new).map_err(|_| EnvelopeError::Refused { what: "wrapped key" })
}

fn check_oaep(found: &OaepParameters) -> Result<(), EnvelopeError> {
    let sha256 = |id: &AlgorithmIdentifierOwned| Hash::from_identifier(id) == Some(Hash::Sha256);
    // An absent digest means SHA-1 (RFC 4055, 4.1).
    let (Some(hash), Some(mask)) = (&found.hash, &found.mask) else {
        return Err(unsupported(rfc5912::ID_RSAES_OAEP));
    };
    if !sha256(hash) {
        return Err(unsupported(hash.oid));
    }
    if mask.oid != rfc5912::ID_MGF_1 || !sha256(&parameters(mask)?) {
        return Err(unsupported(mask.oid));
    }
    match &found.source {
        None => Ok(()),
        Some(label) => Err(unsupported(label.oid)),
    }
}

fn refused(what: &'static str) -> impl Fn(PrivateKeyError) -> EnvelopeError {
    move |error| match error {
        PrivateKeyError::Refused => EnvelopeError::Refused { what },
        other => EnvelopeError::Key(other),
    }
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

fn check_content_type(content: &EncryptedContentInfo) -> Result<(), EnvelopeError> {
    if content.content_type != rfc5911::ID_DATA {
        return Err(malformed("content type (`id-data` is expected)"));
    }
    if content.content_enc_alg.oid != rfc5911::ID_AES_256_GCM {
        return Err(unsupported(content.content_enc_alg.oid));
    }
    Ok(())
}

fn open_content(enveloped: &AuthEnvelopedData, key: &[u8; KEY_LEN]) -> Result<Vec<u8>, EnvelopeError> {
    let content = &enveloped.encrypted_content;
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

/// The X9.63 key derivation with SHA-256, one block (SEC 1, 3.6.1; RFC 5753, 7.2).
fn derive(
    secret: &[u8],
    wrap: &AlgorithmIdentifierOwned,
    ukm: Option<&OctetString>,
) -> Result<Zeroizing<[u8; KEY_LEN]>, Unspecified> {
    let shared_info = SharedInfo {
        key_info: wrap.clone(),
        entity_u_info: ukm.cloned(),
        supp_pub_info: OctetString::new(256_u32.to_be_bytes()).map_err(|_| Unspecified)?,
    };
    let shared_info = shared_info.to_der().map_err(|_| Unspecified)?;
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(secret);
    context.update(&1_u32.to_be_bytes());
    context.update(&shared_info);
    <[u8; KEY_LEN]>::try_from(context.finish().as_ref()).map(Zeroizing::new).map_err(|_| Unspecified)
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
    #[error("the key of `{}` is neither on P-256 or P-384 nor RSA of at least {MIN_RSA_BITS} bits", named(*.office))]
    KeyKind { office: Option<OfficeId> },
    #[error("the certificate of `{}` does not allow key agreement (RSA: key encipherment)", named(*.office))]
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
            Self::KeyKind { .. } => Some("RFC 5753, 3.1 and RFC 3560, 2".to_owned()),
            Self::MayNotReceive { .. } => Some("RFC 5280, 4.2.1.3".to_owned()),
            _ => None,
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::TooLarge { .. } => "shorten the message, or send the material as an evidence package",
            Self::Recipients { .. } => "name at least one office, and not more than the limit",
            Self::KeyKind { .. } | Self::MayNotReceive { .. } => {
                "ask for a certificate on P-256 or P-384 with `keyAgreement`, or RSA with `keyEncipherment`"
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
        "the algorithm `{found}` is not accepted: AES-256-GCM with ECDH, SHA-256 and AES-256 key wrap, or with RSA-OAEP and SHA-256, is expected"
    )]
    Algorithm { found: String },
    #[error("the {what} of the encrypted message was altered or made for another key")]
    Refused { what: &'static str },
    #[error("the private key does not belong to the certificate")]
    KeyOfAnotherCertificate,
    #[error("the message cannot be opened here: {0}")]
    Key(PrivateKeyError),
}

impl Failure for EnvelopeError {
    fn family(&self) -> Family {
        match self {
            Self::KeyOfAnotherCertificate | Self::Key(_) => Family::Fault,
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
            Self::Key(error) => error.code(),
        }
    }

    fn clause(&self) -> Option<String> {
        let clause = match self {
            Self::TooLarge { .. } | Self::KeyOfAnotherCertificate | Self::Key(_) => return None,
            Self::Malformed { .. } | Self::NotAuthEnvelopedData => "RFC 5083, 2.1",
            Self::TooManyRecipients { .. } | Self::NotARecipient { .. } => "RFC 5652, 6.2.2",
            Self::Algorithm { .. } => "RFC 5753, 7.1, RFC 3560, 2 and RFC 5084, 3.2",
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
            Self::Key(error) => return error.remedy(),
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

    const RSA: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:3072";

    fn rsa_extensions() -> String {
        OFFICE_EXTENSIONS.replace("keyAgreement", "keyEncipherment")
    }

    #[test]
    fn openssl_opens_what_we_encrypt_to_a_mix_of_keys() {
        let Some(judge) = Judge::call() else { return };
        let root = root("XA");
        let p384 = "-algorithm EC -pkeyopt ec_paramgen_curve:P-384";
        let to = [
            judge.certify(&root, "rsa", RSA, &rsa_extensions()),
            judge.certify(&root, "p384", p384, OFFICE_EXTENSIONS),
            judge.certify(&root, "rsa4", "-algorithm RSA -pkeyopt rsa_keygen_bits:4096", &rsa_extensions()),
        ];
        let der = encrypt_cms(SECRET, &to).unwrap();
        assert_eq!(recipient_count(&der), Ok(3));
        judge.put("e.p7m", &der);
        for (stem, certificate) in ["rsa", "p384", "rsa4"].into_iter().zip(&to) {
            judge.must(&format!(
                "cms -decrypt -inform DER -in e.p7m -recip {stem}.pem -inkey {stem}.key -out out"
            ));
            assert_eq!(judge.get("out"), SECRET);
            let key = DecryptionKey::from_pkcs8_pem(&judge.text(&format!("{stem}.key"))).unwrap();
            assert_eq!(decrypt_cms(&der, &key, certificate).unwrap(), SECRET);
        }
    }

    #[test]
    fn we_open_what_openssl_encrypts_to_rsa_and_refuse_weaker_paddings() {
        let Some(judge) = Judge::call() else { return };
        let certificate = judge.certify(&root("XA"), "to", RSA, &rsa_extensions());
        let key = DecryptionKey::from_pkcs8_pem(&judge.text("to.key")).unwrap();
        judge.put("content", SECRET);
        let oaep = "-keyopt rsa_padding_mode:oaep";
        for (options, code) in [
            (format!("-aes-256-gcm {oaep} -keyopt rsa_oaep_md:sha256"), None),
            (format!("-aes-256-gcm {oaep} -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256"), None),
            (format!("-aes-256-gcm {oaep}"), Some("P-656")),
            (
                format!("-aes-256-gcm {oaep} -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha1"),
                Some("P-656"),
            ),
            (format!("-aes-256-gcm {oaep} -keyopt rsa_oaep_md:sha512"), Some("P-656")),
            (
                format!("-aes-256-gcm {oaep} -keyopt rsa_oaep_md:sha256 -keyopt rsa_oaep_label:00"),
                Some("P-656"),
            ),
            ("-aes-256-gcm".to_owned(), Some("P-656")),
            (format!("-aes-128-gcm {oaep} -keyopt rsa_oaep_md:sha256"), Some("P-656")),
        ] {
            let line =
                format!("cms -encrypt -binary -in content -recip to.pem {options} -outform DER -out e.p7m");
            judge.must(&line);
            let opened = decrypt_cms(&judge.get("e.p7m"), &key, &certificate);
            match code {
                None => assert_eq!(opened.unwrap(), SECRET, "{options}"),
                Some(code) => assert_eq!(opened.unwrap_err().code(), code, "{options}"),
            }
        }
    }

    #[test]
    fn an_altered_envelope_to_rsa_is_refused_with_one_answer() {
        let Some(judge) = Judge::call() else { return };
        let certificate = judge.certify(&root("XA"), "to", RSA, &rsa_extensions());
        let key = DecryptionKey::from_pkcs8_pem(&judge.text("to.key")).unwrap();
        let der = encrypt_cms(SECRET, std::slice::from_ref(&certificate)).unwrap();
        for position in 0..der.len() {
            let mut altered = der.clone();
            altered[position] ^= 0x20;
            assert!(decrypt_cms(&altered, &key, &certificate).is_err(), "byte {position} was not noticed");
        }
        let shorter = encrypt_cms(SECRET, &to(&authority(&root("XA")))).unwrap();
        assert_eq!(decrypt_cms(&shorter, &key, &certificate).unwrap_err().code(), "P-655");
    }

    #[test]
    fn recipients_are_counted_without_a_key() {
        let one = authority(&root("XA"));
        for count in [1, 2, MAX_RECIPIENTS] {
            let der = encrypt_cms(SECRET, &vec![one.certificate().clone(); count]).unwrap();
            assert_eq!(recipient_count(&der), Ok(count));
            for length in 0..der.len().min(600) {
                assert!(recipient_count(&der[..length]).is_err());
            }
        }
        assert_eq!(recipient_count(&vec![0x30; MAX_CMS_BYTES + 1]).unwrap_err().code(), "P-651");
        assert_eq!(recipient_count(b"").unwrap_err().code(), "P-652");
    }

    #[test]
    fn recipients_hidden_in_one_agreement_are_counted_too() {
        let one = authority(&root("XA"));
        let der = encrypt_cms(SECRET, &to(&one)).unwrap();
        let mut enveloped = read(&der).unwrap();
        let RecipientInfo::Kari(mut info) = enveloped.recipient_infos.0.get(0).unwrap().clone() else {
            panic!()
        };
        let key = info.recipient_enc_keys[0].clone();
        info.recipient_enc_keys = vec![key; MAX_RECIPIENTS + 1];
        enveloped.recipient_infos = RecipientInfos::try_from(vec![RecipientInfo::Kari(info)]).unwrap();
        let der = wrap_content(&enveloped, rfc5911::ID_CT_AUTH_ENVELOPED_DATA).unwrap();
        assert_eq!(recipient_count(&der).unwrap_err().code(), "P-654");
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
