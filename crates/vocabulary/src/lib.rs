//! The words every other crate uses: States, offices, ids, digests, instants, languages.
//!
//! Everything here is parsed once at the edge and trusted afterwards. Not here: any rule of the
//! Convention (`treaty`), any key or certificate (`seal`), any clock or randomness.

mod digest;
mod failure;
mod id;
mod instant;
mod language;
mod office;
mod state;

pub use digest::Digest;
pub use failure::{Failure, Family, Report};
pub use id::{EnvelopeId, ExhibitId, FileId, OfficerId, PackageId};
pub use instant::Instant;
pub use language::Language;
pub use office::{OfficeFunction, OfficeId};
pub use state::StateCode;

/// A word that could not be parsed: what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {expected}")]
pub struct WordError {
    pub expected: &'static str,
    pub found: String,
}

impl WordError {
    /// Keeps at most 64 characters of `found`, so that a hostile value cannot flood a log.
    pub fn new(expected: &'static str, found: &str) -> Self {
        Self { expected, found: found.chars().take(64).collect() }
    }
}

impl Failure for WordError {
    fn family(&self) -> Family {
        Family::Refusal
    }
    fn code(&self) -> &'static str {
        "R-001"
    }
    fn remedy(&self) -> String {
        format!("write {}", self.expected)
    }
}

/// Serializes a word as its `Display` text and parses it back with `FromStr`.
macro_rules! word_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(input)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use word_as_text;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_could_not_be_read_is_shown_short_and_with_what_was_expected() {
        let error = WordError::new("a word", &"é".repeat(100));
        assert_eq!(error.found.chars().count(), 64);
        assert_eq!((error.code(), error.family()), ("R-001", Family::Refusal));
        assert!(error.to_string().ends_with("is not a word") && error.remedy() == "write a word");
    }
}
