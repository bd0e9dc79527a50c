//! `rogatory desk roster`: who is on duty when, as a file that people write.

use crate::{
    context::Context,
    named,
    output::{Output, refuse},
    show::local,
};
use clap::Subcommand;
use flow::{Flow, RosterChecked};
use mandate::{MAX_ROSTER_BYTES, RosterDraft, RosterError};
use serde_json::json;
use std::path::{Path, PathBuf};
use vocabulary::OfficerId;

/// Days of shifts that `show` prints.
const SHOWN_DAYS: u64 = 7;

#[derive(Debug, Subcommand)]
pub(crate) enum RosterCommand {
    /// The shifts of the next seven days, after swaps and leaves.
    #[command(after_help = "Example:\n  rogatory desk roster show")]
    Show,
    /// Search the roster, or one in a file, for holes and for what cannot be used.
    #[command(
        after_help = "Examples:\n  rogatory desk roster check\n  rogatory desk roster check roster.toml --json"
    )]
    Check {
        /// A roster that is not imported yet.
        file: Option<PathBuf>,
    },
    /// Make a roster the one that counts; a hole in it is a finding.
    #[command(after_help = "Example:\n  rogatory desk roster import roster.toml")]
    Import { file: PathBuf },
    /// Print the roster as a file that can be imported.
    #[command(after_help = "Example:\n  rogatory desk roster export > roster.toml")]
    Export,
}

impl RosterCommand {
    pub(crate) async fn run(self, context: &Context, flow: &Flow) -> anyhow::Result<Output> {
        match self {
            Self::Show => show(flow).await,
            Self::Check { file } => {
                let draft = match file {
                    Some(file) => read(&file)?,
                    None => current(flow).await?,
                };
                Ok(found(&flow.check_roster(&draft).await?, "the roster stands", flow.zone()))
            }
            Self::Import { file } => {
                let draft = read(&file)?;
                let actor = context.actor(flow).await?;
                let checked = flow.replace_roster(&draft, actor).await?;
                Ok(found(&checked, "the roster counts from now on", flow.zone()))
            }
            Self::Export => {
                let draft = current(flow).await?;
                Ok(Output::new(toml::to_string_pretty(&draft)?, &draft))
            }
        }
    }
}

async fn current(flow: &Flow) -> anyhow::Result<RosterDraft> {
    match flow.roster().await? {
        Some(roster) => Ok(roster.draft().clone()),
        None => Err(refuse(
            "R-649",
            "there is no roster",
            "write one (docs/operate/desk.md) and import it: `rogatory desk roster import FILE`",
        )),
    }
}

fn read(path: &Path) -> anyhow::Result<RosterDraft> {
    let size = named::size(path)?;
    if size > MAX_ROSTER_BYTES as u64 {
        let found = usize::try_from(size).unwrap_or(usize::MAX);
        let large = RosterError::TooMany { what: "bytes", found, most: MAX_ROSTER_BYTES };
        return Err(flow::FlowError::from(large).into());
    }
    let unreadable = |reason: String| {
        let message = format!("`{}` is not a roster: {reason}", path.display());
        refuse("R-647", message, "compare it with docs/operate/desk.md")
    };
    let text = String::from_utf8(named::read(path)?).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let table = text.parse::<toml::Table>().map_err(|error| unreadable(error.message().to_owned()))?;
    let table = dates_as_text(toml::Value::Table(table));
    table.try_into().map_err(|error: toml::de::Error| unreadable(error.message().to_owned()))
}

/// A date may be written with or without quotes; the parser limits how deep values lie.
fn dates_as_text(value: toml::Value) -> toml::Value {
    match value {
        toml::Value::Datetime(date) => toml::Value::String(date.to_string()),
        toml::Value::Array(values) => values.into_iter().map(dates_as_text).collect::<Vec<_>>().into(),
        toml::Value::Table(table) => table
            .into_iter()
            .map(|(name, value)| (name, dates_as_text(value)))
            .collect::<toml::Table>()
            .into(),
        other => other,
    }
}

fn found(checked: &RosterChecked, word: &str, zone: &str) -> Output {
    let mut text = format!("{word}; searched until {}", local(checked.until, zone));
    for hole in &checked.holes {
        let (from, until) = (local(hole.from, zone), local(hole.until, zone));
        text.push_str(&format!("\nhole       {from} to {until}, Art. 41(1)"));
    }
    for officer in &checked.without_mail {
        text.push_str(&format!("\nno mail    {officer}"));
    }
    Output::new(text, checked)
}

async fn show(flow: &Flow) -> anyhow::Result<Output> {
    let draft = current(flow).await?;
    let now = flow.now();
    let until = now.plus(std::time::Duration::from_secs(SHOWN_DAYS * 24 * 60 * 60));
    let spans = flow.roster().await?.map(|roster| roster.spans(now, until)).unwrap_or_default();
    let lines: Vec<String> = spans
        .iter()
        .map(|span| {
            let names: Vec<&str> = span.officers.iter().map(OfficerId::as_str).collect();
            let who = if names.is_empty() { "NOBODY".to_owned() } else { names.join(", then ") };
            let (from, until) = (local(span.from, flow.zone()), local(span.until, flow.zone()));
            format!("{from} to {until}  {}: {who}", span.shift)
        })
        .collect();
    Ok(Output::new(lines.join("\n"), &json!({ "roster": draft, "shifts": spans })))
}
