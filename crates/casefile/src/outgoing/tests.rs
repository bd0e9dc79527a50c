//! The requesting State's machine: the walk, every command in every stage, and what is owed.

use super::{Command, Direction, Event, Outgoing, Stage};
use crate::fixture::{
    by, day, digest, envelope, file, given, linked, officer_id, package, preserved, state, step,
};
use crate::{Casefile, Disposition, Duty, Outcome, Parcel, Refused};
use mandate::Permitted as _;
use treaty::Kind;
use vocabulary::{Failure, Instant};

const DRAFTER: &str = "d.asare";
const APPROVER: &str = "a.mensah";

fn draft(kind: Kind) -> Command {
    let preservation = (kind == Kind::STORED_DATA).then(linked);
    Command::Draft { file: file(), kind, to: state("XB"), draft: digest("draft"), preservation }
}

fn submit() -> Command {
    Command::Submit { draft: digest("draft"), must: 0, should: 1, note: 2 }
}

fn approve() -> Command {
    Command::Approve { draft: digest("draft") }
}

fn delivered() -> Command {
    Command::ReportDelivered { envelope: envelope(), receipt: digest("receipt"), received_at: day(1) }
}

fn decided(disposition: Disposition) -> Command {
    Command::ReportDecided { disposition, statement: digest("decision") }
}

fn granted() -> Command {
    decided(Disposition::Grant { conditions: None })
}

fn refused() -> Command {
    decided(Disposition::Refuse { grounds: vec![treaty::Ground::EssentialInterests], reasons: digest("why") })
}

fn report_preserved() -> Command {
    Command::ReportPreserved { preserved: preserved(), statement: digest("preserved") }
}

fn announced() -> Command {
    Command::ReportAnnounced {
        package: package(),
        tag_manifest: digest("tagmanifest"),
        bytes: 9,
        statement: digest("announcement"),
    }
}

fn verified() -> Command {
    Command::ReportVerified { package: package(), report: digest("report") }
}

fn held() -> Command {
    Command::ReportHeld { by: linked(), since: day(20) }
}

fn until() -> Instant {
    preserved().until()
}

fn extended() -> Command {
    let order_end = treaty::extension(until(), 30, crate::fixture::ZONE).unwrap();
    Command::ReportExtended { order_end, statement: digest("extended") }
}

/// The moment at which a command is tried: a lapse is reported at its time, all else before.
fn moment(command: &Command) -> Instant {
    if matches!(command, Command::ReportLapsed { .. }) { until() } else { day(10) }
}

fn actor(command: &Command) -> &'static str {
    if matches!(command, Command::Approve { .. } | Command::Withdraw { .. }) { APPROVER } else { DRAFTER }
}

fn walk(commands: &[Command]) -> Outgoing {
    commands
        .iter()
        .fold(None, |file, command| {
            Some(step(file, &given(actor(command), command.clone()), moment(command)).unwrap().0)
        })
        .unwrap()
}

fn try_on(file: &Outgoing, command: Command) -> Result<(Outgoing, Event), Refused> {
    let now = moment(&command);
    step(Some(file.clone()), &given(actor(&command), command), now)
}

fn code(file: &Outgoing, command: Command) -> &'static str {
    try_on(file, command).unwrap_err().code()
}

fn duties(file: &Outgoing, command: Command) -> Vec<Duty> {
    let (next, event) = try_on(file, command).unwrap();
    next.duties(&event)
}

fn words(file: &Outgoing) -> &'static str {
    file.stage.as_str()
}

/// Every command with the word by which the tables call it.
fn commands(kind: Kind) -> Vec<(&'static str, Command)> {
    vec![
        ("draft", draft(kind)),
        ("redraft", Command::Redraft { draft: digest("draft") }),
        ("submit", submit()),
        ("approve", approve()),
        ("consult", Command::Consult { text: digest("text") }),
        ("ask-extension", Command::AskExtension { days: 30, reason: digest("why") }),
        ("withdraw", Command::Withdraw { reason: digest("why") }),
        ("open", Command::OpenEvidence { package: package(), exhibits: 1, files: 3 }),
        ("close-fulfilled", Command::Close { outcome: Outcome::Fulfilled }),
        ("close-not-granted", Command::Close { outcome: Outcome::NotGranted }),
        ("close-no-longer", Command::Close { outcome: Outcome::NoLongerNeeded }),
        ("r-delivered", delivered()),
        ("r-decided", granted()),
        ("r-preserved", report_preserved()),
        ("r-extended", extended()),
        ("r-held", held()),
        ("r-hold-ended", Command::ReportHoldEnded { by: linked() }),
        ("r-lapsed", Command::ReportLapsed { until: until() }),
        ("r-announced", announced()),
        ("r-verified", verified()),
        ("r-consulted", Command::ReportConsulted { text: digest("text") }),
    ]
}

