//! The UN Treaty Collection's file in its shape and gotchas, from a synthetic fixture, and what is wrong with others.

use super::super::{Accept, Depositary, Stage, shipped};
use super::*;
use vocabulary::Failure as _;

/// Made for tests: no raw file of the depositary was at hand.
const FIXTURE: &str = include_str!("../../../data/synthetic/XVIII-16.en.xml");

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn read(text: &str) -> Result<Import, DepositaryError> {
    read_un_xml(text.as_bytes(), day("2027-03-10"))
}

fn refused(text: &str) -> &'static str {
    read(text).unwrap_err().code()
}

fn row<'a>(import: &'a Import, id: &str) -> &'a DepositaryEvent {
    import.rows.iter().find(|row| row.id == id).unwrap_or_else(|| panic!("{id}"))
}

/// A file with one table of these rows.
fn table(rows: &str) -> String {
    format!(
        "<Treaty><ExternalData><Titlesect>Convention against Cybercrime</Titlesect></ExternalData><Participants><Table><TGroup><Tbody><Rows>{rows}</Rows></Tbody></TGroup></Table></Participants></Treaty>"
    )
}

#[test]
fn every_participant_of_the_table_is_read_with_its_dates_and_marks() {
    let import = read(FIXTURE).unwrap();
    let findings: Vec<_> = import.findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(import.rows.iter().filter(|row| row.kind == EventKind::Signature).count(), 9);
    for (id, date) in [
        ("CI-signature", "2025-10-25"),
        ("KP-signature", "2025-10-25"),
        ("SA-signature", "2025-10-26"),
        ("TR-signature", "2025-10-25"),
        ("PS-signature", "2025-10-25"),
        ("QA-ratification", "2026-02-12"),
        ("VN-ratification", "2026-04-09"),
        ("FR-acceptance", "2027-01-10"),
        ("EU-approval", "2027-03-03"),
        ("NL-accession", "2027-02-01"),
    ] {
        assert_eq!(row(&import, id).date.to_string(), date, "{id}");
    }
    assert!(row(&import, "NL-accession").remark.is_some() && row(&import, "EU-signature").remark.is_some());
    assert!(row(&import, "QA-signature").remark.is_none());
    assert!(import.notes[0].contains("Not yet in force"));
}

#[test]
fn what_participants_said_is_read_with_its_occasion_and_marked_for_a_person() {
    let import = read(FIXTURE).unwrap();
    let reservation = row(&import, "QA-reservation");
    assert_eq!(reservation.articles, ["14", "15", "16", "63(2)"]);
    assert_eq!((reservation.day(), reservation.confidence), (day("2026-02-12"), Confidence::B));
    assert!(reservation.text.as_ref().unwrap().contains("16 & by"));
    let objection = row(&import, "FR-objection");
    assert_eq!((objection.relates_to.as_deref(), objection.day()), (Some("QA"), day("2027-01-15")));
    assert_eq!(row(&import, "VN-notification").articles, ["40(12)"]);
    assert!(import.rows.iter().all(|row| row.kind != EventKind::Declaration), "endnotes are none");
}

#[test]
fn the_file_beside_the_shipped_rows_makes_them_exact_and_hides_nothing() {
    let known = shipped().unwrap();
    let import = read(FIXTURE).unwrap();
    let comparison = known.compare(&import).unwrap();
    let sharper: Vec<_> =
        comparison.changed.iter().filter(|c| c.more_exact).map(|c| c.known.id.as_str()).collect();
    assert_eq!(sharper, ["QA-ratification", "VN-ratification"]);
    assert!(comparison.added.iter().any(|row| row.id == "FR-acceptance"));
    // The fixture has fewer participants than signed: each absent one is named, and stays.
    assert!(comparison.vanished.iter().any(|row| row.id == "DZ-signature"));
    let plain = known.with(known.additions(&comparison, Accept::default()), &comparison, Vec::new()).unwrap();
    assert!(plain.standing("DZ".parse().unwrap(), day("2027-03-10")).signed.is_some());
    let accept = Accept { changed: true, vanished: false };
    let taken = known.with(known.additions(&comparison, accept), &comparison, Vec::new()).unwrap();
    let standing = taken.standing("QA".parse().unwrap(), day("2027-03-10"));
    assert_eq!(
        (standing.stage, standing.instrument.unwrap().date.to_string().as_str()),
        (Stage::Contracting, "2026-02-12")
    );
    assert_eq!(taken.as_of(), day("2027-03-10"));
    let again = taken.compare(&import).unwrap();
    assert!(again.added.is_empty() && again.changed.is_empty(), "{:?}", again.changed);
}

#[test]
fn latin_1_is_read_whatever_the_file_says_of_itself() {
    let latin: Vec<u8> = table("<Row><Entry>Türkiye</Entry><Entry>25 Oct 2025</Entry><Entry/></Row>")
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let import = read_un_xml(&latin, day("2027-03-10")).unwrap();
    assert_eq!(import.rows[0].participant.as_str(), "TR");
}

