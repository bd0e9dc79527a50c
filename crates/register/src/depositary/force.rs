//! Whether the Convention is in force between two participants on a day, with the reasons in words.

use super::{Depositary, Effect, Stage, Standing};
use jiff::civil::Date;
use serde::Serialize;
use treaty::{Citation, Rule, table};
use vocabulary::StateCode;

/// Two participants on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Between {
    pub states: [StateCode; 2],
    pub on: Date,
    pub in_force: bool,
    /// The later of the two days of entry into force.
    pub since: Option<Date>,
    /// The earlier day on which a denunciation takes effect.
    pub until: Option<Date>,
    pub reasons: Vec<Reason>,
    /// What reservations of either change; a reservation also lets the other State act as it does.
    pub effects: Vec<Effect>,
}

/// One reason, with the row of the table that it applies and the rows of the log that it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub message: String,
    pub citation: Citation,
    pub rows: Vec<String>,
}

impl Depositary {
    /// `None` never stands for no: a pair of which nothing is known has its reasons too.
    pub fn in_force_between(&self, a: StateCode, b: StateCode, date: Date) -> Between {
        let standings = [self.standing(a, date), self.standing(b, date)];
        let mut reasons: Vec<Reason> = standings.iter().map(|standing| reason(standing, date)).collect();
        let same = a == b;
        if same {
            reasons.push(plain(&table::ENTRY_INTO_FORCE, "a State has no treaty with itself".to_owned()));
        }
        let both = standings.iter().all(|standing| standing.stage == Stage::Party) && !same;
        let [first, second] = &standings;
        let since = first.entry_into_force.zip(second.entry_into_force).map(|(a, b)| a.max(b));
        if !both && self.treaty_entry_into_force(date).is_none_or(|day| date < day) {
            reasons.push(plain(&table::ENTRY_INTO_FORCE, not_in_force(self, date)));
        }
        Between {
            states: [a, b],
            on: date,
            in_force: both,
            since: since.filter(|_| !same),
            until: standings.iter().filter_map(|standing| standing.denounced_from).min(),
            reasons,
            effects: if same {
                Vec::new()
            } else {
                [a, b].map(|state| self.effects_on(state, date)).concat()
            },
        }
    }
}

fn not_in_force(log: &Depositary, date: Date) -> String {
    let status = log.status_on(date);
    match status.entry_into_force {
        Some(day) => format!("the Convention enters into force on {day}"),
        None => format!(
            "the Convention is not in force: {} of {} instruments are counted",
            status.counted, status.needed
        ),
    }
}

fn plain(rule: &Rule, message: String) -> Reason {
    Reason { message, citation: rule.citation(), rows: Vec::new() }
}

fn reason(standing: &Standing, date: Date) -> Reason {
    let code = standing.participant;
    let name = match standing.name == code.as_str() {
        true => code.to_string(),
        false => format!("{} ({code})", standing.name),
    };
    let rows =
        [&standing.signed, &standing.instrument].into_iter().flatten().map(|row| row.id.clone()).collect();
    let (rule, message) = match (standing.stage, &standing.instrument, standing.entry_into_force) {
        (Stage::Party, _, Some(day)) => (&table::ENTRY_FOR_LATER, format!("in force for {name} since {day}")),
        (Stage::FormerParty, ..) => {
            let ended = standing.denounced_from.map(|day| day.to_string()).unwrap_or_default();
            (&table::DENUNCIATION, format!("{name} denounced it with effect from {ended}"))
        }
        (Stage::Contracting, Some(row), Some(day)) if date < day => (
            &table::ENTRY_FOR_LATER,
            format!("{name} deposited its {} on {}; in force for it from {day}", row.kind, row.date),
        ),
        (Stage::Contracting | Stage::Party, Some(row), _) => {
            (&table::ENTRY_INTO_FORCE, format!("{name} deposited its {} on {}", row.kind, row.date))
        }
        (Stage::Signatory, ..) => (&table::CONSENT, format!("{name} signed and deposited no instrument")),
        _ if code.is_exercise() => {
            (&table::CONSENT, format!("{code} is a code for exercises, which no depositary knows"))
        }
        _ => (&table::CONSENT, format!("of {name} neither a signature nor an instrument is known")),
    };
    Reason { message, citation: rule.citation(), rows }
}

