//! What a person should look at.

use crate::{Flow, FlowError, perform::json};
use serde::{Deserialize, Serialize};
use store::{FindingRow, Write};
use vocabulary::{FileId, Instant, Report, StateCode};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Warn,
    Fail,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    pub level: Level,
    pub file: Option<FileId>,
    pub peer: Option<StateCode>,
    pub report: Report,
    pub found_at: Instant,
}

impl Flow {
    /// Keeps a finding under `id`; the same id twice is the same finding. True when it is new.
    pub(crate) async fn find(
        &self,
        write: &mut Write,
        id: String,
        level: Level,
        file: Option<FileId>,
        peer: Option<StateCode>,
        report: Report,
    ) -> Result<bool, FlowError> {
        tracing::warn!(
            code = report.code,
            level = level.as_str(),
            peer = peer.map(|p| p.to_string()),
            "finding"
        );
        let row = FindingRow {
            id,
            file,
            peer,
            level: level.as_str().to_owned(),
            code: report.code.clone(),
            body: json(&report)?,
            found_at: self.now(),
        };
        Ok(write.add_finding(&row).await?)
    }

    /// All findings, oldest first.
    pub async fn findings(&self) -> Result<Vec<Finding>, FlowError> {
        let mut read = self.store.read().await?;
        read.queries()
            .findings()
            .await?
            .into_iter()
            .map(|row| {
                Ok(Finding {
                    level: if row.level == "fail" { Level::Fail } else { Level::Warn },
                    file: row.file,
                    peer: row.peer,
                    report: serde_json::from_slice(&row.body)
                        .map_err(|_| FlowError::Record { what: "a finding" })?,
                    found_at: row.found_at,
                })
            })
            .collect()
    }
}
