//! `rogatory evidence`: take in, seal, send, fetch, verify, open.

use crate::{
    context::Context,
    named,
    output::{Output, refuse},
    show::{self, Watched, bytes, table},
};
use casefile::{incoming, outgoing};
use clap::{Args, Subcommand};
use flow::{Flow, View};
use serde_json::json;
use std::{path::PathBuf, time::Duration};
use vocabulary::{Digest, ExhibitId, FileId, PackageId};

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Take a file or folder in as an exhibit: it is hashed in place and its chain of custody begins.
    #[command(
        after_help = "Example:\n  rogatory evidence add FILE ./mailbox --name mailbox --why 'produced under order 12/2026'"
    )]
    Add(AddArguments),
    /// Seal all exhibits into one package for the other State's evidence office.
    #[command(
        after_help = "Example:\n  rogatory evidence seal FILE --officer examiner --token-file examiner.token"
    )]
    Seal { file: FileId },
    /// Announce the sealed package, so that the other State fetches it.
    #[command(after_help = "Example:\n  rogatory evidence send FILE")]
    Send { file: FileId },
    /// Fetch an announced package now; it goes on where it stopped. A serving node does it by itself.
    #[command(after_help = "Example:\n  rogatory evidence fetch FILE")]
    Fetch { file: FileId },
    /// Verify the package of a file: what is proven by which layer, and how to check it without us.
    #[command(after_help = "Example:\n  rogatory evidence verify FILE --json")]
    Verify { file: FileId },
    /// Open a verified package into a new folder; reading it is recorded.
    #[command(
        after_help = "Example:\n  rogatory evidence open FILE --out ./opened --officer examiner --token-file examiner.token"
    )]
    Open {
        file: FileId,
        /// A new folder; it becomes the inner bag.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Let one more certificate open a received package: the key is wrapped again, the bulk is not touched.
    #[command(
        after_help = "Examples:\n  rogatory evidence add-recipient FILE --to laboratory.pem --why 'examination ordered on 3 March'\n  rogatory evidence add-recipient FILE --to defence.pem --why 'to defence counsel, order 31/2026' --disclose"
    )]
    AddRecipient(RecipientArguments),
    /// Those to whom a package was wrapped after it was sealed; every one is verified.
    #[command(after_help = "Example:\n  rogatory evidence recipients FILE --json")]
    Recipients { file: FileId },
    /// The exhibits or packages of a file.
    #[command(after_help = "Example:\n  rogatory evidence list FILE --json")]
    List { file: FileId },
}

#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    file: FileId,
    /// The exhibit: any file or folder; it stays where it is until it is sealed.
    path: PathBuf,
    /// The name of the exhibit in the package; the file's own name when not given.
    #[arg(long)]
    name: Option<String>,
    /// Why it was acquired, in words of the office.
    #[arg(long, default_value = "acquired for the request")]
    why: String,
}

#[derive(Debug, Args)]
pub(crate) struct RecipientArguments {
    file: FileId,
    /// The certificate of the new addressee.
    #[arg(long, value_name = "CERT.pem")]
    to: PathBuf,
    /// Why, in words of the office; never a person's name.
    #[arg(long)]
    why: String,
    /// Record that every exhibit of the package is disclosed by this.
    #[arg(long)]
    disclose: bool,
}

