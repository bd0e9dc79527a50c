//! One finding of a check: what is wrong, under which article, how bad, and what to do.

use crate::rule::{Citation, Rule};
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// No request exists until this is put right.
    Must,
    /// The request can go, and will likely come back or take longer.
    Should,
    /// Worth knowing.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::Note => "note",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable for ever: article, paragraph and a word, such as `T-042-3-c-class`.
    pub code: String,
    pub citation: Citation,
    pub severity: Severity,
    /// Path of the field, such as `items[0].from`.
    pub field: String,
    /// What is wrong; never the value itself.
    pub message: String,
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} `{}`: {} ({}); {}",
            self.severity, self.code, self.field, self.message, self.citation, self.remedy
        )
    }
}

/// What a finding says, apart from how bad it is.
pub(crate) struct Fault<'a> {
    pub rule: &'a Rule,
    /// The word that tells this finding from others under the same paragraph.
    pub word: &'a str,
    pub field: &'a str,
    pub message: &'a str,
    pub remedy: &'a str,
}

/// Collects all findings of one check.
#[derive(Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn must(&mut self, fault: Fault<'_>) {
        self.add(Severity::Must, fault);
    }

    pub(crate) fn should(&mut self, fault: Fault<'_>) {
        self.add(Severity::Should, fault);
    }

    pub(crate) fn note(&mut self, fault: Fault<'_>) {
        self.add(Severity::Note, fault);
    }

    pub(crate) fn add(&mut self, severity: Severity, fault: Fault<'_>) {
        self.0.push(Finding {
            code: format!("{}-{}", fault.rule.code(), fault.word),
            citation: fault.rule.citation(),
            severity,
            field: fault.field.to_owned(),
            message: fault.message.to_owned(),
            remedy: fault.remedy.to_owned(),
        });
    }

    /// The worst first; within one severity in the order of the form.
    pub(crate) fn into_sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| finding.severity);
        self.0
    }
}
