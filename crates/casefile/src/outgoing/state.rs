//! The requesting State's file as its history makes it.

use super::Event;
use crate::preserved::Clock;
use crate::{
    Casefile, Custody, Disposition, Duty, Execution, HistoryBroken, Hold, Matters, Outcome, Parcel,
    Preserved, Refused, Side,
};
use mandate::{Authorized, FourEyes};
use serde::{Deserialize, Serialize};
use treaty::{AnswerForm, Kind, PreservationState};
use vocabulary::{Digest, EnvelopeId, FileId, Instant, OfficerId, PackageId, StateCode};

/// How far the request is. Delivery is a stage only because the other State signed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Drafting,
    AwaitingApproval,
    Approved,
    Delivered,
    Answered,
    Closed,
    Withdrawn,
}

impl Stage {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drafting => "drafting",
            Self::AwaitingApproval => "awaiting-approval",
            Self::Approved => "approved",
            Self::Delivered => "delivered",
            Self::Answered => "answered",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
        }
    }

    pub fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Withdrawn)
    }
}

/// A package of evidence that the other State announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub package: PackageId,
    pub tag_manifest: Digest,
    pub bytes: u64,
    /// The digest of the verification report, once every layer was verified.
    pub verified: Option<Digest>,
    pub opened: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    pub file: FileId,
    pub kind: Kind,
    pub to: StateCode,
    pub stage: Stage,
    pub draft: Digest,
    pub preservation: Option<FileId>,
    /// The officer who submitted the draft that waits for approval.
    pub submitted_by: Option<OfficerId>,
    pub eyes: Option<FourEyes>,
    pub delivered: Option<(EnvelopeId, Instant)>,
    pub decision: Option<Disposition>,
    pub preserved: Option<Preserved>,
    pub hold: Option<Hold>,
    pub lapsed: bool,
    pub evidence: Option<Evidence>,
    #[serde(default)]
    pub custody: Custody,
    #[serde(default)]
    pub executions: Vec<Execution>,
    #[serde(default)]
    pub matters: Matters,
    pub outcome: Option<Outcome>,
    pub drafted_at: Instant,
    pub changed_at: Instant,
}

