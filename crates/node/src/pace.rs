//! How fast packages are fetched: one bucket of bytes for all parts, and how many parts come at once.

use serde::{Deserialize, Serialize};
use std::{
    num::NonZeroU64,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The most parts at once; more gain nothing on one line.
pub const MAX_PARTS_AT_ONCE: usize = 4;

/// A rate such as `20MiB/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(NonZeroU64);

impl Rate {
    pub fn bytes_per_second(self) -> u64 {
        self.0.get()
    }
}

impl TryFrom<String> for Rate {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        let bytes = rate.bytes_per_second();
        let (name, unit) =
            UNITS.into_iter().find(|(_, unit)| bytes.is_multiple_of(*unit)).unwrap_or(("B", 1));
        format!("{}{name}/s", bytes / unit)
    }
}

/// The larger first.
const UNITS: [(&str, u64); 5] =
    [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("MB", 1_000_000), ("B", 1)];

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "a rate such as `20MiB/s` is needed: a whole number and B, KiB, MiB, GiB or MB";
        let amount = text.strip_suffix("/s").unwrap_or(text);
        let (number, unit) =
            UNITS.iter().find_map(|(name, unit)| Some((amount.strip_suffix(name)?, *unit))).ok_or(wrong)?;
        let number: u64 = number.trim_end().parse().map_err(|_| wrong)?;
        number.checked_mul(unit).and_then(NonZeroU64::new).map(Self).ok_or(wrong)
    }
}

/// How this node fetches; clones share one bucket.
#[derive(Debug, Clone)]
pub struct Pace {
    pub(crate) at_once: usize,
    bucket: Option<Arc<Bucket>>,
}

impl Pace {
    /// `at_once` is held between 1 and `MAX_PARTS_AT_ONCE`; without a `limit` the line decides.
    pub fn new(at_once: Option<usize>, limit: Option<Rate>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            at_once: at_once.unwrap_or(2 * cores).clamp(1, MAX_PARTS_AT_ONCE),
            bucket: limit.map(|rate| Arc::new(Bucket::new(rate))),
        }
    }

    /// Waits until so many bytes may be taken.
    pub(crate) async fn take(&self, bytes: usize) {
        if let Some(pause) = self.bucket.as_ref().and_then(|bucket| bucket.take(bytes as u64, Instant::now()))
        {
            tokio::time::sleep(pause).await;
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::new(None, None)
    }
}

/// Bytes flow in at the rate; whoever takes more than there are waits for his debt.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    level: Mutex<(f64, Option<Instant>)>,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        Self { rate: rate.bytes_per_second() as f64, level: Mutex::new((0.0, None)) }
    }

    fn take(&self, bytes: u64, now: Instant) -> Option<Duration> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, last) = *level;
        let since = last.map_or(0.0, |last| now.saturating_duration_since(last).as_secs_f64());
        // A tenth of a second can be saved up, so that a pause is not followed by a burst.
        let left = (left + since * self.rate).min(self.rate / 10.0) - bytes as f64;
        *level = (left, Some(now));
        (left < 0.0).then(|| Duration::from_secs_f64(-left / self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_with_its_unit() {
        for (text, bytes) in
            [("20MiB/s", 20 << 20), ("1 GiB/s", 1 << 30), ("500KiB", 500 << 10), ("8MB/s", 8_000_000)]
        {
            assert_eq!(text.parse::<Rate>().unwrap().bytes_per_second(), bytes);
        }
        for bad in ["", "20", "MiB/s", "0MiB/s", "-1MiB/s", "1.5MiB/s", "99999999999GiB/s", "20MiB/min"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn over_any_span_no_more_than_the_rate_and_a_tenth_of_a_second_goes_through() {
        let bucket = Bucket::new("1MiB/s".parse().unwrap());
        let begin = Instant::now();
        let (mut now, mut taken) = (begin, 0);
        while now.duration_since(begin) < Duration::from_secs(10) {
            taken += 100_000;
            if let Some(pause) = bucket.take(100_000, now) {
                now += pause;
            }
        }
        let most = (now.duration_since(begin).as_secs_f64() + 0.1) * 1_048_576.0;
        assert!(f64::from(taken) <= most, "{taken} of {most}");
        assert!(f64::from(taken) > 0.9 * most, "{taken} of {most}");
    }
}
