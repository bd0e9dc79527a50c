//! The elements of the Convention's offences, Arts 7 to 17 and 19, and what a State may add or leave out.

use crate::article::article;
use crate::rule::{Confidence, Rule, RuleValue};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::LazyLock};

/// What an element is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Mental,
    /// `without right`, or without consent.
    Right,
    Conduct,
    Object,
    Means,
    Purpose,
    Result,
}

/// How far a law goes when it lacks an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absence {
    /// A condition falls away.
    Wider,
    /// A limb is not covered.
    Narrower,
}

/// A part of the definition that the article asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// Stable for ever, such as `7.intent`.
    pub id: String,
    /// Such as `1(a)`; empty for an article without paragraphs.
    pub paragraph: String,
    pub part: Part,
    pub absence: Absence,
    /// Our paraphrase.
    pub text: String,
    pub confidence: Confidence,
    pub source: String,
}

/// What an option does to the offence of a State that takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    Requirement,
    Exclusion,
    Reservation,
    Extension,
    /// It changes nothing by itself.
    Saving,
}

/// What a State may require, exclude, extend or reserve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optional {
    /// Stable for ever, such as `7.2.security-measure`.
    pub id: String,
    pub paragraph: String,
    pub kind: Choice,
    /// Our paraphrase.
    pub text: String,
    pub confidence: Confidence,
    pub source: String,
}

/// One article that establishes an offence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffenceDefinition {
    pub article: u8,
    #[serde(rename(deserialize = "element"))]
    pub elements: Vec<Element>,
    #[serde(default, rename(deserialize = "option"))]
    pub options: Vec<Optional>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    offence: Vec<OffenceDefinition>,
}

static OFFENCES: LazyLock<Vec<OffenceDefinition>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../offences.toml"))
        .expect("the file is part of the program, and a test reads it");
    file.offence
});

/// Every offence, in the order of the articles.
pub fn offence_definitions() -> &'static [OffenceDefinition] {
    &OFFENCES
}

/// `None` for an article that establishes no offence.
pub fn offence_definition(article: u8) -> Option<&'static OffenceDefinition> {
    OFFENCES.iter().find(|offence| offence.article == article)
}

impl OffenceDefinition {
    pub fn title(&self) -> &'static str {
        article(self.article).map_or("", |article| article.title)
    }

    pub fn element(&self, id: &str) -> Option<&Element> {
        self.elements.iter().find(|element| element.id == id)
    }

    pub fn option(&self, id: &str) -> Option<&Optional> {
        self.options.iter().find(|option| option.id == id)
    }

    /// Whether the article itself allows a reservation.
    pub fn allows_reservation(&self) -> bool {
        self.options.iter().any(|option| option.kind == Choice::Reservation)
    }

    /// The elements and options as rows of law, each with its own confidence and source.
    pub fn rules(&'static self) -> impl Iterator<Item = Rule> {
        let elements = self.elements.iter().map(|element| element.rule(self.article));
        elements.chain(self.options.iter().map(|option| option.rule(self.article)))
    }
}

impl Element {
    /// The row that a finding about this element cites.
    pub fn rule(&'static self, article: u8) -> Rule {
        let meaning = "element of the offence";
        row(&self.id, article, &self.paragraph, &self.text, meaning, self.confidence, &self.source)
    }
}

impl Optional {
    /// The row that a finding about this option cites.
    pub fn rule(&'static self, article: u8) -> Rule {
        let meaning = match self.kind {
            Choice::Requirement => "a State may require",
            Choice::Exclusion => "a State may exclude",
            Choice::Reservation => "a State may reserve",
            Choice::Extension => "a State may extend to",
            Choice::Saving => "what stays untouched",
        };
        row(&self.id, article, &self.paragraph, &self.text, meaning, self.confidence, &self.source)
    }
}

