//! `rogatory request`: requests that our State makes.

use crate::{
    context::Context,
    named,
    output::{Output, refuse},
    show::{findings, local, outgoing, table, texts},
};
use casefile::Outcome;
use clap::{Args, Subcommand};
use flow::Flow;
use serde_json::json;
use std::path::{Path, PathBuf};
use treaty::{Draft, Kind};
use vocabulary::{Digest, FileId};

#[derive(Debug, Subcommand)]
pub(crate) enum RequestCommand {
    /// Print a commented request file to fill in.
    #[command(after_help = "Example:\n  rogatory request template preservation > preservation.toml")]
    Template {
        /// A kind such as `preservation`; `rogatory treaty kinds` lists them.
        kind: Kind,
    },
    /// All findings on a request file or on a file's draft, each with its article and remedy.
    #[command(
        after_help = "Examples:\n  rogatory request check preservation.toml\n  rogatory request check 01920000-0000-7000-8000-000000000000"
    )]
    Check {
        /// A request file (TOML or JSON), or the id of a file.
        what: String,
    },
    /// Open a file with a draft; it may be unfinished.
    #[command(
        after_help = "Example:\n  rogatory request new preservation.toml --officer ana.cruz --token-file ana.token"
    )]
    New {
        /// A request file (TOML or JSON).
        draft: PathBuf,
    },
    /// Replace the draft of a file that nobody approved yet.
    #[command(after_help = "Example:\n  rogatory request revise FILE preservation.toml")]
    Revise { file: FileId, draft: PathBuf },
    /// Submit the draft for approval by a second officer.
    #[command(
        after_help = "Example:\n  rogatory request submit FILE --officer ana.cruz --token-file ana.token"
    )]
    Submit { file: FileId },
    /// Approve as the second officer; the request then leaves our State.
    #[command(
        after_help = "Example:\n  rogatory request approve FILE --draft sha256:… --officer li.wei --token-file li.token"
    )]
    Approve {
        file: FileId,
        /// The draft that you looked at, as `request show` names it; refused when it changed since.
        #[arg(long, value_name = "DIGEST")]
        draft: Option<Digest>,
    },
    /// Withdraw a request; the other State is told if it was sent.
    #[command(after_help = "Example:\n  rogatory request withdraw FILE --reason 'the person was found'")]
    Withdraw {
        file: FileId,
        #[arg(long)]
        reason: String,
    },
    /// Ask for a longer preservation before it ends, Art. 42(9).
    #[command(
        after_help = "Example:\n  rogatory request extend FILE --days 60 --reason 'the request for assistance is being translated'"
    )]
    Extend {
        file: FileId,
        #[arg(long)]
        days: u32,
        #[arg(long)]
        reason: String,
    },
    /// Send words to the requested State inside the file.
    #[command(
        after_help = "Example:\n  rogatory request consult FILE --text 'The account also carries the number ...'"
    )]
    Consult {
        file: FileId,
        #[arg(long)]
        text: String,
    },
    /// Close the file; the requested State is told.
    #[command(after_help = "Example:\n  rogatory request close FILE --outcome fulfilled")]
    Close {
        file: FileId,
        /// `fulfilled`, `not-granted` or `no-longer-needed`.
        #[arg(long)]
        outcome: Outcome,
    },
    /// Our requests, the one that changed last first.
    #[command(after_help = "Example:\n  rogatory request list --json")]
    List,
    /// One request with its draft and where it stands.
    #[command(after_help = "Example:\n  rogatory request show FILE")]
    Show(ShowArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    pub(crate) file: FileId,
}

