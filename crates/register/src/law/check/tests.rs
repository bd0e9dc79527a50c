//! What a check of a law profile finds: each contradiction with its code, article and remedy.

use super::*;
use crate::law::WrittenLaw;

const GOOD: &str = r#"
[[offences]]
article = 7
[[offences.provisions]]
identifier = "Penal Code, sec. 1"
texts = [{ language = "en", text = "Whoever ..." }]
maximum = { years = 5 }
chosen = ["7.2.security-measure"]
from = "2019-07-01"
"#;

fn found(text: &str) -> Vec<Finding> {
    let found = WrittenLaw::from_toml(text).unwrap().check("XA".parse().unwrap());
    for finding in &found {
        assert!(!finding.remedy.is_empty() && !finding.field.is_empty(), "{finding}");
        assert!(finding.code.starts_with(&format!("T-{:03}", finding.citation.article)), "{finding}");
    }
    found.into_iter().filter(|finding| finding.severity != Severity::Note).collect()
}

/// The findings of the good law after one change.
fn after(from: &str, to: &str) -> Vec<(Severity, String)> {
    assert!(GOOD.contains(from), "{from}");
    found(&GOOD.replace(from, to)).into_iter().map(|finding| (finding.severity, finding.code)).collect()
}

fn must(code: &str) -> Vec<(Severity, String)> {
    vec![(Severity::Must, code.to_owned())]
}

fn should(code: &str) -> Vec<(Severity, String)> {
    vec![(Severity::Should, code.to_owned())]
}

#[test]
fn a_law_without_contradiction_has_no_findings_but_notes() {
    assert_eq!(found(GOOD), []);
}

#[test]
fn an_option_that_the_article_does_not_have_is_found() {
    assert_eq!(after("7.2.security-measure", "8.2.dishonest-intent"), must("T-007-2-law-chosen"));
    assert_eq!(
        after("7.2.security-measure", "7.intent"),
        must("T-007-2-law-chosen"),
        "an element is no option"
    );
    let of_ten = GOOD.replace("article = 7", "article = 10");
    assert_eq!(found(&of_ten)[0].code, "T-010-law-chosen");
}

#[test]
fn an_element_both_absent_and_chosen_or_remarked_is_found() {
    let both = "chosen = [\"7.2.security-measure\"]\nabsent = [\"7.2.security-measure\"]";
    assert_eq!(after("chosen = [\"7.2.security-measure\"]", both), must("T-007-2-law-contradiction"));
    let remark = |reach: &str| {
        format!(
            "[[offences.provisions.remarks]]\nelement = \"7.access\"\nreach = \"{reach}\"\ntext = \"x\"\nlanguage = \"en\"\n"
        )
    };
    let twice = format!("{GOOD}{}{}", remark("wider"), remark("narrower"));
    assert_eq!(found(&twice)[0].code, "T-007-1-law-contradiction");
    let absent = format!("{}{}", GOOD.replace("from =", "absent = [\"7.access\"]\nfrom ="), remark("wider"));
    let codes: Vec<String> = found(&absent).into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["T-007-1-law-contradiction", "T-007-law-no-conduct"]);
}

#[test]
fn a_penalty_that_cannot_be_is_found_and_a_missing_one_is_questioned() {
    assert_eq!(after("years = 5", "years = -5"), must("T-002-h-law-penalty-negative"));
    assert_eq!(after("years = 5", "years = 5, months = -1"), must("T-002-h-law-penalty-negative"));
    assert_eq!(after("years = 5", "years = 5, life = true"), must("T-002-h-law-penalty-odd"));
    assert_eq!(after("{ years = 5 }", "{}"), must("T-002-h-law-penalty-odd"));
    assert_eq!(after("maximum = { years = 5 }", ""), should("T-002-h-law-penalty-missing"));
}

#[test]
fn a_provision_that_ended_before_it_began_is_found() {
    assert_eq!(
        after("from = \"2019-07-01\"", "from = \"2019-07-01\"\nuntil = \"2019-06-30\""),
        must("T-035-3-law-repealed")
    );
    assert_eq!(after("from = \"2019-07-01\"", "from = \"2019-07-01\"\nuntil = \"2019-07-01\""), []);
    assert_eq!(after("from = \"2019-07-01\"", ""), should("T-035-3-law-from"));
}

