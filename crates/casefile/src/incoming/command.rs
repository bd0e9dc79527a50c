//! What an officer of the requested State may ask for, and what the node reports.

use crate::{CustodyCommand, MatterCommand, Outcome, Preserved};
use mandate::{Permission, Permitted};
use treaty::{Computed, Ground, Kind, OffenceBasis, RequestedProfile};
use vocabulary::{Digest, EnvelopeId, ExhibitId, FileId, Instant, PackageId, StateCode};

/// A decision as it is proposed, with its texts.
#[derive(Debug, Clone)]
pub enum Proposal {
    Grant { conditions: Option<String> },
    Postpone { reasons: String },
    Refuse { grounds: Vec<Ground>, reasons: String },
}

/// Imperatives; those that begin with `Report` come from the node alone.
#[derive(Debug, Clone)]
pub enum Command {
    ReportReceived {
        file: FileId,
        kind: Kind,
        from: StateCode,
        draft: Digest,
        envelope: EnvelopeId,
        received_at: Instant,
        preservation: Option<FileId>,
        must: u32,
        should: u32,
        note: u32,
    },
    Triage {
        urgent: bool,
        note: Option<Digest>,
    },
    Consult {
        text: Digest,
    },
    /// `basis` is the offence as the request states it; `profile` is our own State's, with its reservations.
    Propose {
        proposal: Proposal,
        basis: Option<OffenceBasis>,
        profile: RequestedProfile,
    },
    Decide,
    EffectPreservation {
        preserved: Preserved,
        order: Digest,
    },
    Extend {
        order_end: Computed,
    },
    TakeExhibit {
        exhibit: ExhibitId,
        record: Digest,
        files: u64,
        bytes: u64,
        tree: Digest,
    },
    SealEvidence {
        package: PackageId,
        tag_manifest: Digest,
        bytes: u64,
        announcement: Digest,
    },
    SendEvidence {
        package: PackageId,
    },
    /// A signed record of what was done; `answer` is one of the words of the kind.
    RecordExecution {
        answer: String,
        text: Digest,
        complete: bool,
    },
    Custody(CustodyCommand),
    Matter(MatterCommand),
    Close,
    ReportConsulted {
        text: Digest,
    },
    ReportExtensionAsked {
        days: u32,
        reason: Digest,
    },
    ReportHeld {
        by: FileId,
        since: Instant,
    },
    ReportHoldEnded {
        by: FileId,
    },
    ReportLapsed {
        until: Instant,
    },
    ReportAnswered {
        envelope: EnvelopeId,
    },
    ReportWithdrawn {
        reason: Digest,
    },
    ReportClosedByRequester {
        outcome: Outcome,
        statement: Digest,
    },
}

impl Permitted for Command {
    fn permission(&self) -> Option<Permission> {
        match self {
            Self::Triage { .. } | Self::Consult { .. } | Self::Propose { .. } | Self::Close => {
                Some(Permission::Propose)
            }
            Self::Decide => Some(Permission::Decide),
            Self::Matter(command) => command.permission(Permission::Propose, Permission::Decide),
            Self::Custody(command) => Some(command.permission(Permission::Execute, Permission::Decide)),
            Self::EffectPreservation { .. }
            | Self::Extend { .. }
            | Self::TakeExhibit { .. }
            | Self::SealEvidence { .. }
            | Self::RecordExecution { .. }
            | Self::SendEvidence { .. } => Some(Permission::Execute),
            Self::ReportReceived { .. }
            | Self::ReportConsulted { .. }
            | Self::ReportExtensionAsked { .. }
            | Self::ReportHeld { .. }
            | Self::ReportHoldEnded { .. }
            | Self::ReportLapsed { .. }
            | Self::ReportAnswered { .. }
            | Self::ReportWithdrawn { .. }
            | Self::ReportClosedByRequester { .. } => None,
        }
    }
}

impl From<MatterCommand> for Command {
    fn from(command: MatterCommand) -> Self {
        Self::Matter(command)
    }
}

impl From<CustodyCommand> for Command {
    fn from(command: CustodyCommand) -> Self {
        Self::Custody(command)
    }
}
