//! Private keys of offices: one to sign with, one to receive with, usually from the same file.

use crate::{
    algorithm::{Hash, KeyKind, signed_by},
    certificate::{Certificate, CertificateError},
    limit::MAX_PEM_BYTES,
    private::{EcKey, PrivateKey, PrivateKeyError, RsaKey},
    structure::OneAsymmetricKey,
};
use aws_lc_rs::error::Unspecified;
use const_oid::db::rfc5912;
use der::{Any, Encode as _, asn1::OctetString, pem};
use spki::AlgorithmIdentifierOwned;
use std::{fmt, sync::Arc};
use vocabulary::{Failure, Family};
use zeroize::Zeroizing;

const PEM_LABEL: &str = "PRIVATE KEY";
/// ECPrivateKey (RFC 5915).
const EC_LABEL: &str = "EC PRIVATE KEY";
/// RSAPrivateKey (RFC 8017, A.1.2).
const RSA_LABEL: &str = "RSA PRIVATE KEY";
/// What a key that is elsewhere signs to show itself; no statement and no certificate begins so.
const PROBE: &[u8] = b"rogatory: is this the key of the certificate?";

/// A private key and the public key that belongs to it.
#[derive(Clone)]
struct Pair {
    kind: KeyKind,
    /// The point of an EC key, RSAPublicKey of an RSA key: the bits of the SubjectPublicKeyInfo.
    public: Vec<u8>,
    private: Arc<dyn PrivateKey>,
}

impl Pair {
    fn read(der: &[u8]) -> Result<Self, KeyError> {
        if let Some(key) = EcKey::read(der) {
            let (kind, public) = (key.kind(), key.public_key().to_vec());
            return Ok(Self { kind, public, private: Arc::new(key) });
        }
        let key = RsaKey::read(der).ok_or(KeyError::Kind)?;
        Ok(Self { kind: KeyKind::Rsa, public: key.public_key().to_vec(), private: Arc::new(key) })
    }

    /// A key that is elsewhere; whether it is the right one shows when it is used.
    fn elsewhere(certificate: &Certificate, private: Arc<dyn PrivateKey>) -> Result<Self, KeyError> {
        certificate.check_strength()?;
        let kind = KeyKind::of(certificate.key_info()).ok_or(KeyError::Kind)?;
        Ok(Self { kind, public: certificate.public_key().to_vec(), private })
    }

    fn belongs_to(&self, certificate: &Certificate) -> bool {
        KeyKind::of(certificate.key_info()) == Some(self.kind) && certificate.public_key() == self.public
    }
}

/// Signs for one office: ECDSA on P-256 with SHA-256 or on P-384 with SHA-384, or RSASSA-PSS with SHA-256.
#[derive(Clone)]
pub struct SigningKey(Pair);

impl SigningKey {
    /// Reads a PKCS #8 key in PEM (RFC 7468, 10), not encrypted; also the older labels of EC and RSA keys.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8_der(&decode(text)?)
    }

    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        Pair::read(der).map(Self)
    }

    /// The key of `certificate` where it is kept, such as a token.
    pub fn elsewhere(certificate: &Certificate, private: Arc<dyn PrivateKey>) -> Result<Self, KeyError> {
        Pair::elsewhere(certificate, private).map(Self)
    }

    /// A fresh P-256 key, and its PKCS #8 text.
    pub(crate) fn generate() -> Result<(Self, Zeroizing<String>), Unspecified> {
        let document = EcKey::generate()?;
        let key = Self::from_pkcs8_der(&document).map_err(|_| Unspecified)?;
        let text = pem::encode_string(PEM_LABEL, pem::LineEnding::LF, &document).map_err(|_| Unspecified)?;
        Ok((key, Zeroizing::new(text)))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        self.0.private.sign(message)
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.0.kind
    }

    pub(crate) fn hash(&self) -> Hash {
        self.0.kind.hash()
    }

    pub(crate) fn public_key(&self) -> &[u8] {
        &self.0.public
    }

    /// True when `certificate` certifies this key.
    pub fn belongs_to(&self, certificate: &Certificate) -> bool {
        self.0.belongs_to(certificate)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, redacted)", self.0.kind)
    }
}

