//! Proof that a digest is committed in a State's log, and that the log only grew.

use ledger::{Commitment, ConsistencyProof, InclusionProof, Salt};
use serde::{Deserialize, Serialize};
use vocabulary::Digest;

/// The label of a commitment to a sealed statement by its sender.
pub const STATEMENT_LABEL: &str = "rogatory/statement/1";
/// The label of a commitment to a sealed statement by its receiver.
pub const RECEIVED_LABEL: &str = "rogatory/received/1";

/// A salted commitment, its place in the log and the log's signed head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEvidence {
    /// 32 bytes as 64 hex digits; known only to the two States until they show it.
    pub salt: String,
    pub inclusion: InclusionProof,
    /// The signed checkpoint (C2SP tlog-checkpoint) as text.
    pub checkpoint: String,
    /// That the log grew from the head which the other State saw last; absent when it saw none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<ConsistencyProof>,
}

impl LogEvidence {
    /// The commitment that must stand in the log; `None` when the salt is not 32 bytes of hex.
    pub fn commitment(&self, label: &str, digest: &Digest) -> Option<Commitment> {
        let salt = Digest::from_hex(&self.salt).ok()?;
        Some(Commitment::new(label, &Salt::from_bytes(*salt.as_bytes()), digest))
    }
}
