//! A SHA-256 digest (FIPS 180-4), written `sha256:<64 lower-case hex digits>`.

use crate::{WordError, word_as_text};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// 32 bytes of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hex digits alone, as `sha256sum` prints them.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Reads 64 hex digits without the `sha256:` prefix.
    pub fn from_hex(text: &str) -> Result<Self, WordError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| WordError::new("a SHA-256 digest of 64 hex digits", text))?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        let hex = text
            .strip_prefix("sha256:")
            .ok_or_else(|| WordError::new("a digest written `sha256:` and 64 hex digits", text))?;
        Self::from_hex(hex)
    }
}

word_as_text!(Digest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_digest_is_the_published_one() {
        assert_eq!(
            Digest::of(b"").to_string(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn text_goes_round_and_a_bare_or_short_digest_is_refused() {
        let digest = Digest::of(b"x");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!(digest.hex().parse::<Digest>().is_err());
        assert!("sha256:00".parse::<Digest>().is_err());
    }

    #[test]
    fn its_bytes_and_its_digits_are_the_same_digest() {
        let digest = Digest::of(b"x");
        assert_eq!(Digest::from_bytes(*digest.as_bytes()), digest);
        assert_eq!(Digest::from_hex(&digest.hex()), Ok(digest));
        assert_eq!(format!("{digest:?}"), digest.to_string());
        assert_ne!(digest, Digest::of(b"y"));
    }
}
