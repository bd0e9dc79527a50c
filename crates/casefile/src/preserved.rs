//! A preservation in force: the same instants on both sides, and what stops the clock.

use serde::{Deserialize, Serialize};
use treaty::Computed;
use vocabulary::{FileId, Instant};

/// When data were preserved and until when they stay, Art. 25(2) and 42(8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preserved {
    pub effected: Instant,
    /// The IANA name of the zone in which the requested State counts its days.
    pub zone: String,
    /// Not before this instant may the data be released, Art. 42(8).
    pub minimum: Computed,
    /// When the domestic order ends, Art. 25(2).
    pub order_end: Computed,
}

impl Preserved {
    /// The instant up to which the data stay preserved unless held longer.
    pub fn until(&self) -> Instant {
        self.order_end.result
    }
}

/// The request for assistance that keeps the data preserved until it is decided, Art. 42(8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub by: FileId,
    pub since: Instant,
    /// True once the request for assistance was decided.
    pub decided: bool,
}
