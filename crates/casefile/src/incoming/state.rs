//! The requested State's file as its history makes it.

use super::Event;
use crate::preserved::Clock;
use crate::{
    Casefile, Custody, Disposition, Duty, Execution, HistoryBroken, Hold, Matters, Outcome, Parcel,
    Preserved, Refused, Side, outgoing::Direction,
};
use mandate::{Authorized, FourEyes};
use serde::{Deserialize, Serialize};
use treaty::{AnswerForm, Kind, Opening, PreservationState};
use vocabulary::{Digest, EnvelopeId, ExhibitId, FileId, Instant, OfficerId, PackageId, StateCode};

/// How far the requested State is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Received,
    Triaged,
    /// Triaged, and a consultation waits for the other State's words.
    Consulting,
    Proposed,
    Decided,
    Executing,
    Executed,
    Answered,
    Withdrawn,
    Closed,
}

impl Stage {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Triaged => "triaged",
            Self::Consulting => "consulting",
            Self::Proposed => "proposed",
            Self::Decided => "decided",
            Self::Executing => "executing",
            Self::Executed => "executed",
            Self::Answered => "answered",
            Self::Withdrawn => "withdrawn",
            Self::Closed => "closed",
        }
    }
}

/// An exhibit taken in; its name and file list are in the object `record`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    pub exhibit: ExhibitId,
    pub record: Digest,
    pub files: u64,
    pub bytes: u64,
    pub tree: Digest,
}

/// The package that holds the exhibits; what is announced of it is in the object `announcement`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    pub package: PackageId,
    pub tag_manifest: Digest,
    pub bytes: u64,
    pub announcement: Digest,
    pub sent: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incoming {
    pub file: FileId,
    pub kind: Kind,
    pub from: StateCode,
    pub stage: Stage,
    pub draft: Digest,
    pub envelope: EnvelopeId,
    pub received_at: Instant,
    pub preservation: Option<FileId>,
    pub must: u32,
    pub should: u32,
    pub note: u32,
    pub urgent: bool,
    pub consulted: bool,
    pub proposed: Option<(OfficerId, Disposition)>,
    pub decided: Option<(FourEyes, Disposition)>,
    pub preserved: Option<Preserved>,
    pub order: Option<Digest>,
    pub extension_asked: Option<u32>,
    pub hold: Option<Hold>,
    pub lapsed: bool,
    pub exhibits: Vec<Exhibit>,
    pub sealed: Option<Sealed>,
    #[serde(default)]
    pub custody: Custody,
    #[serde(default)]
    pub executions: Vec<Execution>,
    #[serde(default)]
    pub matters: Matters,
    pub answered: Option<EnvelopeId>,
    pub outcome: Option<Outcome>,
    pub changed_at: Instant,
}

impl Casefile for Incoming {
    const SIDE: Side = Side::Incoming;
    type Command = super::Command;
    type Event = Event;

    fn id(&self) -> FileId {
        self.file
    }

    fn decide(
        file: Option<&Self>,
        command: &Authorized<Self::Command>,
        now: Instant,
    ) -> Result<Event, Refused> {
        super::decide::decide(file, command, now)
    }

