//! `rogatory file`: a file of either side, with both ladders.

use crate::{
    bundle,
    command::law::add,
    context::Context,
    output::Output,
    show::{incoming, local, outgoing, table},
    side_by_side,
};
use clap::{Args, Subcommand};
use exchange::ProofRoad;
use flow::{BundleOptions, ExportFile, Rung, View};
use serde_json::json;
use std::{fmt::Write as _, fs, path::PathBuf};
use vocabulary::FileId;

#[derive(Debug, Subcommand)]
pub(crate) enum FileCommand {
    /// The timeline of a file: its legal state, and the proofs of transport beside it.
    #[command(after_help = "Example:\n  rogatory file show FILE --json")]
    Show { file: FileId },
    /// The ladder of proofs, envelope by envelope: submitted, relayed, delivered, opened, and what is missing.
    #[command(after_help = "Example:\n  rogatory file proofs FILE --json")]
    Proofs { file: FileId },
    /// Write everything that is proven of a file as one bundle, which anybody checks offline.
    #[command(
        after_help = "Examples:\n  rogatory file export FILE --out FILE.rogatory.zip --officer NAME --token-file TOKEN\n  rogatory file export FILE --out ./bundle --without-content"
    )]
    Export(ExportArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    file: FileId,
    /// A new ZIP file (a name that ends with `.zip`) or a new folder.
    #[arg(long, value_name = "ZIP|DIR")]
    out: PathBuf,
    /// Leave statements, drafts and texts out: the proofs stand without them.
    #[arg(long)]
    without_content: bool,
}

impl FileCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        match self {
            Self::Show { file } => show(context, file).await,
            Self::Proofs { file } => proofs(context, file).await,
            Self::Export(arguments) => export(context, arguments).await,
        }
    }
}

async fn show(context: &Context, file: FileId) -> anyhow::Result<Output> {
    let flow = context.flow().await?;
    let timeline = flow.timeline(file).await?;
    let head = match &timeline.file {
        View::Outgoing(known) => outgoing(known, flow.zone(), flow.now()),
        View::Incoming(known) => incoming(known, flow.zone(), flow.now()),
    };
    let steps: Vec<Vec<String>> = timeline
        .steps
        .iter()
        .map(|step| {
            let statement = step.detail.get("statement").and_then(|word| word.as_str()).unwrap_or("");
            let direction = step.detail.get("direction").and_then(|word| word.as_str());
            let what = if step.ladder == "transport" && !statement.starts_with("sha256:") {
                format!("{} {statement}", step.what)
            } else if let Some(direction) = direction.filter(|_| step.what == "consulted") {
                format!("{} {direction}", step.what)
            } else if step.what == "custody" {
                format!("custody {}", custody_words(&step.detail))
            } else {
                step.what.clone()
            };
            vec![
                step.sequence.to_string(),
                local(step.at, flow.zone()),
                step.ladder.to_owned(),
                what,
                step.actor.to_string(),
                step.clause.clone().unwrap_or_default(),
                step.leaf.to_string(),
            ]
        })
        .collect();
    let letters: Vec<Vec<String>> = timeline
        .letters
        .iter()
        .map(|letter| {
            vec![
                letter.direction.to_owned(),
                letter.statement.clone(),
                letter.proof.to_owned(),
                letter.envelope.to_string(),
                letter.receipt.map(|receipt| receipt.to_string()).unwrap_or_default(),
            ]
        })
        .collect();
    let judgements = flow.judgements(file).await?;
    let head = head + &side_by_side::judgements(&judgements, flow.zone());
    let text = format!(
        "{head}\nTimeline\n{}\n\nEnvelopes\n{}",
        table(&["#", "When", "Ladder", "What", "Who", "Clause", "Leaf"], &steps),
        table(&["", "Statement", "Proof", "Envelope", "Receipt"], &letters)
    );
    let mut data = serde_json::to_value(&timeline)?;
    add(&mut data, "judgements", &judgements)?;
    Ok(Output::new(text, &data))
}

