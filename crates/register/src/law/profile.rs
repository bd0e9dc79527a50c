//! The content of a law profile: a State's provisions for each article that establishes an offence, and beside them.

use super::{LawError, Penalty, bound::bounds};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use vocabulary::{Instant, Language, StateCode};

const FORMAT: &str = "rogatory/law-profile/1";

/// JSON, signed as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LawProfile {
    pub format: String,
    pub state: StateCode,
    /// Larger numbers replace smaller ones.
    pub sequence: u64,
    pub issued: Instant,
    pub valid_until: Instant,
    /// An article that is not here is one of which the State says nothing.
    pub offences: Vec<OffenceLaw>,
    /// Offences outside the Convention, such as serious crimes of Art. 35(1)(c).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<OutsideOffence>,
}

/// What a State's law has for one article of the Convention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffenceLaw {
    pub article: u8,
    /// Empty when the State says that its law has none.
    #[serde(default)]
    pub provisions: Vec<Provision>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<LawText>,
}

/// An offence that the Convention does not define.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutsideOffence {
    pub name: Vec<LawText>,
    #[serde(default)]
    pub provisions: Vec<Provision>,
}

/// One provision of a State's law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provision {
    /// Akoma Ntoso or ELI, or a plain citation.
    pub identifier: String,
    /// Its words, in the State's languages.
    #[serde(default)]
    pub texts: Vec<LawText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Penalty>,
    /// Ids of the options of the article that the law takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<String>,
    /// Ids of elements of the article that the law lacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
    /// The first day in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// The last day in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// Words with their language; a text without one is a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LawText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    pub text: String,
}

/// Where the law goes further than an element of the article, or less far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    pub element: String,
    pub reach: Reach,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// Measured against the Convention's element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    Wider,
    Narrower,
}

impl Provision {
    /// A day that is not said is no limit.
    pub fn is_in_force(&self, on: Date) -> bool {
        self.from.is_none_or(|from| from <= on) && self.until.is_none_or(|until| on <= until)
    }
}

impl LawProfile {
    pub fn format() -> String {
        FORMAT.to_owned()
    }

    pub fn to_json(&self) -> Result<Vec<u8>, LawError> {
        serde_json::to_vec_pretty(self).map_err(|_| LawError::Json { at: String::new() })
    }

    /// Reads hostile bytes: well-formed, of this format, within the bounds, plain.
    pub fn from_json(bytes: &[u8]) -> Result<Self, LawError> {
        let profile: Self = serde_json::from_slice(bytes).map_err(|error| LawError::Json {
            at: format!("line {} column {}", error.line(), error.column()),
        })?;
        if profile.format != FORMAT {
            return Err(LawError::Format { found: profile.format.chars().take(64).collect() });
        }
        if profile.valid_until < profile.issued {
            return Err(LawError::Validity { issued: profile.issued, until: profile.valid_until });
        }
        bounds(&profile.offences, &profile.outside)?;
        Ok(profile)
    }

    /// `None` when the State says nothing of the article.
    pub fn offence(&self, article: u8) -> Option<&OffenceLaw> {
        self.offences.iter().find(|offence| offence.article == article)
    }
}
