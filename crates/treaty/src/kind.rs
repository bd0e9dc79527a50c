//! The kinds of request, each a file in `kinds/`: what it must say, which office it goes to, how it is answered.

use crate::form::Form;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{cmp::Ordering, fmt, str::FromStr, sync::LazyLock};
use vocabulary::{OfficeFunction, OfficeId, StateCode, WordError};

/// What is asked of the other State; its word is the name of its file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind(&'static str);

/// Name and text of each file.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/kinds.rs"));

/// In the order of the articles.
static FORMS: LazyLock<Vec<(Kind, Form)>> = LazyLock::new(|| {
    let read = |(name, text): &(&'static str, &str)| {
        let form = Form::read(text).unwrap_or_else(|fault| unreadable(name, &fault));
        (Kind(name), form)
    };
    let mut forms: Vec<(Kind, Form)> = FILES.iter().map(read).collect();
    forms.sort_by_key(|(kind, form)| (form.rule().article, form.order, kind.0));
    forms
});

/// A test reads every file of the build.
#[expect(clippy::panic, reason = "the files are part of the program: it was built wrong")]
fn unreadable(name: &str, fault: &str) -> ! {
    panic!("kinds/{name}.toml: {fault}")
}

static ALL: LazyLock<Vec<Kind>> = LazyLock::new(|| FORMS.iter().map(|(kind, _)| *kind).collect());

impl Kind {
    /// Expedited preservation of stored electronic data, Art. 42.
    pub const PRESERVATION: Self = Self("preservation");
    /// Mutual legal assistance in accessing stored electronic data, Art. 44.
    pub const STORED_DATA: Self = Self("stored-data");

    /// Every kind, in the order of the articles.
    pub fn all() -> &'static [Self] {
        &ALL
    }

    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The file of this kind.
    pub fn form(self) -> &'static Form {
        let found = FORMS.iter().find(|(kind, _)| *kind == self);
        found
            .map(|(_, form)| form)
            .expect("a kind is made only from the name of a file, or named above and tested")
    }

    pub fn article(self) -> u8 {
        self.form().rule().article
    }

    /// The office that sends, such as the contact point for preservation.
    pub fn sender(self) -> OfficeFunction {
        self.form().channel
    }

    /// The office that receives; the same function on the other side.
    pub fn addressee(self) -> OfficeFunction {
        self.sender()
    }

    pub fn sender_of(self, state: StateCode) -> OfficeId {
        OfficeId::new(state, self.sender())
    }

    pub fn addressee_of(self, state: StateCode) -> OfficeId {
        OfficeId::new(state, self.addressee())
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.0)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(other.0)
    }
}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Kind {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        FILES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(name, _)| Self(name))
            .ok_or_else(|| WordError::new("a kind of request; `rogatory treaty kinds` lists them", text))
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Word;
        impl de::Visitor<'_> for Word {
            type Value = Kind;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a kind of request; `rogatory treaty kinds` lists them")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Kind, E> {
                text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str("another word"), &self))
            }
        }
        input.deserialize_str(Word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_names_its_article_and_its_offices() {
        assert_eq!(Kind::PRESERVATION.article(), 42);
        assert_eq!(Kind::STORED_DATA.article(), 44);
        let state = "XB".parse().unwrap();
        assert_eq!(Kind::PRESERVATION.addressee_of(state).to_string(), "XB/contact-point");
        assert_eq!(Kind::STORED_DATA.sender_of(state).to_string(), "XB/central-authority");
    }

    #[test]
    fn a_kind_goes_round_as_text_and_as_json() {
        for kind in Kind::all() {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            let json = serde_json::to_string(kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<Kind>(&json).unwrap(), *kind);
        }
        assert!("extortion".parse::<Kind>().is_err());
        assert!(serde_json::from_str::<Kind>("\"extortion\"").is_err());
    }

    #[test]
    fn kinds_stand_in_the_order_of_the_articles() {
        assert!(Kind::all().is_sorted_by_key(|kind| kind.article()));
        assert_eq!(Kind::all().len(), FILES.len());
    }
}
