//! The check of a draft: all findings at once, and a `Request` when none is a `Must`.
//!
//! Each State runs the same check with its own context; neither asks the other whether a request is valid.

mod addressee;
mod contents;
mod details;
mod items;
mod link;
mod offence;
mod safeguards;
mod secrecy;

use crate::draft::Draft;
use crate::finding::{Finding, Findings, Severity};
use crate::form::Form;
use crate::preservation_state::PreservationState;
use crate::request::Request;
use serde::Serialize;
use vocabulary::{FileId, Instant, Language, OfficeFunction, StateCode};

/// Which State checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Requesting,
    /// Times that passed on the way are then no fault of the draft: they weigh `Should`, not `Must`.
    Requested,
}

/// What the checking node knows apart from the draft.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    pub side: Side,
    pub now: Instant,
    /// The State that asks.
    pub requesting: StateCode,
    /// The State that is asked; `None` when its descriptor was never imported.
    pub requested: Option<&'a RequestedProfile>,
    /// The preservation file that the draft links to, or that it should; `None` when this node has none
    /// between the same two States.
    pub preservation: Option<PreservationFacts>,
}

/// What the requested State declared, as far as the check needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedProfile {
    pub state: StateCode,
    /// Accepted for requests, Art. 40(13); empty when none was declared.
    pub languages: Vec<Language>,
    /// The reservation of Art. 42(5).
    pub preservation_needs_dual_criminality: bool,
    /// Between the two States, on the day of the check.
    pub convention_in_force: bool,
    /// The offices that its descriptor names.
    pub offices: Vec<OfficeFunction>,
}

/// A preservation file as this node knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreservationFacts {
    pub file: FileId,
    /// The State that preserves.
    pub to: StateCode,
    /// When preservation ends, where confirmed and running.
    pub until: Option<Instant>,
    pub state: PreservationState,
}

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The worst first.
    pub findings: Vec<Finding>,
    /// Present when no finding is a `Must`.
    pub request: Option<Request>,
}

impl Checked {
    pub fn has_must(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Must)
    }
}

impl Draft {
    /// All that is missing, contradictory or unwise in this draft, and the request if nothing stands against it.
    pub fn check(&self, context: &Context<'_>) -> Checked {
        let mut check = Check { draft: self, form: self.kind.form(), context, found: Findings::default() };
        check.addressee();
        check.offence();
        check.contents();
        check.details();
        check.items();
        check.safeguards();
        check.secrecy();
        check.link();
        let findings = check.found.into_sorted();
        let blocked = findings.iter().any(|finding| finding.severity == Severity::Must);
        let request = match self.to {
            Some(to) if !blocked => Some(Request::from_checked(self.clone(), to)),
            _ => None,
        };
        Checked { findings, request }
    }
}

/// One check under way.
struct Check<'a> {
    draft: &'a Draft,
    form: &'static Form,
    context: &'a Context<'a>,
    found: Findings,
}

impl Check<'_> {
    /// How bad a time that has passed is: the requested State may see a draft late through no fault of its writer.
    fn passed(&self) -> Severity {
        match self.context.side {
            Side::Requesting => Severity::Must,
            Side::Requested => Severity::Should,
        }
    }
}

/// The text of a field that says something: not empty, and not a placeholder left over from a form.
fn text(field: Option<&String>) -> Option<&str> {
    let text = field?.trim();
    let placeholder =
        text.starts_with("TODO") || text.starts_with("...") || (text.starts_with('<') && text.ends_with('>'));
    (text.chars().any(char::is_alphanumeric) && !placeholder).then_some(text)
}

#[cfg(test)]
mod tests;
