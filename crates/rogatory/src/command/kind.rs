//! `rogatory treaty kinds`: every kind of cooperation, laid side by side from its file.

use crate::{output::Output, show::table};
use serde_json::{Value, json};
use treaty::{Form, Ground, GroundsForm, Kind, Opening, Rule, SafeguardsForm, Severity};

/// All kinds, or one with everything that its file says.
pub(crate) fn kinds(kind: Option<Kind>) -> Output {
    match kind {
        Some(kind) => Output::new(words(kind), &data(kind)),
        None => {
            let all: Vec<Value> = Kind::all().iter().map(|kind| data(*kind)).collect();
            let rows: Vec<Vec<String>> = Kind::all().iter().map(|kind| row(*kind)).collect();
            let head =
                ["Article", "Kind", "Office", "Must say", "Safeguards", "Answers", "Grounds", "Clocks"];
            let text = format!(
                "{}\n\n{} kinds; `rogatory treaty kinds KIND` shows one whole, `rogatory request template KIND` its form",
                table(&head, &rows),
                all.len()
            );
            Output::new(text, &all)
        }
    }
}

fn row(kind: Kind) -> Vec<String> {
    let form = kind.form();
    let must = contents(form).iter().filter(|content| content.need == Severity::Must).count();
    vec![
        form.rule().citation().to_string(),
        kind.to_string(),
        form.channel.to_string(),
        must.to_string(),
        safeguards(form).to_owned(),
        match form.opening {
            Opening::Request => words_of(form.answers.iter().map(|answer| answer.word.clone())),
            Opening::Notice => "a notice: none".to_owned(),
        },
        match form.opening {
            Opening::Request => Ground::of(kind).count().to_string(),
            Opening::Notice => "nobody decides".to_owned(),
        },
        match form.clocks.is_empty() {
            true => "none runs".to_owned(),
            false => words_of(form.clocks.iter().map(|clock| clock.word.clone())),
        },
    ]
}

fn words_of(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

/// One thing that the request says, also what every draft has a place for.
struct Said<'a> {
    field: &'a str,
    need: Severity,
    rule: &'a Rule,
    /// What the value must be, for a field of this kind alone.
    value: Option<String>,
}

fn contents(form: &Form) -> Vec<Said<'_>> {
    let said = |field, need, rule| Said { field, need, rule, value: None };
    let mut all = vec![said("requesting_authority", Severity::Must, form.authority.rule())];
    if let Some(row) = &form.offence {
        all.push(said("offence", Severity::Must, row.rule()));
    }
    if let Some(row) = &form.custodian {
        all.push(said("custodian", Severity::Should, row.rule()));
    }
    if let Some(items) = &form.items {
        all.push(said("items", items.need, items.rule.rule()));
    }
    if let Some(persons) = &form.persons {
        all.push(said("persons", persons.need, persons.rule.rule()));
    }
    all.extend(form.contents.iter().map(|content| Said {
        value: content.value.as_ref().map(ToString::to_string),
        ..said(&content.field, content.need, content.rule.rule())
    }));
    all
}

const fn safeguards(form: &Form) -> &'static str {
    match form.safeguards {
        SafeguardsForm::ByClass => "by class of data",
        SafeguardsForm::Must => "must",
        SafeguardsForm::Should => "should",
        SafeguardsForm::Note => "note",
        SafeguardsForm::NotAsked => "not asked",
    }
}

fn grounds_rule(kind: Kind) -> Option<&'static Rule> {
    match &kind.form().grounds {
        GroundsForm::Assistance => Some(&treaty::table::ASSISTANCE_GROUNDS),
        GroundsForm::Only(row) => Some(row.rule()),
        GroundsForm::Nothing => None,
    }
}

