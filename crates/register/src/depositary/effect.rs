//! What a reservation or declaration changes for requests, as data that other code asks by measure or offence.

use super::{Depositary, DepositaryEvent, EventKind};
use jiff::civil::Date;
use serde::Serialize;
use treaty::{Citation, Measure, Rule, table};
use vocabulary::StateCode;

/// What a reservation to one provision changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EffectRule {
    /// Such as `42(5)`; a reservation to part of it, or to all of which it is a part, is under this rule.
    pub provision: &'static str,
    #[serde(skip)]
    pub rule: &'static Rule,
    /// The measures that it touches; none where requests are not touched.
    pub measures: &'static [Measure],
    /// The offences that it touches; none where it touches every offence.
    pub offences: &'static [u8],
    pub changes: &'static str,
}

const NOT_BOUND: &str = "the State is not bound by this offence: between the two States a request is not for a Convention offence; evidence of it may be asked only where it is a serious crime, and dual criminality is looked at by conduct";
const NARROWER: &str = "the State understands the offence more narrowly: compare the elements of both laws for the conduct, Art. 35(3)";
/// Measures whose eligibility depends on whether the offence is one of the Convention.
const ALL: &[Measure] = &Measure::ALL;

const fn effect(
    provision: &'static str,
    rule: &'static Rule,
    measures: &'static [Measure],
    offences: &'static [u8],
    changes: &'static str,
) -> EffectRule {
    EffectRule { provision, rule, measures, offences, changes }
}

#[rustfmt::skip]
static RULES: &[EffectRule] = &[
    effect("7", &table::RESERVATION_OTHER, ALL, &[7], NARROWER),
    effect("8", &table::RESERVATION_OTHER, ALL, &[8], NARROWER),
    effect("9", &table::RESERVATION_OTHER, ALL, &[9], NARROWER),
    effect("10", &table::RESERVATION_OTHER, ALL, &[10], NARROWER),
    effect("11(3)", &table::MISUSE_RESERVATION, ALL, &[11],
        "the State does not punish the reserved acts of Art. 11(1): for those a request is not for a Convention offence there; selling, distributing and making available passwords and credentials cannot be reserved"),
    effect("12", &table::RESERVATION_OTHER, ALL, &[12], NARROWER),
    effect("14", &table::RESERVATION_OTHER, ALL, &[14], NOT_BOUND),
    effect("15", &table::RESERVATION_OTHER, ALL, &[15], NOT_BOUND),
    effect("16", &table::RESERVATION_OTHER, ALL, &[16], NOT_BOUND),
    effect("23(3)(a)", &table::POWERS_RESERVATIONS, &[Measure::RealTimeTraffic], &[],
        "real-time traffic data are collected only for the offences or categories that the State listed"),
    effect("23(3)(b)", &table::POWERS_RESERVATIONS, &[Measure::RealTimeTraffic, Measure::Interception], &[],
        "no real-time collection on systems of a closed group of users that use no public network and are connected to no other system"),
    effect("42(5)", &table::PRESERVATION_RESERVATION, &[Measure::Preservation], &[],
        "preservation may be refused for offences other than Convention offences where dual criminality is believed to be lacking at disclosure: state the conduct and both laws"),
    effect("63", &table::DISPUTE_OPT_OUT, &[], &[],
        "disputes with the State do not go to arbitration or to the International Court of Justice; requests are not touched"),
];

/// All of them, by article.
pub fn effect_rules() -> &'static [EffectRule] {
    RULES
}

/// One effect of one row of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The row of the log.
    pub row: String,
    pub participant: StateCode,
    pub kind: EventKind,
    /// The provision as the row names it.
    pub provision: String,
    pub measures: &'static [Measure],
    pub offences: &'static [u8],
    pub changes: &'static str,
    pub citation: Citation,
    /// False where no rule knows the provision: a person reads the text.
    pub known: bool,
}

impl Effect {
    /// Whether it touches a request for `measure` on an offence of `article`; `None` asks for any.
    pub fn touches(&self, measure: Option<Measure>, article: Option<u8>) -> bool {
        measure.is_none_or(|measure| !self.known || self.measures.contains(&measure))
            && article.is_none_or(|article| self.offences.is_empty() || self.offences.contains(&article))
    }
}

impl Depositary {
    /// Reservations and declarations of the participant that stand on `date`: not withdrawn until then.
    pub fn reservations_on(&self, participant: StateCode, date: Date) -> Vec<&DepositaryEvent> {
        let rows: Vec<&DepositaryEvent> = self.of(participant, date).collect();
        let stands = |row: &&DepositaryEvent| {
            let back = match row.kind {
                EventKind::Reservation => EventKind::WithdrawalOfReservation,
                EventKind::Declaration => EventKind::WithdrawalOfDeclaration,
                _ => return false,
            };
            !rows.iter().any(|other| other.kind == back && row.day() <= other.day() && takes_back(other, row))
        };
        rows.iter().copied().filter(stands).collect()
    }

    /// What those change, by the provisions that they name.
    pub fn effects_on(&self, participant: StateCode, date: Date) -> Vec<Effect> {
        self.reservations_on(participant, date).into_iter().flat_map(effects_of).collect()
    }
}

