//! The log of depositary events: rows are added, never changed; what stands is what nothing supersedes.

use super::{DepositaryError, DepositaryEvent, EventKind};
use jiff::civil::Date;
use std::collections::{HashMap, HashSet};
use vocabulary::StateCode;

/// The most rows of one log; all UN members with ten events each are a tenth of it.
pub const MAX_ROWS: usize = 20_000;

/// A log whose ids are unique and whose corrections lead somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depositary {
    rows: Vec<DepositaryEvent>,
    as_of: Date,
    notes: Vec<String>,
    /// What stands, in the order of days.
    standing: Vec<usize>,
}

impl Depositary {
    /// `rows` are in the order in which they were recorded; `as_of` is the day to which they are known to be true.
    pub fn new(rows: Vec<DepositaryEvent>, as_of: Date, notes: Vec<String>) -> Result<Self, DepositaryError> {
        if rows.len() > MAX_ROWS {
            return Err(DepositaryError::TooMany { found: rows.len() });
        }
        let superseded = superseded(&rows)?;
        let mut standing: Vec<usize> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.kind != EventKind::Annulment && !superseded.contains(row.id.as_str()))
            .map(|(at, _)| at)
            .collect();
        standing.sort_by(|a, b| rows.get(*a).map(key).cmp(&rows.get(*b).map(key)));
        Ok(Self { standing, rows, as_of, notes })
    }

    /// All rows as they were recorded, also those that were superseded.
    pub fn rows(&self) -> &[DepositaryEvent] {
        &self.rows
    }

    /// The day to which the rows are known to be true.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// Days between `as_of` and `today`; 0 when the data claim to be of a later day.
    pub fn age_days(&self, today: Date) -> u32 {
        u32::try_from(today.duration_since(self.as_of).as_hours() / 24).unwrap_or(0)
    }

    /// What whoever put the rows together says of them.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub fn row(&self, id: &str) -> Option<&DepositaryEvent> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// What stands, by day.
    pub fn standing_rows(&self) -> impl Iterator<Item = &DepositaryEvent> {
        self.standing.iter().filter_map(|at| self.rows.get(*at))
    }

    /// What stands and counts on `date` or before.
    pub fn until(&self, date: Date) -> impl Iterator<Item = &DepositaryEvent> {
        self.standing_rows().filter(move |row| row.day() <= date)
    }

    /// What stands of one participant until `date`, by day.
    pub fn of(&self, participant: StateCode, date: Date) -> impl Iterator<Item = &DepositaryEvent> {
        self.until(date).filter(move |row| row.participant == participant)
    }
}

/// On one day a consent comes before what is said with it, and what takes back comes last.
fn key(row: &DepositaryEvent) -> (Date, EventKind, &str) {
    (row.day(), row.kind, &row.id)
}

