//! The three families of failure, by who must act, and the one shape in which they are shown.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// The rules say no: the officer changes something.
    Refusal,
    /// The other node is wrong: keep the proof, tell them.
    PeerFault,
    /// Our machine: the operator acts.
    Fault,
}

impl Family {
    /// The exit code of the program for this family.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Refusal => 3,
            Self::PeerFault => 4,
            Self::Fault => 5,
        }
    }
}

/// An error that names a stable code, the clause it applies and the remedy.
///
/// The `Display` text says what is wrong; it never holds personal data or payload.
pub trait Failure: std::error::Error {
    fn family(&self) -> Family;
    /// Stable for ever: `R-…`, `P-…` or `F-…` after the family.
    fn code(&self) -> &'static str;
    /// The article or format clause that was applied, such as `Art. 42(3)(c) [B]` or `RFC 5652, 5.4`.
    fn clause(&self) -> Option<String> {
        None
    }
    /// What the reader does next.
    fn remedy(&self) -> String;

    fn report(&self) -> Report {
        Report {
            family: self.family(),
            code: self.code().to_owned(),
            message: self.to_string(),
            clause: self.clause(),
            remedy: self.remedy(),
        }
    }
}

/// A failure as data: what the program prints, the node answers and a finding keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub family: Family,
    pub code: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    pub remedy: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        if let Some(clause) = &self.clause {
            write!(f, " ({clause})")?;
        }
        write!(f, "; {}", self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("`{0}` is missing")]
    struct Missing(&'static str);

    impl Failure for Missing {
        fn family(&self) -> Family {
            Family::PeerFault
        }
        fn code(&self) -> &'static str {
            "P-000"
        }
        fn remedy(&self) -> String {
            "send it".to_owned()
        }
    }

    #[test]
    fn each_family_ends_the_program_in_its_own_way() {
        let codes = [Family::Refusal, Family::PeerFault, Family::Fault].map(Family::exit_code);
        assert_eq!(codes, [3, 4, 5]);
    }

    #[test]
    fn a_report_says_all_in_one_line_and_a_clause_only_where_there_is_one() {
        let mut report = Missing("x").report();
        assert_eq!((report.family, report.clause.as_ref()), (Family::PeerFault, None));
        assert_eq!(report.to_string(), "P-000: `x` is missing; send it");
        report.clause = Some("Art. 42(3)".to_owned());
        assert_eq!(report.to_string(), "P-000: `x` is missing (Art. 42(3)); send it");
    }
}
