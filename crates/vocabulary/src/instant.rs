//! A point in time, in microseconds since 1970-01-01T00:00:00Z, written in RFC 3339 with `Z`.

use crate::{WordError, word_as_text};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::{fmt, str::FromStr, time::Duration};

/// A point in time with microsecond precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Timestamp);

impl Instant {
    /// Rounds `timestamp` down to the microsecond.
    pub fn from_timestamp(timestamp: Timestamp) -> Self {
        Self::from_micros(timestamp.as_microsecond())
    }

    /// Microseconds since the Unix epoch; a value outside years -9999 to 9999 becomes the nearest end.
    pub fn from_micros(micros: i64) -> Self {
        let end = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self(Timestamp::from_microsecond(micros).unwrap_or(end))
    }

    pub fn micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.micros().div_euclid(1_000_000)
    }

    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self::from_micros(self.micros().saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self::from_micros(self.micros().saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.micros().saturating_sub(earlier.micros())).unwrap_or(0))
    }

    /// The calendar day in `zone` (an IANA name).
    pub fn date_in(self, zone: &TimeZone) -> Date {
        self.0.to_zoned_datetime(zone.clone()).date()
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Instant {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        text.parse::<Timestamp>().map(Self::from_timestamp).map_err(|_| {
            WordError::new("an instant with a zone, such as `2026-11-15T08:00:00Z` (RFC 3339)", text)
        })
    }
}

word_as_text!(Instant);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_without_a_zone_is_refused() {
        assert!("2026-11-15T08:00:00".parse::<Instant>().is_err());
        let with_offset: Instant = "2026-11-15T08:00:00+07:00".parse().unwrap();
        assert_eq!(with_offset.to_string(), "2026-11-15T01:00:00Z");
    }

    #[test]
    fn an_instant_is_microseconds_since_1970() {
        let instant: Instant = "2026-11-24T06:10:00.123456Z".parse().unwrap();
        assert_eq!((instant.micros(), instant.seconds()), (1_795_500_600_123_456, 1_795_500_600));
        assert_eq!(Instant::from_micros(instant.micros()), instant);
        assert_eq!(Instant::from_timestamp(instant.timestamp()), instant);
        assert_eq!(Instant::from_micros(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Instant::from_micros(-1).seconds(), -1);
    }

    #[test]
    fn beyond_the_ends_of_time_is_the_end() {
        let (first, last) = (Instant::from_micros(i64::MIN), Instant::from_micros(i64::MAX));
        assert!(first.to_string().starts_with("-009999") && last.to_string().starts_with("9999"));
        assert_eq!((last.plus(Duration::from_secs(1)), first.minus(Duration::MAX)), (last, first));
        assert_eq!(Instant::from_micros(0).plus(Duration::MAX), last);
    }

    #[test]
    fn later_and_earlier_are_apart_by_what_lies_between() {
        let (start, hour) = (Instant::from_micros(0), Duration::from_secs(3600));
        assert_eq!(start.plus(hour).micros(), 3_600_000_000);
        assert_eq!(start.minus(hour).micros(), -3_600_000_000);
        assert_eq!((start.plus(hour).since(start), start.since(start.plus(hour))), (hour, Duration::ZERO));
    }

    #[test]
    fn the_day_is_that_of_the_zone() {
        let late: Instant = "2026-11-24T23:30:00Z".parse().unwrap();
        let nairobi = TimeZone::fixed(jiff::tz::offset(3));
        assert_eq!(late.date_in(&TimeZone::UTC).to_string(), "2026-11-24");
        assert_eq!(late.date_in(&nairobi).to_string(), "2026-11-25");
    }
}
