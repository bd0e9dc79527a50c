//! The rows, in the words of `vocabulary`; bodies are bytes that only their owners can read.

use vocabulary::{Digest, EnvelopeId, FileId, Instant, OfficeId, OfficerId, StateCode};

/// Which of the two ladders an event stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ladder {
    /// The legal state of the file.
    Legal,
    /// The proofs of transport.
    Transport,
}

impl Ladder {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legal => "legal",
            Self::Transport => "transport",
        }
    }
}

#[derive(Debug, Clone)]
pub struct NewEvent {
    pub file: FileId,
    pub ladder: Ladder,
    pub actor: OfficerId,
    pub at: Instant,
    pub body: Vec<u8>,
    pub salt: [u8; 32],
    pub leaf: u64,
}

#[derive(Debug, Clone)]
pub struct EventRow {
    pub file: FileId,
    pub sequence: u64,
    pub ladder: Ladder,
    pub actor: OfficerId,
    pub at: Instant,
    pub body: Vec<u8>,
    pub salt: Vec<u8>,
    pub leaf: u64,
}

#[derive(Debug, Clone)]
pub struct DutyRow {
    pub id: String,
    pub file: FileId,
    pub body: Vec<u8>,
    pub due: Instant,
    pub attempts: u32,
    pub trouble: Option<String>,
}

#[derive(Debug, Clone)]
pub struct OutboxRow {
    pub envelope: EnvelopeId,
    pub peer: StateCode,
    pub sender: OfficeId,
    pub addressee: OfficeId,
    pub file: FileId,
    pub kind: String,
    pub sealed: Vec<u8>,
    pub sealed_digest: Digest,
    pub salt: Vec<u8>,
    pub leaf: u64,
    pub queued_at: Instant,
    pub next_attempt: Instant,
    pub attempts: u32,
    pub trouble: Option<String>,
    /// 0: no threshold passed; 1: warned; 2: failed.
    pub thresholds: u32,
    pub delivered_at: Option<Instant>,
    pub refused_at: Option<Instant>,
    pub receipt: Option<Vec<u8>>,
}

/// What became of a received envelope on our side; its receipt stands whatever happens later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxState {
    /// Durable and receipted, not yet opened.
    Stored,
    /// Opened, verified and recorded in its file.
    Recorded,
    /// Could not be opened or recorded; kept as it came, with the code of the reason.
    Quarantined,
}

impl InboxState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Recorded => "recorded",
            Self::Quarantined => "quarantined",
        }
    }
}

#[derive(Debug, Clone)]
pub struct InboxRow {
    pub peer: StateCode,
    pub envelope: EnvelopeId,
    pub addressee: OfficeId,
    pub sealed_digest: Digest,
    pub sealed: Vec<u8>,
    pub receipt: Vec<u8>,
    pub received_at: Instant,
    pub leaf: u64,
    pub state: InboxState,
    pub file: Option<FileId>,
    pub code: Option<String>,
}

/// One node of the ledger's tree: a complete subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeRow {
    pub level: u8,
    pub position: u64,
    pub hash: [u8; 32],
}

#[derive(Debug, Clone)]
pub struct HeadRow {
    pub peer: StateCode,
    pub size: u64,
    pub root: [u8; 32],
    pub note: String,
    pub linked: bool,
    pub seen_at: Instant,
}

#[derive(Debug, Clone)]
pub struct CosignatureRow {
    pub peer: StateCode,
    pub size: u64,
    pub root: [u8; 32],
    pub line: String,
    pub received_at: Instant,
}

#[derive(Debug, Clone)]
pub struct ViewRow {
    pub file: FileId,
    pub side: String,
    pub body: Vec<u8>,
    pub changed_at: Instant,
}

#[derive(Debug, Clone)]
pub struct OfficerRow {
    pub id: OfficerId,
    pub body: Vec<u8>,
    pub token_digest: Digest,
}

#[derive(Debug, Clone)]
pub struct PeerRow {
    pub state: StateCode,
    pub descriptor: Vec<u8>,
    pub enrolled_at: Instant,
}

/// A descriptor as it was signed.
#[derive(Debug, Clone)]
pub struct DescriptorRow {
    pub state: StateCode,
    pub sequence: u64,
    pub body: Vec<u8>,
    pub enrolled_at: Instant,
}

/// An act of a person that belongs to no file.
#[derive(Debug, Clone)]
pub struct ActRow {
    pub leaf: u64,
    /// Of the commitment in the ledger.
    pub label: String,
    pub body: Vec<u8>,
    pub salt: Vec<u8>,
    pub at: Instant,
}

#[derive(Debug, Clone)]
pub struct FindingRow {
    pub id: String,
    pub file: Option<FileId>,
    pub peer: Option<StateCode>,
    /// `warn` or `fail`.
    pub level: String,
    pub code: String,
    pub body: Vec<u8>,
    pub found_at: Instant,
}

/// A peer with which nothing is exchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaltRow {
    pub peer: StateCode,
    pub halted_at: Instant,
    /// The finding because of which the node itself stopped.
    pub finding: Option<String>,
}

/// One act about a peer or a finding, as it was committed to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OversightRow {
    pub leaf: u64,
    /// The peer's code, or the finding's id.
    pub subject: String,
    pub body: Vec<u8>,
    pub salt: Vec<u8>,
}

/// A head of our log that a witness cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessedRow {
    /// The name of the witness's key.
    pub witness: String,
    pub size: u64,
    pub root: [u8; 32],
    pub line: String,
    pub received_at: Instant,
}
