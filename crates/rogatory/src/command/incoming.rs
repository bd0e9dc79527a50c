//! `rogatory incoming`: requests that other States make to ours.

use crate::{
    command::request::{ShowArguments, unchanged},
    context::Context,
    output::{Output, refuse},
    show::{clock, findings, incoming, local, table, texts},
};
use casefile::incoming::{Incoming, Proposal, Stage};
use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;
use treaty::Ground;
use vocabulary::{Digest, FileId, Instant};

#[derive(Debug, Subcommand)]
pub(crate) enum IncomingCommand {
    /// Requests to us, the one that changed last first.
    #[command(after_help = "Example:\n  rogatory incoming list --json")]
    List,
    /// One request: what is asked, what our own rules find, and which grounds for refusal exist.
    #[command(after_help = "Example:\n  rogatory incoming show FILE")]
    Show(ShowArguments),
    /// Take a received request to hand.
    #[command(
        after_help = "Example:\n  rogatory incoming triage FILE --urgent --officer duty --token-file duty.token"
    )]
    Triage {
        file: FileId,
        #[arg(long)]
        urgent: bool,
        /// A note for our own State; it never leaves it.
        #[arg(long)]
        note: Option<String>,
    },
    /// Propose a decision; a second officer takes it.
    #[command(
        after_help = "Examples:\n  rogatory incoming propose FILE --grant\n  rogatory incoming propose FILE --grant --conditions 'only for the proceeding named'\n  rogatory incoming propose FILE --refuse essential-interests --reasons '...'"
    )]
    Propose(ProposeArguments),
    /// Send words to the requesting State inside the file; due before a refusal, Art. 40(28).
    #[command(
        after_help = "Example:\n  rogatory incoming consult FILE --text 'We cannot name the holder. Would the logs alone serve?'"
    )]
    Consult {
        file: FileId,
        #[arg(long)]
        text: String,
    },
    /// Take the proposed decision as the second officer; the requesting State is told.
    #[command(
        after_help = "Example:\n  rogatory incoming decide FILE --proposal sha256:… --officer chief --token-file chief.token"
    )]
    Decide {
        file: FileId,
        /// The proposal that you looked at, as `incoming show` names it; refused when it changed since.
        #[arg(long, value_name = "DIGEST")]
        proposal: Option<Digest>,
    },
    /// Record that the data are preserved, under which order and for how long, Art. 25(2) and 42(8).
    #[command(
        after_help = "Example:\n  rogatory incoming execute FILE --order 'Order 12/2026 of the Northport court' --days 90"
    )]
    Execute {
        file: FileId,
        /// The domestic order or authority.
        #[arg(long)]
        order: String,
        /// Calendar days of the order, 60 to 90.
        #[arg(long, default_value_t = 90)]
        days: u32,
        /// When the data were preserved, with a zone; now when not given.
        #[arg(long, value_name = "INSTANT")]
        effected: Option<Instant>,
    },
    /// Record what was done on a granted request, in a word of its kind; the requesting State is told.
    #[command(
        after_help = "Examples:\n  rogatory treaty kinds service-of-documents\n  rogatory incoming record FILE served --text 'Handed over in person on 3 December 2026, 10:15.'\n  rogatory incoming record FILE served --partial --text 'One of the two documents; the other follows.'"
    )]
    Record {
        file: FileId,
        /// One of the words with which a request of this kind is answered.
        answer: String,
        #[arg(long)]
        text: String,
        /// More follows.
        #[arg(long)]
        partial: bool,
    },
    /// Renew the order before it ends, Art. 25(2), 42(9).
    #[command(after_help = "Example:\n  rogatory incoming extend FILE --days 60")]
    Extend {
        file: FileId,
        #[arg(long)]
        days: u32,
    },
    /// Close the file once the requesting State has closed its own, or after a refusal.
    #[command(after_help = "Example:\n  rogatory incoming close FILE")]
    Close { file: FileId },
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("decision").required(true).args(["grant", "postpone", "refuse"])))]
pub(crate) struct ProposeArguments {
    file: FileId,
    /// Grant the request.
    #[arg(long)]
    grant: bool,
    /// Conditions of the grant, Art. 36(1), 40(28).
    #[arg(long, requires = "grant")]
    conditions: Option<String>,
    /// Postpone because of an ongoing matter, Art. 40(27).
    #[arg(long)]
    postpone: bool,
    /// Refuse on this ground (`rogatory treaty grounds`); can be given several times.
    #[arg(long, value_name = "GROUND")]
    refuse: Vec<Ground>,
    /// The reasons that the requesting State will read, Art. 40(25).
    #[arg(long, conflicts_with = "grant")]
    reasons: Option<String>,
}

