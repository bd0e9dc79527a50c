//! Rosters in real zones, through weeks, midnights and clock changes, and those that are refused.

use super::*;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn officer(id: &str) -> OfficerId {
    id.parse().unwrap()
}

fn shift(name: &str, from: &str, until: &str, officers: &[&str]) -> Shift {
    Shift {
        name: name.to_owned(),
        zone: None,
        days: Vec::new(),
        from: from.to_owned(),
        until: until.to_owned(),
        officers: officers.iter().map(|id| officer(id)).collect(),
    }
}

fn draft(zone: &str, shifts: Vec<Shift>) -> RosterDraft {
    RosterDraft { zone: zone.to_owned(), officers: Vec::new(), shifts, swaps: Vec::new(), leaves: Vec::new() }
}

fn roster(zone: &str, shifts: Vec<Shift>) -> Roster {
    Roster::accepted(draft(zone, shifts)).unwrap()
}

fn names(officers: &[OfficerId]) -> Vec<&str> {
    officers.iter().map(OfficerId::as_str).collect()
}

/// Two halves of the day that meet.
fn halves() -> Vec<Shift> {
    vec![shift("day", "08:00", "20:00", &["ana", "ben"]), shift("night", "20:00", "08:00", &["cleo"])]
}

fn code(draft: RosterDraft) -> &'static str {
    Roster::accepted(draft).unwrap_err().code()
}

#[test]
fn the_officers_on_duty_stand_in_the_order_in_which_they_are_called() {
    let lima = roster("America/Lima", halves());
    // Lima is five hours behind UTC all the year.
    assert_eq!(names(&lima.on_duty(at("2026-11-24T13:00:00Z"))), ["ana", "ben"]);
    assert_eq!(names(&lima.on_duty(at("2026-11-24T12:59:59.999999Z"))), ["cleo"]);
    assert_eq!(names(&lima.on_duty(at("2026-11-25T00:59:59Z"))), ["ana", "ben"]);
    assert_eq!(names(&lima.on_duty(at("2026-11-25T01:00:00Z"))), ["cleo"]);
    // Over midnight it is the shift of the evening before.
    assert_eq!(names(&lima.on_duty(at("2026-11-25T07:00:00Z"))), ["cleo"]);
}

#[test]
fn two_shifts_that_meet_leave_no_hole_in_any_zone_and_any_season() {
    for zone in ["America/Lima", "Africa/Nairobi", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"] {
        let (from, until) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        for hours in [("08:00", "20:00"), ("02:30", "14:30"), ("02:00", "03:00"), ("02:15", "02:45")] {
            let all =
                vec![shift("one", hours.0, hours.1, &["ana"]), shift("two", hours.1, hours.0, &["ben"])];
            let roster = roster(zone, all);
            assert_eq!(roster.holes(from, until), [], "{zone} {hours:?}");
            roster.apart(from, until).unwrap();
        }
        let whole = roster(zone, vec![shift("whole", "00:00", "24:00", &["ana"])]);
        assert_eq!(whole.holes(from, until), []);
        whole.apart(from, until).unwrap();
    }
}

#[test]
fn the_day_that_loses_an_hour_and_the_day_that_gains_one_keep_their_shifts() {
    let berlin = roster(
        "Europe/Berlin",
        vec![shift("early", "02:30", "14:00", &["ana"]), shift("late", "14:00", "02:30", &["ben"])],
    );
    // On 29 March 2026 the clock goes from 02:00 to 03:00, at 01:00 UTC.
    assert_eq!(names(&berlin.on_duty(at("2026-03-29T00:59:59Z"))), ["ben"]);
    assert_eq!(names(&berlin.on_duty(at("2026-03-29T01:00:00Z"))), ["ana"]);
    // On 25 October 2026 half past two comes twice, first at 00:30 UTC: the first one counts.
    assert_eq!(names(&berlin.on_duty(at("2026-10-25T00:29:59Z"))), ["ben"]);
    assert_eq!(names(&berlin.on_duty(at("2026-10-25T00:30:00Z"))), ["ana"]);
    let spans = berlin.spans(at("2026-10-25T00:30:00Z"), at("2026-10-25T13:00:00Z"));
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].until.since(spans[0].from).as_secs(), (12 * 60 + 30) * 60);
}

