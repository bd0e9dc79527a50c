//! What happened in the requested State's file.

use crate::{CustodyEvent, Disposition, MatterEvent, Outcome, Preserved, outgoing::Direction};
use mandate::FourEyes;
use serde::{Deserialize, Serialize};
use treaty::{Computed, Kind};
use vocabulary::{Digest, EnvelopeId, ExhibitId, FileId, Instant, OfficerId, PackageId, StateCode};

/// Past participles. Names of exhibits and texts are objects named by digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Event {
    Received {
        file: FileId,
        kind: Kind,
        from: StateCode,
        draft: Digest,
        envelope: EnvelopeId,
        received_at: Instant,
        preservation: Option<FileId>,
        /// What our own rules found in it; the request was never rejected for it by software.
        must: u32,
        should: u32,
        note: u32,
    },
    Triaged {
        urgent: bool,
        note: Option<Digest>,
    },
    Consulted {
        direction: Direction,
        text: Digest,
    },
    Proposed {
        by: OfficerId,
        disposition: Disposition,
    },
    Decided {
        eyes: FourEyes,
        disposition: Disposition,
    },
    Preserved {
        preserved: Preserved,
        order: Digest,
    },
    ExtensionAsked {
        days: u32,
        reason: Digest,
    },
    Extended {
        order_end: Computed,
    },
    Held {
        by: FileId,
        since: Instant,
    },
    HoldEnded {
        by: FileId,
    },
    Lapsed {
        until: Instant,
    },
    ExhibitTaken {
        exhibit: ExhibitId,
        record: Digest,
        files: u64,
        bytes: u64,
        tree: Digest,
    },
    EvidenceSealed {
        package: PackageId,
        tag_manifest: Digest,
        bytes: u64,
        announcement: Digest,
    },
    EvidenceSent {
        package: PackageId,
    },
    ExecutionRecorded {
        answer: String,
        text: Digest,
        complete: bool,
    },
    Custody(CustodyEvent),
    Matter(MatterEvent),
    Answered {
        envelope: EnvelopeId,
    },
    Withdrawn {
        reason: Digest,
    },
    ClosedByRequester {
        outcome: Outcome,
        statement: Digest,
    },
    Closed,
}
