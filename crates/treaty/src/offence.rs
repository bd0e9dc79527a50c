//! The offence under investigation, and the class it falls in under Art. 35.

use crate::measure::OffenceClass;
use crate::table;
use serde::{Deserialize, Serialize};

/// Why the offence is within the Convention, as the requesting State claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OffenceBasis {
    /// The article that establishes it; written `{ convention-offence = 7 }`.
    ConventionOffence(u8),
    SeriousCrime,
    Other,
}

impl OffenceBasis {
    /// The column of the matrix that is claimed.
    pub const fn class(self) -> OffenceClass {
        match self {
            Self::ConventionOffence(_) => OffenceClass::ConventionOffence,
            Self::SeriousCrime => OffenceClass::SeriousCrime,
            Self::Other => OffenceClass::BelowThreshold,
        }
    }

    /// False for a claimed article that establishes no offence.
    pub fn is_possible(self) -> bool {
        match self {
            Self::ConventionOffence(article) => table::OFFENCE_ARTICLES.articles().contains(&article),
            _ => true,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offence {
    /// What the offence is called and what conduct it punishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualification: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<OffenceBasis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statute_requesting: Option<String>,
    /// Whole years of deprivation of liberty, rounded down; 99 for life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_penalty_years_requesting: Option<u32>,
    /// Where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statute_requested: Option<String>,
    /// Where known; whole years, rounded down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_penalty_years_requested: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_articles_that_establish_offences_can_be_claimed() {
        for article in 0..=u8::MAX {
            let expected = (7..=17).contains(&article) || article == 19;
            assert_eq!(OffenceBasis::ConventionOffence(article).is_possible(), expected, "{article}");
        }
    }
}