impl EvidenceCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let flow = context.flow().await?;
        match self {
            Self::Add(add) => {
                let name = match add.name {
                    Some(name) => name,
                    None => add
                        .path
                        .file_name()
                        .and_then(|name| name.to_str())
                        .ok_or_else(|| refuse("R-807", "the exhibit has no name", "give `--name`"))?
                        .to_owned(),
                };
                named::size(&add.path)?;
                let officer = flow.authorize(&context.credential()?, take_in()).await?;
                let mut watched = Watched::new("hashing");
                let (file, record) = flow
                    .take_exhibit(&officer, add.file, &add.path, &name, &add.why, &mut *watched.watch())
                    .await?;
                let taken = file.exhibits.last();
                Ok(Output::new(
                    format!(
                        "exhibit {} taken in: {} files, {}, tree {}",
                        record.exhibit,
                        record.files.len(),
                        bytes(taken.map_or(0, |exhibit| exhibit.bytes)),
                        taken.map(|exhibit| exhibit.tree.to_string()).unwrap_or_default()
                    ),
                    &json!({ "exhibit": taken, "files": record.files }),
                ))
            }
            Self::Seal { file } => {
                let officer = flow.authorize(&context.credential()?, seal()).await?;
                let mut watched = Watched::new("sealing");
                let (_, summary) = flow.seal_evidence(&officer, file, &mut *watched.watch()).await?;
                Ok(Output::new(
                    format!(
                        "package {} sealed: {} of plain text in {} files, {} on the disk",
                        summary.label.package_id,
                        bytes(summary.payload_bytes),
                        summary.payload_files,
                        bytes(summary.ciphertext_bytes)
                    ),
                    &summary,
                ))
            }
            Self::Send { file } => {
                let known = flow.incoming(file).await?;
                let package = known.sealed.as_ref().map(|sealed| sealed.package).ok_or_else(|| {
                    refuse("R-808", "nothing is sealed in this file", "run `rogatory evidence seal`")
                })?;
                let command = incoming::Command::SendEvidence { package };
                let command = flow.authorize(&context.credential()?, command).await?;
                let performed = flow.send_evidence(&command, file).await?;
                Ok(Output::new(
                    format!("package {package} announced to {}", performed.file.from),
                    &performed.file,
                ))
            }
            Self::Fetch { file } => fetch(&flow, file).await,
            Self::Verify { file } => {
                let (place, report) = flow.verify_evidence(file).await?;
                let code = if report.is_valid() { 0 } else { vocabulary::Family::PeerFault.exit_code() };
                let text = format!("{report}\nPKG is {}", place.display());
                Ok(Output::new(text, &json!({ "package": place, "valid": code == 0, "report": report }))
                    .with_code(code))
            }
            Self::Open { file, out } => {
                let officer = flow.authorize(&context.credential()?, open(&flow, file).await?).await?;
                let mut watched = Watched::new("opening");
                let opened = flow.open_evidence(&officer, file, &out, &mut *watched.watch()).await?;
                Ok(Output::new(
                    format!(
                        "{} exhibits, {} files opened in {}{}",
                        opened.exhibits.len(),
                        opened.files,
                        out.display(),
                        gaps(&opened.gaps)
                    ),
                    &opened,
                ))
            }
            Self::AddRecipient(arguments) => add_recipient(context, &flow, arguments).await,
            Self::Recipients { file } => recipients(&flow, file).await,
            Self::List { file } => list(&flow, file).await,
        }
    }
}

async fn fetch(flow: &Flow, file: FileId) -> anyhow::Result<Output> {
    let known = flow.outgoing(file).await?;
    let evidence = known.evidence.as_ref().ok_or_else(|| {
        refuse("R-809", "no evidence was announced in this file", "wait for the other State")
    })?;
    let package = evidence.package;
    if evidence.verified.is_some() {
        return Ok(Output::new(format!("package {package} is here and verified"), evidence));
    }
    let road = node::Road::new(flow.clone());
    let bar = show::bar("fetching", evidence.bytes);
    loop {
        let duty = flow.fetch_duty(file, package).await?;
        let fetched = node::fetch_package(flow, &road, &duty, file, package, &mut |progress| {
            bar.set_position(progress.done);
        })
        .await?;
        if let Some(report) = fetched {
            bar.finish_and_clear();
            return Ok(Output::new(format!("package {package} fetched and verified"), &report));
        }
        // The serving node is at it: wait for its result, or go on where it stops.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let known = flow.outgoing(file).await?;
        if known.evidence.as_ref().is_some_and(|evidence| evidence.verified.is_some()) {
            bar.finish_and_clear();
            return Ok(Output::new(format!("package {package} fetched and verified by the node"), &known));
        }
    }
}

