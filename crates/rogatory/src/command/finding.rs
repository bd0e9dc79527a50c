//! `rogatory finding`: what a person should look at.

use crate::{context::Context, output::Output, show::local};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum FindingCommand {
    /// Missing receipts, faults of peers, clocks that differ, preservations that lapse.
    #[command(after_help = "Example:\n  rogatory finding list --json")]
    List,
}

impl FindingCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let Self::List = self;
        let flow = context.flow().await?;
        let findings = flow.findings().await?;
        let lines: Vec<String> = findings
            .iter()
            .map(|finding| {
                let file = finding.file.map(|file| format!("\n  file {file}")).unwrap_or_default();
                format!(
                    "{}  {}  {}{file}",
                    local(finding.found_at, flow.zone()),
                    finding.level.as_str(),
                    finding.report
                )
            })
            .collect();
        let text = if lines.is_empty() { "nothing to look at".to_owned() } else { lines.join("\n") };
        Ok(Output::new(text, &findings))
    }
}