/// Opens what was encrypted to one office: static ECDH on P-256 or P-384, or RSAES-OAEP.
#[derive(Clone)]
pub struct DecryptionKey(Pair);

impl DecryptionKey {
    /// Reads a PKCS #8 key in PEM (RFC 7468, 10), not encrypted; also the older labels of EC and RSA keys.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8_der(&decode(text)?)
    }

    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        Pair::read(der).map(Self)
    }

    /// The key of `certificate` where it is kept, such as a token.
    pub fn elsewhere(certificate: &Certificate, private: Arc<dyn PrivateKey>) -> Result<Self, KeyError> {
        Pair::elsewhere(certificate, private).map(Self)
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.0.kind
    }

    pub(crate) fn private(&self) -> &dyn PrivateKey {
        self.0.private.as_ref()
    }

    /// True when `certificate` certifies this key.
    pub fn belongs_to(&self, certificate: &Certificate) -> bool {
        self.0.belongs_to(certificate)
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey({:?}, redacted)", self.0.kind)
    }
}

/// One office as it works: its certificate and the one private key that signs and receives for it.
#[derive(Debug)]
pub struct OfficeKey {
    certificate: Certificate,
    signing: SigningKey,
    decryption: DecryptionKey,
}

impl OfficeKey {
    /// Reads both files and checks that they belong together.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, KeyError> {
        let certificate = Certificate::from_pem(certificate_pem)?;
        let der = decode(key_pem)?;
        let pair = Pair::read(&der)?;
        if !pair.belongs_to(&certificate) {
            return Err(KeyError::NotOfThisCertificate);
        }
        Ok(Self { certificate, signing: SigningKey(pair.clone()), decryption: DecryptionKey(pair) })
    }

    /// The office whose key is kept elsewhere, such as in a token. It signs once, to show that it is the
    /// key of `certificate`.
    pub fn elsewhere(certificate: Certificate, private: Arc<dyn PrivateKey>) -> Result<Self, KeyError> {
        let pair = Pair::elsewhere(&certificate, private)?;
        let signature = pair.private.sign(PROBE)?;
        let algorithm = pair.kind.signature_algorithm().map_err(|_| KeyError::Kind)?;
        if !signed_by(certificate.key_info(), &algorithm, pair.kind.hash(), PROBE, &signature) {
            return Err(KeyError::NotOfThisCertificate);
        }
        Ok(Self { certificate, signing: SigningKey(pair.clone()), decryption: DecryptionKey(pair) })
    }

    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    pub fn decryption(&self) -> &DecryptionKey {
        &self.decryption
    }
}

/// PKCS #8 or ECPrivateKey.
fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if text.len() > MAX_PEM_BYTES {
        return Err(KeyError::NotPem);
    }
    let (label, der) = pem::decode_vec(text.as_bytes()).map_err(|_| KeyError::NotPem)?;
    let der = Zeroizing::new(der);
    match label {
        PEM_LABEL | EC_LABEL => Ok(der),
        RSA_LABEL => pkcs8_of_rsa(&der).map_err(|_| KeyError::NotPem),
        _ => Err(KeyError::NotPem),
    }
}

/// PKCS #8 around RSAPrivateKey (RFC 8017, A.1.2).
fn pkcs8_of_rsa(der: &[u8]) -> der::Result<Zeroizing<Vec<u8>>> {
    let algorithm = AlgorithmIdentifierOwned { oid: rfc5912::RSA_ENCRYPTION, parameters: Some(Any::null()) };
    let key = OneAsymmetricKey { version: 0, algorithm, private_key: OctetString::new(der)? };
    let wrapped = Zeroizing::new(key.to_der()?);
    drop(Zeroizing::new(key.private_key.into_bytes()));
    Ok(wrapped)
}

/// Why a private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the key file is not one PEM block `PRIVATE KEY`, unencrypted and of at most 65536 bytes")]
    NotPem,
    #[error("the private key is not an EC key on P-256 or P-384, nor RSA of 3072 to 8192 bits")]
    Kind,
    #[error("a root needs an EC key on P-256 or P-384, this one is RSA")]
    RsaRoot,
    #[error("the private key does not belong to the certificate")]
    NotOfThisCertificate,
    #[error("the office's own certificate cannot be used: {0}")]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Private(#[from] PrivateKeyError),
}

