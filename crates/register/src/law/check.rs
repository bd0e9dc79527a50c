//! All findings on a State's law at once: what contradicts itself, what is missing, each with article and remedy.

use super::{CitationForm, LawText, OffenceLaw, OutsideOffence, Penalty, Provision, Reach};
use std::collections::BTreeSet;
use treaty::{
    Finding, OffenceDefinition, Part, Rule, Severity, offence_definition, offence_definitions,
    table::{DUAL_CRIMINALITY, MISUSE_RESERVATION, OFFENCE_ARTICLES, SERIOUS_CRIME},
};
use vocabulary::StateCode;

/// The option that stands for the only reservation which the articles themselves allow.
const RESERVATION: &str = "11.3.reservation";

/// The same for a profile that is written and for one that came from another State.
pub fn check(state: StateCode, offences: &[OffenceLaw], outside: &[OutsideOffence]) -> Vec<Finding> {
    let mut check = Check { state, found: Vec::new() };
    let mut seen = BTreeSet::new();
    for (at, offence) in offences.iter().enumerate() {
        let field = format!("offences[{at}]");
        if !seen.insert(offence.article) {
            check.must(
                &OFFENCE_ARTICLES,
                "law-article-twice",
                format!("{field}.article"),
                ("the article has two entries", "put all its provisions in one entry"),
            );
        }
        match offence_definition(offence.article) {
            Some(definition) => check.offence(definition, offence, &field),
            None => check.must(&OFFENCE_ARTICLES, "law-article", format!("{field}.article"), (
                "the article establishes no offence",
                "name one of Arts 7 to 17 or 19; an offence outside the Convention stands in `[[outside]]`",
            )),
        }
    }
    for silent in offence_definitions().iter().filter(|known| !seen.contains(&known.article)) {
        check.add(
            Severity::Note,
            &whole(silent),
            "law-silent",
            "offences".to_owned(),
            (
                "nothing is said of this article: other States see `unknown`",
                "add an entry with its provisions, or an empty one where the law has none",
            ),
        );
    }
    for (at, offence) in outside.iter().enumerate() {
        check.outside(offence, &format!("outside[{at}]"));
    }
    check.found.sort_by_key(|finding| finding.severity);
    check.found
}

/// The row of the article as a whole.
fn whole(definition: &OffenceDefinition) -> Rule {
    Rule { article: definition.article, paragraph: "", ..element_row(definition) }
}

/// The first element of the article.
fn element_row(definition: &OffenceDefinition) -> Rule {
    let known = offence_definition(definition.article);
    known.and_then(|known| known.rules().next()).unwrap_or(OFFENCE_ARTICLES)
}

/// The row of an element or option with this id.
fn row(definition: &OffenceDefinition, id: &str) -> Option<Rule> {
    offence_definition(definition.article)?.rules().find(|rule| rule.id == id)
}

struct Check {
    state: StateCode,
    found: Vec<Finding>,
}

/// The message and the remedy.
type Words<'a> = (&'a str, &'a str);

impl Check {
    fn must(&mut self, rule: &Rule, word: &str, field: String, words: Words<'_>) {
        self.add(Severity::Must, rule, word, field, words);
    }

    fn should(&mut self, rule: &Rule, word: &str, field: String, words: Words<'_>) {
        self.add(Severity::Should, rule, word, field, words);
    }