/// One file of each stage, and of the situations inside `answered` that differ.
fn files(kind: Kind) -> Vec<(&'static str, Outgoing)> {
    let drafting = vec![draft(kind)];
    let with = |base: &[Command], more: &[Command]| [base, more].concat();
    let awaiting = with(&drafting, &[submit()]);
    let approved = with(&awaiting, &[approve()]);
    let delivered = with(&approved, &[delivered()]);
    let refused = with(&delivered, &[refused()]);
    let withdrawn = with(&delivered, &[Command::Withdraw { reason: digest("why") }]);
    let granted = with(&delivered, &[granted()]);
    let mut all = vec![
        ("drafting", drafting),
        ("awaiting", awaiting),
        ("approved", approved),
        ("delivered", delivered),
        ("refused", refused),
        ("withdrawn", withdrawn),
    ];
    match kind {
        Kind::PRESERVATION => {
            let answered = with(&granted, &[report_preserved()]);
            all.push(("held", with(&answered, &[held()])));
            all.push(("lapsed", with(&answered, &[Command::ReportLapsed { until: until() }])));
            all.push(("closed", with(&answered, &[Command::Close { outcome: Outcome::Fulfilled }])));
            all.push(("answered", answered));
        }
        _ => {
            let answered = with(&granted, &[announced()]);
            let verified = with(&answered, &[verified()]);
            all.push(("closed", with(&verified, &[Command::Close { outcome: Outcome::Fulfilled }])));
            all.push(("verified", verified));
            all.push(("answered", answered));
        }
    }
    all.into_iter().map(|(name, commands)| (name, walk(&commands))).collect()
}

/// Tries every command on every file; `table` names the files that take each command.
fn judge(kind: Kind, table: &[(&str, &str)]) {
    for (word, command) in commands(kind) {
        let (_, takes) = table.iter().find(|(name, _)| *name == word).expect("every command has a row");
        let takes: Vec<&str> = takes.split_whitespace().collect();
        for (name, file) in files(kind) {
            let before = file.clone();
            match try_on(&file, command.clone()) {
                Ok(_) => assert!(takes.contains(&name), "`{word}` was taken in `{name}`"),
                Err(error) => {
                    assert!(!takes.contains(&name), "`{word}` in `{name}`: {error}");
                    assert!(error.code().starts_with("R-"), "{error}");
                    assert_eq!(file, before);
                }
            }
        }
        let on_nothing = step::<Outgoing>(None, &given(actor(&command), command.clone()), day(0));
        match on_nothing {
            Ok(_) => assert_eq!(word, "draft"),
            Err(error) => assert_eq!(error, Refused::NoFile),
        }
    }
}

#[test]
fn a_preservation_file_takes_each_command_in_its_stages_only() {
    judge(
        Kind::PRESERVATION,
        &[
            ("draft", ""),
            ("redraft", "drafting awaiting"),
            ("submit", "drafting"),
            ("approve", "awaiting"),
            ("consult", "approved delivered refused answered held lapsed"),
            ("ask-extension", "answered"),
            ("withdraw", "drafting awaiting approved delivered refused answered held lapsed"),
            ("open", ""),
            ("close-fulfilled", "answered lapsed"),
            ("close-not-granted", "refused"),
            ("close-no-longer", "approved delivered refused answered held lapsed"),
            ("r-delivered", "approved"),
            ("r-decided", "approved delivered"),
            ("r-preserved", "approved delivered refused"),
            ("r-extended", "answered held lapsed closed"),
            ("r-held", "drafting awaiting approved delivered refused answered lapsed"),
            ("r-hold-ended", "held"),
            ("r-lapsed", "answered"),
            ("r-announced", ""),
            ("r-verified", ""),
            ("r-consulted", "approved delivered refused answered held lapsed closed withdrawn"),
        ],
    );
}

