//! An office of a State and the function for which the Convention asks for it.

use crate::{StateCode, WordError, word_as_text};
use std::{fmt, str::FromStr};

/// What an office is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OfficeFunction {
    /// Receives, executes and forwards requests for mutual legal assistance, Art. 40(12).
    CentralAuthority,
    /// The point of contact of the 24/7 network, Art. 41(1).
    ContactPoint,
    /// Extradition and provisional arrest, Art. 37(19); a State may have none.
    ExtraditionAuthority,
    /// Police information under Art. 47, kept apart from evidence; a State may have none.
    LawEnforcement,
    /// Takes in, seals and opens electronic evidence.
    EvidenceOffice,
    /// The machine itself: signs receipts and speaks TLS; decides nothing.
    Node,
}

impl OfficeFunction {
    pub const ALL: [Self; 6] = [
        Self::CentralAuthority,
        Self::ContactPoint,
        Self::ExtraditionAuthority,
        Self::LawEnforcement,
        Self::EvidenceOffice,
        Self::Node,
    ];

    /// False for an office that a State may do without: requests to it then go nowhere.
    pub const fn is_needed(self) -> bool {
        !matches!(self, Self::ExtraditionAuthority | Self::LawEnforcement)
    }

    /// The article that asks a State for the office.
    pub const fn article(self) -> &'static str {
        match self {
            Self::CentralAuthority => "40(12)",
            Self::ContactPoint => "41(1)",
            Self::ExtraditionAuthority => "37(19)",
            Self::LawEnforcement => "47(1)",
            Self::EvidenceOffice => "44(1)",
            Self::Node => "40(14)",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::CentralAuthority => "central-authority",
            Self::ContactPoint => "contact-point",
            Self::ExtraditionAuthority => "extradition-authority",
            Self::LawEnforcement => "law-enforcement",
            Self::EvidenceOffice => "evidence-office",
            Self::Node => "node",
        }
    }
}

impl fmt::Display for OfficeFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OfficeFunction {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        Self::ALL.into_iter().find(|f| f.as_str() == text).ok_or_else(|| {
            WordError::new(
                "an office: `central-authority`, `contact-point`, `extradition-authority`, `law-enforcement`, `evidence-office` or `node`",
                text,
            )
        })
    }
}

word_as_text!(OfficeFunction);

/// One office of one State, written `XA/central-authority`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfficeId {
    pub state: StateCode,
    pub function: OfficeFunction,
}

impl OfficeId {
    pub fn new(state: StateCode, function: OfficeFunction) -> Self {
        Self { state, function }
    }

    /// The URI in the subject alternative name of the office's certificate (RFC 5280, 4.2.1.6).
    pub fn uri(&self) -> String {
        format!("urn:rogatory:office:{}:{}", self.state, self.function)
    }

    pub fn from_uri(uri: &str) -> Result<Self, WordError> {
        let wrong = || WordError::new("an office URI `urn:rogatory:office:<State>:<function>`", uri);
        let rest = uri.strip_prefix("urn:rogatory:office:").ok_or_else(wrong)?;
        let (state, function) = rest.split_once(':').ok_or_else(wrong)?;
        Ok(Self { state: state.parse()?, function: function.parse()? })
    }
}

impl fmt::Display for OfficeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.state, self.function)
    }
}

impl FromStr for OfficeId {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        let (state, function) = text
            .split_once('/')
            .ok_or_else(|| WordError::new("an office written `XA/central-authority`", text))?;
        Ok(Self { state: state.parse()?, function: function.parse()? })
    }
}

word_as_text!(OfficeId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_office_goes_round_as_text_and_as_uri() {
        let office: OfficeId = "XA/contact-point".parse().unwrap();
        assert_eq!(office.to_string().parse(), Ok(office));
        assert_eq!(OfficeId::from_uri(&office.uri()), Ok(office));
        assert!("XA/kitchen".parse::<OfficeId>().is_err());
        assert!("xa/node".parse::<OfficeId>().is_err());
    }

    #[test]
    fn every_function_has_its_word() {
        for function in OfficeFunction::ALL {
            assert_eq!(function.to_string(), function.as_str());
            assert_eq!(function.as_str().parse(), Ok(function));
        }
        let office = OfficeId::new("XB".parse().unwrap(), OfficeFunction::Node);
        assert_eq!(office.to_string(), "XB/node");
        assert_eq!(office.uri(), "urn:rogatory:office:XB:node");
        for uri in ["urn:rogatory:office:XB", "urn:other:office:XB:node", "urn:rogatory:office:XB:kitchen"] {
            assert!(OfficeId::from_uri(uri).is_err(), "{uri}");
        }
    }
}
