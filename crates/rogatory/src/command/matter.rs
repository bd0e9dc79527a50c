//! `rogatory matter`: what the two States raise and answer inside a file.

use crate::{
    context::Context,
    output::Output,
    show::{local, table},
};
use casefile::{Matters, Raised};
use clap::Subcommand;
use serde_json::json;
use treaty::{Matter, Party};
use vocabulary::FileId;

#[derive(Debug, Subcommand)]
pub(crate) enum MatterCommand {
    /// What was raised in a file, who must answer, and with which words.
    #[command(after_help = "Example:\n  rogatory matter list FILE --json")]
    List { file: FileId },
    /// Raise a matter, such as conditions, a question or a consent; the other State is told.
    #[command(
        after_help = "Examples:\n  rogatory treaty matters\n  rogatory matter raise FILE conditions --text 'Only if no sentence of death is sought.'\n  rogatory matter raise FILE use-consent --text 'For the trial of a second person, PV 51/2026.'"
    )]
    Raise {
        file: FileId,
        /// A word of `rogatory treaty matters`.
        matter: Matter,
        #[arg(long)]
        text: String,
    },
    /// Answer a matter that the other State raised; what binds our State is proposed to a second officer.
    #[command(
        after_help = "Example:\n  rogatory matter answer FILE 1 accepted --text 'The condition is accepted.'"
    )]
    Answer {
        file: FileId,
        /// The number that the other State gave it.
        number: u32,
        /// One of the words with which the matter is answered.
        word: String,
        #[arg(long)]
        text: String,
    },
    /// Confirm the proposed answer as the second officer; the other State is told.
    #[command(
        after_help = "Example:\n  rogatory matter confirm FILE 1 --officer chief --token-file chief.token"
    )]
    Confirm { file: FileId, number: u32 },
}

impl MatterCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let flow = context.flow().await?;
        match self {
            Self::List { file } => {
                let (us, matters) = flow.matters(file).await?;
                Ok(Output::new(
                    shown(us, &matters, flow.zone()),
                    &json!({ "we_are": us, "matters": matters }),
                ))
            }
            Self::Raise { file, matter, text } => {
                let view = flow.raise_matter(&context.credential()?, file, matter, &text).await?;
                Ok(Output::new("on its way", &view))
            }
            Self::Answer { file, number, word, text } => {
                let view = flow.answer_matter(&context.credential()?, file, number, &word, &text).await?;
                let (us, matters) = flow.matters(file).await?;
                let waits = matters.find(us.other(), number).is_some_and(|raised| raised.answer.is_none());
                let words = if waits { "proposed; a second officer confirms it" } else { "on its way" };
                Ok(Output::new(words, &view))
            }
            Self::Confirm { file, number } => {
                let view = flow.confirm_matter(&context.credential()?, file, number).await?;
                Ok(Output::new("on its way", &view))
            }
        }
    }
}

fn shown(us: Party, matters: &Matters, zone: &str) -> String {
    let rows: Vec<Vec<String>> = matters
        .iter()
        .map(|raised| {
            vec![
                format!("{}-{}", raised.by.as_str(), raised.number),
                raised.matter.to_string(),
                raised.matter.form().rule().citation().to_string(),
                local(raised.at, zone),
                standing(us, raised),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "nothing was raised in this file".to_owned();
    }
    let text = table(&["Matter", "About", "Article", "Raised", "Stands"], &rows);
    format!("{text}\nThe words of both States: `rogatory file texts`, or `request show` and `incoming show`")
}

/// Where a matter stands, and who acts next.
fn standing(us: Party, raised: &Raised) -> String {
    if let Some(answer) = &raised.answer {
        return answer.word.clone();
    }
    if let Some(proposed) = &raised.proposed {
        return format!("`{}` proposed by {}; a second officer confirms", proposed.word, proposed.officer);
    }
    if raised.by == us {
        return "waits for the other State".to_owned();
    }
    format!("waits for us: {}", raised.matter.form().answers.join(", "))
}
