//! The record of the safeguards of Art. 24 under which an intrusive measure is asked for.

use crate::written;
use serde::{Deserialize, Serialize};
use vocabulary::Instant;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafeguardRecord {
    /// The court or other independent body that reviewed the measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_ref: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounds: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proportionality_note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::instant")]
    pub valid_from: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::instant")]
    pub valid_until: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy_available: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_party_note: Option<String>,
}
