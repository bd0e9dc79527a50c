//! An import is a comparison: what is new, what differs, what is no longer there; nothing is silently replaced.

use super::{Depositary, DepositaryError, DepositaryEvent, EventKind, log::MAX_ROWS};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use treaty::{Finding, Rule, Severity, table};
use vocabulary::StateCode;

/// Which facts a source claims to have all of; only of those can one vanish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coverage {
    Complete,
    /// Signatures and instruments of all participants; of the rest only what it shows.
    Participation,
    Partial,
}

impl Coverage {
    fn covers(self, kind: EventKind) -> bool {
        match self {
            Self::Complete => true,
            Self::Participation => kind == EventKind::Signature || kind.is_instrument(),
            Self::Partial => false,
        }
    }
}

/// What a file said, read and not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub rows: Vec<DepositaryEvent>,
    /// The day to which the file is true.
    pub as_of: Date,
    pub coverage: Coverage,
    pub notes: Vec<String>,
    /// What could not be read in it, and what contradicts itself.
    pub findings: Vec<Finding>,
}

/// The same fact, said differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub known: DepositaryEvent,
    pub found: DepositaryEvent,
    /// Only the date differs, and it lies within what was known.
    pub more_exact: bool,
}

/// A log beside a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    pub as_of: Date,
    pub coverage: Coverage,
    pub added: Vec<DepositaryEvent>,
    pub changed: Vec<Change>,
    pub vanished: Vec<DepositaryEvent>,
    pub same: usize,
    pub findings: Vec<Finding>,
}

/// What a person takes over beside new rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Accept {
    /// Each changed row supersedes the known one.
    pub changed: bool,
    /// Each vanished row is annulled.
    pub vanished: bool,
}

impl Depositary {
    /// Lays `import` beside what stands here.
    pub fn compare(&self, import: &Import) -> Result<Comparison, DepositaryError> {
        if import.coverage == Coverage::Complete && import.as_of < self.as_of() {
            let (known, found) = (self.as_of().to_string(), import.as_of.to_string());
            return Err(DepositaryError::Older { known, found });
        }
        let mut findings = import.findings.clone();
        findings.extend(import.rows.iter().filter(|row| row.is_after_its_source()).map(impossible));
        let mut matching = Matching::new(self, import);
        matching.by_id();
        matching.by_fact();
        let mut comparison = Comparison {
            as_of: import.as_of,
            coverage: import.coverage,
            added: matching.added,
            changed: matching.changed,
            vanished: matching.known.into_values().flatten().cloned().collect(),
            same: matching.same,
            findings,
        };
        comparison.vanished.retain(|row| import.coverage.covers(row.kind));
        comparison.name_anew(self);
        comparison.find();
        Ok(comparison)
    }

    /// The rows that the import adds, in the order in which they are recorded.
    pub fn additions(&self, comparison: &Comparison, accept: Accept) -> Vec<DepositaryEvent> {
        let mut taken: HashSet<String> = self.rows().iter().map(|row| row.id.clone()).collect();
        let mut rows = comparison.added.clone();
        taken.extend(rows.iter().map(|row| row.id.clone()));
        if accept.changed {
            for change in &comparison.changed {
                let id = unused(&change.known.id, &mut taken);
                rows.push(DepositaryEvent {
                    id,
                    supersedes: Some(change.known.id.clone()),
                    ..change.found.clone()
                });
            }
        }
        if accept.vanished {
            for known in &comparison.vanished {
                rows.push(DepositaryEvent {
                    id: unused(&format!("{}-annulled", known.id), &mut taken),
                    kind: EventKind::Annulment,
                    supersedes: Some(known.id.clone()),
                    as_of: comparison.as_of,
                    remark: Some("no longer in the source".to_owned()),
                    ..known.clone()
                });
            }
        }
        rows
    }

    /// The log with those rows; only a source that shows all participants makes it younger.
    pub fn with(
        &self,
        rows: Vec<DepositaryEvent>,
        comparison: &Comparison,
        notes: Vec<String>,
    ) -> Result<Self, DepositaryError> {
        let found = self.rows().len() + rows.len();
        if found > MAX_ROWS {
            return Err(DepositaryError::TooMany { found });
        }
        let as_of = match comparison.coverage {
            Coverage::Partial => self.as_of(),
            _ => self.as_of().max(comparison.as_of),
        };
        Self::new(self.rows().iter().cloned().chain(rows).collect(), as_of, notes)
    }
}

type Facts<'a> = BTreeMap<(StateCode, EventKind), Vec<&'a DepositaryEvent>>;