fn data(kind: Kind) -> Value {
    let form = kind.form();
    let cited = |rule: &Rule| rule.citation().to_string();
    let contents: Vec<Value> = contents(form)
        .iter()
        .map(|said| {
            json!({ "field": said.field, "need": said.need, "article": cited(said.rule), "value": said.value })
        })
        .collect();
    let answers: Vec<Value> = form
        .answers
        .iter()
        .map(|answer| {
            let article = cited(answer.rule.rule());
            json!({ "word": answer.word, "form": answer.form, "says": answer.says, "article": article })
        })
        .collect();
    let grounds: Vec<Value> = Ground::of(kind)
        .map(|ground| json!({ "ground": ground, "article": ground.citation().to_string() }))
        .collect();
    let clocks: Vec<Value> = form
        .clocks
        .iter()
        .map(|clock| {
            let rule = clock.rule.rule();
            json!({ "word": clock.word, "article": cited(rule), "value": rule.value.to_string(), "runs": clock.runs })
        })
        .collect();
    json!({
        "kind": kind, "title": form.title, "article": cited(form.rule()), "opening": form.opening,
        "office": form.channel, "office_article": form.channel.article(),
        "eligibility": form.measure.rule().value.to_string(),
        "eligibility_article": cited(form.measure.rule()),
        "contents": contents,
        "checks": {
            "safeguards": safeguards(form), "dual_criminality": form.dual_criminality,
            "window": form.items.map(|items| items.window), "special": form.checks,
        },
        "answers": answers, "grounds": grounds,
        "grounds_article": grounds_rule(kind).map(cited),
        "postponement_article": form.postponement.map(|row| cited(row.rule())),
        "clocks": clocks, "story_test": form.story,
    })
}

fn words(kind: Kind) -> String {
    let form = kind.form();
    let cited = |rule: &Rule| rule.citation().to_string();
    let said: Vec<Vec<String>> = contents(form)
        .iter()
        .map(|said| {
            vec![
                format!("  {}", said.field),
                said.need.to_string(),
                cited(said.rule),
                said.value.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let answers: Vec<Vec<String>> = form
        .answers
        .iter()
        .map(|answer| vec![format!("  {}", answer.word), cited(answer.rule.rule()), answer.says.clone()])
        .collect();
    let grounds: Vec<Vec<String>> = Ground::of(kind)
        .map(|ground| {
            let consult = ground.consultation().map(|rule| format!("consult first, {}", cited(rule)));
            vec![format!("  {ground}"), ground.citation().to_string(), consult.unwrap_or_default()]
        })
        .collect();
    let clocks: Vec<Vec<String>> = form
        .clocks
        .iter()
        .map(|clock| {
            let rule = clock.rule.rule();
            vec![format!("  {}", clock.word), cited(rule), rule.value.to_string(), clock.runs.clone()]
        })
        .collect();
    let mut text = format!(
        "{} ({kind}), {}\noffice       {}, Art. {}\nowed         {}\nsafeguards   {}",
        form.title,
        form.rule().citation(),
        form.channel,
        form.channel.article(),
        form.measure.rule().value,
        safeguards(form),
    );
    for (title, head, rows, none) in [
        ("contents", &["  Field", "Need", "Article", "Value"][..], said, "nothing"),
        (
            "answers",
            &["  Answer", "Article", "It says"],
            answers,
            "none: the other State is told, and nobody decides",
        ),
        ("grounds", &["  Ground", "Article", ""], grounds, "none: nobody decides"),
        ("clocks", &["  Clock", "Article", "Value", "Runs"], clocks, "none runs"),
    ] {
        let body = if rows.is_empty() { format!("  {none}") } else { table(head, &rows) };
        text.push_str(&format!("\n\n{title}\n{body}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_kinds_has_no_hole() {
        for &kind in Kind::all() {
            let entry = data(kind);
            let is_notice = kind.form().opening == Opening::Notice;
            for field in ["title", "article", "office", "office_article", "eligibility", "story_test"] {
                assert!(entry[field].as_str().is_some_and(|text| !text.is_empty()), "{kind} {field}");
            }
            assert!(!entry["contents"].as_array().unwrap().is_empty(), "{kind}");
            for field in ["answers", "grounds", "clocks"] {
                assert_eq!(entry[field].as_array().unwrap().is_empty(), is_notice, "{kind} {field}");
            }
            assert!(row(kind).iter().all(|cell| !cell.is_empty()), "{kind}");
            assert!(words(kind).contains(kind.as_str()));
        }
    }
}