#[test]
fn a_maintenance_page_or_another_treaty_is_refused() {
    assert_eq!(refused("<!DOCTYPE html><html><body>Under maintenance</body></html>"), "R-602");
    assert_eq!(refused("\u{feff}  <HTML>"), "R-602");
    assert_eq!(refused("Service unavailable"), "R-601");
    assert_eq!(
        refused(
            "<Treaty><ExternalData><Titlesect>Convention against Corruption</Titlesect></ExternalData></Treaty>"
        ),
        "R-606"
    );
    assert_eq!(refused(&table("")), "R-607");
}

#[test]
fn hostile_xml_is_refused() {
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE T [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><T>&b;</T>";
    assert_eq!(refused(bomb), "R-604");
    assert_eq!(refused("<!DOCTYPE T SYSTEM \"file:///etc/passwd\"><T>&b;</T>"), "R-604");
    assert_eq!(refused("<T>&#x110000;</T>"), "R-604");
    assert_eq!(refused(&"<a>".repeat(40)), "R-605");
    assert_eq!(refused("<Treaty><a></b></Treaty>"), "R-603");
    assert_eq!(refused("<Treaty><a>"), "R-603");
    assert_eq!(refused("<"), "R-603");
    let row = "<Row><Entry>Qatar</Entry><Entry>25 Oct 2025</Entry><Entry/></Row>";
    assert_eq!(refused(&table(&row.repeat(1001))), "R-619");
    assert_eq!(read_un_xml(&vec![b'<'; MAX_FILE_BYTES + 1], day("2027-03-10")).unwrap_err().code(), "R-600");
}

#[test]
fn what_cannot_be_read_is_a_finding_and_nothing_is_taken_of_it() {
    let rows = "<Row><Entry>Atlantis</Entry><Entry>25 Oct 2025</Entry><Entry/></Row>
        <Row><Entry>Qatar</Entry><Entry>31 Feb 2026</Entry><Entry>12 Feb 2026 X</Entry></Row>
        <Row><Entry>Fiji</Entry></Row><Row/>";
    let import = read(&table(rows)).unwrap();
    assert!(import.rows.is_empty());
    let codes: Vec<_> = import.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["T-064-1-unknown-participant", "T-064-1-impossible-date", "T-064-3-impossible-date"]);
}

#[test]
fn totals_that_differ_from_the_table_are_a_finding() {
    let short = FIXTURE.replace("<Signatories>9<", "<Signatories>74<");
    let import = read(&short).unwrap();
    assert_eq!(import.findings.len(), 1);
    assert!(import.findings[0].message.contains("74 signatories, and 9"));
    let none = FIXTURE.replace("<Parties>5</Parties>", "");
    assert!(read(&none).unwrap().findings.iter().all(|finding| finding.field != "signatories"));
}

#[test]
fn a_section_in_another_shape_is_a_finding_and_not_silence() {
    let other = FIXTURE.replace("<Participant>Qatar</Participant>", "<Country>Qatar</Country>");
    let import = read(&other).unwrap();
    assert!(
        import.findings.iter().any(|finding| finding.code == "T-064-section-unread"),
        "{:?}",
        import.findings
    );
}

#[test]
fn signatures_alone_make_no_party() {
    let import = read(FIXTURE).unwrap();
    let log = Depositary::new(import.rows, import.as_of, Vec::new()).unwrap();
    let status = log.status_on(day("2027-03-10"));
    assert_eq!((status.signatories.len(), status.contracting.len(), status.counted), (9, 5, 4));
    assert!(status.parties.is_empty() && status.exact);
}

/// Whatever was read can be folded, reviewed and compared; only refusals come out of hostile bytes.
fn survives(import: Import) {
    let known = shipped().unwrap();
    let Ok(comparison) = known.compare(&import) else { return };
    let accept = Accept { changed: true, vanished: true };
    let rows = known.additions(&comparison, accept);
    let next = known.with(rows, &comparison, import.notes).expect("additions make a log");
    let on = next.as_of();
    let _ = (next.status_on(on), next.review(on));
    for participant in next.participants_until(on) {
        let _ = next.effects_on(participant, on);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(96))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2048)) {
        let _ = read_un_xml(&bytes, day("2027-03-10")).map(survives);
        let _ = super::super::read_csv(&bytes, None).map(survives);
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(
        at in 0_usize..4000, length in 0_usize..200, put in "[<>&;/a-zA-Z0-9 \"é]{0,40}",
    ) {
        for file in [FIXTURE.as_bytes(), super::super::shipped_bytes()] {
            let mut bytes = file.to_vec();
            let start = at.min(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, put.bytes());
            let _ = read_un_xml(&bytes, day("2027-03-10")).map(survives);
            let _ = super::super::read_csv(&bytes, None).map(survives);
        }
    }
}
