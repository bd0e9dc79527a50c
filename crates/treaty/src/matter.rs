//! Matters that the States raise inside a file, such as a condition or a consent, as `matters.toml` describes them.

use crate::form::Row;
use crate::rule::Rule;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{collections::BTreeMap, fmt, str::FromStr, sync::LazyLock};
use vocabulary::WordError;

/// What is raised; its word is the name of its table in `matters.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Matter(&'static str);

/// One of the two States of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    Requesting,
    Requested,
}

impl Party {
    pub const fn other(self) -> Self {
        match self {
            Self::Requesting => Self::Requested,
            Self::Requested => Self::Requesting,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requesting => "requesting",
            Self::Requested => "requested",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RaisedBy {
    Requesting,
    Requested,
    Either,
}

impl RaisedBy {
    pub fn allows(self, party: Party) -> bool {
        match self {
            Self::Requesting => party == Party::Requesting,
            Self::Requested => party == Party::Requested,
            Self::Either => true,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MatterForm {
    pub title: String,
    rule: Row,
    pub by: RaisedBy,
    pub answers: Vec<String>,
    /// The answer leaves only when a second officer confirms it.
    #[serde(default)]
    pub four_eyes: bool,
}

impl MatterForm {
    pub const fn rule(&self) -> &'static Rule {
        self.rule.rule()
    }
}

static FORMS: LazyLock<BTreeMap<&'static str, MatterForm>> = LazyLock::new(|| {
    let read: BTreeMap<String, MatterForm> =
        toml::from_str(include_str!("../matters.toml")).expect("a test reads the file of this build");
    read.into_iter().map(|(word, form)| (&*word.leak(), form)).collect()
});

impl Matter {
    pub fn all() -> impl Iterator<Item = Self> {
        FORMS.keys().map(|word| Self(word))
    }

    pub const fn as_str(self) -> &'static str {
        self.0
    }

    pub fn form(self) -> &'static MatterForm {
        FORMS.get(self.0).expect("a matter is made only from a word of the table")
    }
}

impl fmt::Display for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for Matter {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        Self::all()
            .find(|matter| matter.0 == text)
            .ok_or_else(|| WordError::new("a matter; `rogatory treaty matters` lists them", text))
    }
}

impl Serialize for Matter {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Matter {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<'de, str>::deserialize(input)?;
        word.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_matter_cites_its_row_and_has_words_for_its_answer() {
        assert!(Matter::all().count() > 10);
        for matter in Matter::all() {
            let form = matter.form();
            assert!(!form.title.is_empty() && !form.answers.is_empty(), "{matter}");
            assert!(form.rule().article > 0);
            assert_eq!(matter.as_str().parse(), Ok(matter));
        }
        assert!("gossip".parse::<Matter>().is_err());
    }

    #[test]
    fn what_binds_a_state_is_answered_by_two_officers() {
        for word in ["conditions", "use-consent", "onward-transfer"] {
            assert!(word.parse::<Matter>().unwrap().form().four_eyes, "{word}");
        }
    }
}
