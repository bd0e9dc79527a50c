//! What two laws side by side show.

use super::*;
use crate::law::WrittenLaw;
use jiff::civil::date;
use seal::Root;

const NOW: &str = "2026-11-24T06:00:00Z";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn signed(code: &str, text: &str) -> SignedLaw {
    let state = code.parse().unwrap();
    let root =
        Root::generate(state, "Exercise", at("2026-01-01T00:00:00Z"), at("2046-01-01T00:00:00Z")).unwrap();
    let law = WrittenLaw::from_toml(text).unwrap();
    let profile = law.profile(state, 1, at("2026-11-01T00:00:00Z"), at("2027-11-01T00:00:00Z")).unwrap();
    SignedLaw::read(&root.sign(&profile.to_json().unwrap(), at(NOW)).unwrap()).unwrap()
}

/// A law with one provision for `article` and further fields of it.
fn law(article: u8, fields: &str) -> String {
    format!(
        "[[offences]]\narticle = {article}\n[[offences.provisions]]\nidentifier = \"Code, sec. {article}\"\n\
         texts = [{{ language = \"en\", text = \"Whoever\" }}]\nmaximum = {{ years = 3, months = 11 }}\nfrom = \"2020-01-01\"\n{fields}\n"
    )
}

fn compared(article: u8, first: Option<&str>, second: Option<&str>) -> Comparison {
    let (first, second) = (first.map(|text| signed("XA", text)), second.map(|text| signed("XB", text)));
    let published = |code: &str, law| Published { state: code.parse().unwrap(), law };
    let (first, second) = (published("XA", first.as_ref()), published("XB", second.as_ref()));
    compare(article, date(2026, 11, 24), at(NOW), first, second).unwrap()
}

fn row_of<'a>(comparison: &'a Comparison, id: &str) -> (Mark, Mark, Relation) {
    let row: &'a Row = comparison.rows.iter().find(|row| row.id == id).unwrap();
    (row.first.mark, row.second.mark, row.relation)
}

#[test]
fn an_option_that_one_state_takes_makes_its_law_less_far_reaching() {
    let found = compared(7, Some(&law(7, "")), Some(&law(7, "chosen = [\"7.2.security-measure\"]")));
    assert_eq!(row_of(&found, "7.access"), (Mark::Present, Mark::Present, Relation::Same));
    assert_eq!(row_of(&found, "7.2.security-measure"), (Mark::Absent, Mark::Present, Relation::FirstWider));
    assert_eq!(row_of(&found, "7.2.obtain-data"), (Mark::Absent, Mark::Absent, Relation::Same));
    assert_eq!(found.rows.len(), 8);
    assert_eq!((found.first.says, found.second.says), (Says::Provisions, Says::Provisions));
}

#[test]
fn a_condition_that_a_law_lacks_widens_it_and_a_limb_that_it_lacks_narrows_it() {
    let found =
        compared(9, Some(&law(9, "absent = [\"9.without-right\", \"9.suppressing\"]")), Some(&law(9, "")));
    assert_eq!(row_of(&found, "9.without-right"), (Mark::Absent, Mark::Present, Relation::FirstWider));
    assert_eq!(row_of(&found, "9.suppressing"), (Mark::Absent, Mark::Present, Relation::SecondWider));
}

#[test]
fn an_extension_widens_and_a_saving_changes_nothing() {
    let found = compared(
        15,
        Some(&law(15, "chosen = [\"15.3.believed-child\", \"15.4.conduct-of-children\"]")),
        Some(&law(15, "")),
    );
    assert_eq!(row_of(&found, "15.3.believed-child").2, Relation::FirstWider);
    assert_eq!(row_of(&found, "15.4.conduct-of-children").2, Relation::SecondWider);
    let found = compared(14, Some(&law(14, "chosen = [\"14.5.child-rights\"]")), Some(&law(14, "")));
    assert_eq!(row_of(&found, "14.5.child-rights"), (Mark::Present, Mark::Absent, Relation::Same));
}

#[test]
fn remarks_are_shown_and_two_of_the_same_reach_are_left_to_a_person() {
    let remark = |reach| {
        law(
            7,
            &format!(
                "remarks = [{{ element = \"7.system\", reach = \"{reach}\", text = \"only servers\", language = \"en\" }}]"
            ),
        )
    };
    let found = compared(7, Some(&remark("narrower")), Some(&remark("narrower")));
    assert_eq!(row_of(&found, "7.system"), (Mark::Narrower, Mark::Narrower, Relation::Compare));
    let row = found.rows.iter().find(|row| row.id == "7.system").unwrap();
    assert_eq!(row.first.remarks[0].text, "only servers");
    let found = compared(7, Some(&remark("wider")), Some(&law(7, "")));
    assert_eq!(row_of(&found, "7.system"), (Mark::Wider, Mark::Present, Relation::FirstWider));
}

