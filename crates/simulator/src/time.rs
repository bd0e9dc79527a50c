//! The true time of a run, and the clocks of the States, which may be wrong.

use flow::Clock;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use vocabulary::Instant;

/// 2026-11-24T06:00:00Z, in microseconds.
pub(crate) const BEGIN: i64 = 1_795_500_000_000_000;
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// The time that nobody but the simulator knows.
#[derive(Debug)]
pub(crate) struct TrueTime(AtomicI64);

impl Default for TrueTime {
    fn default() -> Self {
        Self(AtomicI64::new(BEGIN))
    }
}

impl TrueTime {
    pub(crate) fn micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Time never goes back.
    pub(crate) fn forward_to(&self, micros: i64) {
        self.0.fetch_max(micros, Ordering::SeqCst);
    }
}

/// One State's clock: the true time and how far it is off.
#[derive(Debug)]
pub(crate) struct StateClock {
    time: Arc<TrueTime>,
    off: AtomicI64,
}

impl StateClock {
    pub(crate) fn new(time: Arc<TrueTime>) -> Self {
        Self { time, off: AtomicI64::new(0) }
    }

    pub(crate) fn set_off(&self, micros: i64) {
        self.off.store(micros, Ordering::SeqCst);
    }
}

impl Clock for StateClock {
    fn now(&self) -> Instant {
        Instant::from_micros(self.time.micros() + self.off.load(Ordering::SeqCst))
    }
}