const fn row(
    id: &'static str,
    article: u8,
    paragraph: &'static str,
    text: &'static str,
    meaning: &'static str,
    confidence: Confidence,
    source: &'static str,
) -> Rule {
    let value = RuleValue::Text(text);
    Rule { id, article, paragraph, value, meaning, confidence, source, policy: false }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mental => "mental",
            Self::Right => "right",
            Self::Conduct => "conduct",
            Self::Object => "object",
            Self::Means => "means",
            Self::Purpose => "purpose",
            Self::Result => "result",
        })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requirement => "requirement",
            Self::Exclusion => "exclusion",
            Self::Reservation => "reservation",
            Self::Extension => "extension",
            Self::Saving => "saving",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;
    use std::collections::BTreeSet;

    #[test]
    fn every_offence_of_the_convention_has_elements_and_nothing_else_has() {
        let articles: Vec<u8> = offence_definitions().iter().map(|offence| offence.article).collect();
        assert_eq!(articles, table::OFFENCE_ARTICLES.articles());
        for offence in offence_definitions() {
            assert!(
                offence.elements.iter().any(|element| element.part == Part::Conduct),
                "{}",
                offence.article
            );
            assert!(!offence.title().is_empty());
        }
        assert!(offence_definition(18).is_none() && offence_definition(6).is_none());
    }

    #[test]
    fn every_id_is_unique_and_begins_with_its_article() {
        let mut ids = BTreeSet::new();
        for offence in offence_definitions() {
            for rule in offence.rules() {
                assert!(ids.insert(rule.id), "{} twice", rule.id);
                assert!(rule.id.starts_with(&format!("{}.", offence.article)), "{}", rule.id);
                assert!(table::rule(rule.id).is_none(), "{} is a row of the table too", rule.id);
            }
        }
    }

    #[test]
    fn every_paragraph_with_options_that_the_convention_has_is_here() {
        let expected: [(u8, &[&str]); 12] = [
            (7, &["2"]),
            (8, &["2"]),
            (9, &["2"]),
            (10, &[]),
            (11, &["2", "3"]),
            (12, &["2"]),
            (13, &[]),
            (14, &["2", "3", "4", "5"]),
            (15, &["2", "3", "4"]),
            (16, &["3", "4", "5"]),
            (17, &["2(c)", "2(e)"]),
            (19, &["2", "3"]),
        ];
        for (article, paragraphs) in expected {
            let offence = offence_definition(article).unwrap();
            let found: BTreeSet<&str> =
                offence.options.iter().map(|option| option.paragraph.as_str()).collect();
            assert_eq!(found, paragraphs.iter().copied().collect(), "Art. {article}");
        }
    }

    #[test]
    fn what_was_not_read_in_the_text_is_marked_so() {
        let sources =
            ["official Arabic text, Arts 1 to 15", "UNTOC (2000), parent text", "general knowledge"];
        for offence in offence_definitions() {
            for rule in offence.rules() {
                let position = sources.iter().position(|source| *source == rule.source);
                let expected = [Confidence::A, Confidence::B, Confidence::C];
                assert_eq!(position.map(|at| expected[at]), Some(rule.confidence), "{}", rule.id);
                assert!(rule.confidence != Confidence::A || rule.article <= 15, "{}", rule.id);
            }
        }
    }

    #[test]
    fn intent_is_an_element_of_all_and_right_of_the_first_eight() {
        for offence in offence_definitions().iter().filter(|offence| offence.article != 19) {
            let article = offence.article;
            assert!(offence.element(&format!("{article}.intent")).is_some(), "Art. {article}");
            let right = offence.element(&format!("{article}.without-right")).is_some();
            assert_eq!(right, article <= 14, "Art. {article}");
        }
        assert!(offence_definitions().iter().all(|o| o.allows_reservation() == (o.article == 11)));
    }

    #[test]
    fn an_element_is_cited_as_lawyers_cite_it() {
        let offence = offence_definition(11).unwrap();
        let element = offence.element("11.credentials").unwrap();
        assert_eq!(element.rule(11).citation().to_string(), "Art. 11(1)(a)(ii) [A]");
        assert_eq!(
            offence_definition(13).unwrap().elements[2].rule(13).citation().to_string(),
            "Art. 13(a) [A]"
        );
    }
}