#[test]
fn a_stored_data_file_takes_each_command_in_its_stages_only() {
    judge(
        Kind::STORED_DATA,
        &[
            ("draft", ""),
            ("redraft", "drafting awaiting"),
            ("submit", "drafting"),
            ("approve", "awaiting"),
            ("consult", "approved delivered refused answered verified"),
            ("ask-extension", ""),
            ("withdraw", "drafting awaiting approved delivered refused answered verified"),
            ("open", "verified closed"),
            ("close-fulfilled", "verified"),
            ("close-not-granted", "refused"),
            ("close-no-longer", "approved delivered refused answered verified"),
            ("r-delivered", "approved"),
            ("r-decided", "approved delivered"),
            ("r-preserved", ""),
            ("r-extended", ""),
            ("r-held", ""),
            ("r-hold-ended", ""),
            ("r-lapsed", ""),
            ("r-announced", "approved delivered refused"),
            ("r-verified", "answered"),
            ("r-consulted", "approved delivered refused answered verified closed withdrawn"),
        ],
    );
}

#[test]
fn a_request_walks_from_draft_to_closing() {
    let mut file = None;
    let mut stages = Vec::new();
    let open = Command::OpenEvidence { package: package(), exhibits: 1, files: 3 };
    for command in [
        draft(Kind::STORED_DATA),
        submit(),
        approve(),
        delivered(),
        granted(),
        announced(),
        verified(),
        open,
        Command::Close { outcome: Outcome::Fulfilled },
    ] {
        let (next, _) = step(file, &given(actor(&command), command), day(3)).unwrap();
        stages.push(words(&next));
        file = Some(next);
    }
    let expected = [
        "drafting",
        "awaiting-approval",
        "approved",
        "delivered",
        "delivered",
        "answered",
        "answered",
        "answered",
        "closed",
    ];
    assert_eq!(stages, expected);
    let file = file.unwrap();
    assert_eq!(file.outcome, Some(Outcome::Fulfilled));
    assert_eq!(file.delivered, Some((envelope(), day(1))));
    let eyes = file.eyes.unwrap();
    assert_eq!((eyes.first(), eyes.second()), (&officer_id(DRAFTER), &officer_id(APPROVER)));
}

#[test]
fn an_officer_cannot_approve_their_own_request() {
    let file = walk(&[draft(Kind::PRESERVATION), submit()]);
    let own = Outgoing::decide(Some(&file), &by(DRAFTER, approve()), day(0)).unwrap_err();
    assert_eq!(own.code(), "R-160");
    assert!(Outgoing::decide(Some(&file), &by(APPROVER, approve()), day(0)).is_ok());
}

#[test]
fn a_draft_changed_after_submission_cannot_be_approved() {
    let file = walk(&[draft(Kind::PRESERVATION), submit()]);
    assert_eq!(code(&file, Command::Approve { draft: digest("another") }), "R-205");
    let (redrafted, _) = try_on(&file, Command::Redraft { draft: digest("another") }).unwrap();
    assert_eq!(redrafted.submitted_by, None);
    assert_eq!(code(&redrafted, Command::Approve { draft: digest("another") }), "R-201");
    assert_eq!(code(&redrafted, submit()), "R-205");
}

#[test]
fn a_must_finding_blocks_submission() {
    let file = walk(&[draft(Kind::PRESERVATION)]);
    let error =
        try_on(&file, Command::Submit { draft: digest("draft"), must: 1, should: 0, note: 0 }).unwrap_err();
    assert_eq!(error.code(), "R-210");
    assert_eq!(error.clause().unwrap(), "Art. 42(1) [B]");
}

#[test]
fn a_second_delivery_decision_preservation_or_package_is_refused_as_done() {
    let file =
        walk(&[draft(Kind::PRESERVATION), submit(), approve(), delivered(), granted(), report_preserved()]);
    for second in [delivered(), granted(), refused(), report_preserved()] {
        assert!(matches!(try_on(&file, second), Err(Refused::Already { .. })));
    }
    let file = walk(&[draft(Kind::STORED_DATA), submit(), approve(), delivered(), announced(), verified()]);
    for second in [announced(), verified()] {
        assert!(matches!(try_on(&file, second), Err(Refused::Already { .. })));
    }
}