    fn apply(file: Option<Self>, event: &Event, at: Instant) -> Result<Self, HistoryBroken> {
        let Some(mut next) = file else {
            return Self::received(event, at)
                .ok_or(HistoryBroken::Order { event: event.word(), stage: "none" });
        };
        let stage = next.stage;
        let broken = || HistoryBroken::Order { event: event.word(), stage: stage.as_str() };
        if !next.admits(event) {
            return Err(broken());
        }
        match event {
            Event::Received { .. } => return Err(broken()),
            Event::Triaged { urgent, .. } => {
                next.stage = Stage::Triaged;
                next.urgent = *urgent;
            }
            Event::Consulted { direction, .. } => {
                next.consulted |= *direction == Direction::Sent;
                next.stage = match (direction, stage) {
                    (Direction::Sent, Stage::Triaged | Stage::Proposed) => Stage::Consulting,
                    (Direction::Received, Stage::Consulting) => Stage::Triaged,
                    (_, stage) => stage,
                };
            }
            Event::Proposed { by, disposition } => {
                next.stage = Stage::Proposed;
                next.proposed = Some((by.clone(), disposition.clone()));
            }
            Event::Decided { eyes, disposition } => {
                // A postponed request waits for another proposal, Art. 40(27).
                next.stage = if disposition.is_final() { Stage::Decided } else { Stage::Triaged };
                next.decided = Some((eyes.clone(), disposition.clone()));
            }
            Event::Preserved { preserved, order } => {
                next.stage = Stage::Executed;
                next.preserved = Some(preserved.clone());
                next.order = Some(*order);
            }
            Event::ExtensionAsked { days, .. } => next.extension_asked = Some(*days),
            Event::Extended { order_end } => {
                next.extension_asked = None;
                next.preserved.as_mut().ok_or_else(broken)?.order_end = order_end.clone();
            }
            Event::Held { by, since } => {
                next.hold = Some(Hold { by: *by, since: *since, decided: false });
                next.lapsed = false;
            }
            Event::HoldEnded { .. } => next.hold.as_mut().ok_or_else(broken)?.decided = true,
            Event::Lapsed { .. } => next.lapsed = true,
            Event::ExhibitTaken { exhibit, record, files, bytes, tree } => {
                next.stage = Stage::Executing;
                next.exhibits.push(Exhibit {
                    exhibit: *exhibit,
                    record: *record,
                    files: *files,
                    bytes: *bytes,
                    tree: *tree,
                });
            }
            Event::EvidenceSealed { package, tag_manifest, bytes, announcement } => {
                next.stage = Stage::Executed;
                next.sealed = Some(Sealed {
                    package: *package,
                    tag_manifest: *tag_manifest,
                    bytes: *bytes,
                    announcement: *announcement,
                    sent: false,
                });
            }
            Event::EvidenceSent { .. } => next.sealed.as_mut().ok_or_else(broken)?.sent = true,
            Event::ExecutionRecorded { answer, text, complete } => {
                next.stage = match stage {
                    Stage::Decided | Stage::Executing if *complete => Stage::Executed,
                    Stage::Decided => Stage::Executing,
                    stage => stage,
                };
                next.executions.push(Execution { answer: answer.clone(), text: *text, complete: *complete });
            }
            Event::Custody(custody) => next.custody.apply(custody, stage.as_str())?,
            Event::Matter(event) => next.matters.apply(event, at, stage.as_str())?,
            Event::Answered { envelope } => {
                // The answer left although the request was withdrawn meanwhile.
                if !matches!(stage, Stage::Withdrawn | Stage::Closed) {
                    next.stage = Stage::Answered;
                }
                next.answered = Some(*envelope);
            }
            Event::Withdrawn { .. } => next.stage = Stage::Withdrawn,
            Event::ClosedByRequester { outcome, .. } => next.outcome = Some(*outcome),
            Event::Closed => next.stage = Stage::Closed,
        }
        next.changed_at = at;
        Ok(next)
    }