impl IncomingCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let flow = context.flow().await?;
        match self {
            Self::List => {
                let files = flow.incoming_list().await?;
                let rows: Vec<Vec<String>> = files
                    .iter()
                    .map(|file| {
                        vec![
                            file.file.to_string(),
                            file.kind.to_string(),
                            file.from.to_string(),
                            file.stage.as_str().to_owned(),
                            clock(
                                file.preservation_state(),
                                file.preserved.as_ref(),
                                file.hold.as_ref(),
                                flow.zone(),
                                flow.now(),
                            )
                            .unwrap_or_default(),
                            local(file.received_at, flow.zone()),
                        ]
                    })
                    .collect();
                Ok(Output::new(
                    table(&["File", "Request", "From", "State", "Preserved", "Received"], &rows),
                    &files,
                ))
            }
            Self::Show(ShowArguments { file }) => {
                let known = flow.incoming(file).await?;
                let draft = flow.draft_of(known.draft).await?;
                let checked = flow.findings_on_received(&known).await?;
                let basis = draft.offence.as_ref().and_then(|offence| offence.basis);
                let grounds: Vec<String> = Ground::permitted(known.kind, basis, flow.profile())
                    .map(|ground| format!("{ground} ({})", ground.citation()))
                    .collect();
                let words = flow.texts(file).await?;
                let proposal = proposed(&known)?.filter(|_| known.stage == Stage::Proposed);
                let proposed = proposal.map(|digest| format!("proposal   {digest}\n")).unwrap_or_default();
                let text = format!(
                    "{}{proposed}{}\n{}\nOur own rules find:\n{}\n\nGrounds on which it may be refused, after consultation and with reasons:\n  {}",
                    incoming(&known, flow.zone(), flow.now()),
                    texts(&words),
                    toml::to_string_pretty(&draft)?,
                    findings(&checked.findings),
                    grounds.join("\n  ")
                );
                Ok(Output::new(
                    text,
                    &json!({ "file": known, "draft": draft, "findings": checked.findings, "grounds": grounds, "texts": words, "proposal": proposal }),
                ))
            }
            Self::Triage { file, urgent, note } => {
                let performed = flow.triage(&context.credential()?, file, urgent, note.as_deref()).await?;
                Ok(Output::new(format!("{file} taken to hand"), &performed.file))
            }
            Self::Propose(arguments) => {
                let file = arguments.file;
                let proposal = proposal(arguments)?;
                let performed = flow.propose(&context.credential()?, file, proposal).await?;
                let digest = proposed(&performed.file)?.map(|digest| format!(" --proposal {digest}"));
                Ok(Output::new(
                    format!(
                        "proposed; a second officer decides: rogatory incoming decide {file}{}",
                        digest.unwrap_or_default()
                    ),
                    &performed.file,
                ))
            }
            Self::Consult { file, text } => {
                let view = flow.consult(&context.credential()?, file, &text).await?;
                Ok(Output::new("on its way", &view))
            }
            Self::Decide { file, proposal } => {
                if let Some(seen) = proposal {
                    unchanged("proposal", seen, proposed(&flow.incoming(file).await?)?, "incoming")?;
                }
                let performed = flow.decide(&context.credential()?, file).await?;
                Ok(Output::new("decided by two officers; the requesting State is told", &performed.file))
            }
            Self::Execute { file, order, days, effected } => {
                let effected = effected.unwrap_or_else(|| flow.now());
                let performed =
                    flow.effect_preservation(&context.credential()?, file, effected, days, &order).await?;
                let until = performed.file.preserved.as_ref().map(|preserved| preserved.until());
                let until = until.map(|until| local(until, flow.zone())).unwrap_or_default();
                Ok(Output::new(
                    format!("preserved until {until}; the requesting State is told"),
                    &performed.file,
                ))
            }
            Self::Record { file, answer, text, partial } => {
                let performed =
                    flow.record_execution(&context.credential()?, file, &answer, &text, !partial).await?;
                Ok(Output::new("recorded; the requesting State is told", &performed.file))
            }
            Self::Extend { file, days } => {
                let performed = flow.extend_preservation(&context.credential()?, file, days).await?;
                let until = performed.file.preserved.as_ref().map(|preserved| preserved.until());
                let until = until.map(|until| local(until, flow.zone())).unwrap_or_default();
                Ok(Output::new(
                    format!("preserved until {until}; the requesting State is told"),
                    &performed.file,
                ))
            }
            Self::Close { file } => {
                let performed = flow.close_incoming(&context.credential()?, file).await?;
                Ok(Output::new(format!("{file} closed"), &performed.file))
            }
        }
    }
}

/// The digest by which an officer names the proposal that waits for a decision.
fn proposed(file: &Incoming) -> anyhow::Result<Option<Digest>> {
    let Some((_, disposition)) = &file.proposed else { return Ok(None) };
    Ok(Some(Digest::of(&serde_json::to_vec(disposition)?)))
}

fn proposal(arguments: ProposeArguments) -> anyhow::Result<Proposal> {
    if arguments.grant {
        return Ok(Proposal::Grant { conditions: arguments.conditions });
    }
    let reasons = arguments
        .reasons
        .ok_or_else(|| refuse("R-806", "reasons are missing, Art. 40(25)", "give `--reasons`"))?;
    if arguments.postpone {
        return Ok(Proposal::Postpone { reasons });
    }
    Ok(Proposal::Refuse { grounds: arguments.refuse, reasons })
}
