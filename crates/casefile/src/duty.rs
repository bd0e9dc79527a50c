//! What is owed after an event; a worker discharges it and reports back with a command.

use crate::Outcome;
use mandate::FourEyes;
use serde::{Deserialize, Serialize};
use treaty::Matter;
use vocabulary::{Digest, EnvelopeId, FileId, Instant, OfficeId, PackageId, Report, StateCode};

/// One thing owed. Discharging it twice changes nothing the second time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "duty", rename_all = "kebab-case")]
pub enum Duty {
    /// Build, sign and seal a statement and put it in the outbox.
    Dispatch { parcel: Parcel },
    /// Fetch an announced package from the requested State and verify it.
    Fetch { package: PackageId },
    /// Remind both sides that a preservation lapses, unless it is held, extended or released by then.
    Alarm { at: Instant, days_before: u32, until: Instant },
    /// Let the preservation lapse at `until`, unless it is held, extended or released by then.
    Lapse { until: Instant },
    /// Tell the linked preservation file that the request for assistance reached the requested State.
    HoldPreservation { preservation: FileId, since: Instant },
    /// Tell the linked preservation file that the request for assistance was decided.
    EndHold { preservation: FileId },
}

impl Duty {
    /// When it falls due; `None` is at once.
    pub fn due(&self) -> Option<Instant> {
        match self {
            Self::Alarm { at, .. } => Some(*at),
            Self::Lapse { until } => Some(*until),
            _ => None,
        }
    }
}

/// What a dispatched statement says; its texts are objects named by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "parcel", rename_all = "kebab-case")]
pub enum Parcel {
    Request,
    Decision,
    Preserved,
    Evidence {
        package: PackageId,
    },
    Consultation {
        text: Digest,
    },
    Withdrawal {
        reason: Digest,
    },
    /// What was done, in one of the words with which a request of this kind is answered.
    Execution {
        answer: String,
        text: Digest,
        complete: bool,
    },
    Matter {
        number: u32,
        matter: Matter,
        text: Digest,
    },
    /// The answer to a matter that the other State raised; `eyes` where two officers are needed.
    MatterAnswer {
        number: u32,
        word: String,
        text: Digest,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eyes: Option<FourEyes>,
    },
    ExtensionRequest {
        days: u32,
        reason: Digest,
    },
    Extended,
    Closing {
        outcome: Outcome,
    },
    /// A signed negative: what came under `envelope` could not be opened or recorded.
    Rejection {
        peer: StateCode,
        envelope: EnvelopeId,
        sealed: Digest,
        report: Report,
    },
    /// The office's signed word that it opened what came under `envelope`; the word itself is kept already.
    Opened {
        peer: StateCode,
        envelope: EnvelopeId,
        from: OfficeId,
        to: OfficeId,
    },
}