impl Failure for KeyError {
    fn family(&self) -> Family {
        Family::Fault
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotPem => "F-601",
            Self::Kind => "F-602",
            Self::RsaRoot => "F-662",
            Self::NotOfThisCertificate => "F-603",
            Self::Certificate(_) => "F-604",
            Self::Private(error) => error.code(),
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::NotPem => Some("RFC 7468, 10".to_owned()),
            Self::Kind => Some("RFC 5958, 2".to_owned()),
            Self::RsaRoot | Self::NotOfThisCertificate => None,
            Self::Private(error) => error.clause(),
            Self::Certificate(error) => error.clause(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::NotPem | Self::Kind => {
                "convert the key with `openssl pkcs8 -topk8 -nocrypt` or issue the office's key again"
            }
            Self::NotOfThisCertificate => "put the certificate and the key of the same office side by side",
            Self::RsaRoot => "make the root with this program, or with an EC key",
            Self::Certificate(_) => "issue the office's certificate again",
            Self::Private(error) => return error.remedy(),
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Judge, office, root};
    use vocabulary::OfficeFunction::{CentralAuthority, ContactPoint};

    #[test]
    fn a_key_goes_with_its_own_certificate_only() {
        let root = root("XA");
        let (one, two) = (office(&root, CentralAuthority), office(&root, ContactPoint));
        assert!(OfficeKey::from_pem(&one.certificate_pem(), one.key_pem()).is_ok());
        let mixed = OfficeKey::from_pem(&one.certificate_pem(), two.key_pem()).unwrap_err();
        assert_eq!(mixed, KeyError::NotOfThisCertificate);
        let key = DecryptionKey::from_pkcs8_pem(one.key_pem()).unwrap();
        assert!(key.belongs_to(one.certificate()) && !key.belongs_to(two.certificate()));
    }

    #[test]
    fn keys_of_openssl_on_both_curves_are_read() {
        let Some(judge) = Judge::call() else { return };
        for curve in ["P-256", "P-384"] {
            judge.must(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out k.key"));
            assert!(SigningKey::from_pkcs8_pem(&judge.text("k.key")).is_ok());
            assert!(DecryptionKey::from_pkcs8_pem(&judge.text("k.key")).is_ok());
        }
    }

    #[test]
    fn keys_under_the_older_labels_are_the_same_keys() {
        let Some(judge) = Judge::call() else { return };
        for (stem, algorithm) in [
            ("ec", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384"),
            ("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072"),
        ] {
            judge.must(&format!("genpkey {algorithm} -out {stem}.key"));
            judge.must(&format!("pkey -in {stem}.key -traditional -out {stem}.old"));
            let (new, old) = (judge.text(&format!("{stem}.key")), judge.text(&format!("{stem}.old")));
            assert!(old.starts_with("-----BEGIN EC PRIVATE") || old.starts_with("-----BEGIN RSA PRIVATE"));
            let (new, old) = [&new, &old].map(|text| SigningKey::from_pkcs8_pem(text).unwrap()).into();
            assert_eq!(new.public_key(), old.public_key());
        }
    }

    #[test]
    fn other_keys_and_other_texts_are_refused() {
        let Some(judge) = Judge::call() else { return };
        judge.must("genpkey -algorithm ED25519 -out ed.key");
        assert_eq!(SigningKey::from_pkcs8_pem(&judge.text("ed.key")).unwrap_err(), KeyError::Kind);
        let refused = DecryptionKey::from_pkcs8_pem(&judge.text("ed.key")).unwrap_err();
        assert_eq!(refused, KeyError::Kind);
        judge.must("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out weak.key");
        assert_eq!(SigningKey::from_pkcs8_pem(&judge.text("weak.key")).unwrap_err(), KeyError::Kind);
        judge.must("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -pass pass:x -out locked.key");
        assert_eq!(SigningKey::from_pkcs8_pem(&judge.text("locked.key")).unwrap_err(), KeyError::NotPem);
        assert_eq!(SigningKey::from_pkcs8_pem("").unwrap_err(), KeyError::NotPem);
    }
}
