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

/// A file and the events that made it; no file when there is none.
pub type Replayed<C> = (Option<C>, Vec<Recorded<<C as Casefile>::Event>>);

/// Replays the stored bytes of a file, checks that the chain is whole, and returns the file and its events.
///
/// Each event is held by the digest in the next one. What changes the newest event, or drops events from the
/// end, breaks no chain: only the ledger shows it.
pub fn replay<C: Casefile>(bodies: &[Vec<u8>]) -> Result<Replayed<C>, HistoryBroken> {
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
    #[error("event {sequence} is not what the ledger committed")]
    NotCommitted { sequence: u64 },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{by, day, digest, envelope, file, given, linked, preserved, state, step};
    use crate::outgoing::{Command, Outgoing, Stage};
    use treaty::Kind;

    type Event = <Outgoing as Casefile>::Event;

    /// A history as the write path writes it, with a transport proof between the legal events.
    fn history(id: FileId) -> (Outgoing, Vec<Vec<u8>>) {
        let commands = [
            Command::Draft {
                file: id,
                kind: Kind::PRESERVATION,
                to: state("XB"),
                draft: digest("d"),
                preservation: None,
            },
            Command::Submit { draft: digest("d"), must: 0, should: 0, note: 1 },
            Command::Approve { draft: digest("d") },
            Command::ReportDelivered { envelope: envelope(), receipt: digest("r"), received_at: day(1) },
            Command::ReportPreserved { preserved: preserved(), statement: digest("p") },
            Command::ReportHeld { by: linked(), since: day(5) },
        ];
        let (mut state, mut bodies): (Option<Outgoing>, Vec<Vec<u8>>) = (None, Vec::new());
        for (number, command) in commands.into_iter().enumerate() {
            let name = if number == 2 { "second" } else { "first" };
            let command = given(name, command);
            let (next, event) = step(state, &command, day(6)).unwrap();
            state = Some(next);
            push(&mut bodies, id, Body::Legal(event));
            if number == 2 {
                let submitted = TransportEvent::Submitted {
                    envelope: envelope(),
                    statement: "request".to_owned(),
                    sealed: digest("s"),
                };
                push(&mut bodies, id, Body::Transport(submitted));
            }
        }
        (state.unwrap(), bodies)
    }

    fn push(bodies: &mut Vec<Vec<u8>>, id: FileId, body: Body<Event>) {
        let previous = bodies.last().map(|last| Digest::of(last));
        let actor = "first".parse().unwrap();
        let event = Recorded::new(id, bodies.len() as u64, previous, day(6), actor, body);
        bodies.push(event.to_bytes().unwrap());
    }

    fn replayed(bodies: &[Vec<u8>]) -> Result<Option<Outgoing>, HistoryBroken> {
        replay::<Outgoing>(bodies).map(|(file, _)| file)
    }

    #[test]
    fn a_history_replays_to_the_state_that_wrote_it() {
        let (state, bodies) = history(file());
        let (again, events) = replay::<Outgoing>(&bodies).unwrap();
        assert_eq!(again, Some(state));
        assert_eq!(events.len(), bodies.len());
        assert!(matches!(events.get(3).map(|e| &e.body), Some(Body::Transport(_))));
        assert_eq!(replayed(&[]), Ok(None));
    }

    #[test]
    fn any_altered_byte_of_any_event_but_the_newest_is_detected() {
        let (_, bodies) = history(file());
        for event in 0..bodies.len() - 1 {
            for byte in 0..bodies[event].len() {
                let mut altered = bodies.clone();
                altered[event][byte] ^= 1;
                assert!(replayed(&altered).is_err(), "event {event} byte {byte}");
            }
        }
    }

    #[test]
    fn another_spelling_of_the_newest_event_is_detected() {
        let (_, mut bodies) = history(file());
        let last = bodies.last_mut().unwrap();
        *last = String::from_utf8(last.clone()).unwrap().replace(",\"at\"", ", \"at\"").into_bytes();
        assert_eq!(replayed(&bodies), Err(HistoryBroken::Unreadable { sequence: 6 }));
    }

    #[test]
    fn a_removed_repeated_swapped_or_inserted_event_is_detected() {
        let (_, bodies) = history(file());
        for at in 0..bodies.len() {
            if at + 1 < bodies.len() {
                let mut removed = bodies.clone();
                removed.remove(at);
                assert!(replayed(&removed).is_err(), "{at} removed");
                let mut swapped = bodies.clone();
                swapped.swap(at, at + 1);
                assert!(replayed(&swapped).is_err(), "{at} swapped");
            }
            let mut repeated = bodies.clone();
            repeated.insert(at, bodies[at].clone());
            assert!(replayed(&repeated).is_err(), "{at} repeated");
        }
        let reversed: Vec<_> = bodies.iter().rev().cloned().collect();
        assert!(replayed(&reversed).is_err());
    }

    #[test]
    fn an_event_of_another_file_is_detected() {
        let (_, bodies) = history(file());
        let (_, others) = history(linked());
        for at in 0..bodies.len() {
            let mut mixed = bodies.clone();
            mixed[at].clone_from(&others[at]);
            assert!(replayed(&mixed).is_err(), "{at}");
        }
    }

    #[test]
    fn a_forged_event_that_cannot_follow_is_detected_although_the_chain_is_whole() {
        let (state, bodies) = history(file());
        let again = by("first", Command::Redraft { draft: digest("d") });
        assert!(Outgoing::decide(Some(&state), &again, day(6)).is_err());
        for forged in [
            Event::Redrafted { draft: digest("other") },
            Event::Submitted { by: "first".parse().unwrap(), draft: digest("d"), should: 0, note: 0 },
            Event::Preserved { preserved: preserved(), statement: digest("x") },
            Event::Lapsed { until: preserved().until() },
            Event::Held { by: linked(), since: day(5) },
            Event::HoldEnded { by: file() },
            Event::EvidenceOpened {
                package: "0193a8f0-0000-7000-8000-000000000004".parse().unwrap(),
                exhibits: 1,
                files: 1,
            },
        ] {
            let word = forged.word();
            let mut bodies = bodies.clone();
            push(&mut bodies, file(), Body::Legal(forged));
            assert!(matches!(replayed(&bodies), Err(HistoryBroken::Order { .. })), "{word}");
        }
        assert_eq!(state.stage, Stage::Answered);
    }

    #[test]
    fn a_history_that_begins_with_a_proof_of_transport_is_detected() {
        let mut bodies = Vec::new();
        let proof = TransportEvent::Rejected { envelope: envelope(), code: "P-501".to_owned() };
        push(&mut bodies, file(), Body::Transport(proof));
        assert!(matches!(replayed(&bodies), Err(HistoryBroken::Order { .. })));
    }

    #[test]
    fn an_event_of_a_later_version_is_not_read_as_this_one() {
        let (_, mut bodies) = history(file());
        let text = String::from_utf8(bodies[0].clone()).unwrap();
        bodies[0] = text.replace("\"version\":1", "\"version\":2").into_bytes();
        assert_eq!(replayed(&bodies), Err(HistoryBroken::Version { sequence: 0, found: 2 }));
    }
}
