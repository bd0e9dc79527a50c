//! Private keys of offices: one to sign with, one to receive with, usually from the same file.

use crate::{
    algorithm::{Curve, Hash},
    certificate::{Certificate, CertificateError},
    limit::MAX_PEM_BYTES,
    randomness::SystemRandom,
};
use aws_lc_rs::{
    agreement,
    error::Unspecified,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        KeyPair,
    },
};
use der::pem;
use std::fmt;
use vocabulary::{Failure, Family};
use zeroize::Zeroizing;

const PEM_LABEL: &str = "PRIVATE KEY";

/// Signs for one office: ECDSA on P-256 with SHA-256, or on P-384 with SHA-384.
pub struct SigningKey {
    curve: Curve,
    pair: EcdsaKeyPair,
}

impl SigningKey {
    /// Reads a PKCS #8 key in PEM (RFC 7468, 10), not encrypted.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8_der(&decode(text)?)
    }

    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let read = |curve| {
            EcdsaKeyPair::from_pkcs8(signing_algorithm(curve), der).ok().map(|pair| Self { curve, pair })
        };
        Curve::ALL.into_iter().find_map(read).ok_or(KeyError::NotAnEcKey)
    }

    /// A fresh P-256 key, and its PKCS #8 text.
    pub(crate) fn generate() -> Result<(Self, Zeroizing<String>), Unspecified> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref())
            .map_err(|_| Unspecified)?;
        let text =
            pem::encode_string(PEM_LABEL, pem::LineEnding::LF, document.as_ref()).map_err(|_| Unspecified)?;
        Ok((Self { curve: Curve::P256, pair }, Zeroizing::new(text)))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        Ok(self.pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec())
    }

    pub(crate) fn curve(&self) -> Curve {
        self.curve
    }

    pub(crate) fn hash(&self) -> Hash {
        match self.curve {
            Curve::P256 => Hash::Sha256,
            Curve::P384 => Hash::Sha384,
        }
    }

    pub(crate) fn public_point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// True when `certificate` certifies this key.
    pub fn belongs_to(&self, certificate: &Certificate) -> bool {
        Curve::of(certificate.key_info()) == Some(self.curve)
            && certificate.public_key() == self.public_point()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, redacted)", self.curve)
    }
}

fn signing_algorithm(curve: Curve) -> &'static EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
    }
}

pub(crate) fn agreement_algorithm(curve: Curve) -> &'static agreement::Algorithm {
    match curve {
        Curve::P256 => &agreement::ECDH_P256,
        Curve::P384 => &agreement::ECDH_P384,
    }
}

/// Opens what was encrypted to one office: static ECDH on P-256 or P-384.
pub struct DecryptionKey {
    curve: Curve,
    private: agreement::PrivateKey,
    point: Vec<u8>,
}

impl DecryptionKey {
    /// Reads a PKCS #8 key in PEM (RFC 7468, 10), not encrypted.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8_der(&decode(text)?)
    }

    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let read = |curve| {
            let private =
                agreement::PrivateKey::from_private_key_der(agreement_algorithm(curve), der).ok()?;
            let point = private.compute_public_key().ok()?.as_ref().to_vec();
            Some(Self { curve, private, point })
        };
        Curve::ALL.into_iter().find_map(read).ok_or(KeyError::NotAnEcKey)
    }

    pub(crate) fn curve(&self) -> Curve {
        self.curve
    }

    pub(crate) fn private(&self) -> &agreement::PrivateKey {
        &self.private
    }

    /// True when `certificate` certifies this key.
    pub fn belongs_to(&self, certificate: &Certificate) -> bool {
        Curve::of(certificate.key_info()) == Some(self.curve) && certificate.public_key() == self.point
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey({:?}, redacted)", self.curve)
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
        let signing = SigningKey::from_pkcs8_der(&der)?;
        let decryption = DecryptionKey::from_pkcs8_der(&der)?;
        if !signing.belongs_to(&certificate) {
            return Err(KeyError::NotOfThisCertificate);
        }
        Ok(Self { certificate, signing, decryption })
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

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if text.len() > MAX_PEM_BYTES {
        return Err(KeyError::NotPem);
    }
    match pem::decode_vec(text.as_bytes()) {
        Ok((PEM_LABEL, der)) => Ok(Zeroizing::new(der)),
        Ok((_, der)) => {
            drop(Zeroizing::new(der));
            Err(KeyError::NotPem)
        }
        Err(_) => Err(KeyError::NotPem),
    }
}

/// Why a private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the key file is not one PEM block `PRIVATE KEY` of at most 65536 bytes")]
    NotPem,
    #[error("the private key is not an EC key on P-256 or P-384 in PKCS #8")]
    NotAnEcKey,
    #[error("the private key does not belong to the certificate")]
    NotOfThisCertificate,
    #[error("the office's own certificate cannot be used: {0}")]
    Certificate(#[from] CertificateError),
}

impl Failure for KeyError {
    fn family(&self) -> Family {
        Family::Fault
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotPem => "F-601",
            Self::NotAnEcKey => "F-602",
            Self::NotOfThisCertificate => "F-603",
            Self::Certificate(_) => "F-604",
        }
    }

    fn clause(&self) -> Option<String> {
        match self {
            Self::NotPem => Some("RFC 7468, 10".to_owned()),
            Self::NotAnEcKey => Some("RFC 5958, 2".to_owned()),
            Self::NotOfThisCertificate => None,
            Self::Certificate(error) => error.clause(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::NotPem | Self::NotAnEcKey => {
                "convert the key with `openssl pkcs8 -topk8 -nocrypt` or issue the office's key again"
            }
            Self::NotOfThisCertificate => "put the certificate and the key of the same office side by side",
            Self::Certificate(_) => "issue the office's certificate again",
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
    fn other_keys_and_other_texts_are_refused() {
        let Some(judge) = Judge::call() else { return };
        judge.must("genpkey -algorithm ED25519 -out ed.key");
        judge.must("ecparam -name prime256v1 -genkey -noout -out sec1.key");
        assert_eq!(SigningKey::from_pkcs8_pem(&judge.text("ed.key")).unwrap_err(), KeyError::NotAnEcKey);
        assert_eq!(DecryptionKey::from_pkcs8_pem(&judge.text("ed.key")).unwrap_err(), KeyError::NotAnEcKey);
        assert_eq!(SigningKey::from_pkcs8_pem(&judge.text("sec1.key")).unwrap_err(), KeyError::NotPem);
        assert_eq!(SigningKey::from_pkcs8_pem("").unwrap_err(), KeyError::NotPem);
    }
}
