//! What a key of a node is for.

use crate::KeyFault;
use std::{fmt, str::FromStr};
use vocabulary::OfficeFunction;

/// One of the keys that a node works with; the root is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyRole {
    /// Signs and receives for an office.
    Office(OfficeFunction),
    /// Answers and calls other nodes.
    Tls,
    /// Signs the heads of our log.
    Log,
    /// Signs the heads of others' logs.
    Cosigner,
}

impl KeyRole {
    pub const ALL: [Self; 9] = [
        Self::Office(OfficeFunction::CentralAuthority),
        Self::Office(OfficeFunction::ContactPoint),
        Self::Office(OfficeFunction::ExtraditionAuthority),
        Self::Office(OfficeFunction::LawEnforcement),
        Self::Office(OfficeFunction::EvidenceOffice),
        Self::Office(OfficeFunction::Node),
        Self::Tls,
        Self::Log,
        Self::Cosigner,
    ];

    /// The name of its files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Office(function) => function.as_str(),
            Self::Tls => "tls",
            Self::Log => "log",
            Self::Cosigner => "cosigner",
        }
    }

    /// The file of its private key in `keys/`.
    pub(crate) fn key_file(self) -> String {
        match self {
            Self::Log | Self::Cosigner => format!("{}.seed", self.as_str()),
            Self::Office(_) | Self::Tls => format!("{}.key.pem", self.as_str()),
        }
    }

    /// The file of its certificate, where it has one.
    pub(crate) fn certificate_file(self) -> Option<String> {
        match self {
            Self::Log | Self::Cosigner => None,
            Self::Office(_) | Self::Tls => Some(format!("{}.cert.pem", self.as_str())),
        }
    }

    /// False for an office that the State may do without.
    pub(crate) fn is_needed(self) -> bool {
        !matches!(self, Self::Office(function) if !function.is_needed())
    }

    /// Whether the private key is kept when it is retired: somebody may still have sealed to it.
    pub(crate) fn receives(self) -> bool {
        matches!(self, Self::Office(_))
    }
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyRole {
    type Err = KeyFault;
    fn from_str(text: &str) -> Result<Self, KeyFault> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text || text == "evidence" && role.as_str() == "evidence-office")
            .ok_or_else(|| KeyFault::Role { found: text.chars().take(64).collect() })
    }
}
