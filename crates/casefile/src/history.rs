//! The history of a file: the canonical bytes of its events, chained, and how they are replayed.

use crate::{Casefile, TransportEvent};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vocabulary::{Digest, Failure, Family, FileId, Instant, OfficerId};

/// The version of the event format; a later one reads this one by `upcast`.
const VERSION: u32 = 1;

/// One event as it is stored and committed; field order is the canonical order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded<E> {
    pub version: u32,
    pub file: FileId,
    pub sequence: u64,
    /// The digest of the bytes of the event before this one.
    pub previous: Option<Digest>,
    pub at: Instant,
    pub actor: OfficerId,
    #[serde(flatten)]
    pub body: Body<E>,
}

/// An event stands on one of the two ladders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ladder", content = "event", rename_all = "kebab-case")]
pub enum Body<E> {
    Legal(E),
    Transport(TransportEvent),
}

impl<E: Serialize + DeserializeOwned> Recorded<E> {
    pub fn new(
        file: FileId,
        sequence: u64,
        previous: Option<Digest>,
        at: Instant,
        actor: OfficerId,
        body: Body<E>,
    ) -> Self {
        Self { version: VERSION, file, sequence, previous, at, actor, body }
    }

    /// The bytes that are stored, hashed and committed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, HistoryBroken> {
        serde_json::to_vec(self).map_err(|_| HistoryBroken::Unwritable { sequence: self.sequence })
    }

    pub fn from_bytes(bytes: &[u8], sequence: u64) -> Result<Self, HistoryBroken> {
        let event: Self =
            serde_json::from_slice(bytes).map_err(|_| HistoryBroken::Unreadable { sequence })?;
        if event.version != VERSION {
            return Err(HistoryBroken::Version { sequence, found: event.version });
        }
        Ok(event)
    }
}

/// Replays the stored bytes of a file, checks that the chain is whole, and returns the file and its events.
///
/// Each event is held by the digest in the next one. What changes the newest event, or drops events from the
/// end, breaks no chain: only the ledger shows it.
pub fn replay<C: Casefile>(
    bodies: &[Vec<u8>],
) -> Result<(Option<C>, Vec<Recorded<C::Event>>), HistoryBroken> {
    let mut file: Option<C> = None;
    let mut previous = None;
    let mut events = Vec::with_capacity(bodies.len());
    for (sequence, bytes) in (0_u64..).zip(bodies) {
        let event = Recorded::<C::Event>::from_bytes(bytes, sequence)?;
        if event.sequence != sequence || event.previous != previous {
            return Err(HistoryBroken::Chain { sequence });
        }
        if event.to_bytes()? != *bytes {
            return Err(HistoryBroken::Unreadable { sequence });
        }
        let next = match &event.body {
            Body::Legal(legal) => C::apply(file, legal, event.at)?,
            Body::Transport(_) => file.ok_or(HistoryBroken::Order { event: "transport", stage: "none" })?,
        };
        if next.id() != event.file {
            return Err(HistoryBroken::Chain { sequence });
        }
        file = Some(next);
        previous = Some(Digest::of(bytes));
        events.push(event);
    }
    Ok((file, events))
}

/// The stored history cannot have been written by `decide`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryBroken {
    #[error("event {sequence} cannot be read, or is not in the canonical form")]
    Unreadable { sequence: u64 },
    #[error("event {sequence} cannot be written")]
    Unwritable { sequence: u64 },
    #[error("event {sequence} has version {found}, which this program does not know")]
    Version { sequence: u64, found: u32 },
    #[error("event {sequence} does not follow the event before it")]
    Chain { sequence: u64 },
    #[error("the event `{event}` cannot follow the state `{stage}`")]
    Order { event: &'static str, stage: &'static str },
}

impl Failure for HistoryBroken {
    fn family(&self) -> Family {
        Family::Fault
    }
    fn code(&self) -> &'static str {
        "F-101"
    }
    fn clause(&self) -> Option<String> {
        Some("spec/03-ledger.md".to_owned())
    }
    fn remedy(&self) -> String {
        "stop the node, keep the folder as evidence, and compare it with the last copy (`rogatory node doctor`)"
            .to_owned()
    }
}
