//! The short fingerprint of a State's root, made to be read aloud over the telephone.

use std::fmt;
use vocabulary::Digest;

/// Crockford's alphabet: no I, L, O or U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUPS: usize = 5;
const GROUP: usize = 5;

/// The first 125 bits of the SHA-256 of the root certificate, as five groups of five characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(Digest);

impl Fingerprint {
    pub fn of(root_certificate: Digest) -> Self {
        Self(root_certificate)
    }

    fn character(&self, position: usize) -> char {
        let bit = |n: usize| {
            let byte = self.0.as_bytes().get(n / 8).copied().unwrap_or(0);
            usize::from(byte >> (7 - n % 8) & 1)
        };
        let value = (0..5).fold(0, |value, n| value << 1 | bit(position * 5 + n));
        ALPHABET.get(value).copied().map_or('?', char::from)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in 0..GROUPS {
            if group > 0 {
                f.write_str("-")?;
            }
            for position in 0..GROUP {
                write!(f, "{}", self.character(group * GROUP + position))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_five_groups_of_five_and_follows_the_digest() {
        let zero = Fingerprint::of(Digest::from_bytes([0; 32])).to_string();
        assert_eq!(zero, "00000-00000-00000-00000-00000");
        let ones = Fingerprint::of(Digest::from_bytes([0xff; 32])).to_string();
        assert_eq!(ones, "ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ");
        let mut bytes = [0; 32];
        bytes[0] = 0b0000_1000;
        assert!(Fingerprint::of(Digest::from_bytes(bytes)).to_string().starts_with("10000"));
    }
}