struct Matching<'a> {
    log: &'a Depositary,
    /// What stands here and was not met yet.
    known: Facts<'a>,
    found: Vec<&'a DepositaryEvent>,
    added: Vec<DepositaryEvent>,
    changed: Vec<Change>,
    same: usize,
}

impl<'a> Matching<'a> {
    fn new(log: &'a Depositary, import: &'a Import) -> Self {
        let mut known = Facts::new();
        for row in log.standing_rows() {
            known.entry((row.participant, row.kind.family())).or_default().push(row);
        }
        Self {
            log,
            known,
            found: import.rows.iter().filter(|row| !row.is_after_its_source()).collect(),
            added: Vec::new(),
            changed: Vec::new(),
            same: 0,
        }
    }

    /// Rows whose id is known here: the same row, or one of whose text somebody made another.
    fn by_id(&mut self) {
        let by_id: std::collections::HashMap<&str, &DepositaryEvent> =
            self.log.rows().iter().map(|row| (row.id.as_str(), row)).collect();
        let mut unknown = Vec::new();
        for found in std::mem::take(&mut self.found) {
            let Some(&known) = by_id.get(found.id.as_str()) else {
                unknown.push(found);
                continue;
            };
            if known.says_the_same(found) {
                // Whether it stands here is this node's own history.
                self.same += 1;
                self.met(known);
            } else if self.met(known) {
                self.changed.push(change(known, found));
            } else {
                unknown.push(found);
            }
        }
        self.found = unknown;
    }

    /// Rows of other sources: by participant and kind of fact, the same ones first.
    fn by_fact(&mut self) {
        let corrected: HashSet<&str> =
            self.found.iter().filter_map(|row| row.supersedes.as_deref()).collect();
        let mut left: Facts<'a> = Facts::new();
        for found in std::mem::take(&mut self.found) {
            if corrected.contains(found.id.as_str()) {
                // What the file itself corrected; its correction is compared.
                continue;
            }
            if found.supersedes.as_ref().is_some_and(|id| self.log.standing_rows().any(|row| row.id == *id)) {
                // A correction of a row that stands here is what it says it is.
                self.log.row(found.supersedes.as_deref().unwrap_or("")).map(|known| self.met(known));
                self.added.push(found.clone());
            } else if found.kind != EventKind::Annulment {
                left.entry((found.participant, found.kind.family())).or_default().push(found);
            }
        }
        for (fact, found) in left {
            let known = self.known.remove(&fact).unwrap_or_default();
            let rest = self.pair(known, found);
            if !rest.is_empty() {
                self.known.insert(fact, rest);
            }
        }
    }

    /// Pairs what is the same, then what is alike, then what is left in the order of days; what stays of `known` is returned.
    fn pair(
        &mut self,
        mut known: Vec<&'a DepositaryEvent>,
        mut found: Vec<&'a DepositaryEvent>,
    ) -> Vec<&'a DepositaryEvent> {
        let likenesses: [fn(&DepositaryEvent, &DepositaryEvent) -> bool; 4] = [
            |a, b| a.says_the_same(b),
            |a, b| {
                a.kind == b.kind
                    && a.articles == b.articles
                    && (a.date.covers(&b.date) || b.date.covers(&a.date))
            },
            |a, b| a.text.is_some() && a.text == b.text,
            |_, _| true,
        ];
        for alike in likenesses {
            found.retain(|row| match known.iter().position(|other| alike(other, row)) {
                Some(at) => {
                    let other = known.remove(at);
                    match other.says_the_same(row) {
                        true => self.same += 1,
                        false => self.changed.push(change(other, row)),
                    }
                    false
                }
                None => true,
            });
        }
        // What the file corrects lies outside of this log.
        self.added.extend(found.into_iter().map(|row| DepositaryEvent { supersedes: None, ..row.clone() }));
        known
    }

    /// Takes a row out of what is still to be met; false when it does not stand or was met before.
    fn met(&mut self, row: &DepositaryEvent) -> bool {
        let fact = (row.participant, row.kind.family());
        let Some(rows) = self.known.get_mut(&fact) else { return false };
        let before = rows.len();
        rows.retain(|other| other.id != row.id);
        rows.len() < before
    }
}

fn change(known: &DepositaryEvent, found: &DepositaryEvent) -> Change {
    let same_date = DepositaryEvent { date: known.date, ..found.clone() };
    let more_exact =
        known.says_the_same(&same_date) && known.date != found.date && known.date.covers(&found.date);
    Change { known: known.clone(), found: found.clone(), more_exact }
}

