//! One private key in a token: ECDSA and ECDH by PKCS #11, in the forms that seals use.

use crate::token::reason;
use aws_lc_rs::{
    agreement::{self, ECDH_P256, ECDH_P384, PrivateKey as Ephemeral, UnparsedPublicKey},
    digest::{self, SHA256, SHA384},
};
use cryptoki::{
    error::Error,
    mechanism::{
        Mechanism,
        elliptic_curve::{EcKdf, Ecdh1DeriveParams},
    },
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use der::{
    Decode as _, Encode as _, Sequence,
    asn1::{OctetStringRef, UintRef},
};
use seal::{PrivateKey, PrivateKeyError};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The two curves on which offices have keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenCurve {
    P256,
    P384,
}

impl TokenCurve {
    /// The named curve in DER (RFC 5480, 2.1.1.1), as `CKA_EC_PARAMS` has it.
    pub(crate) fn parameters(self) -> &'static [u8] {
        match self {
            Self::P256 => &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
            Self::P384 => &[0x06, 5, 0x2b, 0x81, 4, 0, 0x22],
        }
    }

    pub(crate) fn of(parameters: &[u8]) -> Option<Self> {
        [Self::P256, Self::P384].into_iter().find(|curve| curve.parameters() == parameters)
    }

    /// Bytes of a coordinate.
    fn field_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    fn digest(self, message: &[u8]) -> digest::Digest {
        match self {
            Self::P256 => digest::digest(&SHA256, message),
            Self::P384 => digest::digest(&SHA384, message),
        }
    }

    /// True for a point of this curve: the library looks when it agrees, and the probe is thrown away.
    fn holds(self, point: &[u8]) -> bool {
        let algorithm = match self {
            Self::P256 => &ECDH_P256,
            Self::P384 => &ECDH_P384,
        };
        Ephemeral::generate(algorithm).is_ok_and(|probe| {
            agreement::agree(&probe, UnparsedPublicKey::new(algorithm, point), (), |_| Ok(())).is_ok()
        })
    }
}

/// The point in `CKA_EC_POINT`: an OCTET STRING by the standard, the bare point in some tokens.
pub(crate) fn uncompressed(attribute: &[u8]) -> Option<Vec<u8>> {
    let point = OctetStringRef::from_der(attribute).map_or(attribute, |inner| inner.as_bytes());
    (point.first() == Some(&4) && [65, 97].contains(&point.len())).then(|| point.to_vec())
}

/// ECDSA-Sig-Value (RFC 5480, appendix A).
#[derive(Sequence)]
struct Signature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// A private key by its handle; the token does one thing at a time.
pub(crate) struct InToken {
    session: Arc<Mutex<Session>>,
    handle: ObjectHandle,
    curve: TokenCurve,
}

impl InToken {
    pub(crate) fn new(session: Arc<Mutex<Session>>, handle: ObjectHandle, curve: TokenCurve) -> Self {
        Self { session, handle, curve }
    }

    pub(crate) fn curve(&self) -> TokenCurve {
        self.curve
    }

    fn locked<T>(&self, work: impl FnOnce(&Session) -> Result<T, Error>) -> Result<T, PrivateKeyError> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        work(&session).map_err(|error| PrivateKeyError::Token { reason: reason(&error) })
    }

    /// The agreed x coordinate leaves the token as a session object that is destroyed at once.
    fn derive(&self, session: &Session, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), point));
        let length = u64::try_from(self.curve.field_len()).map_err(Error::TryFromInt)?;
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::Token(false),
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
            Attribute::ValueLen(length.into()),
        ];
        let agreed = session.derive_key(&mechanism, self.handle, &template)?;
        let value = session.get_attributes(agreed, &[AttributeType::Value]);
        session.destroy_object(agreed)?;
        match value?.pop() {
            Some(Attribute::Value(secret)) => Ok(Zeroizing::new(secret)),
            _ => Err(Error::InvalidValue),
        }
    }
}

fn odd(what: &str, bytes: usize) -> PrivateKeyError {
    PrivateKeyError::Token { reason: format!("its {what} has {bytes} bytes") }
}

impl PrivateKey for InToken {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        let digest = self.curve.digest(message);
        let raw = self.locked(|session| session.sign(&Mechanism::Ecdsa, self.handle, digest.as_ref()))?;
        let half = self.curve.field_len();
        let (Some(r), Some(s), true) = (raw.get(..half), raw.get(half..), raw.len() == 2 * half) else {
            return Err(odd("signature", raw.len()));
        };
        let encode = || Signature { r: UintRef::new(r)?, s: UintRef::new(s)? }.to_der();
        encode().map_err(|_| odd("signature", raw.len()))
    }

    fn agree(&self, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
        // Not every token looks whether a peer's point is on the curve.
        if !self.curve.holds(point) {
            return Err(PrivateKeyError::Refused);
        }
        let secret = self.locked(|session| self.derive(session, point))?;
        if secret.len() == self.curve.field_len() {
            Ok(secret)
        } else {
            Err(odd("agreed secret", secret.len()))
        }
    }

    fn decrypt(&self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
        Err(PrivateKeyError::Unable { operation: "RSA decryption" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_with_and_without_its_wrapping() {
        let bare = [[4].as_slice(), &[7; 64]].concat();
        let wrapped = [[4, 65].as_slice(), &bare].concat();
        assert_eq!(uncompressed(&bare), Some(bare.clone()));
        assert_eq!(uncompressed(&wrapped), Some(bare));
        assert_eq!(uncompressed(&[]), None);
        assert_eq!(uncompressed(&[2; 33]), None);
    }

    #[test]
    fn a_point_off_the_curve_is_told() {
        let key = Ephemeral::generate(&ECDH_P256).unwrap();
        let mut point = key.compute_public_key().unwrap().as_ref().to_vec();
        assert!(TokenCurve::P256.holds(&point));
        assert!(!TokenCurve::P384.holds(&point));
        *point.last_mut().unwrap() ^= 1;
        assert!(!TokenCurve::P256.holds(&point));
        assert!(!TokenCurve::P256.holds(&[]));
    }
}
