//! A rule of the Convention as a row of data, and the citation made from it.

use crate::measure::Matrix;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// How sure a row is. B and C rows must be compared with A/RES/79/243 by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Confidence {
    /// Read in the Convention's own text or in the UN Treaty Collection.
    A,
    /// Read in the parent treaty or confirmed by a secondary source.
    B,
    /// General knowledge: the paragraph number or the wording may be off.
    C,
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        })
    }
}

/// What a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleValue {
    Minutes(u32),
    Hours(u32),
    /// Calendar days in a stated zone.
    Days(u32),
    Months(u32),
    Years(u32),
    Count(u32),
    /// Article numbers.
    Articles(&'static [u8]),
    /// Days before a date, largest first.
    Ladder(&'static [u32]),
    /// Numerator and denominator.
    Share(u32, u32),
    /// A calendar date, `YYYY-MM-DD`.
    Date(&'static str),
    List(&'static [&'static str]),
    Text(&'static str),
    /// One line of the eligibility matrix of Art. 35.
    Matrix(Matrix),
    /// The text sets no number.
    None,
}

impl fmt::Display for RuleValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minutes(n) => write!(f, "{n} min"),
            Self::Hours(n) => write!(f, "{n} h"),
            Self::Days(n) => write!(f, "{n} days"),
            Self::Months(n) => write!(f, "{n} months"),
            Self::Years(n) => write!(f, "{n} years"),
            Self::Count(n) => write!(f, "{n}"),
            Self::Articles(list) => write!(f, "Arts {}", joined(list)),
            Self::Ladder(list) => write!(f, "{} days before", joined(list)),
            Self::Share(part, whole) => write!(f, "{part}/{whole}"),
            Self::Date(text) | Self::Text(text) => f.write_str(text),
            Self::List(list) => f.write_str(&list.join("; ")),
            Self::Matrix(matrix) => matrix.fmt(f),
            Self::None => f.write_str("no number"),
        }
    }
}

fn joined(list: &[impl ToString]) -> String {
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// One number, deadline or required content, with where it comes from and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Stable for ever, such as `preservation.minimum`.
    pub id: &'static str,
    pub article: u8,
    /// Such as `8`, `3(c)` or `h`; empty for a whole article.
    pub paragraph: &'static str,
    pub value: RuleValue,
    pub meaning: &'static str,
    pub confidence: Confidence,
    pub source: &'static str,
    /// True for a choice of this software, which the Convention does not make.
    pub policy: bool,
}

impl Rule {
    pub fn citation(&self) -> Citation {
        Citation {
            article: self.article,
            paragraph: Cow::Borrowed(self.paragraph),
            confidence: self.confidence,
            policy: self.policy,
        }
    }

    /// The number of a row of minutes, hours, days, months, years or a count.
    pub const fn number(&self) -> Option<u32> {
        match self.value {
            RuleValue::Minutes(n)
            | RuleValue::Hours(n)
            | RuleValue::Days(n)
            | RuleValue::Months(n)
            | RuleValue::Years(n)
            | RuleValue::Count(n) => Some(n),
            _ => None,
        }
    }

    pub const fn list(&self) -> &'static [&'static str] {
        match self.value {
            RuleValue::List(list) => list,
            _ => &[],
        }
    }

    pub const fn articles(&self) -> &'static [u8] {
        match self.value {
            RuleValue::Articles(list) => list,
            _ => &[],
        }
    }

    pub const fn ladder(&self) -> &'static [u32] {
        match self.value {
            RuleValue::Ladder(list) => list,
            _ => &[],
        }
    }

    /// The stem of the codes of findings under this row: `T-042-3-c` for Art. 42(3)(c).
    pub fn code(&self) -> String {
        let mut code = format!("T-{:03}", self.article);
        for part in self.paragraph.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty()) {
            code.push('-');
            code.push_str(part);
        }
        code
    }
}

/// The place a rule comes from, written `Art. 42(8) [B]`, or `Art. 42(8), policy` for a choice of this software.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Citation {
    pub article: u8,
    pub paragraph: Cow<'static, str>,
    pub confidence: Confidence,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub policy: bool,
}

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Art. {}", self.article)?;
        if !self.paragraph.is_empty() {
            let (first, rest) =
                self.paragraph.split_at(self.paragraph.find('(').unwrap_or(self.paragraph.len()));
            // Some articles have letters and no paragraphs: Art. 13(a).
            if !first.is_empty() {
                write!(f, "({first})")?;
            }
            f.write_str(rest)?;
        }
        if self.policy { f.write_str(", policy") } else { write!(f, " [{}]", self.confidence) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn a_citation_is_written_as_lawyers_write_it() {
        assert_eq!(table::PRESERVATION_MINIMUM.citation().to_string(), "Art. 42(8) [B]");
        assert_eq!(table::PRESERVATION_CONTENTS_C.citation().to_string(), "Art. 42(3)(c) [B]");
        assert_eq!(table::SERIOUS_CRIME.citation().to_string(), "Art. 2(h) [A]");
        assert_eq!(table::PRESERVATION_ALARMS.citation().to_string(), "Art. 42(8), policy");
    }

    #[test]
    fn a_citation_goes_round_as_json() {
        let citation = table::PRESERVATION_CONTENTS_G.citation();
        let json = serde_json::to_string(&citation).unwrap();
        assert_eq!(serde_json::from_str::<Citation>(&json).unwrap(), citation);
    }

    #[test]
    fn a_code_names_article_and_paragraph() {
        assert_eq!(table::PRESERVATION_CONTENTS_C.code(), "T-042-3-c");
        assert_eq!(table::SERIOUS_CRIME.code(), "T-002-h");
    }
}
