//! Two laws side by side, and one law, in words for people.

use crate::show::{local, table};
use flow::{Conduct, ConductJudgement, KeptLaw, Need, Oversight};
use register::law::{
    Cell, CitationForm, Comparison, LawText, Provision, ProvisionShown, Relation, Row, RowKind, StateShown,
};
use std::fmt::Write as _;

/// Said at the end of every comparison.
pub(crate) const NO_VERDICT: &str = "\
The software gives no verdict. Dual criminality is judged by the conduct, not by the name or category of the offence
(Art. 35(3)), and a person judges it: `rogatory law find FILE --conduct-is-a-crime-in-both yes|no|not-needed --reasons TEXT`.";

pub(crate) fn comparison(compared: &Comparison, zone: &str) -> String {
    let article = compared.article.map(|article| format!(" (Art. {article})")).unwrap_or_default();
    let mut text = format!("{}{article}, as the laws stood on {}\n", compared.title, compared.on);
    for side in [&compared.first, &compared.second] {
        state(&mut text, side, compared, zone);
    }
    let (first, second) = (compared.first.state.to_string(), compared.second.state.to_string());
    if compared.rows.is_empty() {
        text.push_str(
            "\nThe Convention does not define these offences: there are no elements to lay side by side.\n",
        );
    } else {
        let rows: Vec<Vec<String>> = compared.rows.iter().map(|row| words(row, &first, &second)).collect();
        let _ = writeln!(
            text,
            "\n{}",
            table(&["Article", "Element", "In our words", &first, &second, "Relation"], &rows)
        );
        for row in &compared.rows {
            remarks(&mut text, row.id, &first, &row.first);
            remarks(&mut text, row.id, &second, &row.second);
        }
    }
    let _ = write!(text, "\n{}: {}.", compared.dual_criminality, compared.dual_criminality_meaning);
    text
}

fn state(text: &mut String, side: &StateShown, compared: &Comparison, zone: &str) {
    let _ = writeln!(text, "\n{}: {}", side.state, side.says.as_str());
    if let (Some(profile), Some(number), Some(issued)) = (side.profile, side.sequence, side.issued) {
        let end = if side.expired { "; PAST ITS END, ask for a newer one" } else { "" };
        let _ = writeln!(text, "  profile {number} of {}, {profile}{end}", local(issued, zone));
    }
    for provision in &side.provisions {
        shown(text, provision, compared, "");
    }
    for provision in &side.not_in_force {
        shown(text, provision, compared, ", NOT in force on that day");
    }
    for reservation in &side.reservations {
        lines(text, "  reservation", reservation);
    }
}

fn shown(text: &mut String, provision: &ProvisionShown, compared: &Comparison, force: &str) {
    let days = days(provision.from, provision.until);
    let _ = writeln!(text, "  {}{}{days}{force}", provision.identifier, form(provision.form));
    for name in &provision.name {
        lines(text, "    called", name);
    }
    let threshold = format!(
        "the threshold of a serious crime ({} years, {})",
        compared.serious_crime_years.unwrap_or_default(),
        compared.serious_crime
    );
    let maximum = provision.maximum.as_ref().map_or_else(|| "not given".to_owned(), ToString::to_string);
    let reaches = match provision.reaches_serious_crime {
        Some(true) => format!("reaches {threshold}"),
        Some(false) => format!("does not reach {threshold}"),
        None => format!("unknown whether it reaches {threshold}"),
    };
    let _ = writeln!(text, "    maximum {maximum}: {reaches}");
    for words in &provision.texts {
        lines(text, "    text", words);
    }
}

fn form(form: CitationForm) -> &'static str {
    match form {
        CitationForm::AkomaNtoso => " (Akoma Ntoso)",
        CitationForm::Eli => " (ELI)",
        CitationForm::Plain => "",
    }
}

fn days(from: Option<jiff::civil::Date>, until: Option<jiff::civil::Date>) -> String {
    let mut days = String::new();
    if let Some(from) = from {
        let _ = write!(days, ", from {from}");
    }
    if let Some(until) = until {
        let _ = write!(days, ", until {until}");
    }
    days
}

fn lines(text: &mut String, what: &str, words: &LawText) {
    let language = words.language.as_ref().map_or("language unknown", vocabulary::Language::as_str);
    for (at, line) in words.text.lines().enumerate() {
        let lead = if at == 0 { format!("{what} ({language}):") } else { "     ".to_owned() };
        let _ = writeln!(text, "{lead} {line}");
    }
}

