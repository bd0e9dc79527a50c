//! What one private key does, wherever it is kept: in memory here, in a token elsewhere.

use crate::{
    algorithm::{Curve, KeyKind},
    limit::MIN_RSA_BITS,
    randomness::SystemRandom,
};
use aws_lc_rs::{
    agreement::{self, UnparsedPublicKey},
    error::Unspecified,
    rsa::{KeyPair as RsaKeyPair, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        KeyPair as _, RSA_PSS_SHA256,
    },
};
use vocabulary::{Failure, Family};
use zeroize::Zeroizing;

/// The operations of one private key. A key does what its kind can and refuses the rest.
pub trait PrivateKey: Send + Sync {
    /// ECDSA in DER over SHA-256 on P-256 or SHA-384 on P-384; RSASSA-PSS with SHA-256 and 32 bytes of salt.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PrivateKeyError>;

    /// ECDH with `point` (uncompressed, on the key's curve): the x coordinate in the curve's full length.
    fn agree(&self, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError>;

    /// Undoes RSAES-OAEP with SHA-256, MGF1 with SHA-256 and no label.
    fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError>;
}

/// Why a private key did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    #[error("the private key cannot do {operation}")]
    Unable { operation: &'static str },
    /// The input is wrong: altered, or made for another key.
    #[error("the private key refused its input")]
    Refused,
    #[error("the token that holds the private key failed: {reason}")]
    Token { reason: String },
}

impl Failure for PrivateKeyError {
    fn family(&self) -> Family {
        Family::Fault
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unable { .. } => "F-660",
            Self::Refused => "F-625",
            Self::Token { .. } => "F-661",
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Unable { .. } => "use a key and a token that can do it, or the office's key file",
            Self::Refused => "try again, then report the fault with the log",
            Self::Token { .. } => "see that the token is there and unlocked, then try again",
        }
        .to_owned()
    }
}

/// An EC key in memory.
pub(crate) struct EcKey {
    curve: Curve,
    pair: EcdsaKeyPair,
    private: agreement::PrivateKey,
}

impl EcKey {
    /// Reads PKCS #8 (RFC 5958) or ECPrivateKey (RFC 5915).
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        Curve::ALL.into_iter().find_map(|curve| {
            let pair = EcdsaKeyPair::from_private_key_der(signing_algorithm(curve), der).ok()?;
            let private =
                agreement::PrivateKey::from_private_key_der(agreement_algorithm(curve), der).ok()?;
            Some(Self { curve, pair, private })
        })
    }

    /// A fresh P-256 key in PKCS #8.
    pub(crate) fn generate() -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    pub(crate) fn kind(&self) -> KeyKind {
        KeyKind::Ec(self.curve)
    }

    /// The uncompressed point.
    pub(crate) fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }
}

impl PrivateKey for EcKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(refused)?;
        Ok(signature.as_ref().to_vec())
    }

    fn agree(&self, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
        agree(&self.private, self.curve, point).map_err(refused)
    }

    fn decrypt(&self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
        Err(PrivateKeyError::Unable { operation: "RSAES-OAEP" })
    }
}

/// ECDH: the x coordinate of the shared point.
pub(crate) fn agree(
    mine: &agreement::PrivateKey,
    curve: Curve,
    theirs: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let theirs = UnparsedPublicKey::new(agreement_algorithm(curve), theirs);
    agreement::agree(mine, theirs, Unspecified, |secret| Ok(Zeroizing::new(secret.to_vec())))
}

/// An RSA key of at least [`MIN_RSA_BITS`] in memory.
pub(crate) struct RsaKey {
    pair: RsaKeyPair,
    decrypting: OaepPrivateDecryptingKey,
}

impl RsaKey {
    /// Reads PKCS #8 (RFC 5958).
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let pair = RsaKeyPair::from_pkcs8(der).ok()?;
        let decrypting = PrivateDecryptingKey::from_pkcs8(der).ok()?;
        if decrypting.key_size_bits() < MIN_RSA_BITS {
            return None;
        }
        Some(Self { pair, decrypting: OaepPrivateDecryptingKey::new(decrypting).ok()? })
    }

    /// RSAPublicKey in DER (RFC 8017, A.1.1).
    pub(crate) fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }
}

impl PrivateKey for RsaKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature).map_err(refused)?;
        Ok(signature)
    }

    fn agree(&self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
        Err(PrivateKeyError::Unable { operation: "key agreement" })
    }

    fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
        let mut room = Zeroizing::new(vec![0; self.decrypting.min_output_size()]);
        let plain =
            self.decrypting.decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut room, None).map_err(refused)?;
        Ok(Zeroizing::new(plain.to_vec()))
    }
}

fn refused(_: Unspecified) -> PrivateKeyError {
    PrivateKeyError::Refused
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
