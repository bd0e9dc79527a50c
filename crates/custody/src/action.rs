//! What was done with an exhibit.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One kind of custody event, in the words of ISO/IEC 27037 and the evidence exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Taken in from its source, or made as a copy of another exhibit; only ever the first link.
    Acquired,
    /// Taken over by an officer, from transit or after it was delivered.
    Received,
    /// Closed into a sealed package.
    Sealed,
    /// Handed to the road, for another office.
    Sent,
    /// Arrived at the addressee.
    Delivered,
    /// Taken out of its package.
    Opened,
    /// Hashed and compared.
    Verified,
    /// A copy was made, which is another exhibit with its own chain.
    Copied,
    /// Shown or given to a party, such as the defence.
    Disclosed,
    /// Sent back to an office that held it before.
    Returned,
    /// Destroyed; the chain ends.
    Destroyed,
}

impl Action {
    pub const ALL: [Self; 11] = [
        Self::Acquired,
        Self::Received,
        Self::Sealed,
        Self::Sent,
        Self::Delivered,
        Self::Opened,
        Self::Verified,
        Self::Copied,
        Self::Disclosed,
        Self::Returned,
        Self::Destroyed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acquired => "acquired",
            Self::Received => "received",
            Self::Sealed => "sealed",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Opened => "opened",
            Self::Verified => "verified",
            Self::Copied => "copied",
            Self::Disclosed => "disclosed",
            Self::Returned => "returned",
            Self::Destroyed => "destroyed",
        }
    }

    /// Starts a journey to the office named in `to`.
    pub fn leaves(self) -> bool {
        matches!(self, Self::Sent | Self::Returned)
    }

    /// Ends a journey.
    pub fn arrives(self) -> bool {
        matches!(self, Self::Delivered | Self::Received)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_in_json_is_the_word_in_text() {
        for action in Action::ALL {
            assert_eq!(serde_json::to_string(&action).unwrap(), format!("\"{action}\""));
        }
    }
}
