//! Public keys of offices and authorities, and the signatures that are believed under them.

use crate::{
    der::{self, NULL, OID, Reader, SEQUENCE},
    flaw::{Flaw, Wrong, wrong},
    hash::Hash,
};
use crypto_bigint::{
    BoxedUint, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;

const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
const RSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
/// DigestInfo up to the digest (RFC 8017, 9.2).
const DIGEST_INFO_SHA256: &[u8] =
    &[0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
const DIGEST_INFO_SHA384: &[u8] =
    &[0x30, 0x41, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 0x30];
/// The RSA keys that are believed (spec/06, 6.1).
const RSA_BITS: std::ops::RangeInclusive<usize> = 3072..=8192;
/// Public exponents in use have at most five bytes; a longer one only costs time.
const MAX_EXPONENT_BYTES: usize = 8;

/// An AlgorithmIdentifier, or its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Algorithm<'a> {
    pub oid: &'a [u8],
    pub parameters: Option<der::Value<'a>>,
}

impl<'a> Algorithm<'a> {
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Wrong> {
        let mut inside = reader.enter(SEQUENCE)?;
        let oid = inside.oid()?;
        let parameters = if inside.is_empty() { None } else { Some(inside.any()?) };
        inside.end()?;
        Ok(Self { oid, parameters })
    }

    /// Parameters are absent or NULL.
    fn plain(&self) -> bool {
        self.parameters.is_none_or(|value| value.tag == NULL && value.inside.is_empty())
    }

    /// SHA-256 or SHA-384.
    pub fn hash(&self) -> Result<Hash, Wrong> {
        match self.oid {
            SHA256 if self.plain() => Ok(Hash::Sha256),
            SHA384 if self.plain() => Ok(Hash::Sha384),
            _ => Err(wrong(Flaw::Encoding, "the digest is neither SHA-256 nor SHA-384")),
        }
    }
}

/// How a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Ecdsa(Hash),
    Pkcs1(Hash),
    Pss(Hash),
}

fn scheme(algorithm: &Algorithm<'_>, hash: Option<Hash>) -> Result<Scheme, Wrong> {
    let unknown = || wrong(Flaw::Encoding, "the signature algorithm is not one of the specification");
    let scheme = match algorithm.oid {
        ECDSA_SHA256 if algorithm.parameters.is_none() => Scheme::Ecdsa(Hash::Sha256),
        ECDSA_SHA384 if algorithm.parameters.is_none() => Scheme::Ecdsa(Hash::Sha384),
        RSA_SHA256 if algorithm.plain() => Scheme::Pkcs1(Hash::Sha256),
        RSA_SHA384 if algorithm.plain() => Scheme::Pkcs1(Hash::Sha384),
        // PKCS #1 v1.5 with the digest of the SignerInfo (RFC 3370, 3.2).
        RSA if algorithm.plain() => Scheme::Pkcs1(hash.ok_or_else(unknown)?),
        RSA_PSS => Scheme::Pss(pss_hash(algorithm)?),
        _ => return Err(unknown()),
    };
    let (Scheme::Ecdsa(own) | Scheme::Pkcs1(own) | Scheme::Pss(own)) = scheme;
    if hash.is_none_or(|hash| hash == own) { Ok(scheme) } else { Err(unknown()) }
}

/// RSASSA-PSS parameters (RFC 4055, 3.1): one digest in both places, salt as long as the digest.
fn pss_hash(algorithm: &Algorithm<'_>) -> Result<Hash, Wrong> {
    let parameters =
        algorithm.parameters.ok_or_else(|| wrong(Flaw::Encoding, "RSASSA-PSS without parameters"))?;
    let mut inside = parameters.reader("RSASSA-PSS parameters");
    let bad = inside.bad();
    let mut outer = inside.enter(der::context(0))?;
    let hash = Algorithm::read(&mut outer)?.hash()?;
    let mut mask = inside.enter(der::context(1))?;
    let mut mask = mask.enter(SEQUENCE)?;
    let same = mask.oid()? == MGF1 && Algorithm::read(&mut mask)?.hash()? == hash;
    let salt = usize::from(inside.enter(der::context(2))?.small()?);
    inside.end()?;
    if parameters.tag == SEQUENCE && same && salt == hash.length() { Ok(hash) } else { Err(bad) }
}

/// A key of an office, a root or an authority: P-256, P-384 or RSA of 3,072 to 8,192 bits.
#[derive(Debug, Clone)]
pub enum PublicKey {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Wrong> {
        let mut inside = reader.enter(SEQUENCE)?;
        let algorithm = Algorithm::read(&mut inside)?;
        let bits = inside.bits()?;
        inside.end()?;
        let weak = || wrong(Flaw::Certificate, "the key is not P-256, P-384 or RSA of 3072 to 8192 bits");
        let curve = algorithm.parameters.filter(|value| value.tag == OID).map(|value| value.inside);
        match (algorithm.oid, curve) {
            (EC_PUBLIC_KEY, Some(P256)) if bits.len() == 65 => {
                p256::ecdsa::VerifyingKey::from_sec1_bytes(bits).map(Self::P256).map_err(|_| weak())
            }
            (EC_PUBLIC_KEY, Some(P384)) if bits.len() == 97 => {
                p384::ecdsa::VerifyingKey::from_sec1_bytes(bits).map(Self::P384).map_err(|_| weak())
            }
            (RSA, None) if algorithm.plain() => Self::rsa(bits)?.ok_or_else(weak),
            _ => Err(weak()),
        }
    }

