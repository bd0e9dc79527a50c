//! Which signature and digest algorithms are believed, and how strong a key must be.

use crate::{
    limit::{MAX_RSA_BITS, MIN_RSA_BITS},
    structure::{RsaPublicKey, strict},
};
use const_oid::db::rfc5912;
use der::{AnyRef, Decode, Encode, asn1::ObjectIdentifier};
use rustls_pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use webpki::{RawPublicKeyEntity, aws_lc_rs as accepted};

/// The digest of the signed attributes and of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    pub(crate) const ACCEPTED: &'static str = "SHA-256 or SHA-384";

    pub(crate) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => rfc5912::ID_SHA_256,
            Self::Sha384 => rfc5912::ID_SHA_384,
        }
    }

    /// Parameters are absent, or NULL as older writers put them (RFC 5754, 2).
    pub(crate) fn from_identifier(algorithm: &AlgorithmIdentifierOwned) -> Option<Self> {
        let plain = algorithm.parameters.as_ref().is_none_or(der::Any::is_null);
        [Self::Sha256, Self::Sha384].into_iter().find(|hash| plain && hash.oid() == algorithm.oid)
    }

    pub(crate) fn identifier(self) -> AlgorithmIdentifierOwned {
        AlgorithmIdentifierOwned { oid: self.oid(), parameters: None }
    }

    pub(crate) fn of(self, bytes: &[u8]) -> aws_lc_rs::digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &aws_lc_rs::digest::SHA256,
            Self::Sha384 => &aws_lc_rs::digest::SHA384,
        };
        aws_lc_rs::digest::digest(algorithm, bytes)
    }
}

/// The two curves on which offices sign and agree keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
}

impl Curve {
    pub(crate) const ALL: [Self; 2] = [Self::P256, Self::P384];

    pub(crate) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => rfc5912::SECP_256_R_1,
            Self::P384 => rfc5912::SECP_384_R_1,
        }
    }

    /// Bytes of an uncompressed point (SEC 1, 2.3.3).
    pub(crate) fn point_len(self) -> usize {
        match self {
            Self::P256 => 65,
            Self::P384 => 97,
        }
    }

    /// The curve of an `id-ecPublicKey` with a named curve (RFC 5480, 2.1.1).
    pub(crate) fn of(key: &SubjectPublicKeyInfoOwned) -> Option<Self> {
        let named = key.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()?;
        let elliptic = key.algorithm.oid == rfc5912::ID_EC_PUBLIC_KEY;
        Self::ALL.into_iter().find(|curve| elliptic && curve.oid() == named)
    }
}

/// What a public key can do: the two kinds that offices may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Ec(Curve),
    Rsa,
}

impl KeyKind {
    pub(crate) fn of(key: &SubjectPublicKeyInfoOwned) -> Option<Self> {
        if key.algorithm.oid == rfc5912::RSA_ENCRYPTION {
            return Some(Self::Rsa);
        }
        Curve::of(key).map(Self::Ec)
    }

    /// The digest with which a key of this kind signs.
    pub(crate) fn hash(self) -> Hash {
        match self {
            Self::Ec(Curve::P256) | Self::Rsa => Hash::Sha256,
            Self::Ec(Curve::P384) => Hash::Sha384,
        }
    }

    /// ECDSA with the digest of the curve, or RSASSA-PSS with SHA-256 and 32 bytes of salt (RFC 4055, 3.1).
    pub(crate) fn signature_algorithm(self) -> der::Result<AlgorithmIdentifierOwned> {
        let oid = match self {
            Self::Ec(Curve::P256) => rfc5912::ECDSA_WITH_SHA_256,
            Self::Ec(Curve::P384) => rfc5912::ECDSA_WITH_SHA_384,
            Self::Rsa => {
                let inner = rustls_pki_types::alg_id::RSA_PSS_SHA256;
                let whole = der::Any::new(der::Tag::Sequence, inner.as_ref())?.to_der()?;
                return AlgorithmIdentifierOwned::from_der(&whole);
            }
        };
        Ok(AlgorithmIdentifierOwned { oid, parameters: None })
    }
}

