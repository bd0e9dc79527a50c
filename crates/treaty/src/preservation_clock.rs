//! The clock of one preservation: it runs, stops when the request for legal assistance arrives, and ends by release or lapse.

use crate::rule::Rule;
use crate::table;
use serde::{Deserialize, Serialize};
use vocabulary::{Failure, Family, FileId, Instant};

/// Art. 42(8) and (9). `Released` and `Lapsed` are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum PreservationClock {
    Running {
        until: Instant,
    },
    /// Stopped: data stay preserved until the request for legal assistance is decided.
    HeldUntilDecision {
        since: Instant,
        mla_file: FileId,
    },
    Released,
    Lapsed,
}

impl PreservationClock {
    pub fn start(until: Instant) -> Self {
        Self::Running { until }
    }

    /// The clock as it stands at `now`: one that ran out has lapsed.
    #[must_use]
    pub fn at(self, now: Instant) -> Self {
        match self {
            Self::Running { until } if until <= now => Self::Lapsed,
            other => other,
        }
    }

    /// An extension counts only before expiry, and only forwards.
    pub fn extended(self, now: Instant, until: Instant) -> Result<Self, ClockError> {
        match self.at(now) {
            Self::Running { until: previous } if until > previous => Ok(Self::Running { until }),
            Self::Running { until: previous } => Err(ClockError::NotLater { previous }),
            other => Err(ClockError::NotRunning { state: other.as_str() }),
        }
    }

    /// The request for legal assistance arrived: the clock stops.
    pub fn mla_received(self, now: Instant, mla_file: FileId) -> Result<Self, ClockError> {
        match self.at(now) {
            Self::Running { .. } => Ok(Self::HeldUntilDecision { since: now, mla_file }),
            other => Err(ClockError::NotRunning { state: other.as_str() }),
        }
    }

    /// The request was decided and, if granted, executed; or the requesting State no longer needs the data.
    pub fn released(self, now: Instant) -> Result<Self, ClockError> {
        match self.at(now) {
            Self::Running { .. } | Self::HeldUntilDecision { .. } => Ok(Self::Released),
            other => Err(ClockError::NotRunning { state: other.as_str() }),
        }
    }

    /// True while the custodian must keep the data.
    pub fn is_preserved(self, now: Instant) -> bool {
        matches!(self.at(now), Self::Running { .. } | Self::HeldUntilDecision { .. })
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running { .. } => "running",
            Self::HeldUntilDecision { .. } => "held-until-decision",
            Self::Released => "released",
            Self::Lapsed => "lapsed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    #[error("the preservation is `{state}`, expected one that runs")]
    NotRunning { state: &'static str },
    #[error("the new end is not later than the present end {previous}")]
    NotLater { previous: Instant },
}

impl ClockError {
    fn rule(&self) -> &'static Rule {
        match self {
            Self::NotRunning { .. } => &table::PRESERVATION_HOLD,
            Self::NotLater { .. } => &table::PRESERVATION_EXTENSION,
        }
    }
}

impl Failure for ClockError {
    fn family(&self) -> Family {
        Family::Refusal
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotRunning { .. } => "R-131",
            Self::NotLater { .. } => "R-132",
        }
    }

    fn clause(&self) -> Option<String> {
        Some(self.rule().citation().to_string())
    }

    fn remedy(&self) -> String {
        match self {
            Self::NotRunning { .. } => "ask for preservation again; data may still be there",
            Self::NotLater { .. } => "name an end after the present one",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> Instant {
        Instant::from_micros(n * 86_400_000_000)
    }

    fn mla() -> FileId {
        "0192f3a0-0000-7000-8000-000000000001".parse().unwrap()
    }

    #[test]
    fn a_clock_that_nobody_stops_lapses_at_its_end() {
        let clock = PreservationClock::start(day(60));
        assert!(clock.is_preserved(day(59)));
        assert_eq!(clock.at(day(60)), PreservationClock::Lapsed);
        assert!(!clock.is_preserved(day(60)));
    }

    #[test]
    fn the_request_for_legal_assistance_stops_the_clock_until_it_is_decided() {
        let held = PreservationClock::start(day(60)).mla_received(day(59), mla()).unwrap();
        assert!(held.is_preserved(day(9_000)));
        assert_eq!(held.released(day(9_001)), Ok(PreservationClock::Released));
    }

    #[test]
    fn nothing_revives_a_lapsed_or_released_preservation() {
        let lapsed = PreservationClock::start(day(60));
        assert_eq!(lapsed.mla_received(day(60), mla()).unwrap_err().code(), "R-131");
        assert_eq!(lapsed.extended(day(61), day(90)).unwrap_err().code(), "R-131");
        let released = lapsed.released(day(10)).unwrap();
        assert!(released.released(day(11)).is_err());
        assert!(released.mla_received(day(11), mla()).is_err());
        let held = PreservationClock::start(day(60)).mla_received(day(1), mla()).unwrap();
        assert!(held.extended(day(2), day(90)).is_err());
        assert!(held.mla_received(day(2), mla()).is_err());
    }

    #[test]
    fn an_extension_only_moves_the_end_forwards() {
        let clock = PreservationClock::start(day(60));
        assert_eq!(clock.extended(day(1), day(90)), Ok(PreservationClock::Running { until: day(90) }));
        assert_eq!(clock.extended(day(1), day(60)).unwrap_err().code(), "R-132");
    }

    #[test]
    fn a_clock_goes_round_as_json() {
        let held = PreservationClock::HeldUntilDecision { since: day(1), mla_file: mla() };
        for clock in [held, PreservationClock::start(day(2)), PreservationClock::Lapsed] {
            let json = serde_json::to_string(&clock).unwrap();
            assert_eq!(serde_json::from_str::<PreservationClock>(&json).unwrap(), clock);
        }
    }
}
