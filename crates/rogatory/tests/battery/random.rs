//! Seeded moments and choices, and what the environment says about a longer run.

use std::{env, time::Duration};

/// SplitMix64: the faults follow from the printed seed; their moments also from the machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn between(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

pub(crate) fn seed() -> u64 {
    number("ROGATORY_BATTERY_SEED").unwrap_or(1)
}

/// How long a scenario is under load; `usual` is for the ordinary test run.
pub(crate) fn span(usual: u64) -> Duration {
    Duration::from_secs(number("ROGATORY_BATTERY_SECONDS").unwrap_or(usual))
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}
