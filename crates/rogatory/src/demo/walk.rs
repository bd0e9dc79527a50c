//! The walk: preservation, assistance, decision, evidence, verification, closing.

use crate::{
    command::evidence::{open, seal, take_in},
    demo::{
        cast::{Cast, State},
        narrator::Narrator,
    },
    show::{self, Watched, bytes, local},
};
use anyhow::{Context as _, bail};
use casefile::{
    Outcome, incoming,
    incoming::{Incoming, Proposal},
    outgoing::{self, Outgoing},
};
use evidence::VerifyReport;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use treaty::{Draft, Kind, Severity};
use vocabulary::{Digest, Failure as _, FileId, PackageId};

/// How long the other node may take to answer on loopback.
const PATIENCE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the walk left.
#[derive(Debug)]
pub(crate) struct Walked {
    pub(crate) preservation: FileId,
    pub(crate) assistance: FileId,
    pub(crate) package: PackageId,
    /// The package as A received it.
    pub(crate) received: PathBuf,
    pub(crate) opened: PathBuf,
    pub(crate) report: VerifyReport,
    /// The digest of the exhibit's sorted manifest.
    pub(crate) exhibit: Digest,
    pub(crate) receipts: Vec<Digest>,
    pub(crate) exhibits: usize,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

pub(crate) async fn walk(cast: &mut Cast, path: &Path, narrator: &mut Narrator) -> anyhow::Result<Walked> {
    let preservation = preserve(cast, narrator).await?;
    let assistance = ask(cast, narrator, preservation).await?;
    let taken = execute(cast, narrator, assistance, path).await?;
    let (package, received, report, exhibits, opened) = receive(cast, narrator, assistance).await?;
    close(cast, narrator, preservation, assistance).await?;
    examine(cast, narrator).await?;
    let receipts = receipts(cast, &[preservation, assistance]).await?;
    Ok(Walked {
        preservation,
        assistance,
        package,
        received,
        opened,
        report,
        exhibit: taken.tree,
        receipts,
        exhibits,
        files: taken.files,
        bytes: taken.bytes,
    })
}

/// Art. 42: from draft to data preserved, with the same instants on both sides.
async fn preserve(cast: &Cast, narrator: &mut Narrator) -> anyhow::Result<FileId> {
    let (a, b) = (&cast.a, &cast.b);
    let file = send(a, narrator, example(Kind::PRESERVATION, None, a)?).await?;
    let incoming = arrived(b, file).await?;
    narrator.step(
        "B",
        "Art. 41(3)(b)",
        format!("opened and checked by B's own rules: {} must, {} should", incoming.must, incoming.should),
    );
    b.flow.triage(&b.first, file, true, None).await?;
    grant(b, narrator, file, "Art. 42(4), 42(6)", None).await?;
    b.flow
        .effect_preservation(&b.first, file, b.flow.now(), 90, "Order 12/2026 of the Northport court")
        .await?;
    narrator.step("B", "Art. 25(2), 42(8)", "data preserved under a domestic order of 90 days; A is told");
    let known = wait(a, file, "the preservation", |known| known.preserved.is_some()).await?;
    let theirs = b.flow.incoming(file).await?.preserved.context("B's preservation")?;
    let ours = known.preserved.context("A's preservation")?;
    if ours != theirs {
        bail!("the two States computed different instants");
    }
    narrator.step(
        "A",
        "Art. 42(8)",
        format!(
            "not before {}, order ends {}: both States compute the same instants",
            local(ours.minimum.result, a.flow.zone()),
            local(ours.order_end.result, a.flow.zone())
        ),
    );
    Ok(file)
}

/// Art. 44: the linked request for assistance stops the clock of the preservation.
async fn ask(cast: &Cast, narrator: &mut Narrator, preservation: FileId) -> anyhow::Result<FileId> {
    let (a, b) = (&cast.a, &cast.b);
    let file = send(a, narrator, example(Kind::STORED_DATA, Some(preservation), a)?).await?;
    let incoming = arrived(b, file).await?;
    held(a, b, preservation).await?;
    narrator.step(
        "A B",
        "Art. 42(8)",
        "the clock of the preservation stops on both sides until the request is decided",
    );
    narrator.step(
        "B",
        "Art. 40(15), 35",
        format!(
            "checked by B's own rules: {} must, {} should, {} note",
            incoming.must, incoming.should, incoming.note
        ),
    );
    b.flow.triage(&b.first, file, false, None).await?;
    let conditions =
        "Only for the proceeding named in the request, Art. 40(19); return or destroy when it ends.";
    grant(b, narrator, file, "Art. 40(21), 40(28)", Some(conditions)).await?;
    wait(a, file, "the decision", |known| known.decision.is_some()).await?;
    narrator.step("A", "Art. 40(28)", "B's signed decision is here: granted, with conditions that bind");
    Ok(file)
}

/// B takes the evidence in, seals it to A's evidence office and announces it.
async fn execute(
    cast: &Cast,
    narrator: &mut Narrator,
    file: FileId,
    path: &Path,
) -> anyhow::Result<incoming::Exhibit> {
    let b = &cast.b;
    let officer = b.flow.authorize(&b.first, take_in()).await?;
    let why = "produced by the provider under order 12/2026";
    let new = flow::NewExhibit { path, name: &name(path), why, carry: evidence::Carry::Files };
    let mut watched = Watched::new("hashing");
    let (known, _) = b.flow.take_exhibit(&officer, file, new, &mut *watched.watch()).await?;
    drop(watched);
    let taken = known.exhibits.last().context("the exhibit")?.clone();
    narrator.step(
        "B",
        "Art. 44(1)",
        format!("exhibit taken in: {} files, {}; custody begins", taken.files, bytes(taken.bytes)),
    );
    let officer = b.flow.authorize(&b.first, seal()).await?;
    let mut watched = Watched::new("sealing");
    let (_, summary) =
        b.flow.seal_evidence(&officer, file, &flow::SealOptions::default(), &mut *watched.watch()).await?;
    drop(watched);
    narrator.step(
        "B",
        "Art. 44(1)",
        format!(
            "sealed to A's evidence office in {} part(s), {}, signed by B's evidence office",
            summary.files.iter().filter(|part| part.name.starts_with("data/payload")).count(),
            bytes(summary.ciphertext_bytes)
        ),
    );
    let command = incoming::Command::SendEvidence { package: summary.label.package_id };
    let command = b.flow.authorize(&b.first, command).await?;
    b.flow.send_evidence(&command, file).await?;
    narrator.step("B", "Art. 40(14)", "package announced; the node of A may fetch it");
    Ok(taken)
}

/// A's node fetches and verifies; a named examiner opens.
async fn receive(
    cast: &Cast,
    narrator: &mut Narrator,
    file: FileId,
) -> anyhow::Result<(PackageId, PathBuf, VerifyReport, usize, PathBuf)> {
    let a = &cast.a;
    let known = wait(a, file, "the announcement", |known| known.evidence.is_some()).await?;
    let evidence = known.evidence.context("the announcement")?;
    let bar = show::bar("fetching", evidence.bytes);
    let arriving = a.home.folder.arriving(file, evidence.package);
    let fetched = wait_with(a, file, "the package", None, |known| {
        bar.set_position(size_of(&arriving));
        known.evidence.as_ref().is_some_and(|evidence| evidence.verified.is_some())
    })
    .await;
    bar.finish_and_clear();
    fetched?;
    narrator.step(
        "A",
        "Art. 40(14)",
        format!("package fetched, {}, every file checked as it arrived", bytes(evidence.bytes)),
    );
    let (received, report) = a.flow.verify_evidence(file).await?;
    if !report.is_valid() {
        bail!("the package does not verify:\n{report}");
    }
    narrator.step("A", "Art. 40(14)", format!("verified: {}", layers(&report)));
    let out = cast.place.join("opened");
    let officer = a.flow.authorize(&a.first, open(&a.flow, file).await?).await?;
    let mut watched = Watched::new("opening");
    let opened = a.flow.open_evidence(&officer, file, &out, &mut *watched.watch()).await?;
    drop(watched);
    narrator.step(
        "A",
        "Art. 36(2)",
        format!("opened by {}: {} files, inner bag and signature hold", a.first.id, opened.files),
    );
    Ok((evidence.package, received, report, opened.exhibits.len(), out))
}

/// A closes both files, B follows; nothing is owed any more.
async fn close(
    cast: &Cast,
    narrator: &mut Narrator,
    preservation: FileId,
    assistance: FileId,
) -> anyhow::Result<()> {
    let (a, b) = (&cast.a, &cast.b);
    for file in [assistance, preservation] {
        a.flow.close_request(&a.first, file, Outcome::Fulfilled).await?;
    }
    narrator.step("A", "Art. 40(26)", "both files closed: fulfilled; B is told");
    let began = Instant::now();
    for file in [assistance, preservation] {
        while b.flow.incoming(file).await?.outcome.is_none() {
            patience(began, "the closing message")?;
            pause().await;
        }
        b.flow.close_incoming(&b.first, file).await?;
    }
    narrator.step("B", "Art. 40(26)", "both files closed; the preserved data are released");
    Ok(())
}

/// The receipts of everything that either State said in the files.
async fn receipts(cast: &Cast, files: &[FileId]) -> anyhow::Result<Vec<Digest>> {
    let mut receipts = Vec::new();
    for file in files {
        for letter in cast.a.flow.timeline(*file).await?.letters {
            receipts.extend(letter.receipt);
        }
    }
    Ok(receipts)
}

/// Every invariant of both nodes, from what is stored.
async fn examine(cast: &Cast, narrator: &mut Narrator) -> anyhow::Result<()> {
    let began = Instant::now();
    for state in [&cast.a, &cast.b] {
        loop {
            let audit = state.flow.audit().await?;
            if let Some(trouble) = audit.troubles.first() {
                bail!("{}: {}", trouble.what, trouble.found);
            }
            if audit.waiting == 0 && audit.owed == 0 {
                break;
            }
            patience(began, "the last receipts")?;
            pause().await;
        }
    }
    let (a, b) = (cast.a.flow.audit().await?, cast.b.flow.audit().await?);
    if a.delivered != b.received || b.delivered != a.received {
        bail!("a message is without its receipt on the other side");
    }
    narrator.step(
        "A B",
        "Art. 40(14)",
        format!(
            "audited: {} messages, {} receipts on both sides, {} events in two ledgers, nothing owed",
            a.sent + b.sent,
            a.delivered + b.delivered,
            a.events + b.events
        ),
    );
    Ok(())
}

/// Drafts, checks, submits, approves by a second officer, and waits for B's signed receipt.
async fn send(a: &State, narrator: &mut Narrator, draft: Draft) -> anyhow::Result<FileId> {
    let checked = a.flow.check(&draft).await?;
    let rule = draft.kind.form().rule().citation().to_string();
    if checked.checked.has_must() {
        bail!("the example draft has findings:\n{}", show::findings(&checked.checked.findings));
    }
    let file = a.flow.draft(&a.first, &draft).await?.file.file;
    narrator.step(
        "A",
        &rule,
        format!(
            "{} request drafted and checked: 0 must, {} should, {} note",
            draft.kind,
            checked.count(Severity::Should),
            checked.count(Severity::Note)
        ),
    );
    a.flow.submit(&a.first, file).await?;
    // Shown on purpose: one officer alone sends nothing.
    match a.flow.approve(&a.first, file).await {
        Err(refused) => narrator.step(
            "A",
            "four eyes, policy",
            format!("{} may not approve what {} submitted ({})", a.first.id, a.first.id, refused.code()),
        ),
        Ok(_) => bail!("one officer sent a request alone"),
    }
    a.flow.approve(&a.second, file).await?;
    narrator.step(
        "A",
        "four eyes, policy",
        format!("approved by {}; signed and sealed to B's office", a.second.id),
    );
    let known = wait(a, file, "the receipt", |known| known.delivered.is_some()).await?;
    if let Some((_, at)) = known.delivered {
        narrator.step(
            "A",
            "Art. 40(14)",
            format!(
                "B's signed receipt: durable there at {}, our log head cosigned",
                local(at, a.flow.zone())
            ),
        );
    }
    Ok(file)
}

async fn grant(
    b: &State,
    narrator: &mut Narrator,
    file: FileId,
    article: &str,
    conditions: Option<&str>,
) -> anyhow::Result<()> {
    let proposal = Proposal::Grant { conditions: conditions.map(str::to_owned) };
    b.flow.propose(&b.first, file, proposal).await?;
    b.flow.decide(&b.second, file).await?;
    let words = if conditions.is_some() { "granted with conditions" } else { "granted" };
    narrator.step(
        "B",
        article,
        format!("proposed by {}, {words} by {}: people decided", b.first.id, b.second.id),
    );
    Ok(())
}

/// The example request, with the dates that move with the calendar set from today.
fn example(kind: Kind, preservation: Option<FileId>, a: &State) -> anyhow::Result<Draft> {
    let text = match kind {
        Kind::PRESERVATION => include_str!("../../../../examples/preservation.toml"),
        Kind::STORED_DATA => include_str!("../../../../examples/stored-data.toml"),
        other => treaty::template(other),
    };
    let mut draft = Draft::from_toml(text)?;
    let now = a.flow.now();
    draft.preservation_file = preservation;
    let zone = jiff::tz::TimeZone::UTC;
    if draft.expected_mla_date.is_some() {
        draft.expected_mla_date = Some(now.plus(DAY * 30).date_in(&zone));
    }
    if let Some(confidentiality) = &mut draft.confidentiality {
        confidentiality.until = Some(now.plus(DAY * 180));
    }
    if let Some(safeguards) = &mut draft.safeguards {
        safeguards.valid_from = Some(now.minus(DAY));
        safeguards.valid_until = Some(now.plus(DAY * 120));
    }
    for item in &mut draft.items {
        item.from = Some(now.minus(DAY * 40));
        item.until = Some(now.minus(DAY * 39));
    }
    Ok(draft)
}

async fn arrived(b: &State, file: FileId) -> anyhow::Result<Incoming> {
    let began = Instant::now();
    loop {
        match b.flow.incoming(file).await {
            Ok(known) => return Ok(known),
            Err(flow::FlowError::NoFile { .. }) => patience(began, "the request")?,
            Err(error) => return Err(error.into()),
        }
        pause().await;
    }
}

async fn held(a: &State, b: &State, preservation: FileId) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let outgoing = a.flow.outgoing(preservation).await?.hold;
        let incoming = b.flow.incoming(preservation).await?.hold;
        if let (Some(outgoing), Some(incoming)) = (outgoing, incoming) {
            if outgoing.since != incoming.since {
                bail!("the two States hold the data since different instants");
            }
            return Ok(());
        }
        patience(began, "the hold")?;
        pause().await;
    }
}