#[cfg(test)]
mod tests {
    use super::super::{
        EventKind,
        log::tests::{deposits, log, row},
        status::Missing,
    };
    use super::*;
    use vocabulary::StateCode;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn code(text: &str) -> StateCode {
        text.parse().unwrap()
    }

    #[test]
    fn the_fortieth_instrument_brings_it_into_force_on_the_ninetieth_day() {
        let log = log(deposits(40, "2027-03-02"));
        let before = log.status_on(day("2027-05-30"));
        assert_eq!(before.missing, Some(Missing::Days { enters_into_force: day("2027-05-31") }));
        assert!(!before.in_force && before.parties.is_empty() && before.contracting.len() == 40);
        let then = log.status_on(day("2027-05-31"));
        assert!(then.in_force && then.missing.is_none() && then.parties.len() == 40);
        let between = log.in_force_between(code("AF"), code("AL"), day("2027-05-31"));
        assert_eq!((between.in_force, between.since), (true, Some(day("2027-05-31"))));
    }

    #[test]
    fn thirty_nine_are_not_enough_and_the_organization_is_not_counted() {
        let mut rows = deposits(39, "2027-03-02");
        rows.push(row("EU-s", "EU", EventKind::Signature, "2025-10-25"));
        rows.push(row("EU-r", "EU", EventKind::Approval, "2027-03-02"));
        let status = log(rows).status_on(day("2030-01-01"));
        assert_eq!((status.counted, status.not_counted, status.contracting.len()), (39, 1, 40));
        assert_eq!(status.missing, Some(Missing::Instruments { counted: 39, needed: 40, missing: 1 }));
    }

    #[test]
    fn the_published_dates_of_other_treaties_come_out_of_the_same_arithmetic() {
        // UNTOC: fortieth deposit 1 July 2003, in force 29 September 2003. UNCAC, United States: 30 October to 29 November 2006.
        let mut rows = deposits(39, "2003-06-30");
        rows.push(row("US-r", "US", EventKind::Ratification, "2003-07-01"));
        rows.push(row("YE-r", "YE", EventKind::Ratification, "2006-10-30"));
        let log = log(rows);
        assert_eq!(log.treaty_entry_into_force(day("2007-01-01")), Some(day("2003-09-29")));
        assert_eq!(log.entry_into_force(code("YE"), day("2007-01-01")), Some(day("2006-11-29")));
        assert_eq!(log.entry_into_force(code("US"), day("2007-01-01")), Some(day("2003-09-29")));
    }

    #[test]
    fn a_later_state_is_bound_on_its_thirtieth_day_but_never_before_the_convention_is_in_force() {
        let mut rows = deposits(40, "2027-03-02");
        rows.push(row("ZM-a", "ZM", EventKind::Accession, "2027-03-03"));
        rows.push(row("ZW-a", "ZW", EventKind::Accession, "2027-12-01"));
        let log = log(rows);
        assert_eq!(log.entry_into_force(code("ZM"), day("2027-12-01")), Some(day("2027-05-31")));
        assert_eq!(log.entry_into_force(code("ZW"), day("2027-12-01")), Some(day("2027-12-31")));
        assert!(!log.in_force_between(code("ZM"), code("ZW"), day("2027-12-30")).in_force);
        assert!(log.in_force_between(code("ZM"), code("ZW"), day("2027-12-31")).in_force);
    }

