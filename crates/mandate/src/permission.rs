//! What an officer may do.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One permission; an officer holds a set of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Write and submit requests, close one's own State's files.
    Draft,
    /// Be the second officer of a request, and withdraw it.
    Approve,
    /// Take an incoming request to hand and propose a decision.
    Propose,
    /// Be the second officer of a decision.
    Decide,
    /// Carry out a decision: preserve, take exhibits in, seal and send them.
    Execute,
    /// Open evidence and read its content.
    Open,
    /// Stop and resume the exchange with a peer, acknowledge findings.
    Oversee,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Draft => "draft",
            Self::Approve => "approve",
            Self::Propose => "propose",
            Self::Decide => "decide",
            Self::Execute => "execute",
            Self::Open => "open",
            Self::Oversee => "oversee",
        })
    }
}
