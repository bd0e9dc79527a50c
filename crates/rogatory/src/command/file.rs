//! `rogatory file`: a file of either side, with both ladders.

use crate::{
    context::Context,
    output::Output,
    show::{incoming, local, outgoing, table},
};
use clap::Subcommand;
use flow::View;
use vocabulary::FileId;

#[derive(Debug, Subcommand)]
pub(crate) enum FileCommand {
    /// The timeline of a file: its legal state, and the proofs of transport beside it.
    #[command(after_help = "Example:\n  rogatory file show FILE --json")]
    Show { file: FileId },
}

impl FileCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let Self::Show { file } = self;
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
        let text = format!(
            "{head}\nTimeline\n{}\n\nEnvelopes\n{}",
            table(&["#", "When", "Ladder", "What", "Who", "Clause", "Leaf"], &steps),
            table(&["", "Statement", "Proof", "Envelope", "Receipt"], &letters)
        );
        Ok(Output::new(text, &timeline))
    }
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
