//! A receipt: a node's signed word that an envelope is durable, with a cosignature on the sender's log head.

use crate::LogEvidence;
use serde::{Deserialize, Serialize};
use vocabulary::{Digest, EnvelopeId, Instant, OfficeId};

pub(crate) const FORMAT: &str = "rogatory/receipt/1";

/// JSON, signed by the receiving node (CMS SignedData); the same bytes for ever for the same envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub format: String,
    pub envelope: EnvelopeId,
    /// The digest of the sealed bytes that are durable.
    pub digest: Digest,
    /// The receiving node.
    pub from: OfficeId,
    /// The office that sent the envelope.
    pub to: OfficeId,
    /// By the receiver's clock.
    pub received_at: Instant,
    /// What the envelope said of the sender's clock; a large difference is for people to look at.
    pub sent_at: Instant,
    /// The largest head of the sender's log that the receiver found consistent with all before it.
    pub head: Option<CosignedHead>,
    /// The receipt's own place in the receiver's log.
    pub log: LogEvidence,
}

/// A head of the sender's log and the receiver's cosignature (C2SP tlog-cosignature) on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosignedHead {
    pub size: u64,
    pub root: ledger::Hash,
    pub cosignature: String,
}

impl Receipt {
    pub fn format() -> String {
        FORMAT.to_owned()
    }
}
