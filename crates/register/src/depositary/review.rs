//! What a person should look at in the log: contradictions, edge cases of Arts 64 to 67, and data that are old.

use super::{
    Depositary, DepositaryEvent, EventKind,
    compare::rule_of,
    participant::{is_organization, name_of},
};
use jiff::civil::Date;
use std::collections::BTreeMap;
use treaty::{Finding, Rule, RuleValue, Severity, table};
use vocabulary::StateCode;

impl Depositary {
    /// Everything on `date`, with the age of the data on that day; the worst first.
    pub fn review(&self, date: Date) -> Vec<Finding> {
        let mut review = Review { log: self, date, found: Vec::new() };
        review.age();
        for row in self.until(date) {
            review.row(row);
        }
        review.signatures();
        review.instruments();
        review.fortieth();
        review.found.sort_by(|a, b| (a.severity, &a.code, &a.field).cmp(&(b.severity, &b.code, &b.field)));
        review.found
    }
}

struct Review<'a> {
    log: &'a Depositary,
    date: Date,
    found: Vec<Finding>,
}

impl Review<'_> {
    fn say(
        &mut self,
        rule: &Rule,
        word: &str,
        severity: Severity,
        field: &str,
        message: String,
        remedy: &str,
    ) {
        self.found.push(Finding {
            code: format!("{}-{word}", rule.code()),
            citation: rule.citation(),
            severity,
            field: field.to_owned(),
            message,
            remedy: remedy.to_owned(),
        });
    }

    fn should(&mut self, rule: &Rule, word: &str, field: &str, message: String) {
        let remedy = "compare the row with the depositary, and record a row that supersedes it";
        self.say(rule, word, Severity::Should, field, message, remedy);
    }

    fn note(&mut self, rule: &Rule, word: &str, field: &str, message: String) {
        self.say(rule, word, Severity::Note, field, message, "nothing is to be done");
    }

    fn age(&mut self) {
        let (days, most) = (self.log.age_days(self.date), table::DEPOSITARY_STALE.number().unwrap_or(0));
        if days > most {
            let message = format!("what is known here is true to {}, {days} days ago", self.log.as_of());
            let remedy = "import the newest file of the depositary: `rogatory register import FILE`";
            self.say(&table::DEPOSITARY_STALE, "stale", Severity::Should, "as_of", message, remedy);
        }
    }

    fn row(&mut self, row: &DepositaryEvent) {
        let code = row.participant;
        if super::participant(code).is_none() && !code.is_exercise() {
            let message =
                format!("`{code}` is no participant that the table of States and organizations knows");
            self.should(&table::CONSENT, "unknown-participant", &row.id, message);
        }
        if row.is_after_its_source() {
            let message =
                format!("the row is dated {}, after the day to which its source was read", row.date);
            self.should(rule_of(row.kind), "impossible-date", &row.id, message);
        }
        if row.day() < opens() {
            let message =
                format!("`{}` of {code} on {} is before signature opened on {}", row.kind, row.date, opens());
            self.should(&table::SIGNATURE_OPENS, "before-opening", &row.id, message);
        }
        match row.kind {
            EventKind::Denunciation => self.denunciation(row),
            EventKind::WithdrawalOfInstrument => self.withdrawal(row),
            EventKind::WithdrawalOfReservation
            | EventKind::WithdrawalOfDeclaration
            | EventKind::WithdrawalOfObjection => self.taken_back(row),
            EventKind::Objection => self.objection(row),
            EventKind::Reservation => self.reservation(row),
            _ => {}
        }
    }

    /// The participant the day before, so that the row itself does not count.
    fn before(&self, row: &DepositaryEvent) -> super::Standing {
        self.log.standing(row.participant, row.day().yesterday().unwrap_or(row.day()))
    }

    fn denunciation(&mut self, row: &DepositaryEvent) {
        if !self.before(row).is_bound_on(row.day()) {
            let message = format!("{} denounces the Convention and is no Party", name_of(row.participant));
            self.should(&table::DENUNCIATION, "no-party", &row.id, message);
        }
    }

    fn withdrawal(&mut self, row: &DepositaryEvent) {
        let before = self.before(row);
        if before.is_bound_on(row.day()) {
            let message = format!(
                "{} withdraws its instrument when the Convention is in force for it: only a denunciation ends that",
                name_of(row.participant)
            );
            self.should(&table::DENUNCIATION, "withdrawal-late", &row.id, message);
        } else if before.instrument.is_none() {
            let message = format!("{} withdraws an instrument that is not here", name_of(row.participant));
            self.should(&table::INSTRUMENT_WITHDRAWN, "nothing-to-withdraw", &row.id, message);
        }
    }

    fn taken_back(&mut self, row: &DepositaryEvent) {
        let back = match row.kind {
            EventKind::WithdrawalOfReservation => EventKind::Reservation,
            EventKind::WithdrawalOfDeclaration => EventKind::Declaration,
            _ => EventKind::Objection,
        };
        let mut earlier = self.log.of(row.participant, row.day()).filter(|other| other.kind == back);
        let there = match &row.relates_to {
            Some(id) => earlier.any(|other| other.id == *id),
            None => earlier.next().is_some(),
        };
        if !there {
            let message = format!("`{}` of {} takes back what is not here", row.kind, row.participant);
            self.should(&table::RESERVATION_OTHER, "nothing-to-withdraw", &row.id, message);
        }
    }

    fn objection(&mut self, row: &DepositaryEvent) {
        let reserves = |other: &DepositaryEvent| {
            matches!(other.kind, EventKind::Reservation | EventKind::Declaration)
                && row
                    .relates_to
                    .as_deref()
                    .is_some_and(|to| to == other.id || to == other.participant.as_str())
        };
        if !self.log.until(row.day()).any(reserves) {
            let message = format!("the objection of {} is to no reservation that is here", row.participant);
            self.should(&table::RESERVATION_OTHER, "nothing-to-object", &row.id, message);
        }
    }

    fn reservation(&mut self, row: &DepositaryEvent) {
        let Some(instrument) = self.log.standing(row.participant, self.date).instrument else { return };
        let confirmed = self.log.of(row.participant, self.date).any(|other| {
            other.id != row.id
                && matches!(other.kind, EventKind::Reservation | EventKind::Declaration)
                && other.day() >= instrument.day()
        });
        if row.day() < instrument.day() && !confirmed {
            let message = format!(
                "the reservation of {} was made before its instrument, and no confirmation is here",
                name_of(row.participant)
            );
            self.should(&table::RESERVATION_OTHER, "not-confirmed", &row.id, message);
        }
    }

    fn signatures(&mut self) {
        let mut first: BTreeMap<StateCode, &DepositaryEvent> = BTreeMap::new();
        for row in self.log.until(self.date).filter(|row| row.kind == EventKind::Signature) {
            if row.day() > closes() {
                let message = format!(
                    "{} signs on {}, after signature closed on {}",
                    row.participant,
                    row.date,
                    closes()
                );
                self.should(&table::SIGNATURE_CLOSES, "after-closing", &row.id, message);
            }
            if let Some(earlier) = first.insert(row.participant, row) {
                let message = format!("{} signs a second time, after `{}`", row.participant, earlier.id);
                self.should(&table::SIGNATURE_CLOSES, "twice", &row.id, message);
            }
        }
    }

    fn instruments(&mut self) {
        let log = self.log;
        for row in log.until(self.date).filter(|row| row.kind.is_instrument()) {
            let before = self.before(row);
            let signed = log.of(row.participant, row.day()).any(|other| other.kind == EventKind::Signature);
            let needs =
                matches!(row.kind, EventKind::Ratification | EventKind::Acceptance | EventKind::Approval);
            if needs && !signed {
                let message = format!(
                    "`{}` of {} without a signature: a State that did not sign accedes",
                    row.kind, row.participant
                );
                self.should(&table::CONSENT, "not-signed", &row.id, message);
            }
            if before.instrument.is_some() && before.denounced_from.is_none_or(|ended| row.day() < ended) {
                let message = format!("{} deposits a second instrument", row.participant);
                self.should(&table::CONSENT, "instrument-twice", &row.id, message);
            }
            if is_organization(row.participant) {
                let message = format!(
                    "the instrument of {} is one of a regional organization and is not counted",
                    name_of(row.participant)
                );
                self.note(&table::INSTRUMENTS, "organization", &row.id, message);
            }
            if !row.date.is_exact() {
                let message = format!(
                    "the day of the deposit of {} is not known ({}); it counts from {}",
                    row.participant,
                    row.date,
                    row.day()
                );
                self.note(&table::INSTRUMENTS, "day-unknown", &row.id, message);
            }
        }
    }

    /// The fortieth instrument: taken back in time, or not alone on its day.
    fn fortieth(&mut self) {
        let log = self.log;
        let deposits = log.counted_deposits(self.date);
        let entry = log.treaty_entry_into_force(self.date);
        let needed = table::INSTRUMENTS.number().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        let gone = |withdrawn: Option<&DepositaryEvent>| {
            withdrawn.is_some_and(|back| entry.is_none_or(|day| back.day() < day))
        };
        for deposit in deposits.iter().filter(|deposit| gone(deposit.withdrawn)) {
            let others = deposits.iter().filter(|other| other.row.day() <= deposit.row.day()).count();
            let which = if others == needed { "the fortieth instrument" } else { "an instrument" };
            let now = match entry {
                Some(day) => format!("the Convention enters into force on {day}"),
                None => "the Convention does not enter into force with it".to_owned(),
            };
            let message = format!(
                "{which}, of {}, was withdrawn before entry into force and is not counted: {now}",
                deposit.row.participant
            );
            let word = if others == needed { "fortieth-withdrawn" } else { "withdrawn" };
            self.note(&table::INSTRUMENT_WITHDRAWN, word, &deposit.row.id, message);
        }
        let live: Vec<&DepositaryEvent> =
            deposits.iter().filter(|deposit| !gone(deposit.withdrawn)).map(|deposit| deposit.row).collect();
        let Some(fortieth) = needed.checked_sub(1).and_then(|at| live.get(at)) else { return };
        let same_day: Vec<&str> = live
            .iter()
            .filter(|row| row.day() == fortieth.day())
            .map(|row| row.participant.as_str())
            .collect();
        if same_day.len() > 1 {
            let message = format!(
                "the fortieth instrument was deposited on {} with others on that day ({}): they share the rank, and the day of entry into force is the same whichever it was",
                fortieth.day(),
                same_day.join(", ")
            );
            self.note(&table::INSTRUMENTS, "fortieth-shared", &fortieth.id, message);
        }
    }
}

