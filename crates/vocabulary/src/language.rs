//! A language tag: primary subtag and optional region or script (BCP 47, RFC 5646), such as `en` or `zh-Hant`.

use crate::{WordError, word_as_text};
use std::{fmt, str::FromStr};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(String);

impl Language {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The primary subtag: `zh` of `zh-Hant`.
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Language {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        let mut parts = text.split('-');
        let primary = parts.next().unwrap_or("");
        let fits = (2..=3).contains(&primary.len())
            && primary.bytes().all(|b| b.is_ascii_lowercase())
            && text.len() <= 35
            && parts.all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(WordError::new("a language tag such as `en`, `ar` or `zh-Hant` (BCP 47)", text))
        }
    }
}

word_as_text!(Language);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_begins_with_two_or_three_small_letters() {
        for (text, primary) in [("en", "en"), ("zh-Hant", "zh"), ("hil", "hil"), ("es-419", "es")] {
            let language: Language = text.parse().unwrap();
            assert_eq!((language.as_str(), language.to_string().as_str()), (text, text));
            assert_eq!(language.primary(), primary);
        }
        for text in ["", "e", "engl", "EN", "e1", "en-", "en--x", "en-123456789", "en-a_b"] {
            assert!(text.parse::<Language>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tag_has_at_most_35_characters() {
        let text = "en-abcdefgh-abcdefgh-abcdefgh-abcde";
        assert_eq!(text.len(), 35);
        assert!(text.parse::<Language>().is_ok());
        assert!(format!("{text}f").parse::<Language>().is_err());
    }
}
