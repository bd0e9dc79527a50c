//! A State, by its two-letter code (ISO 3166-1 alpha-2; `XA` to `XZ` are for exercises).

use crate::{WordError, word_as_text};
use std::{fmt, str::FromStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateCode([u8; 2]);

impl StateCode {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// True for the user-assigned codes `XA` to `XZ`, which belong to no State.
    pub fn is_exercise(&self) -> bool {
        self.0.first() == Some(&b'X')
    }

    /// The code in lower case, as it appears in file names and log origins.
    pub fn lower(&self) -> String {
        self.as_str().to_ascii_lowercase()
    }
}

impl fmt::Display for StateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StateCode {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([*a, *b])),
            _ => Err(WordError::new("a State code of two capital letters (ISO 3166-1 alpha-2)", text)),
        }
    }
}

word_as_text!(StateCode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_two_capital_letters() {
        let state: StateCode = "VN".parse().unwrap();
        assert_eq!((state.as_str(), state.to_string().as_str(), state.lower().as_str()), ("VN", "VN", "vn"));
        for text in ["", "V", "VNM", "vn", "Vn", "vN", "1A", "A1"] {
            assert!(text.parse::<StateCode>().is_err(), "{text}");
        }
    }

    #[test]
    fn codes_with_x_are_for_exercises() {
        assert!("XA".parse::<StateCode>().unwrap().is_exercise());
        assert!(!"MX".parse::<StateCode>().unwrap().is_exercise());
    }
}