impl Casefile for Outgoing {
    const SIDE: Side = Side::Outgoing;
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
        let mut next = match (file, event) {
            (None, Event::Drafted { file, kind, to, draft, preservation }) => {
                return Ok(Self::drafted(*file, *kind, *to, *draft, *preservation, at));
            }
            (Some(file), _) => file,
            (None, _) => return Err(HistoryBroken::Order { event: event.word(), stage: "none" }),
        };
        let stage = next.stage;
        let broken = || HistoryBroken::Order { event: event.word(), stage: stage.as_str() };
        if !next.admits(event) {
            return Err(broken());
        }
        match event {
            Event::Drafted { .. } => return Err(broken()),
            Event::Redrafted { draft } => {
                next.stage = Stage::Drafting;
                next.submitted_by = None;
                next.draft = *draft;
            }
            Event::Submitted { by, .. } => {
                next.stage = Stage::AwaitingApproval;
                next.submitted_by = Some(by.clone());
            }
            Event::Approved { eyes, .. } => {
                next.stage = Stage::Approved;
                next.eyes = Some(eyes.clone());
            }
            Event::Delivered { envelope, received_at, .. } => {
                if stage == Stage::Approved {
                    next.stage = Stage::Delivered;
                }
                next.delivered = Some((*envelope, *received_at));
            }
            Event::Decided { disposition, .. } => {
                if disposition.is_final() && !disposition.is_grant() {
                    next.stage = Stage::Answered;
                }
                next.decision = Some(disposition.clone());
            }
            Event::Preserved { preserved, .. } => {
                next.stage = Stage::Answered;
                next.preserved = Some(preserved.clone());
            }
            Event::Extended { order_end, .. } => {
                next.preserved.as_mut().ok_or_else(broken)?.order_end = order_end.clone();
                next.lapsed = false;
            }
            Event::Held { by, since } => {
                next.hold = Some(Hold { by: *by, since: *since, decided: false });
                next.lapsed = false;
            }
            Event::HoldEnded { .. } => next.hold.as_mut().ok_or_else(broken)?.decided = true,
            Event::Lapsed { .. } => next.lapsed = true,
            Event::EvidenceAnnounced { package, tag_manifest, bytes, .. } => {
                next.stage = Stage::Answered;
                next.evidence = Some(Evidence {
                    package: *package,
                    tag_manifest: *tag_manifest,
                    bytes: *bytes,
                    verified: None,
                    opened: false,
                });
            }
            Event::EvidenceVerified { report, .. } => {
                next.evidence.as_mut().ok_or_else(broken)?.verified = Some(*report);
            }
            Event::EvidenceOpened { .. } => next.evidence.as_mut().ok_or_else(broken)?.opened = true,
            Event::ExecutionRecorded { answer, text, complete, .. } => {
                if *complete {
                    next.stage = Stage::Answered;
                }
                next.executions.push(Execution { answer: answer.clone(), text: *text, complete: *complete });
            }
            Event::Custody(custody) => next.custody.apply(custody, stage.as_str())?,
            Event::Matter(event) => next.matters.apply(event, at, stage.as_str())?,
            Event::Consulted { .. } | Event::ExtensionAsked { .. } => {}
            Event::Withdrawn { .. } => next.stage = Stage::Withdrawn,
            Event::Closed { outcome } => {
                next.stage = Stage::Closed;
                next.outcome = Some(*outcome);
            }
        }
        next.changed_at = at;
        Ok(next)
    }

    fn duties(&self, event: &Event) -> Vec<Duty> {
        let dispatch = |parcel| vec![Duty::Dispatch { parcel }];
        match event {
            Event::Approved { .. } => dispatch(Parcel::Request),
            Event::Consulted { direction: super::Direction::Sent, text } => {
                dispatch(Parcel::Consultation { text: *text })
            }
            Event::ExtensionAsked { days, reason } => {
                dispatch(Parcel::ExtensionRequest { days: *days, reason: *reason })
            }
            Event::Withdrawn { reason } if self.eyes.is_some() => {
                let mut duties = dispatch(Parcel::Withdrawal { reason: *reason });
                duties.extend(self.end_hold_undecided());
                duties
            }
            Event::Closed { outcome } => {
                let mut duties = dispatch(Parcel::Closing { outcome: *outcome });
                duties.extend(self.end_hold_undecided());
                duties
            }
            Event::Delivered { received_at, .. } => {
                let hold = |preservation| Duty::HoldPreservation { preservation, since: *received_at };
                let mut duties: Vec<Duty> = self.link().map(hold).into_iter().collect();
                if self.is_settled() {
                    duties.extend(self.end_of_hold());
                }
                duties
            }
            Event::Decided { .. } | Event::EvidenceVerified { .. } if self.is_settled() => {
                self.end_of_hold().into_iter().collect()
            }
            Event::HoldEnded { .. } => self.preserved.iter().flat_map(|p| clock_duties(p.until())).collect(),
            Event::Preserved { preserved, .. } => clock_duties(preserved.until()),
            Event::Extended { order_end, .. } => clock_duties(order_end.result),
            Event::Matter(event) => Matters::duties(event),
            Event::EvidenceAnnounced { package, .. } => vec![Duty::Fetch { package: *package }],
            _ => Vec::new(),
        }
    }
}

/// The alarms before `until` and the lapse at it; the same on both sides.
pub(crate) fn clock_duties(until: Instant) -> Vec<Duty> {
    treaty::alarms(until)
        .into_iter()
        .map(|alarm| Duty::Alarm { at: alarm.at, days_before: alarm.days_before, until })
        .chain([Duty::Lapse { until }])
        .collect()
}

impl Outgoing {
    fn drafted(
        file: FileId,
        kind: Kind,
        to: StateCode,
        draft: Digest,
        preservation: Option<FileId>,
        at: Instant,
    ) -> Self {
        Self {
            file,
            kind,
            to,
            stage: Stage::Drafting,
            draft,
            preservation,
            eyes: None,
            delivered: None,
            decision: None,
            preserved: None,
            hold: None,
            lapsed: false,
            evidence: None,
            custody: Custody::default(),
            executions: Vec::new(),
            matters: Matters::default(),
            outcome: None,
            drafted_at: at,
            changed_at: at,
            submitted_by: None,
        }
    }

    /// The preservation that this request for assistance keeps.
    fn link(&self) -> Option<FileId> {
        self.preservation.filter(|_| self.kind.form().follows_preservation)
    }

    fn end_of_hold(&self) -> Option<Duty> {
        self.link().map(|preservation| Duty::EndHold { preservation })
    }