/// A withdrawal names the row, or the provisions, or takes all back where it names nothing.
fn takes_back(withdrawal: &DepositaryEvent, row: &DepositaryEvent) -> bool {
    match &withdrawal.relates_to {
        Some(id) => *id == row.id,
        None => {
            withdrawal.articles.is_empty()
                || row.articles.iter().all(|article| withdrawal.articles.contains(article))
        }
    }
}

fn effects_of(row: &DepositaryEvent) -> Vec<Effect> {
    let effect = |provision: &str, found: Option<&EffectRule>| Effect {
        row: row.id.clone(),
        participant: row.participant,
        kind: row.kind,
        provision: provision.to_owned(),
        measures: found.map_or(&[], |rule| rule.measures),
        offences: found.map_or(&[], |rule| rule.offences),
        changes: found
            .map_or("a person reads its text: no rule here knows the provision", |rule| rule.changes),
        citation: found.map_or(&table::RESERVATION_OTHER, |rule| rule.rule).citation(),
        known: found.is_some(),
    };
    let mut effects = Vec::new();
    for provision in &row.articles {
        let before = effects.len();
        effects.extend(
            RULES
                .iter()
                .filter(|rule| meets(rule.provision, provision))
                .map(|rule| effect(provision, Some(rule))),
        );
        if effects.len() == before {
            effects.push(effect(provision, None));
        }
    }
    if row.articles.is_empty() {
        effects.push(effect("", None));
    }
    effects
}

/// One is the other or a part of it: `23` and `23(3)(a)`, not `4` and `42(5)`.
fn meets(rule: &str, named: &str) -> bool {
    let part = |whole: &str, part: &str| part.strip_prefix(whole).is_some_and(|rest| rest.starts_with('('));
    rule == named || part(rule, named) || part(named, rule)
}

#[cfg(test)]
mod tests {
    use super::super::log::tests::{log, row};
    use super::*;

    fn reserving(articles: &[&str]) -> DepositaryEvent {
        let mut row = row("r", "QA", EventKind::Reservation, "2026-02-12");
        row.articles = articles.iter().map(|article| (*article).to_owned()).collect();
        row
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn effects(articles: &[&str]) -> Vec<Effect> {
        log(vec![reserving(articles)]).effects_on("QA".parse().unwrap(), day("2026-06-01"))
    }

    #[test]
    fn a_reservation_to_preservation_touches_preservation_alone() {
        let found = effects(&["42(5)"]);
        assert_eq!(found.len(), 1);
        assert!(found[0].touches(Some(Measure::Preservation), Some(7)));
        assert!(!found[0].touches(Some(Measure::StoredDataAccess), None));
        assert_eq!(found[0].citation.to_string(), "Art. 42(5) [B]");
    }

    #[test]
    fn not_being_bound_by_articles_14_to_16_touches_those_offences_under_every_measure() {
        let found = effects(&["14", "15", "16"]);
        assert_eq!(found.len(), 3);
        for measure in Measure::ALL {
            assert!(found.iter().any(|effect| effect.touches(Some(measure), Some(15))), "{measure:?}");
            assert!(!found.iter().any(|effect| effect.touches(Some(measure), Some(7))));
        }
    }

    #[test]
    fn a_reservation_to_a_whole_article_meets_each_rule_of_its_parts() {
        let found = effects(&["23"]);
        assert_eq!(found.len(), 2);
        assert!(found.iter().any(|effect| effect.touches(Some(Measure::Interception), None)));
        assert_eq!(effects(&["11"]).len(), 1);
        assert_eq!(effects(&["14(2)"])[0].offences, [14]);
    }

    #[test]
    fn what_no_rule_knows_is_left_to_a_person_and_touches_everything() {
        for found in [effects(&["4"]), effects(&[]), effects(&["2"])] {
            assert_eq!(found.len(), 1);
            assert!(!found[0].known && found[0].touches(Some(Measure::Extradition), Some(13)));
        }
    }

    #[test]
    fn an_opt_out_of_the_court_touches_no_request() {
        let found = effects(&["63(3)"]);
        assert!(found[0].known && Measure::ALL.iter().all(|m| !found[0].touches(Some(*m), None)));
    }

    #[test]
    fn a_withdrawn_reservation_has_no_effect_from_that_day_on() {
        let mut back = row("w", "QA", EventKind::WithdrawalOfReservation, "2026-05-01");
        let qatar = "QA".parse().unwrap();
        let on = |log: &Depositary, date: &str| log.effects_on(qatar, day(date)).len();
        let all = log(vec![reserving(&["14", "15"]), back.clone()]);
        assert_eq!((on(&all, "2026-02-11"), on(&all, "2026-04-30"), on(&all, "2026-05-01")), (0, 2, 0));
        back.articles = vec!["63(3)".to_owned()];
        assert_eq!(on(&log(vec![reserving(&["14", "15"]), back.clone()]), "2026-05-01"), 2);
        back.relates_to = Some("r".to_owned());
        assert_eq!(on(&log(vec![reserving(&["14", "15"]), back]), "2026-05-01"), 0);
    }

    #[test]
    fn every_rule_of_an_effect_has_a_row_of_the_table_and_says_something() {
        for rule in effect_rules() {
            assert!(treaty::rule(rule.rule.id).is_some() && !rule.changes.is_empty(), "{}", rule.provision);
        }
    }
}
