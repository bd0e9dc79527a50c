//! `rogatory evidence`: take in, seal, send, fetch, verify, open.

use crate::{
    command::{court, keyring, laboratory},
    context::Context,
    named,
    output::{Output, refuse},
    show::{self, Watched, bytes, table},
};
use casefile::{incoming, outgoing};
use clap::{Args, Subcommand};
use evidence::Carry;
use flow::{Flow, NewExhibit, SealOptions, View};
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
    /// Seal all exhibits of a file for the other State's evidence office; or, without a node, any files and folders.
    ///
    /// A seal that was stopped or killed goes on where it was when the same command is given again.
    #[command(after_help = SEAL_EXAMPLES)]
    Seal {
        /// The id of a file at this node; or, with `--out`, files and folders, each an exhibit.
        #[arg(required = true, value_name = "FILE|PATH")]
        what: Vec<PathBuf>,
        #[command(flatten)]
        laboratory: Box<laboratory::SealArguments>,
    },
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
    /// Verify a package: what is proven by which layer, what is not, and how to check it without us.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify {
        /// The id of a file at this node; or, with `--trust`, a package.
        #[arg(value_name = "FILE|PACKAGE")]
        what: PathBuf,
        #[command(flatten)]
        keys: court::KeyArguments,
        /// Check only what needs no key, even when one is given.
        #[arg(long)]
        without_key: bool,
    },
    /// Open a package into a new folder; at a node, reading it is recorded.
    #[command(after_help = OPEN_EXAMPLES)]
    Open {
        /// The id of a file at this node; or, with `--key`, a package.
        #[arg(value_name = "FILE|PACKAGE")]
        what: PathBuf,
        #[command(flatten)]
        keys: court::KeyArguments,
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
    /// Carry it as one tar, with links, empty folders, owners, modes and names of any bytes.
    #[arg(long)]
    as_archive: bool,
}

/// Work that takes its time, away from the threads that wait for signals.
async fn long(work: impl FnOnce() -> anyhow::Result<Output> + Send + 'static) -> anyhow::Result<Output> {
    tokio::task::spawn_blocking(work).await?
}

const SEAL_EXAMPLES: &str = "\
Examples:
  rogatory evidence seal FILE --officer examiner --token-file examiner.token
  rogatory evidence seal phone.E01 mailbox/ --to court.pem --sign-key lab.key --sign-cert lab.pem --out PACKAGE";

const VERIFY_EXAMPLES: &str = "\
Examples:
  rogatory evidence verify FILE --json
  rogatory evidence verify PACKAGE --trust roots/
  rogatory evidence verify PACKAGE --trust roots/ --key me.key --cert me.pem";

const OPEN_EXAMPLES: &str = "\
Examples:
  rogatory evidence open FILE --out ./opened --officer examiner --token-file examiner.token
  rogatory evidence open PACKAGE --trust roots/ --key me.key --cert me.pem --out ./opened";

fn nothing_sealed() -> anyhow::Error {
    refuse("R-808", "nothing is sealed in this file", "run `rogatory evidence seal`")
}

