//! What a person should look at.

use crate::{Flow, FlowError, Oversight, oversight::oversight, perform::json};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use store::{FindingRow, Write};
use vocabulary::{Digest, FileId, Instant, OfficerId, Report, StateCode};

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
    pub id: String,
    pub level: Level,
    pub file: Option<FileId>,
    pub peer: Option<StateCode>,
    pub report: Report,
    pub found_at: Instant,
    /// Objects that prove it, such as two signed heads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Digest>,
    /// The last officer who looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
}

/// Who looked at a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    pub by: OfficerId,
    pub at: Instant,
    /// The digest of the reason.
    pub reason: Digest,
}

/// A finding as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    report: Report,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<Digest>,
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
        self.find_with(write, id, level, file, peer, report, Vec::new()).await
    }

    /// As `find`, with the objects that prove it.
    #[expect(clippy::too_many_arguments, reason = "each is a column")]
    pub(crate) async fn find_with(
        &self,
        write: &mut Write,
        id: String,
        level: Level,
        file: Option<FileId>,
        peer: Option<StateCode>,
        report: Report,
        evidence: Vec<Digest>,
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
            body: json(&Kept { report, evidence })?,
            found_at: self.now(),
        };
        Ok(write.add_finding(&row).await?)
    }

    /// All findings, oldest first.
    pub async fn findings(&self) -> Result<Vec<Finding>, FlowError> {
        let mut read = self.store.read().await?;
        let mut looked: HashMap<String, Acknowledged> = HashMap::new();
        for record in oversight(&mut read).await? {
            if let Oversight::FindingAcknowledged { finding } = record.act {
                let seen = Acknowledged { by: record.by, at: record.at, reason: record.reason };
                looked.insert(finding, seen);
            }
        }
        let rows = read.queries().findings().await?;
        rows.into_iter()
            .map(|row| {
                let kept: Kept =
                    serde_json::from_slice(&row.body).map_err(|_| FlowError::Record { what: "a finding" })?;
                Ok(Finding {
                    level: if row.level == "fail" { Level::Fail } else { Level::Warn },
                    file: row.file,
                    peer: row.peer,
                    report: kept.report,
                    found_at: row.found_at,
                    evidence: kept.evidence,
                    acknowledged: looked.get(&row.id).cloned(),
                    id: row.id,
                })
            })
            .collect()
    }

    /// What proves a finding, such as two signed heads.
    pub async fn evidence_of(&self, id: &str) -> Result<Vec<(Digest, Vec<u8>)>, FlowError> {
        let findings = self.findings().await?;
        let found = findings
            .into_iter()
            .find(|finding| finding.id == id)
            .ok_or_else(|| FlowError::NoFinding { id: id.chars().take(64).collect() })?;
        let mut evidence = Vec::with_capacity(found.evidence.len());
        for digest in found.evidence {
            evidence.push((digest, self.object(digest, "evidence of a finding").await?));
        }
        Ok(evidence)
    }
}