#[test]
fn an_article_that_establishes_no_offence_and_one_that_stands_twice_are_found() {
    for article in ["0", "6", "18", "20", "255"] {
        assert_eq!(found(&format!("[[offences]]\narticle = {article}\n"))[0].code, "T-035-1-a-law-article");
    }
    let twice = found(&format!("{GOOD}\n[[offences]]\narticle = 7\n"));
    assert_eq!(twice[0].code, "T-035-1-a-law-article-twice");
}

#[test]
fn a_reservation_where_the_article_allows_none_is_a_finding_and_no_error() {
    let reserved = "article = 7\nreservations = [{ language = \"en\", text = \"We are not bound.\" }]";
    assert_eq!(after("article = 7", reserved), should("T-007-law-reservation"));
    let half = reserved.replace('7', "11");
    let eleven =
        GOOD.replace("article = 7", &half).replace("7.2.security-measure", "11.2.authorized-testing");
    assert_eq!(found(&eleven)[0].code, "T-011-3-law-reservation-half");
    assert_eq!(found(&eleven.replace("11.2.authorized-testing", "11.3.reservation")), []);
}

#[test]
fn a_text_without_a_language_or_without_words_is_found() {
    assert_eq!(after("language = \"en\", ", ""), must("T-035-3-law-language"));
    assert_eq!(after("Whoever ...", " "), must("T-035-3-law-empty"));
    assert_eq!(
        after("texts = [{ language = \"en\", text = \"Whoever ...\" }]", ""),
        should("T-035-3-law-text")
    );
}

#[test]
fn two_provisions_under_one_identifier_may_follow_each_other_and_not_overlap() {
    let (_, provision) = GOOD.split_once("article = 7\n").unwrap();
    let second = |from: &str| format!("{GOOD}{}", provision.replace("2019-07-01", from));
    let first_ends = |text: String| text.replacen("from = ", "until = \"2022-12-31\"\nfrom = ", 1);
    assert_eq!(found(&second("2023-01-01"))[0].code, "T-035-3-law-overlap");
    assert_eq!(found(&first_ends(second("2022-12-31")))[0].code, "T-035-3-law-overlap");
    assert_eq!(found(&first_ends(second("2023-01-01"))), []);
    let other = second("2023-01-01").replacen("sec. 1", "sec. 2", 1);
    assert_eq!(found(&other), [], "another section may stand beside it");
}

#[test]
fn an_identifier_that_cannot_be_right_or_is_of_another_state_is_found() {
    assert_eq!(after("Penal Code, sec. 1", " "), must("T-035-3-law-identifier"));
    assert_eq!(after("Penal Code, sec. 1", "/akn/xa"), must("T-035-3-law-identifier"));
    assert_eq!(after("Penal Code, sec. 1", "/akn/xb/act/2019/1"), should("T-035-3-law-country"));
    assert_eq!(after("Penal Code, sec. 1", "/akn/xa/act/2019/1"), []);
}

#[test]
fn an_offence_outside_the_convention_has_a_name_and_no_elements() {
    let outside =
        GOOD.replace("[[offences]]\narticle = 7", "[[outside]]\nname = []").replace("offences.", "outside.");
    let codes: Vec<String> = found(&outside).into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["T-035-3-law-name", "T-035-1-a-law-elements"]);
}

#[test]
fn what_is_not_said_is_noted_for_every_article() {
    let law = WrittenLaw::from_toml(&format!("{GOOD}[[offences]]\narticle = 16\n")).unwrap();
    let notes: Vec<String> =
        law.check("XA".parse().unwrap()).into_iter().map(|finding| finding.code).collect();
    assert_eq!(notes.iter().filter(|code| code.ends_with("law-silent")).count(), 10);
    assert_eq!(notes.iter().filter(|code| *code == "T-016-law-none").count(), 1);
}