#[test]
fn an_answer_may_overtake_the_receipt() {
    let file = walk(&[draft(Kind::STORED_DATA), submit(), approve(), refused()]);
    assert_eq!(file.stage, Stage::Answered);
    let (file, event) = try_on(&file, delivered()).unwrap();
    assert_eq!((file.stage, file.delivered.is_some()), (Stage::Answered, true));
    let expected = [
        Duty::HoldPreservation { preservation: linked(), since: day(1) },
        Duty::EndHold { preservation: linked() },
    ];
    assert_eq!(file.duties(&event), expected);
}

#[test]
fn what_was_refused_is_not_closed_as_fulfilled_nor_what_was_granted_as_not_granted() {
    let open = walk(&[draft(Kind::STORED_DATA), submit(), approve(), delivered()]);
    let refused = try_on(&open, refused()).unwrap().0;
    assert_eq!(code(&refused, Command::Close { outcome: Outcome::Fulfilled }), "R-213");
    let granted = try_on(&open, granted()).unwrap().0;
    assert_eq!(code(&granted, Command::Close { outcome: Outcome::NotGranted }), "R-213");
    let unverified = try_on(&granted, announced()).unwrap().0;
    assert_eq!(code(&unverified, Command::Close { outcome: Outcome::Fulfilled }), "R-213");
    let unsent = walk(&[draft(Kind::STORED_DATA)]);
    assert_eq!(code(&unsent, Command::Close { outcome: Outcome::NoLongerNeeded }), "R-213");
}

#[test]
fn evidence_is_opened_only_after_it_was_verified() {
    let file = walk(&[draft(Kind::STORED_DATA), submit(), approve(), announced()]);
    assert_eq!(code(&file, Command::OpenEvidence { package: package(), exhibits: 1, files: 1 }), "R-212");
}

#[test]
fn an_extension_is_asked_for_only_while_the_preservation_runs_and_for_some_days() {
    let file = walk(&[draft(Kind::PRESERVATION), submit(), approve(), report_preserved()]);
    let ask = |days, now| {
        let command = Command::AskExtension { days, reason: digest("why") };
        Outgoing::decide(Some(&file), &by(DRAFTER, command), now).map_err(|error| error.code())
    };
    assert!(ask(30, day(10)).is_ok());
    assert_eq!(ask(0, day(10)), Err("R-211"));
    assert_eq!(ask(30, until()), Err("R-211"));
    let held = try_on(&file, held()).unwrap().0;
    assert_eq!(code(&held, Command::AskExtension { days: 30, reason: digest("why") }), "R-211");
}

#[test]
fn an_extension_moves_the_end_forwards_only_whatever_the_order_of_arrival() {
    let file = walk(&[draft(Kind::PRESERVATION), submit(), approve(), report_preserved()]);
    let later = try_on(&file, extended()).unwrap().0;
    let earlier = treaty::extension(until(), 10, crate::fixture::ZONE).unwrap();
    let stale = Command::ReportExtended { order_end: earlier, statement: digest("stale") };
    assert_eq!(code(&later, stale), "R-222");
    assert!(matches!(try_on(&later, extended()), Err(Refused::Already { .. })));
}

#[test]
fn a_preservation_lapses_only_at_its_time_and_never_while_held() {
    let file = walk(&[draft(Kind::PRESERVATION), submit(), approve(), report_preserved()]);
    let lapse = |file: &Outgoing, until, now| {
        Outgoing::decide(Some(file), &given("", Command::ReportLapsed { until }), now)
    };
    assert!(lapse(&file, until(), day(10)).is_err());
    assert!(lapse(&file, day(30), until()).is_err());
    assert!(lapse(&file, until(), until()).is_ok());
    let held = try_on(&file, held()).unwrap().0;
    assert!(lapse(&held, until(), until()).is_err());
    let extended = try_on(&file, extended()).unwrap().0;
    assert!(lapse(&extended, until(), until()).is_err());
}

#[test]
fn a_request_that_comes_when_the_preservation_ends_does_not_hold_it() {
    let file = walk(&[draft(Kind::PRESERVATION), submit(), approve(), report_preserved()]);
    assert_eq!(code(&file, Command::ReportHeld { by: linked(), since: until() }), "R-204");
}

