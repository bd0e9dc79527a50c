//! `rogatory finding`: what a person should look at.

use crate::{context::Context, named, output::Output, show::local};
use clap::Subcommand;
use flow::{Finding, Flow};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum FindingCommand {
    /// Missing receipts, faults of peers, clocks that differ, preservations that lapse.
    #[command(after_help = "Example:\n  rogatory finding list --json")]
    List,
    /// Write what proves a finding, such as two signed heads, into a folder.
    #[command(after_help = "Example:\n  rogatory finding evidence log/XB/6a1f… --out ./evidence")]
    Evidence {
        /// The id in the list.
        id: String,
        /// A folder that is not there yet.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Record that you looked at a finding; it stays in the list.
    #[command(
        after_help = "Example:\n  rogatory --officer d.kim --token-file kim.token finding acknowledge clock/XB/497211 --reason 'their clock was set right'"
    )]
    Acknowledge {
        /// The id in the list.
        id: String,
        /// What you found; kept with who and when.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

impl FindingCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let flow = context.flow().await?;
        match self {
            Self::List => list(&flow).await,
            Self::Evidence { id, out } => evidence(&flow, &id, &out).await,
            Self::Acknowledge { id, reason } => {
                flow.acknowledge(&context.credential()?, &id, &reason).await?;
                Ok(Output::new(format!("looked at: {id}"), &json!({ "acknowledged": id })))
            }
        }
    }
}

async fn list(flow: &Flow) -> anyhow::Result<Output> {
    let findings = flow.findings().await?;
    let lines: Vec<String> = findings.iter().map(|finding| line(finding, flow.zone())).collect();
    let text = if lines.is_empty() { "nothing to look at".to_owned() } else { lines.join("\n") };
    Ok(Output::new(text, &findings))
}

fn line(finding: &Finding, zone: &str) -> String {
    let mut text = format!(
        "{}  {}  {}\n  id {}",
        local(finding.found_at, zone),
        finding.level.as_str(),
        finding.report,
        finding.id
    );
    if let Some(file) = finding.file {
        text.push_str(&format!("\n  file {file}"));
    }
    for digest in &finding.evidence {
        text.push_str(&format!("\n  evidence {digest}"));
    }
    if let Some(looked) = &finding.acknowledged {
        text.push_str(&format!("\n  looked at by {} {}", looked.by, local(looked.at, zone)));
    }
    text
}

/// Each object under a name that says its digest.
async fn evidence(flow: &Flow, id: &str, out: &Path) -> anyhow::Result<Output> {
    let kept = flow.evidence_of(id).await?;
    std::fs::create_dir(out).map_err(|error| named::refused(out, "made", error))?;
    let mut written = Vec::with_capacity(kept.len());
    for (digest, body) in kept {
        let path = out.join(digest.hex());
        std::fs::write(&path, body).map_err(|error| named::refused(&path, "written", error))?;
        written.push(path);
    }
    let text = written.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n");
    Ok(Output::new(text, &json!({ "finding": id, "written": written })))
}