    fn duties(&self, event: &Event) -> Vec<Duty> {
        let dispatch = |parcel| vec![Duty::Dispatch { parcel }];
        match event {
            Event::Received { received_at, .. } => self
                .link()
                .map(|preservation| Duty::HoldPreservation { preservation, since: *received_at })
                .into_iter()
                .collect(),
            Event::Consulted { direction: Direction::Sent, text } => {
                dispatch(Parcel::Consultation { text: *text })
            }
            Event::Decided { .. } => {
                let mut duties = dispatch(Parcel::Decision);
                duties.extend(self.end_of_hold().filter(|_| self.is_settled()));
                duties
            }
            Event::Answered { .. } => self.end_of_hold().into_iter().collect(),
            Event::HoldEnded { .. } => {
                let until = self.preserved.iter().map(|preserved| preserved.until());
                until.flat_map(crate::outgoing::clock_duties).collect()
            }
            // A request that ends undecided holds nothing any longer.
            Event::Withdrawn { .. } | Event::ClosedByRequester { .. } if !self.is_settled() => {
                self.end_of_hold().into_iter().collect()
            }
            Event::Preserved { preserved, .. } => {
                let mut duties = dispatch(Parcel::Preserved);
                duties.extend(crate::outgoing::clock_duties(preserved.until()));
                duties
            }
            Event::Extended { order_end } => {
                let mut duties = dispatch(Parcel::Extended);
                duties.extend(crate::outgoing::clock_duties(order_end.result));
                duties
            }
            Event::ExecutionRecorded { answer, text, complete } => {
                dispatch(Parcel::Execution { answer: answer.clone(), text: *text, complete: *complete })
            }
            Event::Matter(event) => Matters::duties(event),
            Event::EvidenceSent { package } => dispatch(Parcel::Evidence { package: *package }),
            _ => Vec::new(),
        }
    }
}

impl Incoming {
    fn received(event: &Event, at: Instant) -> Option<Self> {
        let Event::Received {
            file,
            kind,
            from,
            draft,
            envelope,
            received_at,
            preservation,
            must,
            should,
            note,
        } = event
        else {
            return None;
        };
        Some(Self {
            file: *file,
            kind: *kind,
            from: *from,
            stage: Stage::Received,
            draft: *draft,
            envelope: *envelope,
            received_at: *received_at,
            preservation: *preservation,
            must: *must,
            should: *should,
            note: *note,
            urgent: false,
            consulted: false,
            proposed: None,
            decided: None,
            preserved: None,
            order: None,
            extension_asked: None,
            hold: None,
            lapsed: false,
            exhibits: Vec::new(),
            sealed: None,
            custody: Custody::default(),
            executions: Vec::new(),
            matters: Matters::default(),
            answered: None,
            outcome: None,
            changed_at: at,
        })
    }

    /// The preservation that this request for assistance keeps.
    fn link(&self) -> Option<FileId> {
        self.preservation.filter(|_| self.kind.form().follows_preservation)
    }

    /// True once nothing more is needed from the preserved data: refused, or granted and answered.
    fn is_settled(&self) -> bool {
        self.answered.is_some() || (self.is_decided() && !self.granted())
    }

    fn end_of_hold(&self) -> Option<Duty> {
        self.link().map(|preservation| Duty::EndHold { preservation })
    }

    /// True once the request was granted or refused; a postponement decides nothing yet.
    pub(super) fn is_decided(&self) -> bool {
        self.decided.as_ref().is_some_and(|(_, disposition)| disposition.is_final())
    }

    pub(super) fn granted(&self) -> bool {
        self.decided.as_ref().is_some_and(|(_, disposition)| disposition.is_grant())
    }

    /// True after a grant, until a record says that everything is done.
    pub(super) fn may_record(&self) -> bool {
        let open =
            matches!(self.stage, Stage::Decided | Stage::Executing | Stage::Executed | Stage::Answered);
        open && self.granted() && !self.executions.iter().any(|execution| execution.complete)
    }

    /// A notice is decided by nobody: once an officer took it to hand, its file may be closed.
    pub(super) fn is_noted_notice(&self) -> bool {
        self.kind.form().opening == Opening::Notice && self.stage != Stage::Received
    }

    /// True after a grant, until what was granted is done.
    pub(super) fn may_execute(&self) -> bool {
        matches!(self.stage, Stage::Decided | Stage::Executing) && self.granted()
    }