async fn proofs(context: &Context, file: FileId) -> anyhow::Result<Output> {
    let flow = context.flow().await?;
    let ladders = flow.proofs(file).await?;
    let mut text = String::new();
    for ladder in &ladders {
        let _ = writeln!(
            text,
            "{} {}  {} to {}\nenvelope {}\nsealed   {}",
            ladder.direction, ladder.statement, ladder.from, ladder.to, ladder.envelope, ladder.digest
        );
        let rows: Vec<Vec<String>> = ladder.rungs.iter().map(|rung| rung_words(rung, flow.zone())).collect();
        let _ = writeln!(
            text,
            "{}",
            table(&["Step", "When", "Signed by", "What", "Digest of the signed bytes"], &rows)
        );
        for ahead in &ladder.ahead {
            let at = local(ahead.at, flow.zone());
            let _ =
                writeln!(text, "not {} yet: {} at {at} ({})", ahead.step, ahead.level.as_str(), ahead.rule);
        }
        text.push('\n');
    }
    Ok(Output::new(text.trim_end().to_owned(), &ladders))
}

fn rung_words(rung: &Rung, zone: &str) -> Vec<String> {
    let road = rung.road.map(|road| match road {
        ProofRoad::Https => "https",
        ProofRoad::Pouch => "pouch",
    });
    let what = match (&rung.rule, rung.hours) {
        (Some(rule), Some(hours)) => format!("{rule}, {hours} h"),
        _ => rung.code.as_deref().or(road).unwrap_or_default().to_owned(),
    };
    vec![rung.step.clone(), local(rung.at, zone), rung.by.to_string(), what, rung.signed.to_string()]
}

async fn export(context: &Context, arguments: ExportArguments) -> anyhow::Result<Output> {
    let home = context.home()?;
    let flow = home.flow().await?;
    let command = ExportFile { content: !arguments.without_content };
    let order = flow.authorize(&context.credential()?, command).await?;
    let options = BundleOptions {
        descriptor: fs::read(home.folder.path().join("descriptor.p7m")).ok(),
        authorities: home.authorities()?,
    };
    let bundle = flow.bundle(&order, arguments.file, &options).await?;
    let written = bundle::write(&bundle.files, &arguments.out)?;
    flow.note_export(&order, arguments.file, &bundle).await?;
    written.publish()?;
    let demonstration = if bundle.demonstration_stamps {
        "\nIts time-stamps come from an authority for demonstrations: their time proves nothing."
    } else {
        ""
    };
    Ok(Output::new(
        format!(
            "{} envelopes and {} events of {} in {}; README.txt in it says how to check them.{demonstration}",
            bundle.envelopes.len(),
            bundle.events,
            arguments.file,
            arguments.out.display()
        ),
        &json!({
            "file": arguments.file, "out": arguments.out, "content": bundle.content, "files": bundle.files.len(),
            "envelopes": bundle.envelopes, "events": bundle.events, "manifest": bundle.manifest,
            "demonstration_stamps": bundle.demonstration_stamps,
        }),
    ))
}

/// What was done with exhibits: each action once, with how many exhibits.
fn custody_words(detail: &serde_json::Value) -> String {
    let word = detail.get("custody").and_then(|word| word.as_str()).unwrap_or_default();
    let links = detail.get("links").and_then(|links| links.as_array());
    let mut actions: Vec<(&str, usize)> = Vec::new();
    for action in links.into_iter().flatten().filter_map(|link| link.get("action")?.as_str()) {
        match actions.iter_mut().find(|(known, _)| *known == action) {
            Some((_, count)) => *count += 1,
            None => actions.push((action, 1)),
        }
    }
    if actions.is_empty() {
        return word.to_owned();
    }
    let shown: Vec<String> = actions
        .into_iter()
        .map(|(action, count)| if count == 1 { action.to_owned() } else { format!("{action} ({count})") })
        .collect();
    shown.join(", ")
}