/// The id of a file at this node.
fn file_id(what: &std::path::Path, without: &str) -> anyhow::Result<FileId> {
    let text = what.display().to_string();
    text.parse().map_err(|_| {
        let remedy = format!("give the id of a file; or, without a node, {without}");
        refuse("R-840", format!("`{text}` is not the id of a file"), remedy)
    })
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
        // What needs no node looks for none.
        match self {
            Self::Seal { what, laboratory } if laboratory.out.is_some() => {
                let officer = context.officer.clone();
                long(move || laboratory::seal(&what, *laboratory, officer.as_deref())).await
            }
            Self::Verify { what, mut keys, without_key } if keys.trust.is_some() => {
                keys.key = keys.key.filter(|_| !without_key);
                long(move || court::verify(&what, &keys)).await
            }
            Self::Open { what, keys, out } if keys.key.is_some() => {
                long(move || court::open(&what, &out, &keys)).await
            }
            other => other.run_at_node(context).await,
        }
    }

    async fn run_at_node(self, context: &Context) -> anyhow::Result<Output> {
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
                let carry = if add.as_archive { Carry::Archive } else { Carry::Files };
                let new = NewExhibit { path: &add.path, name: &name, why: &add.why, carry };
                let (file, record) =
                    flow.take_exhibit(&officer, add.file, new, &mut *watched.watch()).await?;
                let taken = file.exhibits.last();
                Ok(Output::new(
                    format!(
                        "exhibit {} taken in: {} files, {}, tree {}",
                        record.exhibit,
                        record.files,
                        bytes(taken.map_or(0, |exhibit| exhibit.bytes)),
                        taken.map(|exhibit| exhibit.tree.to_string()).unwrap_or_default()
                    ),
                    &json!({ "exhibit": taken, "record": record }),
                ))
            }
            Self::Seal { what, laboratory } => {
                let [file] = what.as_slice() else {
                    return Err(refuse("R-841", "one file at a time is sealed at a node", "name one FILE"));
                };
                let file = file_id(file, "name the new package with `--out`")?;
                let officer = flow.authorize(&context.credential()?, seal()).await?;
                let mut watched = Watched::new("sealing");
                let (flow, runtime) = (flow.clone(), tokio::runtime::Handle::current());
                // Long work that also asks an authority: not on a thread that waits for signals.
                let sealed = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
                    let authority =
                        laboratory.tsa.as_deref().map(laboratory::Authority::reach).transpose()?;
                    let stamp =
                        authority.as_ref().map(|authority| move |bytes: &[u8]| authority.stamp(bytes));
                    let options = SealOptions {
                        suite: laboratory.suite,
                        part_bytes: laboratory.part_size,
                        time_stamp: stamp.as_ref().map(|stamp| stamp as _),
                    };
                    Ok(runtime.block_on(flow.seal_evidence(
                        &officer,
                        file,
                        &options,
                        &mut *watched.watch(),
                    ))?)
                });
                let (_, summary) = sealed.await??;
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
                let package =
                    known.sealed.as_ref().map(|sealed| sealed.package).ok_or_else(nothing_sealed)?;
                let command = incoming::Command::SendEvidence { package };
                let command = flow.authorize(&context.credential()?, command).await?;
                let performed = flow.send_evidence(&command, file).await?;
                Ok(Output::new(
                    format!("package {package} announced to {}", performed.file.from),
                    &performed.file,
                ))
            }
            Self::Fetch { file, limit, parts } => {
                let set = context.home()?.configuration.transfer;
                let pace = Pace::new(parts.or(set.parts_at_once), limit.or(set.limit));
                fetch(&flow, file, Way::Road(Box::new(node::Road::new(flow.clone()).at(pace)))).await
            }
            Self::Import { file, from } => fetch(&flow, file, Way::Disk(from)).await,
            Self::Export { file, to } => export(&flow, file, &to).await,
            Self::Verify { what, .. } => {
                let file = file_id(&what, "name the roots you trust with `--trust`")?;
                let (place, report) = flow.verify_evidence(file).await?;
                let code = if report.is_valid() { 0 } else { vocabulary::Family::PeerFault.exit_code() };
                let text = format!("{report}\nPKG is {}", place.display());
                Ok(Output::new(text, &json!({ "package": place, "valid": code == 0, "report": report }))
                    .with_code(code))
            }
            Self::Open { what, out, .. } => {
                let file = file_id(&what, "name your key with `--key`")?;
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

/// How a package comes here.
enum Way {
    Road(Box<node::Road>),
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
    let exported = exported.ok_or_else(nothing_sealed)?;
    let text = format!(
        "package {}, {}, is in {}\nThe other State takes it in with `rogatory evidence import {file} --from {}`.",
        exported.package,
        bytes(exported.bytes),
        exported.folder.display(),
        to.display()
    );
    Ok(Output::new(text, &exported))
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
    let pem = keyring::text(&to)?;
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
