//! A value that only one kind of request has, as a person wrote it.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{fmt, str::FromStr as _};
use vocabulary::Instant;

/// Longer texts belong into the fields of every draft, or into evidence.
pub const MAX_DETAIL_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Detail {
    /// Also dates and instants, as they were written.
    Text(String),
    Number(u32),
    YesNo(bool),
}

impl Detail {
    /// A day, with nothing behind it.
    pub fn as_date(&self) -> Option<Date> {
        match self {
            Self::Text(text) if text.len() == "2026-12-15".len() => text.parse().ok(),
            _ => None,
        }
    }

    pub fn as_instant(&self) -> Option<Instant> {
        match self {
            Self::Text(text) => Instant::from_str(text).ok(),
            _ => None,
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::YesNo(true) => f.write_str("yes"),
            Self::YesNo(false) => f.write_str("no"),
        }
    }
}

impl<'de> Deserialize<'de> for Detail {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Written)
    }
}

struct Written;

impl<'de> de::Visitor<'de> for Written {
    type Value = Detail;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of at most {MAX_DETAIL_BYTES} bytes, a whole number, a date, `true` or `false`")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Detail, E> {
        Ok(Detail::YesNo(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Detail, E> {
        u32::try_from(value)
            .map(Detail::Number)
            .map_err(|_| E::custom(format_args!("expected a number up to {}", u32::MAX)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Detail, E> {
        u32::try_from(value)
            .map(Detail::Number)
            .map_err(|_| E::custom(format_args!("expected a number up to {}", u32::MAX)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Detail, E> {
        if text.len() > MAX_DETAIL_BYTES {
            return Err(E::custom(format_args!("expected at most {MAX_DETAIL_BYTES} bytes")));
        }
        Ok(Detail::Text(text.to_owned()))
    }

    /// TOML's own dates.
    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Detail, A::Error> {
        let written = toml::value::Datetime::deserialize(de::value::MapAccessDeserializer::new(map))
            .map_err(|_| de::Error::custom("expected a text, a number, a date, `true` or `false`"))?;
        Ok(Detail::Text(written.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_detail_is_read_from_toml_and_goes_round_as_json() {
        let written = "a = \"words\"\nb = 30\nc = true\nd = 2026-12-15\ne = 2026-12-15T08:00:00+07:00";
        let details: BTreeMap<String, Detail> = toml::from_str(written).unwrap();
        assert_eq!(details["b"], Detail::Number(30));
        assert_eq!(details["c"], Detail::YesNo(true));
        assert_eq!(details["d"].as_date(), Some("2026-12-15".parse().unwrap()));
        assert_eq!(details["e"].as_instant(), Some("2026-12-15T01:00:00Z".parse().unwrap()));
        assert!(details["a"].as_date().is_none() && details["d"].as_instant().is_none());
        let json = serde_json::to_string(&details).unwrap();
        assert_eq!(serde_json::from_str::<BTreeMap<String, Detail>>(&json).unwrap(), details);
    }

    #[test]
    fn other_shapes_and_long_texts_are_refused() {
        for wrong in ["a = [1]", "a = -1", "a = 1.5", "a = 5000000000", "a = { b = 1 }"] {
            assert!(toml::from_str::<BTreeMap<String, Detail>>(wrong).is_err(), "{wrong}");
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_DETAIL_BYTES + 1));
        assert!(serde_json::from_str::<BTreeMap<String, Detail>>(&long).is_err());
        assert!(serde_json::from_str::<Detail>("null").is_err());
    }
}
