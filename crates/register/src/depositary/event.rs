//! One row of the depositary's log: who did what, when, and where that was read.

use super::Dated;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use treaty::Confidence;
use vocabulary::{StateCode, WordError};

/// What was done, in the words of Arts 63 to 67 and of the practice of depositaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    Signature,
    Ratification,
    Acceptance,
    Approval,
    Accession,
    Succession,
    Reservation,
    Declaration,
    /// Such as of a central authority or of accepted languages.
    Notification,
    /// Against a reservation of the State in `relates_to`.
    Objection,
    TerritorialApplication,
    /// An instrument is taken back before the Convention is in force for the State.
    WithdrawalOfInstrument,
    /// Of the row in `relates_to`, or of all of the State's reservations to `articles`.
    WithdrawalOfReservation,
    WithdrawalOfDeclaration,
    WithdrawalOfObjection,
    Denunciation,
    /// The row in `supersedes` was wrong and nothing takes its place.
    Annulment,
}

impl EventKind {
    pub const ALL: [Self; 17] = [
        Self::Signature,
        Self::Ratification,
        Self::Acceptance,
        Self::Approval,
        Self::Accession,
        Self::Succession,
        Self::Reservation,
        Self::Declaration,
        Self::Notification,
        Self::Objection,
        Self::TerritorialApplication,
        Self::WithdrawalOfInstrument,
        Self::WithdrawalOfReservation,
        Self::WithdrawalOfDeclaration,
        Self::WithdrawalOfObjection,
        Self::Denunciation,
        Self::Annulment,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Ratification => "ratification",
            Self::Acceptance => "acceptance",
            Self::Approval => "approval",
            Self::Accession => "accession",
            Self::Succession => "succession",
            Self::Reservation => "reservation",
            Self::Declaration => "declaration",
            Self::Notification => "notification",
            Self::Objection => "objection",
            Self::TerritorialApplication => "territorial-application",
            Self::WithdrawalOfInstrument => "withdrawal-of-instrument",
            Self::WithdrawalOfReservation => "withdrawal-of-reservation",
            Self::WithdrawalOfDeclaration => "withdrawal-of-declaration",
            Self::WithdrawalOfObjection => "withdrawal-of-objection",
            Self::Denunciation => "denunciation",
            Self::Annulment => "annulment",
        }
    }

    /// Consent to be bound, Art. 64.
    pub const fn is_instrument(self) -> bool {
        matches!(
            self,
            Self::Ratification | Self::Acceptance | Self::Approval | Self::Accession | Self::Succession
        )
    }

    /// Instruments are alternatives of each other: one may be corrected into another.
    pub(super) const fn family(self) -> Self {
        if self.is_instrument() {
            Self::Ratification
        } else if matches!(self, Self::Declaration) {
            // A list of the depositary does not tell the two apart.
            Self::Reservation
        } else {
            self
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| WordError::new("a kind of event such as `ratification` or `reservation`", text))
    }
}

/// One row; never changed. What was wrong in it is said by another that supersedes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepositaryEvent {
    /// Unique in a log, such as `QA-ratification`.
    pub id: String,
    /// A State, or a regional organization such as `EU`.
    pub participant: StateCode,
    pub kind: EventKind,
    pub date: Dated,
    /// Provisions it concerns, such as `14` or `42(5)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub articles: Vec<String>,
    /// The row that is objected to or withdrawn, or the State whose reservation is objected to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relates_to: Option<String>,
    /// The row in whose place this one stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
    pub confidence: Confidence,
    pub source: String,
    /// The depositary's notification, such as `C.N.196.2025.TREATIES-XVIII.16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The day to which the source was read.
    pub as_of: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

impl DepositaryEvent {
    /// The day from which it counts.
    pub fn day(&self) -> Date {
        self.date.day()
    }

    /// True where it cannot have been known when its source was read.
    pub(super) fn is_after_its_source(&self) -> bool {
        self.date.earliest().is_some_and(|first| first > self.as_of)
    }

    /// The same fact, whatever was read where and when.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.participant == other.participant
            && self.kind == other.kind
            && self.date == other.date
            && self.articles == other.articles
            && self.relates_to == other.relates_to
            && self.text == other.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_goes_round_and_another_word_is_none() {
        for kind in EventKind::ALL {
            assert_eq!(kind.to_string().parse::<EventKind>(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
        assert!("ratified".parse::<EventKind>().is_err());
    }

    #[test]
    fn five_kinds_bind_a_state() {
        assert_eq!(EventKind::ALL.into_iter().filter(|kind| kind.is_instrument()).count(), 5);
    }
}
