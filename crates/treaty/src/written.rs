//! Instants and dates as a person writes them: text, or TOML's own date-time; an instant without a zone is refused.

use jiff::civil::Date;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use std::{fmt, marker::PhantomData, str::FromStr};
use vocabulary::Instant;

/// Longer text is no date.
const MAX_TEXT: usize = 64;

pub(crate) fn instant<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Instant>, D::Error> {
    const EXPECTED: &str = "an instant with a zone, such as `2026-11-15T08:00:00+07:00` (RFC 3339)";
    input.deserialize_any(Written { expected: EXPECTED, value: PhantomData::<Instant> }).map(Some)
}

pub(crate) fn date<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Date>, D::Error> {
    const EXPECTED: &str = "a date such as `2026-12-15`";
    input.deserialize_any(Written { expected: EXPECTED, value: PhantomData::<PlainDate> }).map(|d| Some(d.0))
}

/// A date of exactly ten characters, so that a date-time is not cut to its date.
struct PlainDate(Date);

impl FromStr for PlainDate {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() == "2026-12-15".len() { text.parse().map(Self).map_err(|_| ()) } else { Err(()) }
    }
}

struct Written<T> {
    expected: &'static str,
    value: PhantomData<T>,
}

impl<'de, T: FromStr> Visitor<'de> for Written<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        let parsed = if text.len() <= MAX_TEXT { text.parse().ok() } else { None };
        parsed.ok_or_else(|| E::custom(format_args!("expected {}", self.expected)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let written = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))
            .map_err(|_| de::Error::custom(format_args!("expected {}", self.expected)))?;
        self.visit_str(&written.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use vocabulary::Instant;

    #[derive(Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "super::instant")]
        at: Option<Instant>,
        #[serde(default, deserialize_with = "super::date")]
        day: Option<jiff::civil::Date>,
    }

    #[test]
    fn an_instant_is_read_as_text_and_as_a_toml_date_time() {
        for text in ["at = \"2026-11-15T08:00:00+07:00\"", "at = 2026-11-15T08:00:00+07:00"] {
            let sample: Sample = toml::from_str(text).unwrap();
            assert_eq!(sample.at.unwrap().to_string(), "2026-11-15T01:00:00Z", "{text}");
            assert_eq!(sample.day, None);
        }
    }

    #[test]
    fn an_instant_without_a_zone_is_refused_however_it_is_written() {
        for text in ["at = \"2026-11-15T08:00:00\"", "at = 2026-11-15T08:00:00", "at = 2026-11-15", "at = 5"]
        {
            assert!(toml::from_str::<Sample>(text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Sample>(r#"{"at":"2026-11-15T08:00:00"}"#).is_err());
        assert!(serde_json::from_str::<Sample>(r#"{"at":{"a":{"b":1}}}"#).is_err());
    }

    #[test]
    fn a_date_is_read_both_ways_and_a_date_time_is_not_a_date() {
        for text in ["day = \"2026-12-15\"", "day = 2026-12-15"] {
            let sample: Sample = toml::from_str(text).unwrap();
            assert_eq!(sample.day, Some(jiff::civil::date(2026, 12, 15)), "{text}");
        }
        assert!(toml::from_str::<Sample>("day = 2026-12-15T00:00:00Z").is_err());
        assert!(toml::from_str::<Sample>("day = \"2026-12-32\"").is_err());
    }
}
