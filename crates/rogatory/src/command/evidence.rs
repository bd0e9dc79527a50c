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
use node::{Pace, Rate};
use serde_json::json;
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};
use vocabulary::{Digest, ExhibitId, FileId, Instant, PackageId};

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
    #[command(after_help = "Example:\n  rogatory evidence fetch FILE --limit 20MiB/s")]
    Fetch {
        file: FileId,
        /// The most that is taken of the line, such as `20MiB/s`; else what `node.toml` says.
        #[arg(long, value_name = "RATE")]
        limit: Option<Rate>,
        /// Parts fetched at the same time, 1 to 4.
        #[arg(long, value_name = "NUMBER")]
        parts: Option<usize>,
    },
    /// Take in an announced package from a disk that was carried here, as if it had been fetched.
    #[command(after_help = "Example:\n  rogatory evidence import FILE --from /media/disk")]
    Import {
        file: FileId,
        /// The folder of the package, or the one in which it lies.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
    /// Copy the sealed package to a disk that people carry, and check every part as it goes.
    #[command(after_help = "Example:\n  rogatory evidence export FILE --to /media/disk")]
    Export {
        file: FileId,
        /// The package gets a folder of its own in it.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
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
                let performed = flow.perform::<incoming::Incoming>(file, &command, &[]).await?;
                Ok(Output::new(
                    format!("package {package} announced to {}", performed.file.from),
                    &performed.file,
                ))
            }
            Self::Fetch { file, limit, parts } => {
                let set = context.home()?.configuration.transfer;
                let pace = Pace::new(parts.or(set.parts_at_once), limit.or(set.limit));
                fetch(&flow, file, Way::Road(node::Road::new(flow.clone()).at(pace))).await
            }
            Self::Import { file, from } => fetch(&flow, file, Way::Disk(from)).await,
            Self::Export { file, to } => export(&flow, file, &to).await,
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
                        "{} exhibits, {} files opened in {}",
                        opened.exhibits.len(),
                        opened.files,
                        out.display()
                    ),
                    &opened,
                ))
            }
            Self::List { file } => list(&flow, file).await,
        }
    }
}

/// How a package comes here.
enum Way {
    Road(node::Road),
    Disk(PathBuf),
}

async fn fetch(flow: &Flow, file: FileId, way: Way) -> anyhow::Result<Output> {
    let known = flow.outgoing(file).await?;
    let evidence = known.evidence.as_ref().ok_or_else(|| {
        refuse("R-809", "no evidence was announced in this file", "wait for the other State")
    })?;
    let package = evidence.package;
    if evidence.verified.is_some() {
        return Ok(Output::new(format!("package {package} is here and verified"), evidence));
    }
    let bar = show::bar("fetching", evidence.bytes);
    let mut progress = |progress: node::FetchProgress| bar.set_position(progress.done);
    loop {
        let duty = flow.fetch_duty(file, package).await?;
        let fetched = match &way {
            Way::Road(road) => node::fetch_package(flow, road, &duty, file, package, &mut progress).await?,
            Way::Disk(from) => node::import_package(flow, &duty, file, package, from, &mut progress).await?,
        };
        if let Some(fetched) = fetched {
            bar.finish_and_clear();
            let cost = fetched.cost;
            let mut text = format!("package {package} fetched and verified");
            if cost.resumed > 0 {
                let _ = write!(
                    text,
                    "\n{} were here before, {} of them hashed again",
                    bytes(cost.resumed),
                    bytes(cost.rehashed)
                );
            }
            if cost.fetched_again > 0 {
                let _ = write!(text, "\n{} came wrong and were fetched again", bytes(cost.fetched_again));
            }
            return Ok(Output::new(text, &fetched));
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

async fn export(flow: &Flow, file: FileId, to: &Path) -> anyhow::Result<Output> {
    let sealed = flow.incoming(file).await?.sealed.map_or(0, |sealed| sealed.bytes);
    let bar = show::bar("copying", sealed);
    let exported =
        node::export_package(flow, file, to, &mut |progress| bar.set_position(progress.done)).await?;
    bar.finish_and_clear();
    let exported = exported
        .ok_or_else(|| refuse("R-808", "nothing is sealed in this file", "run `rogatory evidence seal`"))?;
    let text = format!(
        "package {}, {}, is in {}\nThe other State takes it in with `rogatory evidence import {file} --from {}`.",
        exported.package,
        bytes(exported.bytes),
        exported.folder.display(),
        to.display()
    );
    Ok(Output::new(text, &exported))
}

async fn list(flow: &Flow, file: FileId) -> anyhow::Result<Output> {
    match flow.view(file).await? {
        View::Outgoing(known) => {
            let (mut rows, mut until) = (Vec::new(), None);
            if let Some(evidence) = &known.evidence {
                let state = match (evidence.verified, evidence.opened) {
                    (None, _) => "announced",
                    (Some(_), false) => "verified",
                    (Some(_), true) => "opened",
                };
                until = flow.announcement(file, evidence.package).await?.available_until;
                let shown = until.map_or_else(String::new, |until| window(until, flow));
                rows.push(vec![evidence.package.to_string(), bytes(evidence.bytes), state.to_owned(), shown]);
            }
            let data = json!({ "evidence": known.evidence, "available_until": until });
            Ok(Output::new(table(&["Package", "Size", "State", "Available (their policy)"], &rows), &data))
        }
        View::Incoming(known) => {
            let rows: Vec<Vec<String>> = known
                .exhibits
                .iter()
                .map(|e| vec![e.exhibit.to_string(), e.files.to_string(), bytes(e.bytes), e.tree.to_string()])
                .collect();
            let mut text = table(&["Exhibit", "Files", "Size", "Tree"], &rows);
            let (mut served, mut until) = (None, None);
            if let Some(sealed) = &known.sealed {
                served = flow.served_so_far(sealed.package).await?;
                until = flow.promised_until(sealed.package).await?;
                let _ = write!(
                    text,
                    "\n\npackage {}: {}",
                    sealed.package,
                    taken(served, sealed.bytes, flow.now())
                );
                if let Some(until) = until {
                    let _ = write!(text, "\navailable {} (our policy)", window(until, flow));
                }
            }
            let data = json!({
                "exhibits": known.exhibits,
                "package": known.sealed,
                "served": served,
                "available_until": until,
            });
            Ok(Output::new(text, &data))
        }
    }
}

fn window(until: Instant, flow: &Flow) -> String {
    format!("until {} ({})", show::local(until, flow.zone()), show::left(until, flow.now()))
}

/// `fetched 43 % (last 12 s ago)`; what was asked for again after a restart may count twice.
fn taken(served: Option<flow::Served>, bytes: u64, now: Instant) -> String {
    let Some(served) = served else { return "not fetched yet".to_owned() };
    let percent = u128::from(served.bytes) * 100 / u128::from(bytes.max(1));
    let ago = if served.at < now { now.since(served.at).as_secs() } else { 0 };
    format!("fetched {} % (last {ago} s ago)", percent.min(100))
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