/// `base`, or `base-2` and so on.
fn unused(base: &str, taken: &mut HashSet<String>) -> String {
    let mut id = base.to_owned();
    let mut number = 1_u32;
    while !taken.insert(id.clone()) {
        number += 1;
        id = format!("{base}-{number}");
    }
    id
}

impl Comparison {
    /// A new row keeps its id unless another fact has it here.
    fn name_anew(&mut self, log: &Depositary) {
        let mut taken: HashSet<String> = log.rows().iter().map(|row| row.id.clone()).collect();
        for row in &mut self.added {
            row.id = unused(&row.id, &mut taken);
        }
    }

    fn find(&mut self) {
        let mut found = Vec::new();
        for row in &self.added {
            let what = format!("`{}` of {} on {} is new", row.kind, row.participant, row.date);
            found.push(finding(row, "row-new", Severity::Note, what, "it is taken over by the import"));
        }
        for change in &self.changed {
            let what = differences(change);
            let remedy = "look at the source; `--accept-changed` lets the new row supersede the known one";
            found.push(finding(&change.known, "row-changed", Severity::Should, what, remedy));
        }
        for row in &self.vanished {
            let what =
                format!("`{}` of {} on {} is no longer in the source", row.kind, row.participant, row.date);
            let remedy = "look at the source; `--accept-vanished` annuls the row";
            found.push(finding(row, "row-vanished", Severity::Should, what, remedy));
        }
        self.findings.extend(found);
        self.findings.sort_by_key(|finding| finding.severity);
    }
}

fn differences(change: &Change) -> String {
    let (known, found) = (&change.known, &change.found);
    let mut parts = Vec::new();
    if known.kind != found.kind {
        parts.push(format!("kind `{}`, now `{}`", known.kind, found.kind));
    }
    if known.date != found.date {
        let how = if change.more_exact { " (more exact)" } else { "" };
        parts.push(format!("date {}, now {}{how}", known.date, found.date));
    }
    if known.articles != found.articles {
        parts.push(format!("articles `{}`, now `{}`", known.articles.join(" "), found.articles.join(" ")));
    }
    if known.relates_to != found.relates_to {
        parts.push("what it relates to".to_owned());
    }
    if known.text != found.text {
        parts.push("its text".to_owned());
    }
    format!("the source differs from the row: {}", parts.join("; "))
}

fn impossible(row: &DepositaryEvent) -> Finding {
    let what =
        format!("`{}` of {} is dated {}, after its source was read", row.kind, row.participant, row.date);
    let remedy =
        "compare the row with the depositary, and give the day of the file with `--as-of`; it was not taken";
    finding(row, "impossible-date", Severity::Should, what, remedy)
}

fn finding(row: &DepositaryEvent, word: &str, severity: Severity, message: String, remedy: &str) -> Finding {
    let rule = rule_of(row.kind);
    Finding {
        code: format!("{}-{word}", rule.code()),
        citation: rule.citation(),
        severity,
        field: row.id.clone(),
        message,
        remedy: remedy.to_owned(),
    }
}