#[test]
fn a_shift_that_the_clock_jumps_over_is_left_out_and_leaves_no_hole() {
    let berlin = roster(
        "Europe/Berlin",
        vec![shift("short", "02:15", "02:45", &["ana"]), shift("rest", "02:45", "02:15", &["ben"])],
    );
    let (from, until) = (at("2026-03-28T12:00:00Z"), at("2026-03-29T12:00:00Z"));
    assert!(berlin.spans(from, until).iter().all(|span| span.shift == "rest"));
    assert_eq!(berlin.holes(from, until), []);
}

#[test]
fn every_gap_is_a_hole_with_its_two_ends() {
    let mut week = shift("office", "08:00", "17:00", &["ana"]);
    week.days = vec![Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];
    let nairobi = roster("Africa/Nairobi", vec![week]);
    // Friday 17:00 to Monday 08:00, three hours ahead of UTC.
    let holes = nairobi.holes(at("2026-11-27T06:00:00Z"), at("2026-11-30T06:00:00Z"));
    let hole = Hole { from: at("2026-11-27T14:00:00Z"), until: at("2026-11-30T05:00:00Z") };
    assert_eq!(holes, [hole]);
    assert!(nairobi.on_duty(at("2026-11-28T09:00:00Z")).is_empty());
    let empty = roster("UTC", Vec::new());
    let (from, until) = (at("2026-11-27T00:00:00Z"), at("2026-11-28T00:00:00Z"));
    assert_eq!(empty.holes(from, until), [Hole { from, until }]);
}

#[test]
fn days_are_those_on_which_a_shift_begins() {
    let mut night = shift("night", "22:00", "06:00", &["ana"]);
    night.days = vec![Weekday::Sun];
    let lima = roster("America/Lima", vec![night]);
    // Sunday 22:00 in Lima is Monday 03:00 UTC.
    assert!(lima.on_duty(at("2026-11-30T02:59:59Z")).is_empty());
    assert_eq!(names(&lima.on_duty(at("2026-11-30T03:00:00Z"))), ["ana"]);
    assert_eq!(names(&lima.on_duty(at("2026-11-30T10:59:59Z"))), ["ana"]);
    assert!(lima.on_duty(at("2026-11-30T11:00:00Z")).is_empty());
}

#[test]
fn a_swap_and_a_leave_change_who_is_called_and_a_leave_without_a_substitute_may_open_a_hole() {
    let mut written = draft("America/Lima", halves());
    written.swaps.push(Swap {
        date: "2026-12-24".parse().unwrap(),
        shift: "night".to_owned(),
        officers: vec![officer("dora"), officer("ben")],
    });
    let leave = |id: &str, from: &str, until: &str, substitute: Option<&str>| Leave {
        officer: officer(id),
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
        substitute: substitute.map(officer),
    };
    written.leaves.push(leave("ana", "2026-12-25", "2026-12-26", Some("dora")));
    written.leaves.push(leave("cleo", "2026-12-28", "2026-12-28", None));
    written.leaves.push(leave("dora", "2026-12-26", "2026-12-26", None));
    let lima = Roster::accepted(written).unwrap();
    // The night of the 24th goes on after midnight.
    assert_eq!(names(&lima.on_duty(at("2026-12-25T06:00:00Z"))), ["dora", "ben"]);
    assert_eq!(names(&lima.on_duty(at("2026-12-25T15:00:00Z"))), ["dora", "ben"]);
    assert_eq!(names(&lima.on_duty(at("2026-12-26T15:00:00Z"))), ["ben"], "the substitute is away too");
    let holes = lima.holes(at("2026-12-20T00:00:00Z"), at("2026-12-31T00:00:00Z"));
    assert_eq!(holes, [Hole { from: at("2026-12-29T01:00:00Z"), until: at("2026-12-29T13:00:00Z") }]);
}