fn superseded(rows: &[DepositaryEvent]) -> Result<HashSet<&str>, DepositaryError> {
    let mut seen: HashMap<&str, &DepositaryEvent> = HashMap::new();
    let mut by: HashMap<&str, &str> = HashMap::new();
    for row in rows {
        if let Some(other) = row.supersedes.as_deref() {
            if seen.get(other).is_none_or(|earlier| earlier.participant != row.participant) {
                return Err(DepositaryError::Supersedes {
                    id: DepositaryError::short(&row.id),
                    other: DepositaryError::short(other),
                });
            }
            if let Some(first) = by.insert(other, &row.id) {
                return Err(DepositaryError::SupersededTwice {
                    id: DepositaryError::short(first),
                    other: DepositaryError::short(&row.id),
                });
            }
        } else if row.kind == EventKind::Annulment {
            return Err(DepositaryError::Supersedes {
                id: DepositaryError::short(&row.id),
                other: String::new(),
            });
        }
        if seen.insert(&row.id, row).is_some() {
            return Err(DepositaryError::SameId { id: DepositaryError::short(&row.id) });
        }
    }
    Ok(by.into_keys().collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::participants;
    use super::*;
    use treaty::Confidence;
    use vocabulary::Failure as _;

    pub(in super::super) fn row(id: &str, participant: &str, kind: EventKind, date: &str) -> DepositaryEvent {
        DepositaryEvent {
            id: id.to_owned(),
            participant: participant.parse().unwrap(),
            kind,
            date: date.parse().unwrap(),
            articles: Vec::new(),
            relates_to: None,
            supersedes: None,
            confidence: Confidence::A,
            source: "synthetic".to_owned(),
            reference: None,
            as_of: "2040-01-01".parse().unwrap(),
            text: None,
            remark: None,
        }
    }

    /// `count` States that sign first and ratify on `date`.
    pub(in super::super) fn deposits(count: usize, date: &str) -> Vec<DepositaryEvent> {
        let states = participants().iter().filter(|found| !found.organization).take(count);
        states
            .flat_map(|found| {
                let state = found.code.as_str();
                [
                    row(&format!("{state}-s"), state, EventKind::Signature, "2025-10-25"),
                    row(&format!("{state}-r"), state, EventKind::Ratification, date),
                ]
            })
            .collect()
    }

    pub(in super::super) fn log(rows: Vec<DepositaryEvent>) -> Depositary {
        Depositary::new(rows, "2040-01-01".parse().unwrap(), Vec::new()).unwrap()
    }

    fn correction(mut row: DepositaryEvent, of: &str) -> DepositaryEvent {
        row.supersedes = Some(of.to_owned());
        row
    }

    #[test]
    fn a_correction_stands_in_place_of_the_row_that_it_supersedes_and_the_row_stays_readable() {
        let log = log(vec![
            row("a", "QA", EventKind::Ratification, "2026-02"),
            correction(row("b", "QA", EventKind::Ratification, "2026-02-12"), "a"),
            correction(row("c", "QA", EventKind::Ratification, "2026-02-13"), "b"),
        ]);
        let standing: Vec<_> = log.standing_rows().map(|row| row.id.as_str()).collect();
        assert_eq!((standing, log.rows().len()), (vec!["c"], 3));
        assert_eq!(log.row("a").unwrap().date.to_string(), "2026-02");
    }

    #[test]
    fn an_annulment_leaves_nothing_standing() {
        let annulled = correction(row("b", "QA", EventKind::Annulment, "2026-03-01"), "a");
        let log = log(vec![row("a", "QA", EventKind::Ratification, "2026-02"), annulled]);
        assert_eq!(log.standing_rows().count(), 0);
    }

    #[test]
    fn a_log_that_contradicts_itself_is_refused() {
        let day = "2040-01-01".parse().unwrap();
        let refused = |rows| Depositary::new(rows, day, Vec::new()).unwrap_err().code();
        let a = || row("a", "QA", EventKind::Ratification, "2026-02");
        assert_eq!(refused(vec![a(), a()]), "R-620");
        assert_eq!(refused(vec![correction(a(), "a")]), "R-622", "itself");
        let other = row("b", "FR", EventKind::Ratification, "2026-02");
        assert_eq!(refused(vec![a(), correction(other, "a")]), "R-622", "of another State");
        assert_eq!(refused(vec![row("b", "QA", EventKind::Annulment, "2026-02")]), "R-622", "of nothing");
        let again = |id| correction(row(id, "QA", EventKind::Ratification, "2026-02-12"), "a");
        assert_eq!(refused(vec![a(), again("b"), again("c")]), "R-623");
        assert_eq!(refused(vec![a(); MAX_ROWS + 1]), "R-619");
    }

    #[test]
    fn the_age_of_the_data_is_in_days() {
        let log = Depositary::new(Vec::new(), "2026-08-31".parse().unwrap(), Vec::new()).unwrap();
        assert_eq!(log.age_days("2026-11-23".parse().unwrap()), 84);
        assert_eq!(log.age_days("2026-01-01".parse().unwrap()), 0);
    }
}