    /// True once the other State granted or refused; a postponement decides nothing yet.
    pub(super) fn is_decided(&self) -> bool {
        self.decision.as_ref().is_some_and(Disposition::is_final)
    }

    /// True once nothing more is needed from the preserved data: refused, or granted and the evidence is here.
    fn is_settled(&self) -> bool {
        let refused = self.decision.as_ref().is_some_and(|d| d.is_final() && !d.is_grant());
        refused || self.evidence.as_ref().is_some_and(|evidence| evidence.verified.is_some())
    }

    /// A request that ends undecided holds nothing any longer.
    fn end_hold_undecided(&self) -> Option<Duty> {
        self.end_of_hold().filter(|_| !self.is_settled())
    }

    /// True when `event` can follow this state in a history that `decide` wrote.
    fn admits(&self, event: &Event) -> bool {
        let answerable = matches!(self.stage, Stage::Approved | Stage::Delivered | Stage::Answered);
        match event {
            Event::Drafted { .. } => false,
            Event::Redrafted { .. } => matches!(self.stage, Stage::Drafting | Stage::AwaitingApproval),
            Event::Submitted { draft, .. } => self.stage == Stage::Drafting && self.draft == *draft,
            Event::Approved { eyes, draft } => {
                self.stage == Stage::AwaitingApproval
                    && self.draft == *draft
                    && self.submitted_by.as_ref() == Some(eyes.first())
            }
            Event::Delivered { .. } => answerable && self.delivered.is_none(),
            Event::Decided { .. } => answerable && !self.is_decided(),
            Event::Preserved { .. } => answerable && self.preserved.is_none(),
            Event::ExtensionAsked { .. } => self.clock_runs(),
            Event::Held { since, .. } => self.clock().may_hold(*since).is_ok(),
            Event::Extended { order_end, .. } => {
                self.preserved.as_ref().is_some_and(|preserved| preserved.renewed_by(order_end).is_ok())
            }
            Event::HoldEnded { by } => self.hold.as_ref().is_some_and(|h| h.by == *by && !h.decided),
            Event::Lapsed { until } => {
                self.clock_runs() && self.preserved.as_ref().is_some_and(|p| p.until() == *until)
            }
            Event::EvidenceAnnounced { .. } => answerable && self.evidence.is_none(),
            Event::EvidenceVerified { package, .. } => {
                self.evidence.as_ref().is_some_and(|e| e.package == *package && e.verified.is_none())
            }
            Event::EvidenceOpened { package, .. } => {
                self.evidence.as_ref().is_some_and(|e| e.package == *package && e.verified.is_some())
            }
            Event::ExecutionRecorded { answer, .. } => {
                answerable
                    && !self.executions.iter().any(|execution| execution.complete)
                    && crate::execution::is_answer(self.kind, answer)
            }
            Event::Custody(custody) => self.custody.admits(custody),
            Event::Matter(event) => self.eyes.is_some() && self.matters.admits(event),
            Event::Consulted { direction: super::Direction::Sent, .. } => answerable,
            Event::Consulted { .. } => self.eyes.is_some(),
            Event::Withdrawn { .. } => self.stage.is_open(),
            Event::Closed { .. } => self.stage.is_open() && self.eyes.is_some(),
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
            ended: !self.stage.is_open() || !self.kind.form().gives(AnswerForm::Preservation),
        }
    }
}

impl Event {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Drafted { .. } => "drafted",
            Self::Redrafted { .. } => "redrafted",
            Self::Submitted { .. } => "submitted",
            Self::Approved { .. } => "approved",
            Self::Delivered { .. } => "delivered",
            Self::Decided { .. } => "decided",
            Self::Preserved { .. } => "preserved",
            Self::ExtensionAsked { .. } => "extension-asked",
            Self::Extended { .. } => "extended",
            Self::Held { .. } => "held",
            Self::HoldEnded { .. } => "hold-ended",
            Self::Lapsed { .. } => "lapsed",
            Self::EvidenceAnnounced { .. } => "evidence-announced",
            Self::EvidenceVerified { .. } => "evidence-verified",
            Self::EvidenceOpened { .. } => "evidence-opened",
            Self::ExecutionRecorded { .. } => "execution-recorded",
            Self::Custody(_) => "custody",
            Self::Matter(_) => "matter",
            Self::Consulted { .. } => "consulted",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Closed { .. } => "closed",
        }
    }
}