fn words(row: &Row, first: &str, second: &str) -> Vec<String> {
    let kind = match row.kind {
        RowKind::Element { part, .. } => part.to_string(),
        RowKind::Option { kind } => format!("may: {kind}"),
    };
    let relation = match row.relation {
        Relation::Same => "same".to_owned(),
        Relation::FirstWider => format!("{first} reaches further"),
        Relation::SecondWider => format!("{second} reaches further"),
        Relation::Compare => "read both texts".to_owned(),
        Relation::Unknown => "unknown".to_owned(),
    };
    vec![
        row.citation.to_string(),
        row.id.to_owned(),
        format!("{kind}: {}", row.text),
        mark(&row.first),
        mark(&row.second),
        relation,
    ]
}

fn mark(cell: &Cell) -> String {
    let varies = if cell.by_provision.is_empty() { "" } else { " (varies)" };
    format!("{}{varies}", cell.mark.as_str())
}

fn remarks(text: &mut String, id: &str, state: &str, cell: &Cell) {
    for remark in &cell.remarks {
        lines(text, &format!("{id} in {state}"), remark);
    }
    for (at, mark) in &cell.by_provision {
        let _ = writeln!(text, "{id} in {state}, provision {}: {}", at + 1, mark.as_str());
    }
}

pub(crate) fn needed(needed: &[Need]) -> String {
    needed.iter().map(|need| format!("\n{}: {}.", need.citation, need.text)).collect()
}

/// Every judgement of a person, with the profiles that it names.
pub(crate) fn judgements(judgements: &[ConductJudgement], zone: &str) -> String {
    let mut text = String::new();
    for judged in judgements {
        let record = &judged.record;
        let Oversight::ConductJudged { requesting, requested, law_of_requesting, law_of_requested, .. } =
            &record.act
        else {
            continue;
        };
        let conduct = judged.conduct().map_or("", Conduct::as_str);
        let (by, at) = (&record.by, local(record.at, zone));
        let _ = writeln!(text, "conduct    {conduct}, found by {by} at {at}, leaf {}", judged.leaf);
        for (state, law) in [(requesting, law_of_requesting), (requested, law_of_requested)] {
            let law = law.map_or_else(|| "no law profile was here".to_owned(), |digest| digest.to_string());
            let _ = writeln!(text, "             law of {state}: {law}");
        }
        let reasons = judged.reasons.as_deref().unwrap_or("(destroyed)");
        reasons.lines().for_each(|line| {
            let _ = writeln!(text, "             {line}");
        });
    }
    text
}

/// One State's law as it published it.
pub(crate) fn law(kept: &KeptLaw, zone: &str) -> String {
    let profile = kept.law.profile();
    let mut text = format!(
        "law of {}\nnumber     {}\nissued     {}\nvalid to   {}\ndigest     {}\n",
        profile.state,
        profile.sequence,
        local(profile.issued, zone),
        local(profile.valid_until, zone),
        kept.law.digest()
    );
    for offence in &profile.offences {
        let title = treaty::article(offence.article).map_or("", |article| article.title);
        let _ = writeln!(text, "\nArt. {}: {title}", offence.article);
        if offence.provisions.is_empty() {
            text.push_str("  the State says that its law has no provision\n");
        }
        offence.provisions.iter().for_each(|provision| self::provision(&mut text, provision));
        offence.reservations.iter().for_each(|words| lines(&mut text, "  reservation", words));
    }
    for offence in &profile.outside {
        text.push_str("\nOutside the Convention\n");
        offence.name.iter().for_each(|words| lines(&mut text, "  called", words));
        offence.provisions.iter().for_each(|provision| self::provision(&mut text, provision));
    }
    text
}

fn provision(text: &mut String, provision: &Provision) {
    let form = form(CitationForm::of(&provision.identifier));
    let _ = writeln!(text, "  {}{form}{}", provision.identifier, days(provision.from, provision.until));
    if let Some(maximum) = &provision.maximum {
        let _ = writeln!(text, "    maximum {maximum}");
    }
    for (what, ids) in [("chosen", &provision.chosen), ("absent", &provision.absent)] {
        if !ids.is_empty() {
            let _ = writeln!(text, "    {what} {}", ids.join(", "));
        }
    }
    provision.texts.iter().for_each(|words| lines(text, "    text", words));
    for remark in &provision.remarks {
        let words = LawText { language: remark.language.clone(), text: remark.text.clone() };
        let reach = match remark.reach {
            register::law::Reach::Wider => "wider",
            register::law::Reach::Narrower => "narrower",
        };
        lines(text, &format!("    {reach} on {}", remark.element), &words);
    }
}