/// Gaps in the chains of custody, which do not stop the opening of a package that holds.
fn gaps(gaps: &[vocabulary::Report]) -> String {
    gaps.iter().map(|gap| format!("\ngap in the chain of custody: {gap}")).collect()
}

async fn add_recipient(
    context: &Context,
    flow: &Flow,
    arguments: RecipientArguments,
) -> anyhow::Result<Output> {
    let RecipientArguments { file, to, why, disclose } = arguments;
    let pem = String::from_utf8(named::read(&to)?)
        .map_err(|_| named::refused(&to, "read", std::io::ErrorKind::InvalidData.into()))?;
    let added = flow.add_addressee(&context.credential()?, file, &pem, &why, disclose).await?;
    let digits: String = added.statement.addressee.hex().chars().take(16).collect();
    let text = format!(
        "package {} can be opened with the key of {}: seal/addressee-{digits}.p7m, signed in .p7s{}",
        added.statement.package,
        added.statement.addressee,
        if disclose { format!("; {} exhibit(s) disclosed", added.disclosed.len()) } else { String::new() }
    );
    Ok(Output::new(text, &added))
}

async fn recipients(flow: &Flow, file: FileId) -> anyhow::Result<Output> {
    let found = flow.further_addressees(file).await?;
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|one| {
            vec![
                show::local(one.statement.at, &one.statement.zone),
                one.statement.addressee.to_string(),
                format!("{} {}", one.statement.office, one.statement.officer),
                one.statement.why.clone(),
            ]
        })
        .collect();
    Ok(Output::new(table(&["Added", "Certificate", "By", "Why"], &rows), &found))
}

async fn list(flow: &Flow, file: FileId) -> anyhow::Result<Output> {
    match flow.view(file).await? {
        View::Outgoing(known) => {
            let rows: Vec<Vec<String>> = known
                .evidence
                .iter()
                .map(|evidence| {
                    let state = match (evidence.verified, evidence.opened) {
                        (None, _) => "announced",
                        (Some(_), false) => "verified",
                        (Some(_), true) => "opened",
                    };
                    vec![evidence.package.to_string(), bytes(evidence.bytes), state.to_owned()]
                })
                .collect();
            Ok(Output::new(table(&["Package", "Size", "State"], &rows), &known.evidence))
        }
        View::Incoming(known) => {
            let rows: Vec<Vec<String>> = known
                .exhibits
                .iter()
                .map(|e| vec![e.exhibit.to_string(), e.files.to_string(), bytes(e.bytes), e.tree.to_string()])
                .collect();
            let data = json!({ "exhibits": known.exhibits, "package": known.sealed });
            Ok(Output::new(table(&["Exhibit", "Files", "Size", "Tree"], &rows), &data))
        }
    }
}

/// The permission for long work is checked before it begins; these commands only name it.
pub(crate) fn take_in() -> incoming::Command {
    incoming::Command::TakeExhibit {
        exhibit: ExhibitId::from_uuid(uuid::Uuid::nil()),
        record: Digest::of(b""),
        files: 0,
        bytes: 0,
        tree: Digest::of(b""),
    }
}

pub(crate) fn seal() -> incoming::Command {
    incoming::Command::SealEvidence {
        package: PackageId::from_uuid(uuid::Uuid::nil()),
        tag_manifest: Digest::of(b""),
        bytes: 0,
        announcement: Digest::of(b""),
    }
}

pub(crate) async fn open(flow: &Flow, file: FileId) -> anyhow::Result<outgoing::Command> {
    let known = flow.outgoing(file).await?;
    let package = known.evidence.as_ref().map(|evidence| evidence.package).ok_or_else(|| {
        refuse("R-809", "no evidence was announced in this file", "wait for the other State")
    })?;
    Ok(outgoing::Command::OpenEvidence { package, exhibits: 0, files: 0 })
}
