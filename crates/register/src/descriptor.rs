//! A State descriptor: what a State tells the others about its offices, keys, languages and declarations.

use seal::CertificateError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vocabulary::{Digest, Failure, Family, Instant, Language, OfficeFunction, OfficeId, StateCode};

/// The largest signed descriptor that is read.
pub const MAX_DESCRIPTOR_BYTES: usize = 256 * 1024;
/// The most retired keys that a descriptor may name.
pub const MAX_RETIRED_KEYS: usize = 256;
const FORMAT: &str = "rogatory/descriptor/1";

/// The content of a descriptor; JSON, signed as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    pub format: String,
    pub state: StateCode,
    /// The State's name by language.
    pub names: BTreeMap<Language, String>,
    /// Larger numbers replace smaller ones.
    pub sequence: u64,
    pub issued: Instant,
    pub valid_until: Instant,
    /// Languages accepted for requests, Art. 40(13).
    pub languages: Vec<Language>,
    /// The IANA zone in which this State counts its days.
    pub zone: String,
    /// Where the node listens, such as `https://node.example:8443`.
    pub endpoint: String,
    pub offices: Vec<OfficeEntry>,
    pub declarations: Declarations,
    /// The root certificate in PEM; the fingerprint is over its DER.
    pub root: String,
    /// The key of the State's log, as a C2SP vkey.
    pub log: String,
    /// The key with which the State cosigns the logs of others, as a C2SP vkey.
    pub cosigner: String,
    /// Keys that were replaced and whose certificates have not ended, and until when they are to be believed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<RetiredKey>,
}

/// A key that the State does not use any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetiredKey {
    /// SHA-256 of the certificate in DER, or of the vkey's text.
    pub key: Digest,
    /// Who receives something that it signed believes it until then, by the receiver's own clock.
    pub until: Instant,
    /// The vkey itself, of a log or cosigner key: who missed the descriptor that had it can still verify with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vkey: Option<String>,
}

/// One office that others may address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeEntry {
    pub office: OfficeFunction,
    pub name: String,
    /// The article that asks for the office, such as `40(12)`.
    pub article: String,
    /// How to reach its people outside the node: an e-mail address or telephone number of the office.
    pub contact: String,
    /// The office's certificate in PEM, issued by the root.
    pub certificate: String,
}

/// Declarations and reservations that change what a request needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declarations {
    /// The reservation of Art. 42(5): preservation may be refused where dual criminality is lacking.
    pub preservation_needs_dual_criminality: bool,
    /// The operator says that the Convention is in force for the State; for demonstrations.
    pub convention_in_force: bool,
}

impl Descriptor {
    pub fn format() -> String {
        FORMAT.to_owned()
    }

    pub fn to_json(&self) -> Result<Vec<u8>, DescriptorError> {
        serde_json::to_vec_pretty(self).map_err(|_| DescriptorError::Json { at: String::new() })
    }

    pub fn from_json(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let descriptor: Self = serde_json::from_slice(bytes).map_err(|error| DescriptorError::Json {
            at: format!("line {} column {}", error.line(), error.column()),
        })?;
        if descriptor.format != FORMAT {
            return Err(DescriptorError::Format { found: descriptor.format.chars().take(64).collect() });
        }
        Ok(descriptor)
    }

    /// The name in `language`, else in English, else in any.
    pub fn name(&self, language: &str) -> &str {
        let by =
            |wanted: &str| self.names.iter().find(|(l, _)| l.as_str() == wanted).map(|(_, n)| n.as_str());
        by(language)
            .or_else(|| by("en"))
            .or_else(|| self.names.values().next().map(String::as_str))
            .unwrap_or("")
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DescriptorError {
    #[error("the descriptor has {found} bytes, more than {MAX_DESCRIPTOR_BYTES}")]
    TooLarge { found: usize },
    #[error("the descriptor is not well-formed JSON of the expected fields ({at})")]
    Json { at: String },
    #[error("the descriptor has the format `{found}`, expected `{FORMAT}`")]
    Format { found: String },
    #[error("the descriptor is not signed by the root that it names")]
    Signature,
    #[error("the certificate of `{what}` in the descriptor does not stand: {error}")]
    Certificate { what: String, error: CertificateError },
    #[error("the certificate of `{expected}` in the descriptor is for `{found}`")]
    OtherOffice { expected: OfficeId, found: OfficeId },
    #[error("the descriptor names the office `{office}` twice")]
    OfficeTwice { office: OfficeId },
    #[error("the descriptor lacks the office `{office}`")]
    OfficeMissing { office: OfficeId },
    #[error("the log or cosigner key in the descriptor does not stand")]
    LogKey,
    #[error("the zone `{found}` in the descriptor is unknown")]
    Zone { found: String },
    #[error("the endpoint in the descriptor is not an https address")]
    Endpoint,
    #[error("the descriptor was valid until {until}")]
    Expired { until: Instant },
    #[error("the descriptor has number {found} and is not newer than the enrolled one, which has {known}")]
    Older { known: u64, found: u64 },
    #[error("the descriptor has another root than the enrolled one: expected `{expected}`, found `{found}`")]
    OtherRoot { expected: String, found: String },
    #[error("the descriptor names {found} retired keys, more than {MAX_RETIRED_KEYS}, or one that is in use")]
    Retired { found: usize },
    #[error("the descriptor is of our own State `{state}`")]
    Ourselves { state: StateCode },
}

impl Failure for DescriptorError {
    fn family(&self) -> Family {
        match self {
            Self::Ourselves { .. } => Family::Refusal,
            _ => Family::PeerFault,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "P-401",
            Self::Json { .. } => "P-402",
            Self::Format { .. } => "P-403",
            Self::Signature => "P-404",
            Self::Certificate { .. } => "P-405",
            Self::OtherOffice { .. } => "P-406",
            Self::OfficeTwice { .. } | Self::OfficeMissing { .. } => "P-407",
            Self::LogKey => "P-408",
            Self::Zone { .. } => "P-409",
            Self::Endpoint => "P-410",
            Self::Expired { .. } => "P-411",
            Self::Older { .. } => "P-412",
            Self::OtherRoot { .. } => "P-413",
            Self::Retired { .. } => "P-922",
            Self::Ourselves { .. } => "R-401",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("spec/01-descriptor.md".to_owned())
    }
    fn remedy(&self) -> String {
        match self {
            Self::Expired { .. } | Self::Older { .. } => "ask the other State for its newest descriptor",
            Self::OtherRoot { .. } => {
                "telephone the other State; a lost root is replaced by a new enrolment, never silently"
            }
            Self::Ourselves { .. } => "import the descriptor of another State",
            _ => "ask the other State to export its descriptor again (`rogatory descriptor export`)",
        }
        .to_owned()
    }
}