async fn wait(
    a: &State,
    file: FileId,
    what: &str,
    until: impl FnMut(&Outgoing) -> bool,
) -> anyhow::Result<outgoing::Outgoing> {
    wait_with(a, file, what, Some(PATIENCE), until).await
}

async fn wait_with(
    a: &State,
    file: FileId,
    what: &str,
    limit: Option<Duration>,
    mut until: impl FnMut(&Outgoing) -> bool,
) -> anyhow::Result<outgoing::Outgoing> {
    let began = Instant::now();
    loop {
        let known = a.flow.outgoing(file).await?;
        if until(&known) {
            return Ok(known);
        }
        if limit.is_some_and(|limit| began.elapsed() > limit) {
            bail!("{what} did not come within {} s", PATIENCE.as_secs());
        }
        pause().await;
    }
}

fn patience(began: Instant, what: &str) -> anyhow::Result<()> {
    if began.elapsed() > PATIENCE {
        bail!("{what} did not come within {} s", PATIENCE.as_secs());
    }
    Ok(())
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// The names of the layers, all of which hold.
fn layers(report: &VerifyReport) -> String {
    let names: Vec<&str> = report.layers.iter().map(|layer| layer.name.as_str()).collect();
    format!("{} hold", names.join(", "))
}

/// A name for the exhibit: that of the file or folder.
fn name(path: &Path) -> String {
    std::path::absolute(path)
        .ok()
        .and_then(|path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned))
        .unwrap_or_else(|| "evidence".to_owned())
}

/// Bytes below a folder, as far as they can be read.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => size_of(&entry.path()),
            Ok(about) => about.len(),
            Err(_) => 0,
        })
        .sum()
}