/// The row of the table under which a kind of event stands.
pub(super) fn rule_of(kind: EventKind) -> &'static Rule {
    match kind {
        EventKind::Signature => &table::SIGNATURE_CLOSES,
        kind if kind.is_instrument() => &table::CONSENT,
        EventKind::Denunciation => &table::DENUNCIATION,
        EventKind::WithdrawalOfInstrument => &table::INSTRUMENT_WITHDRAWN,
        _ => &table::RESERVATION_OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::tests::{log, row};
    use super::*;
    use vocabulary::Failure as _;

    fn import(rows: Vec<DepositaryEvent>) -> Import {
        Import {
            rows,
            as_of: "2040-02-01".parse().unwrap(),
            coverage: Coverage::Complete,
            notes: Vec::new(),
            findings: Vec::new(),
        }
    }

    fn known() -> Depositary {
        log(vec![
            row("QA-s", "QA", EventKind::Signature, "2025-10-25"),
            row("QA-r", "QA", EventKind::Ratification, "2026-02"),
            row("FR-s", "FR", EventKind::Signature, "2025-10-25"),
        ])
    }

    /// As another source writes it: the same facts under other ids.
    fn newer() -> Import {
        import(vec![
            row("x1", "QA", EventKind::Signature, "2025-10-25"),
            row("x2", "QA", EventKind::Ratification, "2026-02-12"),
            row("x3", "VN", EventKind::Signature, "2025-10-25"),
        ])
    }

    #[test]
    fn what_is_new_what_differs_and_what_vanished_are_told_apart() {
        let comparison = known().compare(&newer()).unwrap();
        assert_eq!((comparison.same, comparison.added.len(), comparison.vanished.len()), (1, 1, 1));
        assert_eq!((comparison.added[0].id.as_str(), comparison.vanished[0].id.as_str()), ("x3", "FR-s"));
        assert!(comparison.changed[0].more_exact && comparison.changed[0].known.id == "QA-r");
        let codes: Vec<_> = comparison.findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["T-064-3-row-changed", "T-064-1-row-vanished", "T-064-1-row-new"]);
    }

    #[test]
    fn nothing_is_replaced_unless_a_person_says_so() {
        let known = known();
        let comparison = known.compare(&newer()).unwrap();
        let plain =
            known.with(known.additions(&comparison, Accept::default()), &comparison, Vec::new()).unwrap();
        assert_eq!(plain.standing_rows().count(), 4);
        assert_eq!(plain.row("QA-r").unwrap().date.to_string(), "2026-02");
        let all = Accept { changed: true, vanished: true };
        let taken = known.with(known.additions(&comparison, all), &comparison, Vec::new()).unwrap();
        let standing: Vec<_> =
            taken.standing_rows().map(|row| (row.id.as_str(), row.date.to_string())).collect();
        assert_eq!(standing.len(), 3);
        assert!(standing.contains(&("QA-r-2", "2026-02-12".to_owned())), "{standing:?}");
        assert_eq!(taken.as_of().to_string(), "2040-02-01");
        assert!(taken.row("QA-r").is_some() && taken.row("FR-s").is_some(), "the old rows stay readable");
    }

    #[test]
    fn importing_twice_changes_nothing() {
        let known = known();
        for accept in [Accept::default(), Accept { changed: true, vanished: true }] {
            let first = known.compare(&newer()).unwrap();
            let then = known.with(known.additions(&first, accept), &first, Vec::new()).unwrap();
            let again = then.compare(&newer()).unwrap();
            assert!(then.additions(&again, Accept::default()).is_empty());
            if accept.changed {
                assert!(again.changed.is_empty() && again.vanished.is_empty());
                assert!(then.additions(&again, accept).is_empty());
            }
        }
    }

    #[test]
    fn a_partial_source_makes_nothing_vanish_and_the_data_no_younger() {
        let known = known();
        let mut partial = newer();
        partial.coverage = Coverage::Partial;
        let comparison = known.compare(&partial).unwrap();
        assert!(comparison.vanished.is_empty());
        let then =
            known.with(known.additions(&comparison, Accept::default()), &comparison, Vec::new()).unwrap();
        assert_eq!(then.as_of(), known.as_of());
    }

    #[test]
    fn a_complete_source_that_is_older_than_the_register_is_refused() {
        let mut old = newer();
        old.as_of = "2039-12-31".parse().unwrap();
        assert_eq!(known().compare(&old).unwrap_err().code(), "R-625");
        old.coverage = Coverage::Partial;
        assert!(known().compare(&old).is_ok());
    }

    #[test]
    fn a_correction_of_a_row_that_stands_here_is_taken_as_one() {
        let known = known();
        let mut correction = row("QA-r-fixed", "QA", EventKind::Ratification, "2026-02-10");
        correction.supersedes = Some("QA-r".to_owned());
        let mut file = import(vec![correction]);
        file.coverage = Coverage::Partial;
        let comparison = known.compare(&file).unwrap();
        let then =
            known.with(known.additions(&comparison, Accept::default()), &comparison, Vec::new()).unwrap();
        assert_eq!(then.standing_rows().filter(|row| row.kind == EventKind::Ratification).count(), 1);
        assert!(then.additions(&then.compare(&file).unwrap(), Accept::default()).is_empty());
    }

    #[test]
    fn a_row_dated_after_its_source_was_read_is_not_taken() {
        let mut late = row("z", "VN", EventKind::Accession, "2026-10-25");
        late.as_of = "2026-10-24".parse().unwrap();
        let mut file = import(vec![late.clone()]);
        file.coverage = Coverage::Partial;
        let comparison = known().compare(&file).unwrap();
        assert!(comparison.added.is_empty());
        assert_eq!(comparison.findings[0].code, "T-064-3-impossible-date");
        // Within the month in which the source was read it may have been before.
        late.date = "2026-10".parse().unwrap();
        file.rows = vec![late];
        assert_eq!(known().compare(&file).unwrap().added.len(), 1);
    }

    #[test]
    fn an_id_that_means_another_fact_here_is_not_reused() {
        let mut file = import(vec![row("QA-s", "VN", EventKind::Signature, "2025-10-25")]);
        file.coverage = Coverage::Partial;
        let comparison = known().compare(&file).unwrap();
        assert_eq!(comparison.changed.len(), 1, "one id with two meanings is for a person");
    }
}
