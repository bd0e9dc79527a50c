//! What an officer of the requesting State may ask for, and what the node reports.

use crate::{CustodyCommand, Disposition, MatterCommand, Outcome, Preserved};
use mandate::{Permission, Permitted};
use treaty::{Computed, Kind};
use vocabulary::{Digest, EnvelopeId, FileId, Instant, PackageId, StateCode};

/// Imperatives; those that begin with `Report` come from the node alone.
#[derive(Debug, Clone)]
pub enum Command {
    Draft {
        file: FileId,
        kind: Kind,
        to: StateCode,
        draft: Digest,
        preservation: Option<FileId>,
    },
    Redraft {
        draft: Digest,
    },
    /// Only a draft without a `must` finding may be submitted; the caller proves it by the counts of a check.
    Submit {
        draft: Digest,
        must: u32,
        should: u32,
        note: u32,
    },
    Approve {
        draft: Digest,
    },
    Consult {
        text: Digest,
    },
    AskExtension {
        days: u32,
        reason: Digest,
    },
    Withdraw {
        reason: Digest,
    },
    OpenEvidence {
        package: PackageId,
        exhibits: u32,
        files: u64,
    },
    Custody(CustodyCommand),
    Matter(MatterCommand),
    Close {
        outcome: Outcome,
    },
    ReportDelivered {
        envelope: EnvelopeId,
        receipt: Digest,
        received_at: Instant,
    },
    ReportDecided {
        disposition: Disposition,
        statement: Digest,
    },
    ReportPreserved {
        preserved: Preserved,
        statement: Digest,
    },
    ReportExtended {
        order_end: Computed,
        statement: Digest,
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
    ReportAnnounced {
        package: PackageId,
        tag_manifest: Digest,
        bytes: u64,
        statement: Digest,
    },
    ReportVerified {
        package: PackageId,
        report: Digest,
    },
    ReportConsulted {
        text: Digest,
    },
    ReportExecution {
        answer: String,
        text: Digest,
        complete: bool,
        statement: Digest,
    },
}

impl Permitted for Command {
    fn permission(&self) -> Option<Permission> {
        match self {
            Self::Draft { .. }
            | Self::Redraft { .. }
            | Self::Submit { .. }
            | Self::Consult { .. }
            | Self::AskExtension { .. }
            | Self::Close { .. } => Some(Permission::Draft),
            Self::Approve { .. } | Self::Withdraw { .. } => Some(Permission::Approve),
            Self::OpenEvidence { .. } => Some(Permission::Open),
            Self::Matter(command) => command.permission(Permission::Draft, Permission::Approve),
            Self::Custody(command) => Some(command.permission(Permission::Open, Permission::Approve)),
            Self::ReportDelivered { .. }
            | Self::ReportDecided { .. }
            | Self::ReportPreserved { .. }
            | Self::ReportExtended { .. }
            | Self::ReportHeld { .. }
            | Self::ReportHoldEnded { .. }
            | Self::ReportLapsed { .. }
            | Self::ReportAnnounced { .. }
            | Self::ReportVerified { .. }
            | Self::ReportExecution { .. }
            | Self::ReportConsulted { .. } => None,
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
