//! A salted commitment: the only thing the log ever holds about an event or a message.

use crate::hash::{Hash, word_as_base64};
use sha2::{Digest as _, Sha256};
use std::fmt;
use vocabulary::Digest;

/// Separates these hashes from every other use of SHA-256 in the product.
const DOMAIN: &[u8] = b"rogatory/commitment/v1";

/// 32 random bytes, fresh for each commitment; without them the commitment reveals nothing.
///
/// Destroying the salt together with the content makes the commitment unopenable, and the log still verifies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(hidden)")
    }
}

word_as_base64!(Salt);

/// The data of one leaf.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// SHA-256 over four fields, each preceded by its length in bytes as an unsigned 64-bit big-endian number:
    ///
    /// ```text
    /// 0000000000000016 "rogatory/commitment/v1"     the domain, 22 bytes
    /// <length>         <label in UTF-8>             what is committed, such as "event"
    /// 0000000000000020 <salt>                       32 bytes
    /// 0000000000000020 <digest>                     32 bytes
    /// ```
    pub fn new(label: &str, salt: &Salt, digest: &Digest) -> Self {
        let fields: [&[u8]; 4] = [DOMAIN, label.as_bytes(), salt.as_bytes(), digest.as_bytes()];
        let mut hasher = Sha256::new();
        for field in fields {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        Self(hasher.finalize().into())
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// SHA-256(0x00 || commitment) (RFC 6962, 2.1).
    pub fn leaf_hash(&self) -> Hash {
        Hash::leaf(&self.0)
    }

    /// True when this commitment is to `digest` under `label` with `salt`.
    pub fn opens_to(&self, label: &str, salt: &Salt, digest: &Digest) -> bool {
        *self == Self::new(label, salt, digest)
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hash::from_bytes(self.0), f)
    }
}

word_as_base64!(Commitment);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_under_the_hash_are_the_documented_ones() {
        let salt = Salt::from_bytes([7; 32]);
        let digest = Digest::of(b"content");
        let mut bytes = hex::decode("0000000000000016").unwrap();
        bytes.extend(b"rogatory/commitment/v1");
        bytes.extend(hex::decode("0000000000000005").unwrap());
        bytes.extend(b"event");
        bytes.extend(hex::decode("0000000000000020").unwrap());
        bytes.extend([7; 32]);
        bytes.extend(hex::decode("0000000000000020").unwrap());
        bytes.extend(digest.as_bytes());
        assert_eq!(Commitment::new("event", &salt, &digest).as_bytes(), Digest::of(&bytes).as_bytes());
    }

    #[test]
    fn another_label_salt_or_digest_does_not_open_it() {
        let (salt, digest) = (Salt::from_bytes([1; 32]), Digest::of(b"a"));
        let commitment = Commitment::new("event", &salt, &digest);
        assert!(commitment.opens_to("event", &salt, &digest));
        assert!(!commitment.opens_to("events", &salt, &digest));
        assert!(!commitment.opens_to("event", &Salt::from_bytes([2; 32]), &digest));
        assert!(!commitment.opens_to("event", &salt, &Digest::of(b"b")));
    }

    #[test]
    fn a_salt_does_not_show_itself_in_a_log_line() {
        assert_eq!(format!("{:?}", Salt::from_bytes([9; 32])), "Salt(hidden)");
    }
}
