//! When something was done, as exactly as the source says it: a day, a month, or a span.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use vocabulary::WordError;

/// No written date is longer: `[2025-11-19..2026-01-31]`.
const MAX_BYTES: usize = 32;

/// A date that may be known to the month or within a span; it counts from its last possible day.
///
/// Written `2025-10-25`, `2026-02`, `[2025-11-19..2026-01]` or `[..2026-05]` (ISO 8601-2). Counting from the
/// last day never claims a duty before it is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dated {
    /// The last day on which it can have been.
    latest: Date,
    /// The first one; `None` where the source does not bound it.
    earliest: Option<Date>,
}

impl Dated {
    pub const fn on(day: Date) -> Self {
        Self { latest: day, earliest: Some(day) }
    }

    /// The day from which it counts.
    pub const fn day(&self) -> Date {
        self.latest
    }

    pub const fn earliest(&self) -> Option<Date> {
        self.earliest
    }

    pub fn is_exact(&self) -> bool {
        self.earliest == Some(self.latest)
    }

    /// True where `other` says the same more exactly, or the same.
    pub fn covers(&self, other: &Self) -> bool {
        other.latest <= self.latest
            && self.earliest.is_none_or(|earliest| other.earliest.is_some_and(|inner| earliest <= inner))
    }
}

impl fmt::Display for Dated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.earliest {
            Some(earliest) if earliest == self.latest => write!(f, "{earliest}"),
            Some(earliest)
                if earliest.first_of_month() == earliest && earliest.last_of_month() == self.latest =>
            {
                write!(f, "{:04}-{:02}", earliest.year(), earliest.month())
            }
            Some(earliest) => write!(f, "[{earliest}..{}]", self.latest),
            None => write!(f, "[..{}]", self.latest),
        }
    }
}

impl FromStr for Dated {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        parse(text).ok_or_else(|| {
            WordError::new(
                "a date such as `2026-02-28`, `2026-02`, `[2026-02-10..2026-05]` or `[..2026-05]`",
                text,
            )
        })
    }
}

fn parse(text: &str) -> Option<Dated> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let Some(span) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        let (earliest, latest) = day_or_month(text)?;
        return Some(Dated { latest, earliest: Some(earliest) });
    };
    let (from, until) = span.split_once("..")?;
    let (_, latest) = day_or_month(until)?;
    let earliest = match from {
        "" => None,
        from => Some(day_or_month(from)?.0),
    };
    earliest.is_none_or(|earliest| earliest <= latest).then_some(Dated { latest, earliest })
}

/// The first and the last day of `2026-02-28` or `2026-02`; a year has four digits and only these two forms are read.
fn day_or_month(text: &str) -> Option<(Date, Date)> {
    let mut parts = text.split('-');
    let year: i16 = digits(parts.next()?, 4)?;
    let month: i8 = digits(parts.next()?, 2)?;
    let date = |day| Date::new(year, month, day).ok();
    match (parts.next(), parts.next()) {
        (Some(day), None) => {
            let day = date(digits(day, 2)?)?;
            Some((day, day))
        }
        (None, None) => Some((date(1)?, date(1)?.last_of_month())),
        _ => None,
    }
}

fn digits<T: FromStr>(text: &str, count: usize) -> Option<T> {
    if text.len() != count || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

impl Serialize for Dated {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Dated {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(input)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(text: &str) -> Dated {
        text.parse().unwrap()
    }

    #[test]
    fn a_date_counts_from_the_last_day_on_which_it_can_have_been() {
        for (text, day, exact) in [
            ("2025-10-25", "2025-10-25", true),
            ("2026-02", "2026-02-28", false),
            ("[2025-11-19..2026-01]", "2026-01-31", false),
            ("[..2026-05]", "2026-05-31", false),
        ] {
            assert_eq!(
                (dated(text).day().to_string().as_str(), dated(text).is_exact()),
                (day, exact),
                "{text}"
            );
        }
    }

    #[test]
    fn a_date_goes_round() {
        for text in ["2025-10-25", "2026-02", "2028-02", "[2025-11-19..2026-01-31]", "[..2026-05-31]"] {
            assert_eq!(dated(text).to_string(), text);
            assert_eq!(
                serde_json::from_str::<Dated>(&serde_json::to_string(&dated(text)).unwrap()).unwrap(),
                dated(text)
            );
        }
    }

    #[test]
    fn an_impossible_date_is_refused() {
        for text in [
            "",
            "2026",
            "2026-02-30",
            "2026-13",
            "2026-13-01",
            "2025-02-29",
            "26-02-01",
            "2026-2-1",
            "+026-02-01",
            "[2026-05..2026-04]",
            "[..]",
            "[2026-05..]",
            "2026-02-01x",
            "2026-02-01-01",
            "31 Feb 2026",
            "[..2026-05-31]]]]]]]]]]]]]]]]]]]]]]]]]]",
        ] {
            assert!(text.parse::<Dated>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_more_exact_date_is_covered_by_a_wider_one() {
        assert!(dated("2026-02").covers(&dated("2026-02-12")));
        assert!(dated("[..2026-05]").covers(&dated("2026-04-30")));
        assert!(!dated("2026-02").covers(&dated("2026-03-01")));
        assert!(!dated("2026-02-12").covers(&dated("2026-02")));
        assert!(!dated("2026-02").covers(&dated("[..2026-02]")));
    }
}
