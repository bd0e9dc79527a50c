//! The IANA name of the time zone of the place, such as `Africa/Nairobi`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, fmt, str::FromStr};
use vocabulary::WordError;

const MAX_BYTES: usize = 64;

/// A well-formed zone name; whether the reader's zone data knows it is another question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneName(String);

impl ZoneName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ZoneName {
    type Err = WordError;
    /// Parts of `A-Z a-z 0-9 _ + -` divided by `/`, each beginning with a letter (theory of the tz database).
    fn from_str(text: &str) -> Result<Self, WordError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-');
        let part = |p: &str| p.starts_with(|c: char| c.is_ascii_alphabetic()) && p.bytes().all(allowed);
        if text.len() <= MAX_BYTES && text.split('/').all(part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(WordError::new("a time zone such as `Africa/Nairobi` (IANA)", text))
        }
    }
}

impl Serialize for ZoneName {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ZoneName {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(input)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_tz_database_pass_and_offsets_do_not() {
        for name in ["UTC", "Africa/Nairobi", "America/Argentina/Buenos_Aires", "Etc/GMT+3"] {
            assert!(name.parse::<ZoneName>().is_ok(), "{name}");
        }
        for name in ["", "+03:00", "/Africa", "Africa/", "a/../b", "Africa Nairobi", &"x".repeat(65)] {
            assert!(name.parse::<ZoneName>().is_err(), "{name}");
        }
    }

    #[test]
    fn a_name_is_shown_as_it_was_written_up_to_the_limit() {
        let zone: ZoneName = "Africa/Nairobi".parse().unwrap();
        assert_eq!((zone.as_str(), zone.to_string().as_str()), ("Africa/Nairobi", "Africa/Nairobi"));
        assert!("x".repeat(MAX_BYTES).parse::<ZoneName>().is_ok());
    }
}