    /// True when `event` can follow this state in a history that `decide` wrote.
    fn admits(&self, event: &Event) -> bool {
        let ended = matches!(self.stage, Stage::Withdrawn | Stage::Closed);
        match event {
            Event::Received { .. } => false,
            Event::Triaged { .. } => self.stage == Stage::Received,
            Event::Consulted { direction: Direction::Sent, .. } => !ended && self.stage != Stage::Received,
            Event::Consulted { .. } => true,
            Event::Proposed { .. } => {
                matches!(self.stage, Stage::Triaged | Stage::Consulting | Stage::Proposed)
            }
            Event::Decided { eyes, disposition } => {
                self.stage == Stage::Proposed
                    && self.proposed.as_ref().is_some_and(|(by, d)| by == eyes.first() && d == disposition)
            }
            Event::Preserved { .. } => self.may_execute() && self.preserved.is_none(),
            Event::ExtensionAsked { .. } => self.preserved.is_some(),
            Event::Extended { order_end } => {
                self.clock_runs()
                    && self
                        .preserved
                        .as_ref()
                        .is_some_and(|preserved| preserved.renewed_by(order_end).is_ok())
            }
            Event::Held { since, .. } => self.clock().may_hold(*since).is_ok(),
            Event::HoldEnded { by } => self.hold.as_ref().is_some_and(|h| h.by == *by && !h.decided),
            Event::Lapsed { until } => {
                self.clock_runs() && self.preserved.as_ref().is_some_and(|p| p.until() == *until)
            }
            Event::ExhibitTaken { .. } => self.may_execute() && self.sealed.is_none(),
            Event::EvidenceSealed { .. } => {
                self.may_execute() && self.sealed.is_none() && !self.exhibits.is_empty()
            }
            Event::EvidenceSent { package } => {
                self.stage == Stage::Executed
                    && self.sealed.as_ref().is_some_and(|s| s.package == *package && !s.sent)
            }
            Event::ExecutionRecorded { answer, .. } => {
                self.may_record() && crate::execution::is_answer(self.kind, answer)
            }
            Event::Custody(custody) => self.custody.admits(custody),
            Event::Matter(event) => self.matters.admits(event),
            Event::Answered { .. } => self.is_decided() && self.answered.is_none(),
            Event::Withdrawn { .. } => !ended,
            Event::ClosedByRequester { .. } => self.outcome.is_none(),
            Event::Closed => {
                self.stage != Stage::Closed
                    && (self.is_noted_notice()
                        || self.outcome.is_some()
                        || matches!(self.stage, Stage::Answered | Stage::Withdrawn))
            }
        }
    }

    /// True while a preservation runs towards its end with nothing to stop it.
    pub fn clock_runs(&self) -> bool {
        self.clock().runs()
    }

    /// Where the preservation stands, for the check of a request that links to it.
    pub fn preservation_state(&self) -> PreservationState {
        self.clock().state()
    }

    pub(crate) fn clock(&self) -> Clock<'_> {
        Clock {
            preserved: self.preserved.as_ref(),
            hold: self.hold.as_ref(),
            lapsed: self.lapsed,
            ended: matches!(self.stage, Stage::Closed | Stage::Withdrawn)
                || self.outcome.is_some()
                || !self.kind.form().gives(AnswerForm::Preservation),
        }
    }
}

impl Event {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Received { .. } => "received",
            Self::Triaged { .. } => "triaged",
            Self::Consulted { .. } => "consulted",
            Self::Proposed { .. } => "proposed",
            Self::Decided { .. } => "decided",
            Self::Preserved { .. } => "preserved",
            Self::ExecutionRecorded { .. } => "execution-recorded",
            Self::Matter(_) => "matter",
            Self::ExtensionAsked { .. } => "extension-asked",
            Self::Extended { .. } => "extended",
            Self::Held { .. } => "held",
            Self::HoldEnded { .. } => "hold-ended",
            Self::Lapsed { .. } => "lapsed",
            Self::ExhibitTaken { .. } => "exhibit-taken",
            Self::EvidenceSealed { .. } => "evidence-sealed",
            Self::EvidenceSent { .. } => "evidence-sent",
            Self::Custody(_) => "custody",
            Self::Answered { .. } => "answered",
            Self::Withdrawn { .. } => "withdrawn",
            Self::ClosedByRequester { .. } => "closed-by-requester",
            Self::Closed => "closed",
        }
    }
}