#[test]
fn an_officer_who_is_not_known_or_a_zone_that_is_none_is_refused() {
    let known = [officer("ana"), officer("ben")].into();
    let refused = Roster::new(draft("America/Lima", halves()), &known).unwrap_err();
    assert_eq!((refused.code(), refused.family()), ("R-630", Family::Refusal));
    assert!(refused.to_string().contains("`cleo`"));
    assert_eq!(code(draft("Mars/Olympus", halves())), "R-634");
    let mut other = halves();
    other[0].zone = Some("Nowhere/Else".to_owned());
    assert_eq!(code(draft("America/Lima", other)), "R-634");
    assert_eq!(code(draft(&"x".repeat(1_000), Vec::new())), "R-634");
}

#[test]
fn times_that_cannot_be_read_and_shifts_without_length_are_refused() {
    for wrong in ["8:00", "08.00", "25:00", "08:60", "", "-1:00", "008:00", "24:00"] {
        assert_eq!(code(draft("UTC", vec![shift("day", wrong, "20:00", &["ana"])])), "R-635", "{wrong}");
    }
    assert_eq!(code(draft("UTC", vec![shift("day", "08:00", "08:00", &["ana"])])), "R-636");
    assert_eq!(code(draft("UTC", vec![shift("day", "00:00", "00:00", &["ana"])])), "R-636");
}

#[test]
fn shifts_at_the_same_time_are_refused_with_the_instant() {
    let (from, until) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let both = roster(
        "UTC",
        vec![shift("day", "08:00", "20:30", &["ana"]), shift("night", "20:00", "08:00", &["ben"])],
    );
    let refused = both.apart(from, until).unwrap_err();
    assert_eq!(refused.code(), "R-637");
    assert!(refused.to_string().contains("2026-01-01T20:00:00Z"), "{refused}");
    // Two zones meet in winter and are both there in summer.
    let mut far = shift("berlin", "08:00", "20:00", &["ben"]);
    far.zone = Some("Europe/Berlin".to_owned());
    let summer = roster("Africa/Lagos", vec![far, shift("lagos", "20:00", "08:00", &["ana"])]);
    summer.apart(at("2026-01-01T00:00:00Z"), at("2026-03-01T00:00:00Z")).unwrap();
    assert!(summer.apart(from, until).is_err());
    assert!(!summer.holes(from, until).is_empty(), "and in the evening nobody is");
}

#[test]
fn names_swaps_leaves_addresses_and_lengths_are_checked() {
    let twice = vec![shift("day", "08:00", "20:00", &["ana"]), shift("day", "20:00", "08:00", &["ana"])];
    assert_eq!(code(draft("UTC", twice)), "R-635");
    assert_eq!(code(draft("UTC", vec![shift("", "08:00", "20:00", &["ana"])])), "R-635");
    assert_eq!(code(draft("UTC", vec![shift("day", "08:00", "20:00", &[])])), "R-635");
    let mut written = draft("UTC", halves());
    written.swaps.push(Swap {
        date: "2026-12-24".parse().unwrap(),
        shift: "noon".to_owned(),
        officers: Vec::new(),
    });
    assert_eq!(code(written), "R-638");
    let mut written = draft("UTC", halves());
    let (from, until) = ("2026-12-24".parse().unwrap(), "2026-12-23".parse().unwrap());
    written.leaves.push(Leave { officer: officer("ana"), from, until, substitute: None });
    assert_eq!(code(written), "R-638");
    for wrong in ["ana", "ana@", "@x", "Ana <ana@x.example>", "a@b@c", "a@x.example\r\nBcc: e@x.example"] {
        let mut written = draft("UTC", halves());
        written.officers.push(Called { id: officer("ana"), mail: Some(wrong.to_owned()) });
        assert_eq!(code(written), "R-635", "{wrong}");
    }
    let many = (0..=MAX_SHIFTS).map(|n| shift(&n.to_string(), "08:00", "20:00", &["ana"])).collect();
    assert_eq!(code(draft("UTC", many)), "R-635");
}

#[test]
fn a_roster_goes_round_as_json_and_an_unknown_name_is_refused() {
    let written = draft("Africa/Nairobi", halves());
    let text = serde_json::to_string(&written).unwrap();
    assert_eq!(serde_json::from_str::<RosterDraft>(&text).unwrap(), written);
    assert!(serde_json::from_str::<RosterDraft>(&text.replace("zone", "colour")).is_err());
}
