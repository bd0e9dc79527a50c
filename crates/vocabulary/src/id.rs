//! Identifiers: version 7 UUIDs (RFC 9562), one type per thing named, and an officer's short name.

use crate::{WordError, word_as_text};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! uuid_word {
    ($(#[$doc:meta])* $name:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl FromStr for $name {
            type Err = WordError;
            fn from_str(text: &str) -> Result<Self, WordError> {
                Uuid::try_parse(text).map(Self).map_err(|_| WordError::new($expected, text))
            }
        }
        word_as_text!($name);
    };
}

uuid_word!(
    /// One file (one request) for ever; the requesting State makes it and both States use it.
    FileId,
    "a file id (a UUID)"
);
uuid_word!(
    /// One sealed envelope, whatever road it takes and however often it is sent.
    EnvelopeId,
    "an envelope id (a UUID)"
);
uuid_word!(
    /// One exhibit taken in by the requested State.
    ExhibitId,
    "an exhibit id (a UUID)"
);
uuid_word!(
    /// One sealed evidence package.
    PackageId,
    "a package id (a UUID)"
);

/// The short name of an officer inside one State: 2 to 40 of `a-z 0-9 . -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfficerId(String);

impl OfficerId {
    /// The actor of commands that a machine reports back: no person has this name.
    pub fn system() -> Self {
        Self("system".to_owned())
    }
    pub fn is_system(&self) -> bool {
        self.0 == "system"
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OfficerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OfficerId {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        let fits = (2..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(WordError::new("an officer's short name: 2 to 40 of `a-z 0-9 . -`", text))
        }
    }
}

word_as_text!(OfficerId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_officer_has_a_short_name_of_small_letters_digits_dots_and_hyphens() {
        for name in ["ab", "n.okafor", "li-wei2", "a.", "-9", &"x".repeat(40)] {
            let officer: OfficerId = name.parse().unwrap();
            assert_eq!((officer.as_str(), officer.to_string().as_str()), (name, name));
            assert!(!officer.is_system());
        }
        for name in ["", "a", "N.Okafor", "a_b", "a b", "émile", "a/b", &"x".repeat(41)] {
            assert!(name.parse::<OfficerId>().is_err(), "{name}");
        }
    }

    #[test]
    fn the_machine_has_a_name_of_its_own() {
        assert!(OfficerId::system().is_system());
        assert_eq!(OfficerId::system().as_str(), "system");
    }

    #[test]
    fn an_id_goes_round_and_another_text_is_none() {
        let text = "0193a8f0-0000-7000-8000-0000000000e1";
        let id: EnvelopeId = text.parse().unwrap();
        assert_eq!((id.to_string().as_str(), EnvelopeId::from_uuid(*id.as_uuid())), (text, id));
        assert!("0193a8f0-0000-7000-8000".parse::<FileId>().is_err());
    }
}
