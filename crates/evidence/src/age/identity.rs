//! An X25519 identity and its recipient, as bech32 text (BIP 173).

use super::AgeError;
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use bech32::{Bech32, Hrp, primitives::decode::CheckedHrpstring};
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

const SECRET_PREFIX: &str = "AGE-SECRET-KEY-";
const RECIPIENT_PREFIX: &str = "age";
const SECRET_TEXT: &str = "an age identity, `AGE-SECRET-KEY-1` and 58 characters";
const RECIPIENT_TEXT: &str = "an age recipient, `age1` and 58 characters";

/// A private key that opens an age file.
pub struct AgeIdentity {
    secret: Zeroizing<[u8; 32]>,
    recipient: AgeRecipient,
}

impl AgeIdentity {
    /// 32 random bytes are a key: X25519 clamps them itself (RFC 7748, 5).
    pub fn from_secret(secret: &[u8; 32]) -> Result<Self, AgeError> {
        let recipient = AgeRecipient(public_of(secret)?);
        Ok(Self { secret: Zeroizing::new(*secret), recipient })
    }

    pub fn recipient(&self) -> AgeRecipient {
        self.recipient
    }

    /// `AGE-SECRET-KEY-1…`, which must never reach a log or a disk in the clear.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(bech32_text(SECRET_PREFIX, &self.secret[..]));
        text.make_ascii_uppercase();
        text
    }

    pub(super) fn shared_with(&self, public: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, AgeError> {
        shared_secret(&self.secret, public)
    }
}

impl FromStr for AgeIdentity {
    type Err = AgeError;
    fn from_str(text: &str) -> Result<Self, AgeError> {
        let wrong = AgeError::Key { expected: SECRET_TEXT };
        if !text.starts_with(SECRET_PREFIX) {
            return Err(wrong);
        }
        let identity = Self::from_secret(&*bech32_bytes(text).ok_or(wrong)?)?;
        match *identity.to_text() == text {
            true => Ok(identity),
            false => Err(AgeError::Key { expected: SECRET_TEXT }),
        }
    }
}

impl fmt::Debug for AgeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgeIdentity({})", self.recipient)
    }
}

/// The public key to which an age file is encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AgeRecipient([u8; 32]);

impl AgeRecipient {
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32_text(RECIPIENT_PREFIX, &self.0))
    }
}

impl fmt::Debug for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AgeRecipient {
    type Err = AgeError;
    fn from_str(text: &str) -> Result<Self, AgeError> {
        let recipient =
            bech32_bytes(text).map(|bytes| Self(*bytes)).filter(|found| found.to_string() == text);
        recipient.ok_or(AgeError::Key { expected: RECIPIENT_TEXT })
    }
}

fn bech32_text(prefix: &str, bytes: &[u8]) -> String {
    let prefix = Hrp::parse_unchecked(prefix);
    bech32::encode::<Bech32>(prefix, bytes).expect("32 bytes and a short prefix stay below the length limit")
}

fn bech32_bytes(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
    let bytes = Zeroizing::new(checked.byte_iter().collect::<Vec<u8>>());
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

fn private(secret: &[u8; 32]) -> Result<PrivateKey, AgeError> {
    PrivateKey::from_private_key(&X25519, secret)
        .map_err(|_| AgeError::Library { what: "load an X25519 private key" })
}

pub(super) fn public_of(secret: &[u8; 32]) -> Result<[u8; 32], AgeError> {
    let wrong = AgeError::Library { what: "compute an X25519 public key" };
    let public = private(secret)?
        .compute_public_key()
        .map_err(|_| AgeError::Library { what: "compute an X25519 public key" })?;
    public.as_ref().try_into().map_err(|_| wrong)
}

/// A public value of low order gives zero and is refused (RFC 7748, 6.1).
pub(super) fn shared_secret(secret: &[u8; 32], public: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, AgeError> {
    const LOW_ORDER: &str = "an X25519 share is of low order";
    let mut shared = Zeroizing::new([0; 32]);
    agree(&private(secret)?, UnparsedPublicKey::new(&X25519, public), (), |bytes| {
        *shared = bytes.try_into().map_err(drop)?;
        Ok(())
    })
    .map_err(|()| AgeError::Header { what: LOW_ORDER })?;
    match shared.iter().all(|byte| *byte == 0) {
        true => Err(AgeError::Header { what: LOW_ORDER }),
        false => Ok(shared),
    }
}
