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