    fn rsa(bits: &[u8]) -> Result<Option<Self>, Wrong> {
        let mut inside = der::only(bits, SEQUENCE, "RSA key")?;
        let (modulus, exponent) = (inside.unsigned()?, inside.unsigned()?);
        inside.end()?;
        let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
        let good = RSA_BITS.contains(&bit_length(modulus))
            && odd(modulus)
            && odd(exponent)
            && exponent.len() <= MAX_EXPONENT_BYTES
            && exponent != [1];
        Ok(good.then(|| Self::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() }))
    }

    /// Checks a signature over `message`; `hash` is the digest of a SignerInfo, which must be the one used.
    pub fn verify(
        &self,
        algorithm: &Algorithm<'_>,
        hash: Option<Hash>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Wrong> {
        let holds = match (self, scheme(algorithm, hash)?) {
            (Self::P256(key), Scheme::Ecdsa(hash)) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&hash.of(message), &signature).is_ok()),
            (Self::P384(key), Scheme::Ecdsa(hash)) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&hash.of(message), &signature).is_ok()),
            (Self::Rsa { modulus, exponent }, Scheme::Pkcs1(hash)) => power(modulus, exponent, signature)
                .is_some_and(|found| found == pkcs1(modulus.len(), hash, message)),
            (Self::Rsa { modulus, exponent }, Scheme::Pss(hash)) => power(modulus, exponent, signature)
                .and_then(|found| pss(&found, bit_length(modulus), hash, message))
                .unwrap_or(false),
            _ => return Err(wrong(Flaw::Encoding, "the signature algorithm does not fit the key")),
        };
        if holds {
            Ok(())
        } else {
            Err(wrong(Flaw::Signature, "the signature does not verify under the signer's key"))
        }
    }
}

fn bit_length(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// `signature ^ exponent mod modulus`, as long as the modulus; `None` when it is not below the modulus.
fn power(modulus: &[u8], exponent: &[u8], signature: &[u8]) -> Option<Vec<u8>> {
    if signature.len() != modulus.len() || signature >= modulus {
        return None;
    }
    let bits = u32::try_from(modulus.len() * 8).ok()?;
    let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bits).ok();
    let odd = Option::<Odd<BoxedUint>>::from(Odd::new(number(modulus)?))?;
    let parameters = BoxedMontyParams::new_vartime(odd);
    let exponent_bits = u32::try_from(exponent.len() * 8).ok()?;
    let exponent = BoxedUint::from_be_slice(exponent, exponent_bits).ok()?;
    let result = BoxedMontyForm::new(number(signature)?, &parameters).pow(&exponent).retrieve();
    let bytes = result.to_be_bytes();
    bytes.get(bytes.len().checked_sub(modulus.len())?..).map(<[u8]>::to_vec)
}

/// EMSA-PKCS1-v1_5 (RFC 8017, 9.2): the one block that is right.
fn pkcs1(length: usize, hash: Hash, message: &[u8]) -> Vec<u8> {
    let info = match hash {
        Hash::Sha256 => DIGEST_INFO_SHA256,
        Hash::Sha384 => DIGEST_INFO_SHA384,
    };
    let tail = [info, &hash.of(message)].concat();
    let filling = vec![0xff; length.saturating_sub(tail.len() + 3)];
    [&[0, 1][..], &filling, &[0], &tail].concat()
}

/// EMSA-PSS-VERIFY (RFC 8017, 9.1.2) with a salt as long as the digest; `None` and `false` both mean no.
fn pss(block: &[u8], modulus_bits: usize, hash: Hash, message: &[u8]) -> Option<bool> {
    let bits = modulus_bits.checked_sub(1)?;
    let block = block.get(block.len().checked_sub(bits.div_ceil(8))?..)?;
    let (rest, trailer) = block.split_at_checked(block.len().checked_sub(1)?)?;
    let (masked, seed) = rest.split_at_checked(rest.len().checked_sub(hash.length())?)?;
    let spare = u32::try_from(block.len() * 8 - bits).ok()?;
    let clear = 0xff_u8.checked_shr(spare).unwrap_or(0);
    if trailer != [0xbc] || masked.first().is_none_or(|first| first & !clear != 0) {
        return Some(false);
    }
    let mut plain: Vec<u8> = masked.iter().zip(mask(seed, masked.len(), hash)).map(|(a, b)| a ^ b).collect();
    if let Some(first) = plain.first_mut() {
        *first &= clear;
    }
    let (filling, salt) = plain.split_at_checked(plain.len().checked_sub(hash.length())?)?;
    let (one, zeros) = filling.split_last()?;
    if *one != 1 || zeros.iter().any(|byte| *byte != 0) {
        return Some(false);
    }
    let inner = [&[0; 8][..], &hash.of(message), salt].concat();
    Some(hash.of(&inner) == seed)
}

/// MGF1 (RFC 8017, B.2.1).
fn mask(seed: &[u8], length: usize, hash: Hash) -> Vec<u8> {
    let blocks = (0_u32..).map(|count| hash.of(&[seed, &count.to_be_bytes()].concat()));
    blocks.take(length.div_ceil(hash.length())).flatten().take(length).collect()
}
