//! Points in time: RFC 3339, and the two forms of X.509 and RFC 3161, as microseconds since 1970.

use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub i64);

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400;

impl Instant {
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }

    pub fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// RFC 3339 with `Z` or an offset; at most nine digits of a fraction.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let rest = rest.strip_prefix(['T', 't'])?;
        let (clock, rest) = rest.split_at_checked(8)?;
        let (fraction, zone) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at_checked(rest.bytes().take_while(u8::is_ascii_digit).count())?,
            None => ("0", rest),
        };
        let digits = |from: &str, signs: [usize; 2], sign: char| -> Option<String> {
            let chars: Vec<char> = from.chars().collect();
            let right = signs.iter().all(|at| chars.get(*at) == Some(&sign));
            right.then(|| chars.iter().filter(|c| **c != sign).collect())
        };
        let whole = digits(date, [4, 7], '-')? + &digits(clock, [2, 5], ':')?;
        let micros = fraction_micros(fraction)?;
        Some(Self(compact(&whole)?.checked_mul(SECOND)?.checked_add(micros)?.checked_sub(offset(zone)?)?))
    }

    /// `YYMMDDhhmmssZ`, of the years 1950 to 2049 (RFC 5280, 4.1.2.5.1).
    pub fn from_utc_time(text: &str) -> Option<Self> {
        let whole = text.strip_suffix('Z').filter(|whole| whole.len() == 12)?;
        let century = if whole.get(..2)?.parse::<u8>().ok()? < 50 { "20" } else { "19" };
        compact(&format!("{century}{whole}")).map(Self::from_seconds)
    }

    /// `YYYYMMDDhhmmss[.f]Z`; a fraction only where `fraction` allows it (RFC 3161, 2.4.2).
    pub fn from_generalized_time(text: &str, fraction: bool) -> Option<Self> {
        let whole = text.strip_suffix('Z')?;
        let (whole, part) = match whole.split_once('.') {
            Some((whole, part)) if fraction && !part.ends_with('0') => (whole, part),
            Some(_) => return None,
            None => (whole, "0"),
        };
        Some(Self(compact(whole)?.checked_mul(SECOND)?.checked_add(fraction_micros(part)?)?))
    }
}

fn fraction_micros(digits: &str) -> Option<i64> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<6}").get(..6)?.parse().ok()
}

fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" || zone == "z" {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str, most: i64| -> Option<i64> {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok())?.filter(|value| *value <= most)
    };
    let seconds = number(hours, 23)? * 3600 + number(minutes, 59)? * 60;
    match sign {
        "+" => Some(seconds * SECOND),
        "-" => Some(-seconds * SECOND),
        _ => None,
    }
}

/// Seconds of `YYYYMMDDhhmmss`.
fn compact(text: &str) -> Option<i64> {
    if text.len() != 14 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let good = (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    good.then(|| days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second)
}

/// Days since 1970-01-01 in the Gregorian calendar; years start in March so that leap days come last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// `2026-11-24T06:09:58.25Z`, without trailing zeros.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        let (year, month, day) = civil_from_days(seconds.div_euclid(DAY));
        let clock = seconds.rem_euclid(DAY);
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        let micros = self.0.rem_euclid(SECOND);
        if micros > 0 {
            write!(f, ".{}", format!("{micros:06}").trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_and_write_the_same() {
        for text in ["2026-11-24T06:09:58.25Z", "1970-01-01T00:00:00Z", "2024-02-29T23:59:59.000001Z"] {
            assert_eq!(Instant::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Instant::parse("2026-11-24T09:09:58+03:00"), Instant::parse("2026-11-24T06:09:58Z"));
        assert_eq!(Instant::from_utc_time("261124060958Z"), Instant::parse("2026-11-24T06:09:58Z"));
        assert_eq!(
            Instant::from_generalized_time("20261124060958.5Z", true),
            Instant::parse("2026-11-24T06:09:58.5Z")
        );
        assert_eq!(Instant::parse("2026-11-24T06:09:58Z").unwrap().seconds(), 1_795_500_598);
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for bad in [
            "",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-24 06:09:58Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T06:09:58",
            "2026-11-24T06:09:58.Z",
            "2026-1124-T06:09:58Z",
            "é026-11-24T06:09:58Z",
        ] {
            assert_eq!(Instant::parse(bad), None, "{bad}");
        }
        assert_eq!(Instant::from_generalized_time("20261124060958.5Z", false), None);
    }
}
