//! What two nodes may say and the rules of delivery: statements, envelopes, receipts, duplicates, retries.
//!
//! Everything is bytes in and values out, so that HTTPS, a file in the pouch and the tests share one road.
//! Not here: sockets and files (`node`), storage (`store`), keys (`keys`), what a statement does to a file
//! (`flow`).

mod admit;
mod announcement;
pub mod answer;
mod envelope;
mod limit;
mod link;
mod log_evidence;
mod message;
mod ping;
mod proof;
mod receipt;
mod retry;
mod settle;
mod statement;

pub use admit::{Admission, AdmitFault, admit};
pub use announcement::{MANIFEST_NAME, TAG_MANIFEST_NAME};
pub use answer::RoadTrouble;
pub use envelope::{Envelope, EnvelopeFault, addressed_digest};
pub use limit::{
    CLOCK_SKEW_MAX, MAX_ENVELOPE_BYTES, MAX_FILE_NAME_BYTES, MAX_FILES_ANNOUNCED, MAX_PARTS_ANNOUNCED,
    MAX_PARTS_LISTED, MAX_TEXT_BYTES,
};
pub use link::link;
pub use log_evidence::{LogEvidence, RECEIVED_LABEL, STATEMENT_LABEL};
pub use message::{Announcement, Decision, ExhibitSummary, Message, PackageFile, PartsSummary};
pub use ping::{MAX_PING_BYTES, Ping, PingFault, Pong};
pub use proof::{MAX_PROOF_BYTES, PROOF_LABEL, Proof, ProofFault, ProofLevel, ProofRoad, ProofStep};
pub use receipt::{CosignedHead, Receipt};
pub use retry::next_attempt;
pub use settle::{SettleFault, Settled, settle};
pub use statement::{Statement, StatementFault};
