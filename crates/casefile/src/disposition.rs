//! What the requested State decided, and how a file ended.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use treaty::Ground;
use vocabulary::{Digest, WordError};

/// The decision on a request. Texts are named by digest; they travel sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Disposition {
    /// Granted, with conditions where the requested State sets any, Art. 36(1), 40(28).
    Grant { conditions: Option<Digest> },
    /// Postponed because it interferes with an ongoing matter, Art. 40(27).
    Postpone { reasons: Digest },
    /// Refused on the grounds named, with reasons, Art. 40(25).
    Refuse { grounds: Vec<Ground>, reasons: Digest },
}

impl Disposition {
    pub fn is_grant(&self) -> bool {
        matches!(self, Self::Grant { .. })
    }

    /// False for a postponement: the request is decided another time, Art. 40(27).
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Postpone { .. })
    }

    pub fn word(&self) -> &'static str {
        match self {
            Self::Grant { .. } => "granted",
            Self::Postpone { .. } => "postponed",
            Self::Refuse { .. } => "refused",
        }
    }
}

/// How the requesting State closed its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// What was asked for was done.
    Fulfilled,
    /// The request was refused or postponed and is not pursued.
    NotGranted,
    /// The assistance is no longer needed, Art. 40(26).
    NoLongerNeeded,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fulfilled => "fulfilled",
            Self::NotGranted => "not-granted",
            Self::NoLongerNeeded => "no-longer-needed",
        })
    }
}

impl FromStr for Outcome {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        [Self::Fulfilled, Self::NotGranted, Self::NoLongerNeeded]
            .into_iter()
            .find(|outcome| outcome.to_string() == text)
            .ok_or_else(|| {
                WordError::new("an outcome: `fulfilled`, `not-granted` or `no-longer-needed`", text)
            })
    }
}
