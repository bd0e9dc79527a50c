//! The ladder of transport proofs of a file, kept apart from its legal state.

use serde::{Deserialize, Serialize};
use vocabulary::{Digest, EnvelopeId, Instant, PackageId};

/// One proof, or the lack of one. Digests name statements and receipts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "proof", rename_all = "kebab-case")]
pub enum TransportEvent {
    /// Signed, sealed and durable in our outbox.
    Submitted { envelope: EnvelopeId, statement: String, sealed: Digest },
    /// The other State's node signed that the envelope is durable there at `received_at` of its clock.
    Delivered { envelope: EnvelopeId, sealed: Digest, receipt: Digest, received_at: Instant },
    /// No receipt came within the threshold of the rule named.
    ReceiptMissing { envelope: EnvelopeId, level: String, rule_id: String },
    /// The other State's node answered that it will not take the envelope.
    RefusedByPeer { envelope: EnvelopeId, code: String },
    /// Durable in our inbox; we signed the receipt named.
    Received { envelope: EnvelopeId, statement: String, sealed: Digest, receipt: Digest },
    /// The other State signed that it could not open or record the envelope.
    Rejected { envelope: EnvelopeId, code: String },
    /// The other State's office signed that it opened the envelope; `signed` is the digest of its word.
    Opened { envelope: EnvelopeId, statement: Digest, at: Instant, signed: Digest },
    /// The step (`relayed`, `opened`) was not proven within the threshold of the rule named; `signed` is the digest of our word.
    StepMissing { envelope: EnvelopeId, step: String, level: String, rule_id: String, signed: Digest },
    /// An officer took a bundle of this file out of the node; `manifest` is the digest of its manifest.
    Exported { manifest: Digest, content: bool },
    /// Every part of the package is here and equals the announcement.
    Fetched { package: PackageId, bytes: u64 },
    /// The other State took a part of the package for the first time.
    FetchBegan { package: PackageId },
}