    fn add(
        &mut self,
        severity: Severity,
        rule: &Rule,
        word: &str,
        field: String,
        (message, remedy): Words<'_>,
    ) {
        self.found.push(Finding {
            code: format!("{}-{word}", rule.code()),
            citation: rule.citation(),
            severity,
            field,
            message: message.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    fn offence(&mut self, definition: &OffenceDefinition, offence: &OffenceLaw, field: &str) {
        if offence.provisions.is_empty() {
            self.add(
                Severity::Note,
                &whole(definition),
                "law-none",
                field.to_owned(),
                (
                    "the entry says that the law has no provision for this article",
                    "add the provision, or remove the entry where you do not know",
                ),
            );
        }
        self.reservations(definition, offence, field);
        for (at, provision) in offence.provisions.iter().enumerate() {
            let field = format!("{field}.provisions[{at}]");
            self.provision(provision, &field);
            self.elements(definition, provision, &field);
        }
        self.overlaps(&offence.provisions, field);
    }

    fn reservations(&mut self, definition: &OffenceDefinition, offence: &OffenceLaw, field: &str) {
        self.texts(&offence.reservations, &format!("{field}.reservations"));
        let chosen = offence.provisions.iter().any(|p| p.chosen.iter().any(|id| id == RESERVATION));
        let made = !offence.reservations.is_empty();
        if made && !definition.allows_reservation() {
            self.should(&whole(definition), "law-reservation", format!("{field}.reservations"), (
                "a reservation is stated, and the article itself provides for none",
                "check it against the instrument that was deposited; general treaty law decides on its effect",
            ));
        } else if made != chosen && (made || !offence.provisions.is_empty()) {
            self.should(
                &MISUSE_RESERVATION,
                "law-reservation-half",
                format!("{field}.reservations"),
                (
                    "the reservation is stated without the option, or the option without the reservation",
                    "state both: the words in `reservations`, and `11.3.reservation` in `chosen`",
                ),
            );
        }
    }

    fn outside(&mut self, offence: &OutsideOffence, field: &str) {
        self.texts(&offence.name, &format!("{field}.name"));
        if offence.name.is_empty() {
            self.must(
                &DUAL_CRIMINALITY,
                "law-name",
                format!("{field}.name"),
                (
                    "an offence outside the Convention has no name",
                    "write what the offence is called, in one language at least",
                ),
            );
        }
        for (at, provision) in offence.provisions.iter().enumerate() {
            let field = format!("{field}.provisions[{at}]");
            self.provision(provision, &field);
            if !(provision.chosen.is_empty() && provision.absent.is_empty() && provision.remarks.is_empty()) {
                self.must(
                    &OFFENCE_ARTICLES,
                    "law-elements",
                    field,
                    (
                        "elements are named for an offence that the Convention does not define",
                        "remove `chosen`, `absent` and `remarks` here",
                    ),
                );
            }
        }
        self.overlaps(&offence.provisions, field);
    }

    fn provision(&mut self, provision: &Provision, field: &str) {
        self.identifier(&provision.identifier, &format!("{field}.identifier"));
        if provision.texts.is_empty() {
            self.should(
                &DUAL_CRIMINALITY,
                "law-text",
                format!("{field}.texts"),
                (
                    "the words of the provision are not given: conduct cannot be compared without them",
                    "add `texts` with the words and their language",
                ),
            );
        }
        self.texts(&provision.texts, &format!("{field}.texts"));
        for (at, remark) in provision.remarks.iter().enumerate() {
            let text = LawText { language: remark.language.clone(), text: remark.text.clone() };
            self.text(&text, &format!("{field}.remarks[{at}]"));
        }
        self.penalty(provision.maximum.as_ref(), &format!("{field}.maximum"));
        match (provision.from, provision.until) {
            (Some(from), Some(until)) if until < from => {
                self.must(
                    &DUAL_CRIMINALITY,
                    "law-repealed",
                    format!("{field}.until"),
                    (
                        "the provision ended before it began",
                        "correct `from`, the first day in force, or `until`, the last one",
                    ),
                );
            }
            (None, _) => self.should(
                &DUAL_CRIMINALITY,
                "law-from",
                format!("{field}.from"),
                ("it is not said since when the provision is in force", "add `from`, the first day in force"),
            ),
            _ => {}
        }
    }

    fn identifier(&mut self, identifier: &str, field: &str) {
        let form = CitationForm::of(identifier);
        if !form.is_well_formed(identifier) {
            self.must(&DUAL_CRIMINALITY, "law-identifier", field.to_owned(), (
                "the identifier is empty, or an Akoma Ntoso or ELI reference that cannot be right",
                "write `/akn/<country>/<type>/<date>/…`, an ELI with at least two parts, or a plain citation",
            ));
        } else if form
            .country_of(identifier)
            .is_some_and(|code| !code.eq_ignore_ascii_case(self.state.as_str()))
        {
            self.should(
                &DUAL_CRIMINALITY,
                "law-country",
                field.to_owned(),
                ("the identifier names the law of another State", "check the country in the reference"),
            );
        }
    }

    fn texts(&mut self, texts: &[LawText], field: &str) {
        for (at, text) in texts.iter().enumerate() {
            self.text(text, &format!("{field}[{at}]"));
        }
    }

    fn text(&mut self, text: &LawText, field: &str) {
        if text.text.trim().is_empty() {
            self.must(
                &DUAL_CRIMINALITY,
                "law-empty",
                format!("{field}.text"),
                ("the text is empty", "write it, or remove it"),
            );
        }
        if text.language.is_none() {
            self.must(
                &DUAL_CRIMINALITY,
                "law-language",
                format!("{field}.language"),
                (
                    "the text does not say its language",
                    "add `language = \"en\"` or the tag of its language (BCP 47)",
                ),
            );
        }
    }

    fn penalty(&mut self, penalty: Option<&Penalty>, field: &str) {
        let Some(penalty) = penalty else {
            self.should(
                &SERIOUS_CRIME,
                "law-penalty-missing",
                field.to_owned(),
                (
                    "the maximum penalty is not given: whether it is a serious crime stays unknown",
                    "add `maximum = { years = 5 }`, `{ life = true }`, or `{ years = 0 }` for a fine only",
                ),
            );
            return;
        };
        let timed = penalty.years.is_some() || penalty.months.is_some();
        if penalty.years.unwrap_or(0) < 0 || penalty.months.unwrap_or(0) < 0 {
            self.must(
                &SERIOUS_CRIME,
                "law-penalty-negative",
                field.to_owned(),
                ("the maximum penalty is negative", "write the years and months of the statute"),
            );
        } else if penalty.life && timed || !penalty.life && penalty.in_months().is_none() {
            self.must(&SERIOUS_CRIME, "law-penalty-odd", field.to_owned(), (
                "the maximum penalty is both for life and for a time, or says nothing, or is beyond any time",
                "write either `life = true`, or years and months",
            ));
        }
    }

    fn elements(&mut self, definition: &OffenceDefinition, provision: &Provision, field: &str) {
        for (at, id) in provision.chosen.iter().enumerate() {
            if definition.option(id).is_none() {
                // Of an article without options, the article itself is cited.
                let row = definition.options.first().and_then(|option| row(definition, &option.id));
                self.must(
                    &row.unwrap_or_else(|| whole(definition)),
                    "law-chosen",
                    format!("{field}.chosen[{at}]"),
                    (
                        "an option is chosen that the article does not have",
                        "take the ids from `rogatory treaty offences` with the number of the article",
                    ),
                );
            }
        }
        let remarked = provision.remarks.iter().map(|remark| ("remarks", &remark.element));
        for (list, id) in provision.absent.iter().map(|id| ("absent", id)).chain(remarked) {
            if row(definition, id).is_none() {
                self.must(
                    &whole(definition),
                    "law-element",
                    format!("{field}.{list}"),
                    (
                        "an element is named that the article does not have",
                        "take the ids from `rogatory treaty offences` with the number of the article",
                    ),
                );
            }
        }
        self.contradictions(definition, provision, field);
        let conduct = || definition.elements.iter().filter(|element| element.part == Part::Conduct);
        if conduct().all(|element| provision.absent.contains(&element.id)) {
            self.must(
                &whole(definition),
                "law-no-conduct",
                format!("{field}.absent"),
                (
                    "all conduct of the article is said to be absent: the provision covers none of it",
                    "remove the provision, or correct `absent`",
                ),
            );
        }
    }

    /// The same id in two lists that exclude each other.
    fn contradictions(&mut self, definition: &OffenceDefinition, provision: &Provision, field: &str) {
        for rule in definition.elements.iter().map(|e| &e.id).chain(definition.options.iter().map(|o| &o.id))
        {
            if provision.contradicts_itself_on(rule) {
                let row = row(definition, rule).unwrap_or_else(|| whole(definition));
                self.must(
                    &row,
                    "law-contradiction",
                    format!("{field}.absent"),
                    (
                        "an element is both absent and chosen or remarked on, or both wider and narrower",
                        "let it stand in one list only",
                    ),
                );
            }
        }
    }

    /// Two provisions under one identifier may follow each other in time, and never stand side by side.
    fn overlaps(&mut self, provisions: &[Provision], field: &str) {
        for (at, later) in provisions.iter().enumerate() {
            let clash = |earlier: &Provision| {
                earlier.identifier == later.identifier
                    && later.from.is_none_or(|from| earlier.until.is_none_or(|until| from <= until))
                    && earlier.from.is_none_or(|from| later.until.is_none_or(|until| from <= until))
            };
            if provisions.iter().take(at).any(clash) {
                self.must(
                    &DUAL_CRIMINALITY,
                    "law-overlap",
                    format!("{field}.provisions[{at}]"),
                    (
                        "two provisions have the same identifier and are in force at the same time",
                        "end the older with `until`, or cite the paragraphs apart",
                    ),
                );
            }
        }
    }
}

impl Provision {
    /// True when what is said of the element or option cannot all be so.
    pub(super) fn contradicts_itself_on(&self, id: &str) -> bool {
        let absent = self.absent.iter().any(|found| found == id);
        let chosen = self.chosen.iter().any(|found| found == id);
        let reach = |reach| self.remarks.iter().any(|remark| remark.element == id && remark.reach == reach);
        let (wider, narrower) = (reach(Reach::Wider), reach(Reach::Narrower));
        absent && (chosen || wider || narrower) || wider && narrower
    }
}

#[cfg(test)]
mod tests;
