//! The status that the program brings along: dated, sourced rows, with the day to which they are true.

use super::{Depositary, DepositaryError, read_csv};

static BYTES: &[u8] = include_bytes!("../../data/depositary.csv");

/// The file as it was shipped, in the format of `read_csv`.
pub fn shipped_bytes() -> &'static [u8] {
    BYTES
}

/// The shipped rows; a node that imported nothing answers from them and says so.
pub fn shipped() -> Result<Depositary, DepositaryError> {
    let import = read_csv(BYTES, None)?;
    Depositary::new(import.rows, import.as_of, import.notes)
}

#[cfg(test)]
mod tests {
    use super::super::{EventKind, Missing, Stage};
    use super::*;
    use jiff::civil::Date;
    use treaty::Confidence;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn the_shipped_status_is_the_known_one() {
        let log = shipped().unwrap();
        let hanoi = log.status_on(day("2025-10-26"));
        assert_eq!(hanoi.signatories.len(), 72, "70 States, the State of Palestine and the European Union");
        let status = log.status_on(day("2026-11-23"));
        assert_eq!(status.signatories.len(), 75);
        assert_eq!(
            status.contracting.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["AZ", "QA", "VN"]
        );
        assert_eq!(status.missing, Some(Missing::Instruments { counted: 3, needed: 40, missing: 37 }));
        assert!(!status.exact && !status.in_force);
        assert_eq!(log.standing("QA".parse().unwrap(), day("2026-11-23")).stage, Stage::Contracting);
        assert_eq!(log.effects_on("QA".parse().unwrap(), day("2026-11-23")).len(), 4);
    }

    #[test]
    fn every_shipped_row_has_a_source_and_what_was_not_seen_is_marked() {
        let log = shipped().unwrap();
        for row in log.rows() {
            assert!(!row.source.is_empty() && row.confidence != Confidence::A, "{}", row.id);
            assert!(row.date.is_exact() || row.remark.is_some(), "{} says why its day is not exact", row.id);
            assert!(super::super::participant(row.participant).is_some(), "{}", row.id);
        }
        assert!(log.notes().iter().any(|note| note.contains("76")), "the two names that were not found");
        assert!(
            log.rows().iter().all(|row| row.kind != EventKind::Signature || row.day() <= day("2026-12-31"))
        );
    }

    #[test]
    fn importing_the_shipped_file_over_itself_changes_nothing() {
        let log = shipped().unwrap();
        let comparison = log.compare(&read_csv(shipped_bytes(), None).unwrap()).unwrap();
        assert_eq!((comparison.same, comparison.added.len()), (log.rows().len(), 0));
        assert!(comparison.changed.is_empty() && comparison.vanished.is_empty());
    }
}
