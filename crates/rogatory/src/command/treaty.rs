//! `rogatory treaty`: the Convention as data.

use crate::{output::Output, show::table};
use clap::Subcommand;
use serde_json::json;
use treaty::{Ground, Kind, articles, rules, unchecked};

#[derive(Debug, Subcommand)]
pub(crate) enum TreatyCommand {
    /// All 68 articles, one line each, in our words.
    #[command(after_help = "Example:\n  rogatory treaty articles --json")]
    Articles,
    /// Every number, deadline and list of required contents, with its confidence mark and source.
    #[command(after_help = "Example:\n  rogatory treaty rules --json")]
    Rules,
    /// The rows that a person must still compare with the authentic text.
    #[command(after_help = "Example:\n  rogatory treaty unchecked")]
    Unchecked,
    /// Every kind of cooperation: article, office, contents, checks, answers, grounds and clocks.
    #[command(
        after_help = "Examples:\n  rogatory treaty kinds\n  rogatory treaty kinds extradition\n  rogatory treaty kinds --json"
    )]
    Kinds {
        /// One kind, shown whole.
        kind: Option<Kind>,
    },
    /// The grounds for refusal, and those that can never be chosen.
    #[command(after_help = "Example:\n  rogatory treaty grounds")]
    Grounds,
}

const WARNING: &str = "Paraphrased; not the authentic text (A/RES/79/243).";

impl TreatyCommand {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        Ok(match self {
            Self::Articles => {
                let rows: Vec<Vec<String>> = articles()
                    .iter()
                    .map(|a| {
                        vec![
                            a.number.to_string(),
                            a.chapter.to_string(),
                            a.title.to_owned(),
                            a.paraphrase.to_owned(),
                        ]
                    })
                    .collect();
                let text = table(&["Art.", "Ch.", "Title", "In our words"], &rows);
                Output::new(format!("{text}\n\n{WARNING}"), &articles())
            }
            Self::Rules => {
                let all: Vec<_> = rules().iter().collect();
                Output::new(rule_table(&all), &all)
            }
            Self::Unchecked => {
                let all: Vec<_> = unchecked().collect();
                let text = format!("{}\n\n{} rows to compare. {WARNING}", rule_table(&all), all.len());
                Output::new(text, &all)
            }
            Self::Kinds { kind } => super::kind::kinds(kind),
            Self::Grounds => {
                let rows: Vec<Vec<String>> = Ground::ALL
                    .into_iter()
                    .map(|ground| {
                        vec![
                            ground.to_string(),
                            ground.citation().to_string(),
                            if ground.is_forbidden() { "never on its own" } else { "may be chosen" }
                                .to_owned(),
                            ground.consultation().map_or_else(String::new, |rule| {
                                format!("consult first, {}", rule.citation())
                            }),
                        ]
                    })
                    .collect();
                let data: Vec<_> = Ground::ALL
                    .into_iter()
                    .map(|ground| {
                        json!({
                            "ground": ground, "citation": ground.citation().to_string(),
                            "forbidden": ground.is_forbidden(), "consultation": ground.needs_consultation(),
                        })
                    })
                    .collect();
                Output::new(table(&["Ground", "Article", "", ""], &rows), &data)
            }
        })
    }
}

/// Long cells are cut for the terminal; `--json` has them whole.
fn rule_table(rules: &[&treaty::Rule]) -> String {
    let rows: Vec<Vec<String>> = rules
        .iter()
        .map(|rule| {
            vec![
                rule.citation().to_string(),
                cut(&rule.value.to_string(), 40),
                cut(rule.meaning, 60),
                rule.id.to_owned(),
            ]
        })
        .collect();
    table(&["Article", "Value", "Meaning", "Rule"], &rows)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}