    #[test]
    fn a_fortieth_deposit_that_is_withdrawn_in_time_stops_the_clock() {
        let mut rows = deposits(40, "2027-03-02");
        rows.push(row("AF-w", "AF", EventKind::WithdrawalOfInstrument, "2027-05-30"));
        let status = log(rows.clone()).status_on(day("2027-06-30"));
        assert_eq!((status.counted, status.in_force), (39, false));
        // Another one takes its place: counted from that day.
        rows.push(row("ZM-a", "ZM", EventKind::Accession, "2027-06-01"));
        assert_eq!(log(rows.clone()).treaty_entry_into_force(day("2028-01-01")), Some(day("2027-08-30")));
        // The same State may come back.
        rows.push(row("AF-2", "AF", EventKind::Ratification, "2027-06-15"));
        let again = log(rows);
        assert_eq!(again.treaty_entry_into_force(day("2028-01-01")), Some(day("2027-08-30")));
        assert_eq!(again.entry_into_force(code("AF"), day("2028-01-01")), Some(day("2027-08-30")));
    }

    #[test]
    fn a_withdrawal_after_entry_into_force_takes_nothing_back() {
        let mut rows = deposits(40, "2027-03-02");
        rows.push(row("AF-w", "AF", EventKind::WithdrawalOfInstrument, "2027-05-31"));
        let status = log(rows).status_on(day("2027-06-30"));
        assert_eq!((status.parties.len(), status.in_force), (40, true));
    }

    #[test]
    fn a_denunciation_ends_it_a_year_later_and_leaves_the_convention_in_force() {
        let mut rows = deposits(40, "2027-03-02");
        rows.push(row("AF-d", "AF", EventKind::Denunciation, "2028-02-29"));
        let log = log(rows);
        let last = log.in_force_between(code("AF"), code("AL"), day("2029-02-27"));
        assert_eq!((last.in_force, last.until), (true, Some(day("2029-02-28"))));
        let after = log.in_force_between(code("AF"), code("AL"), day("2029-02-28"));
        assert!(!after.in_force && after.reasons[0].message.contains("with effect from 2029-02-28"));
        let status = log.status_on(day("2029-02-28"));
        assert!(status.in_force && status.parties.len() == 39, "fewer Parties do not end it");
    }

    #[test]
    fn a_state_that_comes_back_after_its_denunciation_is_bound_again_on_its_thirtieth_day() {
        let mut rows = deposits(41, "2027-03-02");
        rows.push(row("AF-d", "AF", EventKind::Denunciation, "2028-03-01"));
        rows.push(row("AF-2", "AF", EventKind::Accession, "2030-01-01"));
        let log = log(rows);
        assert_eq!(log.standing(code("AF"), day("2029-12-31")).stage, Stage::FormerParty);
        assert_eq!(log.standing(code("AF"), day("2030-01-30")).stage, Stage::Contracting);
        assert_eq!(log.standing(code("AF"), day("2030-01-31")).stage, Stage::Party);
    }

    #[test]
    fn a_denunciation_by_a_state_that_is_no_party_does_nothing() {
        let log = log(vec![row("AF-d", "AF", EventKind::Denunciation, "2028-03-01")]);
        let standing = log.standing(code("AF"), day("2030-01-01"));
        assert_eq!((standing.stage, standing.denounced_from), (Stage::None, None));
    }

    #[test]
    fn every_no_has_its_reasons_and_each_reason_its_article() {
        let log = log(vec![
            row("QA-s", "QA", EventKind::Signature, "2025-10-25"),
            row("QA-r", "QA", EventKind::Ratification, "2026-02"),
        ]);
        let between = log.in_force_between(code("XA"), code("QA"), day("2026-11-23"));
        let text: Vec<_> = between.reasons.iter().map(|reason| reason.message.as_str()).collect();
        assert!(text[0].contains("code for exercises"), "{text:?}");
        assert!(text[1].contains("Qatar (QA) deposited its ratification on 2026-02"), "{text:?}");
        assert!(text[2].contains("1 of 40 instruments"), "{text:?}");
        assert!(!log.in_force_between(code("QA"), code("QA"), day("2026-11-23")).in_force);
    }

    #[test]
    fn what_is_dated_after_the_day_that_is_asked_for_does_not_count_yet() {
        let log = log(deposits(40, "2027-03-02"));
        let status = log.status_on(day("2027-03-01"));
        assert_eq!((status.counted, status.signatories.len(), status.entry_into_force), (0, 40, None));
    }
}