#[test]
fn dates_that_do_not_follow_from_their_instant_are_refused() {
    let file = walk(&[draft(Kind::PRESERVATION), submit(), approve()]);
    let report = |change: fn(&mut crate::Preserved)| {
        let mut preserved = preserved();
        change(&mut preserved);
        code(&file, Command::ReportPreserved { preserved, statement: digest("preserved") })
    };
    assert_eq!(report(|p| p.effected = day(1)), "R-225");
    assert_eq!(report(|p| p.zone = "Asia/Tokyo".to_owned()), "R-225");
    assert_eq!(
        report(|p| p.order_end = treaty::order_end(day(3), 80, crate::fixture::ZONE).unwrap()),
        "R-225"
    );
    assert_eq!(report(|p| p.order_end.result = day(100)), "R-225");
    assert_eq!(report(|p| p.order_end.result = day(40)), "R-221");
}

#[test]
fn each_event_owes_what_the_walk_needs() {
    let file = walk(&[draft(Kind::STORED_DATA)]);
    assert_eq!(duties(&file, submit()), []);
    assert_eq!(duties(&file, Command::Withdraw { reason: digest("why") }), []);
    let file = walk(&[draft(Kind::STORED_DATA), submit()]);
    assert_eq!(duties(&file, approve()), [Duty::Dispatch { parcel: Parcel::Request }]);
    let file = walk(&[draft(Kind::STORED_DATA), submit(), approve()]);
    let end = Duty::EndHold { preservation: linked() };
    assert_eq!(
        duties(&file, delivered()),
        [Duty::HoldPreservation { preservation: linked(), since: day(1) }]
    );
    assert_eq!(duties(&file, granted()), []);
    assert_eq!(duties(&file, announced()), [Duty::Fetch { package: package() }]);
    let dispatch = |parcel| Duty::Dispatch { parcel };
    let text = digest("text");
    assert_eq!(duties(&file, Command::Consult { text }), [dispatch(Parcel::Consultation { text })]);
    assert_eq!(duties(&file, Command::ReportConsulted { text }), []);
    let reason = digest("why");
    let withdrawal = dispatch(Parcel::Withdrawal { reason });
    assert_eq!(duties(&file, Command::Withdraw { reason }), [withdrawal.clone(), end.clone()]);
    let decided = try_on(&file, granted()).unwrap().0;
    assert_eq!(duties(&decided, Command::Withdraw { reason }), [withdrawal.clone(), end.clone()]);
    let announced = try_on(&decided, announced()).unwrap().0;
    assert_eq!(duties(&announced, verified()), std::slice::from_ref(&end));
    let verified = try_on(&announced, verified()).unwrap().0;
    assert_eq!(duties(&verified, Command::Withdraw { reason }), [withdrawal]);
    let outcome = Outcome::NoLongerNeeded;
    let closing = dispatch(Parcel::Closing { outcome });
    assert_eq!(duties(&file, Command::Close { outcome }), [closing.clone(), end]);
    assert_eq!(duties(&verified, Command::Close { outcome }), [closing]);
}

#[test]
fn a_preservation_owes_its_alarms_and_its_lapse() {
    let file = walk(&[draft(Kind::PRESERVATION), submit(), approve()]);
    let owed = duties(&file, report_preserved());
    assert_eq!(owed, super::clock_duties(until()));
    assert_eq!(owed.len(), 6);
    assert_eq!(owed.last(), Some(&Duty::Lapse { until: until() }));
    assert!(owed.iter().map(Duty::due).is_sorted());
    let running = try_on(&file, report_preserved()).unwrap().0;
    let ask = Command::AskExtension { days: 30, reason: digest("why") };
    let parcel = Parcel::ExtensionRequest { days: 30, reason: digest("why") };
    assert_eq!(duties(&running, ask), [Duty::Dispatch { parcel }]);
    let (longer, event) = try_on(&running, extended()).unwrap();
    assert_eq!(longer.duties(&event), super::clock_duties(longer.preserved.as_ref().unwrap().until()));
}

#[test]
fn a_person_cannot_give_a_report_and_the_node_cannot_give_an_order() {
    for (word, command) in commands(Kind::PRESERVATION) {
        assert_eq!(command.permission().is_none(), word.starts_with("r-"), "{word}");
    }
}

#[test]
fn a_consultation_received_changes_no_stage() {
    let file = walk(&[draft(Kind::PRESERVATION), submit(), approve(), delivered()]);
    let (next, event) = try_on(&file, Command::ReportConsulted { text: digest("text") }).unwrap();
    assert_eq!(event, Event::Consulted { direction: Direction::Received, text: digest("text") });
    assert_eq!(next.stage, Stage::Delivered);
}