#[test]
fn where_a_state_published_nothing_everything_is_unknown() {
    for (second, says) in [(None, Says::NothingPublished), (Some(law(8, "")), Says::Silent)] {
        let found = compared(7, Some(&law(7, "")), second.as_deref());
        assert_eq!(found.second.says, says);
        assert!(found.rows.iter().all(|row| row.second.mark == Mark::Unknown));
        assert!(found.rows.iter().all(|row| row.relation == Relation::Unknown));
        assert_eq!(found.second.profile.is_some(), second.is_some());
    }
}

#[test]
fn a_law_that_is_said_to_have_no_provision_covers_nothing() {
    let found = compared(16, Some(&law(16, "")), Some("[[offences]]\narticle = 16\n"));
    assert_eq!(found.second.says, Says::NoProvision);
    assert_eq!(row_of(&found, "16.spreading"), (Mark::Present, Mark::Absent, Relation::FirstWider));
    assert_eq!(row_of(&found, "16.intent").2, Relation::FirstWider, "not wider for lack of intent");
}

#[test]
fn only_what_was_in_force_on_the_day_gives_marks() {
    let text = law(7, "until = \"2025-12-31\"");
    let found = compared(7, Some(&law(7, "")), Some(&text));
    assert_eq!(found.second.says, Says::NoneInForce);
    assert_eq!((found.second.provisions.len(), found.second.not_in_force.len()), (0, 1));
    assert_eq!(row_of(&found, "7.access").1, Mark::Unknown);
    let (a, b) = (signed("XA", &law(7, "")), signed("XB", &text));
    let published = |law: &'static str| law.parse().unwrap();
    let first = Published { state: published("XA"), law: Some(&a) };
    let second = Published { state: published("XB"), law: Some(&b) };
    let found = compare(7, date(2025, 12, 31), at(NOW), first, second).unwrap();
    assert_eq!(row_of(&found, "7.access"), (Mark::Present, Mark::Present, Relation::Same));
}

#[test]
fn of_several_provisions_the_furthest_counts_and_each_is_shown() {
    let two = format!(
        "{}[[offences.provisions]]\nidentifier = \"Code, sec. 7a\"\nfrom = \"2020-01-01\"\nmaximum = {{ life = true }}\n",
        law(7, "chosen = [\"7.2.security-measure\"]")
    );
    let found = compared(7, Some(&two), Some(&law(7, "")));
    let row = found.rows.iter().find(|row| row.id == "7.2.security-measure").unwrap();
    assert_eq!((row.first.mark, row.relation), (Mark::Absent, Relation::Same));
    assert_eq!(row.first.by_provision, BTreeMap::from([(0, Mark::Present), (1, Mark::Absent)]));
    let serious: Vec<_> = found.first.provisions.iter().map(|p| p.reaches_serious_crime).collect();
    assert_eq!(serious, [Some(false), Some(true)]);
    assert_eq!(found.serious_crime.to_string(), "Art. 2(h) [A]");
    assert_eq!(found.serious_crime_years, Some(4));
}

#[test]
fn a_profile_past_its_end_is_shown_as_such() {
    let law = signed("XA", &law(7, ""));
    let side = Published { state: "XA".parse().unwrap(), law: Some(&law) };
    let shown = |now| compare(7, date(2026, 11, 24), at(now), side, side).unwrap().first.expired;
    assert!(!shown(NOW) && shown("2027-11-02T00:00:00Z"));
}

#[test]
fn an_article_that_establishes_no_offence_is_not_compared() {
    let side = Published { state: "XA".parse().unwrap(), law: None };
    assert!(compare(18, date(2026, 11, 24), at(NOW), side, side).is_none());
}

#[test]
fn offences_outside_the_convention_are_listed_and_have_no_elements() {
    let outside = "[[outside]]\nname = [{ language = \"en\", text = \"Extortion\" }]\n[[outside.provisions]]\n\
                   identifier = \"Code, sec. 88\"\nmaximum = { years = 10 }\nfrom = \"1999-01-01\"\n";
    let law = signed("XA", outside);
    let first = Published { state: "XA".parse().unwrap(), law: Some(&law) };
    let second = Published { state: "XB".parse().unwrap(), law: None };
    let found = compare_outside(date(2026, 11, 24), at(NOW), first, second);
    assert!(found.rows.is_empty() && found.article.is_none());
    assert_eq!(found.first.provisions[0].name[0].text, "Extortion");
    assert_eq!(found.first.provisions[0].reaches_serious_crime, Some(true));
    assert_eq!(found.second.says, Says::NothingPublished);
}
