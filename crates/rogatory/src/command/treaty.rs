//! `rogatory treaty`: the Convention as data.

use crate::{output::Output, show::table};
use clap::Subcommand;
use register::law::LawError;
use serde_json::json;
use treaty::{
    Absence, Confidence, Ground, Kind, Matter, OffenceDefinition, RaisedBy, articles, offence_definition,
    offence_definitions, rules, unchecked,
};

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
    /// What the two States may raise inside a file, who raises it, and with which words it is answered.
    #[command(after_help = "Example:\n  rogatory treaty matters --json")]
    Matters,
    /// The Convention's offences with their elements, and what a State may require, exclude, extend or reserve.
    #[command(after_help = "Examples:\n  rogatory treaty offences\n  rogatory treaty offences 7 --json")]
    Offences {
        /// The article, 7 to 17 or 19; all when not given.
        article: Option<u8>,
    },
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
            Self::Offences { article } => offences(article)?,
            Self::Unchecked => {
                let elements = offence_definitions().iter().flat_map(OffenceDefinition::rules);
                let below = elements.filter(|rule| rule.confidence != Confidence::A);
                let all: Vec<_> = unchecked().copied().chain(below).collect();
                let text = format!(
                    "{}\n\n{} rows to compare. {WARNING}",
                    rule_table(&all.iter().collect::<Vec<_>>()),
                    all.len()
                );
                Output::new(text, &all)
            }
            Self::Kinds { kind } => super::kind::kinds(kind),
            Self::Matters => {
                let rows: Vec<Vec<String>> = Matter::all()
                    .map(|matter| {
                        let form = matter.form();
                        let by = match form.by {
                            RaisedBy::Requesting => "requesting",
                            RaisedBy::Requested => "requested",
                            RaisedBy::Either => "either",
                        };
                        let eyes = if form.four_eyes { "two officers" } else { "one officer" };
                        vec![
                            matter.to_string(),
                            form.rule().citation().to_string(),
                            by.to_owned(),
                            form.answers.join(", "),
                            eyes.to_owned(),
                            form.title.clone(),
                        ]
                    })
                    .collect();
                let data: Vec<_> = Matter::all()
                    .map(|matter| {
                        let form = matter.form();
                        json!({
                            "matter": matter, "title": form.title, "citation": form.rule().citation().to_string(),
                            "by": form.by, "answers": form.answers, "four_eyes": form.four_eyes,
                        })
                    })
                    .collect();
                Output::new(
                    table(&["Matter", "Article", "Raised by", "Answers", "Answered by", ""], &rows),
                    &data,
                )
            }
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

fn offences(article: Option<u8>) -> anyhow::Result<Output> {
    let shown: Vec<&OffenceDefinition> = match article {
        None => offence_definitions().iter().collect(),
        Some(article) => {
            let known = offence_definition(article).ok_or(LawError::NoOffence { article });
            vec![known.map_err(flow::FlowError::from)?]
        }
    };
    let mut text = String::new();
    for offence in &shown {
        text.push_str(&format!("Art. {}: {}\n", offence.article, offence.title()));
        let elements = offence.elements.iter().map(|element| {
            let without = match element.absence {
                Absence::Wider => "reaches further",
                Absence::Narrower => "reaches less far",
            };
            vec![element.id.clone(), element.part.to_string(), element.text.clone(), without.to_owned()]
        });
        let options = offence.options.iter().map(|option| {
            vec![option.id.clone(), format!("may: {}", option.kind), option.text.clone(), String::new()]
        });
        let cited = elements.chain(options).zip(offence.rules());
        let rows: Vec<Vec<String>> = cited
            .map(|(mut cells, rule)| {
                cells.insert(0, rule.citation().to_string());
                cells
            })
            .collect();
        text.push_str(&table(&["Article", "Id", "", "In our words", "A law without it"], &rows));
        text.push_str("\n\n");
    }
    text.push_str(WARNING);
    let data: Vec<_> =
        shown.iter().map(|offence| json!({ "title": offence.title(), "offence": offence })).collect();
    Ok(Output::new(text, &data))
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
