//! The kinds of request this version carries, and the offices they go between.

use crate::measure::Measure;
use crate::rule::Rule;
use crate::table;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use vocabulary::{OfficeFunction, OfficeId, StateCode, WordError};

/// What is asked of the other State.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Expedited preservation of stored electronic data, Art. 42.
    Preservation,
    /// Mutual legal assistance in accessing stored electronic data, Art. 44.
    StoredData,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Preservation, Self::StoredData];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preservation => "preservation",
            Self::StoredData => "stored-data",
        }
    }

    pub const fn measure(self) -> Measure {
        match self {
            Self::Preservation => Measure::Preservation,
            Self::StoredData => Measure::StoredDataAccess,
        }
    }

    /// The row of the table that opens this kind of request.
    pub const fn rule(self) -> &'static Rule {
        match self {
            Self::Preservation => &table::PRESERVATION_REQUEST,
            Self::StoredData => &table::STORED_DATA_REQUEST,
        }
    }

    pub const fn article(self) -> u8 {
        self.rule().article
    }

    /// The office that sends: the contact point for preservation, the central authority for legal assistance.
    pub const fn sender(self) -> OfficeFunction {
        match self {
            Self::Preservation => OfficeFunction::ContactPoint,
            Self::StoredData => OfficeFunction::CentralAuthority,
        }
    }

    /// The office that receives; the same function on the other side.
    pub const fn addressee(self) -> OfficeFunction {
        self.sender()
    }

    pub fn sender_of(self, state: StateCode) -> OfficeId {
        OfficeId::new(state, self.sender())
    }

    pub fn addressee_of(self, state: StateCode) -> OfficeId {
        OfficeId::new(state, self.addressee())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| WordError::new("a kind of request: `preservation` or `stored-data`", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_names_its_article_and_its_offices() {
        assert_eq!(Kind::Preservation.article(), 42);
        assert_eq!(Kind::StoredData.article(), 44);
        let state = "XB".parse().unwrap();
        assert_eq!(Kind::Preservation.addressee_of(state).to_string(), "XB/contact-point");
        assert_eq!(Kind::StoredData.sender_of(state).to_string(), "XB/central-authority");
    }

    #[test]
    fn a_kind_goes_round_as_text_and_as_json() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
        assert!("extradition".parse::<Kind>().is_err());
    }
}