/// The signature algorithms under which a certificate is believed.
pub(crate) const CHAIN: [&dyn SignatureVerificationAlgorithm; 8] = [
    accepted::ECDSA_P256_SHA256,
    accepted::ECDSA_P384_SHA384,
    accepted::ECDSA_P384_SHA256,
    accepted::ECDSA_P256_SHA384,
    accepted::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    accepted::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    accepted::RSA_PKCS1_2048_8192_SHA256,
    accepted::RSA_PKCS1_2048_8192_SHA384,
];

/// The verifiers for a SignerInfo's signature algorithm with this digest; empty when it is not accepted.
pub(crate) fn verifiers(
    algorithm: &AlgorithmIdentifierOwned,
    hash: Hash,
) -> Vec<&'static dyn SignatureVerificationAlgorithm> {
    let mine: &[&'static dyn SignatureVerificationAlgorithm] = match hash {
        Hash::Sha256 => &[
            accepted::ECDSA_P256_SHA256,
            accepted::ECDSA_P384_SHA256,
            accepted::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
            accepted::RSA_PKCS1_2048_8192_SHA256,
        ],
        Hash::Sha384 => &[
            accepted::ECDSA_P384_SHA384,
            accepted::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
            accepted::RSA_PKCS1_2048_8192_SHA384,
        ],
    };
    let Ok(encoded) = algorithm.to_der() else { return Vec::new() };
    let Ok(inner) = AnyRef::from_der(&encoded) else { return Vec::new() };
    // `rsaEncryption` names PKCS #1 v1.5 with the digest of the SignerInfo (RFC 3370, 3.2).
    let generic_rsa = algorithm.oid == rfc5912::RSA_ENCRYPTION
        && algorithm.parameters.as_ref().is_none_or(der::Any::is_null);
    mine.iter()
        .copied()
        .filter(|a| {
            let id = a.signature_alg_id();
            id.as_ref() == inner.value() || (generic_rsa && is_pkcs1(id.as_ref()))
        })
        .collect()
}

/// True when the key `info` signed `message` with an accepted algorithm.
pub(crate) fn signed_by(
    info: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    hash: Hash,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let Ok(der) = info.to_der() else { return false };
    let der = SubjectPublicKeyInfoDer::from(der.as_slice());
    let Ok(key) = RawPublicKeyEntity::try_from(&der) else { return false };
    verifiers(algorithm, hash)
        .into_iter()
        .any(|algorithm| key.verify_signature(algorithm, message, signature).is_ok())
}

fn is_pkcs1(signature_algorithm: &[u8]) -> bool {
    [accepted::RSA_PKCS1_2048_8192_SHA256, accepted::RSA_PKCS1_2048_8192_SHA384]
        .iter()
        .any(|a| a.signature_alg_id().as_ref() == signature_algorithm)
}

/// What is wrong with a public key, or nothing: P-256, P-384 and RSA of [`MIN_RSA_BITS`] to [`MAX_RSA_BITS`] pass.
pub(crate) fn weakness(key: &SubjectPublicKeyInfoOwned) -> Option<String> {
    if Curve::of(key).is_some() {
        return None;
    }
    if key.algorithm.oid != rfc5912::RSA_ENCRYPTION {
        return Some(format!("key algorithm {}", key.algorithm.oid));
    }
    let bits = rsa_bits(key).unwrap_or(0);
    (!(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits)).then(|| format!("RSA of {bits} bits"))
}

fn rsa_bits(key: &SubjectPublicKeyInfoOwned) -> Option<usize> {
    let modulus = strict::<RsaPublicKey>(key.subject_public_key.as_bytes()?).ok()?.modulus;
    let bytes = modulus.as_bytes();
    let spare = bytes.first()?.leading_zeros() as usize;
    (bytes.len() * 8).checked_sub(spare)
}