fn opens() -> Date {
    date_of(&table::SIGNATURE_OPENS).unwrap_or(Date::MIN)
}

fn closes() -> Date {
    date_of(&table::SIGNATURE_CLOSES).unwrap_or(Date::MAX)
}

fn date_of(rule: &Rule) -> Option<Date> {
    match rule.value {
        RuleValue::Date(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::tests::{deposits, log, row};
    use super::*;

    fn codes(rows: Vec<DepositaryEvent>) -> Vec<String> {
        let found = log(rows).review("2040-01-01".parse().unwrap());
        found.into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_log_without_edges_has_no_findings() {
        assert!(codes(deposits(3, "2026-03-02")).is_empty());
    }

    #[test]
    fn each_edge_has_its_finding() {
        let signed = || row("QA-s", "QA", EventKind::Signature, "2025-10-25");
        for (rows, code) in [
            (vec![row("a", "QA", EventKind::Ratification, "2026-02-12")], "T-064-3-not-signed"),
            (vec![row("a", "QA", EventKind::Signature, "2027-01-01")], "T-064-1-after-closing"),
            (vec![row("a", "QA", EventKind::Accession, "2025-10-24")], "T-064-1-before-opening"),
            (vec![row("a", "QA", EventKind::Accession, "2041-01-01")], "none"),
            (vec![row("a", "QA", EventKind::Denunciation, "2027-02-12")], "T-067-1-no-party"),
            (vec![row("a", "QQ", EventKind::Signature, "2025-10-25")], "T-064-3-unknown-participant"),
            (vec![row("a", "XA", EventKind::Signature, "2025-10-25")], "none"),
            (vec![signed(), row("b", "QA", EventKind::Signature, "2025-10-26")], "T-064-1-twice"),
            (
                vec![
                    signed(),
                    row("b", "QA", EventKind::Ratification, "2026-02-12"),
                    row("c", "QA", EventKind::Acceptance, "2026-03-12"),
                ],
                "T-064-3-instrument-twice",
            ),
            (
                vec![signed(), row("b", "QA", EventKind::WithdrawalOfInstrument, "2026-02-12")],
                "T-065-1-nothing-to-withdraw",
            ),
            (
                vec![signed(), row("b", "QA", EventKind::WithdrawalOfReservation, "2026-02-12")],
                "T-064-nothing-to-withdraw",
            ),
            (vec![row("b", "FR", EventKind::Objection, "2026-02-12")], "T-064-nothing-to-object"),
            (vec![row("b", "EU", EventKind::Accession, "2026-02-12")], "T-065-1-organization"),
            (vec![row("b", "QA", EventKind::Accession, "2026-02")], "T-065-1-day-unknown"),
            (
                vec![
                    signed(),
                    row("b", "QA", EventKind::Reservation, "2025-10-25"),
                    row("c", "QA", EventKind::Ratification, "2026-02-12"),
                ],
                "T-064-not-confirmed",
            ),
        ] {
            let found = codes(rows);
            match code {
                "none" => assert!(found.is_empty(), "{found:?}"),
                code => assert_eq!(found, [code]),
            }
        }
    }

    #[test]
    fn a_row_dated_after_its_source_was_read_is_impossible() {
        let mut late = row("a", "QA", EventKind::Signature, "2026-10-25");
        late.as_of = "2026-10-24".parse().unwrap();
        assert_eq!(codes(vec![late]), ["T-064-1-impossible-date"]);
    }

    #[test]
    fn a_fortieth_deposit_that_was_withdrawn_is_told_with_its_consequence() {
        let mut rows = deposits(39, "2027-03-02");
        rows.push(row("ZW-a", "ZW", EventKind::Accession, "2027-03-05"));
        rows.push(row("ZW-w", "ZW", EventKind::WithdrawalOfInstrument, "2027-04-01"));
        let found = log(rows).review("2040-01-01".parse().unwrap());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].code.as_str(), found[0].field.as_str()), ("T-065-1-fortieth-withdrawn", "ZW-a"));
        assert!(found[0].message.contains("does not enter into force"));
    }

    #[test]
    fn two_deposits_on_the_day_of_the_fortieth_share_the_rank() {
        let mut rows = deposits(39, "2027-03-02");
        rows.push(row("ZM-a", "ZM", EventKind::Accession, "2027-03-05"));
        rows.push(row("ZW-a", "ZW", EventKind::Accession, "2027-03-05"));
        let found = log(rows).review("2040-01-01".parse().unwrap());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].code, "T-065-1-fortieth-shared");
        assert!(found[0].message.contains("ZM, ZW"));
    }

    #[test]
    fn a_withdrawal_when_bound_is_no_withdrawal() {
        let mut rows = deposits(40, "2027-03-02");
        rows.push(row("AF-w", "AF", EventKind::WithdrawalOfInstrument, "2027-05-31"));
        assert!(codes(rows).contains(&"T-067-1-withdrawal-late".to_owned()));
    }

    #[test]
    fn data_that_are_old_say_so() {
        let log = Depositary::new(Vec::new(), "2026-08-31".parse().unwrap(), Vec::new()).unwrap();
        let found = log.review("2026-11-23".parse().unwrap());
        assert_eq!(found[0].code, "T-065-1-stale");
        assert!(found[0].message.contains("84 days") && found[0].citation.policy);
        assert!(log.review("2026-09-30".parse().unwrap()).is_empty());
    }
}
