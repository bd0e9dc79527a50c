//! One State's file on one request: the `outgoing` machine of the requesting State and the `incoming`
//! machine of the requested State. They share nothing but messages.
//!
//! `decide` never does, `apply` never fails on a history that `decide` wrote, `duties` says what is owed.
//! Not here: storage, signing, sending, reading a clock. Personal content is never in an event: events
//! name it by digest, so that it can be destroyed while the history still verifies.

mod discussion;
mod disposition;
mod duty;
mod execution;
#[cfg(test)]
mod fixture;
mod history;
mod holding;
pub mod incoming;
pub mod outgoing;
mod preserved;
#[cfg(test)]
mod property;
mod refused;
mod transport;

pub use discussion::{Answered, MAX_RAISED, MatterCommand, MatterEvent, Matters, ProposedAnswer, Raised};
pub use disposition::{Disposition, Outcome};
pub use duty::{Duty, Parcel};
pub use execution::Execution;
pub use history::{Body, HistoryBroken, Recorded, Replayed, replay};
pub use holding::{Custody, CustodyCommand, CustodyEvent, Destruction, GapNoted, Holding, Linked};
pub use preserved::{Hold, Preserved};
pub use refused::Refused;
pub use transport::TransportEvent;

use mandate::{Authorized, Permitted};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vocabulary::{FileId, Instant};

/// Which State's file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    Outgoing,
    Incoming,
}

impl Side {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outgoing => "outgoing",
            Self::Incoming => "incoming",
        }
    }
}

/// A machine: three pure functions.
pub trait Casefile: Sized + Clone + Serialize {
    const SIDE: Side;
    type Command: Permitted + Clone;
    type Event: Clone + Serialize + DeserializeOwned;

    fn id(&self) -> FileId;

    /// The event that `command` would be, or why not; `file` is `None` before the first event.
    fn decide(
        file: Option<&Self>,
        command: &Authorized<Self::Command>,
        now: Instant,
    ) -> Result<Self::Event, Refused>;

    /// The file after `event`; an event that cannot follow means that the history was tampered with.
    fn apply(file: Option<Self>, event: &Self::Event, at: Instant) -> Result<Self, HistoryBroken>;

    /// What is owed because of `event`, when `self` is the file after it.
    fn duties(&self, event: &Self::Event) -> Vec<Duty>;
}
