//! Where a preservation stands, as the check of a linked request sees it.

use serde::{Deserialize, Serialize};

/// The clock itself is a file's (`casefile`); these are its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PreservationState {
    /// Asked for, and nothing is preserved yet.
    Awaited,
    Running,
    /// A request for assistance keeps the data, Art. 42(8).
    HeldUntilDecision,
    Released,
    Lapsed,
}
