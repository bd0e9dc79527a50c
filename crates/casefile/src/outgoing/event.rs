//! What happened in the requesting State's file.

use crate::{CustodyEvent, Disposition, MatterEvent, Outcome, Preserved};
use mandate::FourEyes;
use serde::{Deserialize, Serialize};
use treaty::{Computed, Kind};
use vocabulary::{Digest, EnvelopeId, FileId, Instant, OfficerId, PackageId, StateCode};

/// Who sent a text to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Sent,
    Received,
}

/// Past participles; `statement` is the digest of what the other State signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Event {
    Drafted { file: FileId, kind: Kind, to: StateCode, draft: Digest, preservation: Option<FileId> },
    Redrafted { draft: Digest },
    Submitted { by: OfficerId, draft: Digest, should: u32, note: u32 },
    Approved { eyes: FourEyes, draft: Digest },
    Delivered { envelope: EnvelopeId, receipt: Digest, received_at: Instant },
    Decided { disposition: Disposition, statement: Digest },
    Preserved { preserved: Preserved, statement: Digest },
    ExtensionAsked { days: u32, reason: Digest },
    Extended { order_end: Computed, statement: Digest },
    Held { by: FileId, since: Instant },
    HoldEnded { by: FileId },
    Lapsed { until: Instant },
    EvidenceAnnounced { package: PackageId, tag_manifest: Digest, bytes: u64, statement: Digest },
    EvidenceVerified { package: PackageId, report: Digest },
    EvidenceOpened { package: PackageId, exhibits: u32, files: u64 },
    ExecutionRecorded { answer: String, text: Digest, complete: bool, statement: Digest },
    Custody(CustodyEvent),
    Matter(MatterEvent),
    Consulted { direction: Direction, text: Digest },
    Withdrawn { reason: Digest },
    Closed { outcome: Outcome },
}