impl RequestCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        if let Self::Template { kind } = self {
            return Ok(Output::new(treaty::template(kind), &json!({ "template": treaty::template(kind) })));
        }
        let flow = context.flow().await?;
        match self {
            Self::Template { .. } => Ok(Output::new("", &())),
            Self::Check { what } => check(&flow, &what).await,
            Self::New { draft } => {
                let performed = flow.draft(&context.credential()?, &read_draft(&draft)?).await?;
                let file = performed.file;
                Ok(Output::new(
                    format!(
                        "file {} opened: {} to {}\nnext: rogatory request submit {}",
                        file.file, file.kind, file.to, file.file
                    ),
                    &file,
                ))
            }
            Self::Revise { file, draft } => {
                let performed = flow.redraft(&context.credential()?, file, &read_draft(&draft)?).await?;
                Ok(Output::new(format!("draft of {file} replaced"), &performed.file))
            }
            Self::Submit { file } => {
                let (checked, performed) = flow.submit(&context.credential()?, file).await?;
                Ok(Output::new(
                    format!(
                        "{}\ndraft      {draft}\nsubmitted; a second officer approves: rogatory request approve {file} --draft {draft}",
                        findings(&checked.checked.findings),
                        draft = performed.file.draft
                    ),
                    &json!({ "file": performed.file, "findings": checked.checked.findings }),
                ))
            }
            Self::Approve { file, draft } => {
                if let Some(seen) = draft {
                    unchanged("draft", seen, Some(flow.outgoing(file).await?.draft), "request")?;
                }
                let performed = flow.approve(&context.credential()?, file).await?;
                Ok(Output::new(
                    format!("approved by two officers; on its way to {}", performed.file.to),
                    &performed.file,
                ))
            }
            Self::Withdraw { file, reason } => {
                let performed = flow.withdraw(&context.credential()?, file, &reason).await?;
                Ok(Output::new(format!("{file} withdrawn"), &performed.file))
            }
            Self::Extend { file, days, reason } => {
                let performed = flow.ask_extension(&context.credential()?, file, days, &reason).await?;
                Ok(Output::new(
                    format!("{} is asked for {days} more days", performed.file.to),
                    &performed.file,
                ))
            }
            Self::Consult { file, text } => {
                let view = flow.consult(&context.credential()?, file, &text).await?;
                Ok(Output::new("on its way", &view))
            }
            Self::Close { file, outcome } => {
                let performed = flow.close_request(&context.credential()?, file, outcome).await?;
                Ok(Output::new(format!("{file} closed: {outcome}"), &performed.file))
            }
            Self::List => {
                let files = flow.outgoing_list().await?;
                let rows: Vec<Vec<String>> = files
                    .iter()
                    .map(|file| {
                        vec![
                            file.file.to_string(),
                            file.kind.to_string(),
                            file.to.to_string(),
                            file.stage.as_str().to_owned(),
                            crate::show::clock(
                                file.preservation_state(),
                                file.preserved.as_ref(),
                                file.hold.as_ref(),
                                flow.zone(),
                                flow.now(),
                            )
                            .unwrap_or_default(),
                            local(file.changed_at, flow.zone()),
                        ]
                    })
                    .collect();
                Ok(Output::new(
                    table(&["File", "Request", "To", "State", "Preserved", "Changed"], &rows),
                    &files,
                ))
            }
            Self::Show(ShowArguments { file }) => {
                let known = flow.outgoing(file).await?;
                let draft = flow.draft_of(known.draft).await?;
                let words = flow.texts(file).await?;
                let text = format!(
                    "{}{}\n{}",
                    outgoing(&known, flow.zone(), flow.now()),
                    texts(&words),
                    toml::to_string_pretty(&draft)?
                );
                Ok(Output::new(text, &json!({ "file": known, "draft": draft, "texts": words })))
            }
        }
    }
}

/// Refuses when what an officer looked at is not what the file holds now.
pub(crate) fn unchanged(what: &str, seen: Digest, now: Option<Digest>, noun: &str) -> anyhow::Result<()> {
    if now == Some(seen) {
        return Ok(());
    }
    Err(refuse(
        "R-815",
        format!("the {what} changed since you looked at it"),
        format!("read `rogatory {noun} show` again, then give the digest that it names"),
    ))
}

async fn check(flow: &Flow, what: &str) -> anyhow::Result<Output> {
    let draft = match what.parse::<FileId>() {
        Ok(file) => flow.draft_of(flow.outgoing(file).await?.draft).await?,
        Err(_) => read_draft(Path::new(what))?,
    };
    let checked = flow.check(&draft).await?;
    let code = if checked.checked.has_must() { vocabulary::Family::Refusal.exit_code() } else { 0 };
    let convention = checked.convention.as_ref().map(in_force).unwrap_or_default();
    Ok(Output::new(format!("{}{convention}", findings(&checked.checked.findings)), &checked).with_code(code))
}

/// Whether the Convention is in force between the two, and who says so.
fn in_force(known: &flow::InForce) -> String {
    let effects: String = known.effects.iter().map(effect).collect();
    let answer = if known.in_force { "in force" } else { "not in force" };
    match (known.by, known.as_of, known.age_days) {
        (flow::SaidBy::Operator, ..) => format!(
            "\nConvention   {answer} with {}: node.toml and its descriptor say so (convention_in_force), not the register{effects}",
            known.with
        ),
        (flow::SaidBy::Depositary, as_of, age) => format!(
            "\nConvention   {answer} with {} on {}, by the register as of {} ({} days old): rogatory register between{effects}",
            known.with,
            known.on,
            as_of.map(|day| day.to_string()).unwrap_or_default(),
            age.unwrap_or_default()
        ),
    }
}

/// One reservation of either State that touches requests.
fn effect(effect: &register::depositary::Effect) -> String {
    format!(
        "\nreservation  {} to Art. {} (`{}`): {} ({})",
        effect.participant, effect.provision, effect.row, effect.changes, effect.citation
    )
}

/// Reads TOML, or JSON when the file begins with a brace.
pub(crate) fn read_draft(path: &Path) -> anyhow::Result<Draft> {
    let bytes = named::read(path)?;
    if bytes.trim_ascii_start().first() == Some(&b'{') {
        return Ok(Draft::from_json(&bytes)?);
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        refuse("R-805", format!("`{}` is not UTF-8", path.display()), "save the request file as UTF-8 text")
    })?;
    Ok(Draft::from_toml(&text)?)
}
