//! A node of the tree: 32 bytes of SHA-256, written in base64 (RFC 4648, section 4).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::{borrow::Cow, fmt, str::FromStr};
use vocabulary::{Failure, Family};

/// A leaf hash, an interior node or a root (RFC 6962, 2.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// SHA-256(0x00 || data).
    pub fn leaf(data: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(data).finalize().into())
    }

    /// SHA-256(0x01 || left || right).
    pub fn parent(left: &Self, right: &Self) -> Self {
        Self(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
    }

    /// The root of the tree without leaves: SHA-256 of nothing.
    pub fn empty_root() -> Self {
        Self(Sha256::digest([]).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = HashTextError;
    fn from_str(text: &str) -> Result<Self, HashTextError> {
        read_32_bytes(text).map(Self)
    }
}

/// Text that is not the base64 of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash of {found} characters is not 32 bytes in padded base64")]
pub struct HashTextError {
    pub found: usize,
}

impl Failure for HashTextError {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        "P-200"
    }
    fn clause(&self) -> Option<String> {
        Some("RFC 4648, 4".to_owned())
    }
    fn remedy(&self) -> String {
        "ask the sender for the proof again".to_owned()
    }
}

/// Refuses missing padding, other alphabets and trailing bits that are not zero.
pub(crate) fn read_32_bytes(text: &str) -> Result<[u8; 32], HashTextError> {
    const TEXT_LENGTH: usize = 44;
    let wrong = HashTextError { found: text.len() };
    if text.len() != TEXT_LENGTH {
        return Err(wrong);
    }
    let bytes = STANDARD.decode(text).map_err(|_| wrong)?;
    bytes.try_into().map_err(|_| wrong)
}

/// Serializes a 32-byte word as padded base64 and reads it back strictly.
macro_rules! word_as_base64 {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                $crate::hash::write_base64(self.as_bytes(), out)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                $crate::hash::read_base64(input).map(Self::from_bytes)
            }
        }
    };
}
pub(crate) use word_as_base64;

word_as_base64!(Hash);

pub(crate) fn write_base64<S: Serializer>(bytes: &[u8; 32], out: S) -> Result<S::Ok, S::Error> {
    STANDARD.encode(bytes).serialize(out)
}

pub(crate) fn read_base64<'de, D: Deserializer<'de>>(input: D) -> Result<[u8; 32], D::Error> {
    let text = Cow::<'de, str>::deserialize(input)?;
    read_32_bytes(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_goes_round_and_a_looser_spelling_is_refused() {
        let hash = Hash::leaf(b"x");
        let text = hash.to_string();
        assert_eq!(text.parse(), Ok(hash));
        assert!(text.trim_end_matches('=').parse::<Hash>().is_err());
        let mut trailing_bits = text.clone();
        trailing_bits.replace_range(42..43, if text.as_bytes()[42] == b'B' { "C" } else { "B" });
        assert!(trailing_bits.parse::<Hash>().is_err());
        assert!("".parse::<Hash>().is_err());
    }

    #[test]
    fn the_empty_root_is_the_published_one() {
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex::encode(Hash::empty_root().as_bytes()), expected);
    }
}
