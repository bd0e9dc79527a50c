//! The law as people write it, in TOML; it becomes a profile when it is signed.

use super::{LawError, LawProfile, MAX_LAW_BYTES, OffenceLaw, OutsideOffence, bound::bounds, check};
use serde::{Deserialize, Serialize};
use treaty::{Finding, Severity};
use vocabulary::{Instant, StateCode};

/// The longest field name and problem that an error holds, in characters.
const MAX_WORD: usize = 160;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenLaw {
    #[serde(default)]
    pub offences: Vec<OffenceLaw>,
    #[serde(default)]
    pub outside: Vec<OutsideOffence>,
}

impl WrittenLaw {
    pub fn from_toml(text: &str) -> Result<Self, LawError> {
        if text.len() > MAX_LAW_BYTES {
            return Err(
                LawError::Bound { what: "bytes", found: text.len(), most: MAX_LAW_BYTES }.of_our_own()
            );
        }
        let reader = toml::Deserializer::parse(text).map_err(|error| unreadable(text, "", &error))?;
        let written: Self = serde_path_to_error::deserialize(reader)
            .map_err(|error| unreadable(text, &error.path().to_string(), error.inner()))?;
        bounds(&written.offences, &written.outside).map_err(LawError::of_our_own)?;
        Ok(written)
    }

    /// All findings, the worst first.
    pub fn check(&self, state: StateCode) -> Vec<Finding> {
        check(state, &self.offences, &self.outside)
    }

    /// The profile to sign; refused while a `must` finding stands.
    pub fn profile(
        self,
        state: StateCode,
        sequence: u64,
        issued: Instant,
        valid_until: Instant,
    ) -> Result<LawProfile, LawError> {
        let must = self.check(state).iter().filter(|found| found.severity == Severity::Must).count();
        if must > 0 {
            return Err(LawError::Contradicts { must });
        }
        let Self { offences, outside } = self;
        Ok(LawProfile {
            format: LawProfile::format(),
            state,
            sequence,
            issued,
            valid_until,
            offences,
            outside,
        })
    }
}

fn unreadable(text: &str, path: &str, error: &toml::de::Error) -> LawError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
    let cut = |words: &str| words.lines().next().unwrap_or("").chars().take(MAX_WORD).collect();
    LawError::Written {
        line: before.matches('\n').count() + 1,
        field: if path.is_empty() || path == "." { "(file)".to_owned() } else { cut(path) },
        problem: cut(error.message()),
    }
}
