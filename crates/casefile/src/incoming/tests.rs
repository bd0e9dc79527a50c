//! The requested State's machine: the walk, every command in every stage, and what is owed.

use super::{Command, Event, Incoming, Proposal, Stage};
use crate::fixture::{
    ZONE, by, day, digest, envelope, exhibit, file, given, linked, officer_id, package, preserved, profile,
    state, step,
};
use crate::{Casefile, Duty, Outcome, Parcel, Refused};
use mandate::Permitted as _;
use treaty::{Ground, Kind, MAX_REASONS_BYTES, OffenceBasis};
use vocabulary::{Digest, Failure, Instant};

const PROPOSER: &str = "p.wanjiku";
const DECIDER: &str = "d.otieno";

fn received(kind: Kind) -> Command {
    Command::ReportReceived {
        file: file(),
        kind,
        from: state("XA"),
        draft: digest("draft"),
        envelope: envelope(),
        received_at: day(1),
        preservation: (kind == Kind::STORED_DATA).then(linked),
        must: 0,
        should: 1,
        note: 2,
    }
}

fn triage() -> Command {
    Command::Triage { urgent: true, note: None }
}

fn consult() -> Command {
    Command::Consult { text: digest("text") }
}

fn propose(proposal: Proposal) -> Command {
    Command::Propose { proposal, basis: Some(OffenceBasis::SeriousCrime), profile: profile() }
}

fn grant() -> Command {
    propose(Proposal::Grant { conditions: None })
}

fn refuse(grounds: &[Ground], reasons: &str) -> Command {
    propose(Proposal::Refuse { grounds: grounds.to_vec(), reasons: reasons.to_owned() })
}

fn postpone(reasons: &str) -> Command {
    propose(Proposal::Postpone { reasons: reasons.to_owned() })
}

fn effect() -> Command {
    Command::EffectPreservation { preserved: preserved(), order: digest("order") }
}

fn until() -> Instant {
    preserved().until()
}

fn extend(days: u32) -> Command {
    Command::Extend { order_end: treaty::extension(until(), days, ZONE).unwrap() }
}

fn take() -> Command {
    Command::TakeExhibit {
        exhibit: exhibit(),
        record: digest("record"),
        files: 3,
        bytes: 9,
        tree: digest("tree"),
    }
}

fn seal() -> Command {
    Command::SealEvidence {
        package: package(),
        tag_manifest: digest("tagmanifest"),
        bytes: 9,
        announcement: digest("announcement"),
    }
}

fn send() -> Command {
    Command::SendEvidence { package: package() }
}

fn held() -> Command {
    Command::ReportHeld { by: linked(), since: day(20) }
}

fn lapsed() -> Command {
    Command::ReportLapsed { until: until() }
}

fn answered() -> Command {
    Command::ReportAnswered { envelope: envelope() }
}

fn withdrawn() -> Command {
    Command::ReportWithdrawn { reason: digest("why") }
}

fn closed_by_requester() -> Command {
    Command::ReportClosedByRequester { outcome: Outcome::Fulfilled, statement: digest("closing") }
}

fn moment(command: &Command) -> Instant {
    if matches!(command, Command::ReportLapsed { .. }) { until() } else { day(10) }
}

fn actor(command: &Command) -> &'static str {
    if matches!(command, Command::Decide) { DECIDER } else { PROPOSER }
}

fn walk(commands: &[Command]) -> Incoming {
    commands
        .iter()
        .fold(None, |file, command| {
            Some(step(file, &given(actor(command), command.clone()), moment(command)).unwrap().0)
        })
        .unwrap()
}

fn try_on(file: &Incoming, command: Command) -> Result<(Incoming, Event), Refused> {
    let now = moment(&command);
    step(Some(file.clone()), &given(actor(&command), command), now)
}

fn code(file: &Incoming, command: Command) -> &'static str {
    try_on(file, command).unwrap_err().code()
}

fn duties(file: &Incoming, command: Command) -> Vec<Duty> {
    let (next, event) = try_on(file, command).unwrap();
    next.duties(&event)
}

/// Triaged and consulted, and the consultation answered.
fn ready(kind: Kind) -> Vec<Command> {
    vec![received(kind), triage(), consult(), Command::ReportConsulted { text: digest("answer") }]
}

/// Every command with the word by which the tables call it.
fn commands(kind: Kind) -> Vec<(&'static str, Command)> {
    vec![
        ("r-received", received(kind)),
        ("triage", triage()),
        ("consult", consult()),
        ("propose", grant()),
        ("decide", Command::Decide),
        ("effect", effect()),
        ("extend", extend(30)),
        ("take", take()),
        ("seal", seal()),
        ("send", send()),
        ("close", Command::Close),
        ("r-consulted", Command::ReportConsulted { text: digest("text") }),
        ("r-extension-asked", Command::ReportExtensionAsked { days: 30, reason: digest("why") }),
        ("r-held", held()),
        ("r-hold-ended", Command::ReportHoldEnded { by: linked() }),
        ("r-lapsed", lapsed()),
        ("r-answered", answered()),
        ("r-withdrawn", withdrawn()),
        ("r-closed", closed_by_requester()),
    ]
}

/// One file of each stage, and of the situations inside a stage that differ.
fn files(kind: Kind) -> Vec<(&'static str, Incoming)> {
    let with = |base: &[Command], more: &[Command]| [base, more].concat();
    let triaged = vec![received(kind), triage()];
    let proposed = with(&triaged, &[grant()]);
    let decided = with(&proposed, &[Command::Decide]);
    let refused = with(&ready(kind), &[refuse(&[Ground::EssentialInterests], "Why."), Command::Decide]);
    let withdrawn = with(&triaged, &[withdrawn()]);
    let mut all = vec![
        ("received", vec![received(kind)]),
        ("consulting", with(&triaged, &[consult()])),
        ("ended", with(&withdrawn, &[Command::Close])),
        ("withdrawn", withdrawn),
        ("refusal-sent", with(&refused, &[answered()])),
        ("refused", refused),
        ("triaged", triaged),
        ("proposed", proposed),
    ];
    match kind {
        Kind::PRESERVATION => {
            let executed = with(&decided, &[effect()]);
            let answered = with(&executed, &[answered()]);
            let held = with(&answered, &[held()]);
            all.push(("lapsed", with(&answered, &[lapsed()])));
            all.push(("released", with(&held, &[Command::ReportHoldEnded { by: linked() }])));
            all.push(("held", held));
            all.push(("finished", with(&answered, &[closed_by_requester()])));
            all.push(("closed", with(&answered, &[closed_by_requester(), Command::Close])));
            all.push(("answered", answered));
            all.push(("executed", executed));
        }
        _ => {
            let executing = with(&decided, &[take()]);
            let executed = with(&executing, &[seal()]);
            let sent = with(&executed, &[send()]);
            let answered = with(&sent, &[answered()]);
            all.push(("finished", with(&answered, &[closed_by_requester()])));
            all.push(("closed", with(&answered, &[closed_by_requester(), Command::Close])));
            all.push(("answered", answered));
            all.push(("sent", sent));
            all.push(("executed", executed));
            all.push(("executing", executing));
        }
    }
    all.push(("decided", decided));
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
        let on_nothing = step::<Incoming>(None, &given(actor(&command), command.clone()), day(0));
        match on_nothing {
            Ok(_) => assert_eq!(word, "r-received"),
            Err(error) => assert_eq!(error, Refused::NoFile),
        }
    }
}

#[test]
fn a_preservation_file_takes_each_command_in_its_stages_only() {
    judge(
        Kind::PRESERVATION,
        &[
            ("r-received", ""),
            ("triage", "received"),
            (
                "consult",
                "triaged consulting proposed decided refused refusal-sent executed answered finished held released lapsed",
            ),
            ("propose", "triaged consulting proposed"),
            ("decide", "proposed"),
            ("effect", "decided"),
            ("extend", "executed answered released"),
            ("take", ""),
            ("seal", ""),
            ("send", ""),
            ("close", "refusal-sent finished lapsed withdrawn"),
            (
                "r-consulted",
                "received triaged consulting proposed decided refused refusal-sent executed answered finished held \
                 released lapsed withdrawn ended closed",
            ),
            ("r-extension-asked", "executed answered finished held released lapsed closed"),
            (
                "r-held",
                "received triaged consulting proposed decided refused refusal-sent executed answered released lapsed",
            ),
            ("r-hold-ended", "held"),
            ("r-lapsed", "executed answered released"),
            ("r-answered", "decided refused executed"),
            (
                "r-withdrawn",
                "received triaged consulting proposed decided refused refusal-sent executed answered finished held \
                 released lapsed",
            ),
            (
                "r-closed",
                "received triaged consulting proposed decided refused refusal-sent executed answered held released \
                 lapsed withdrawn ended",
            ),
        ],
    );
}

#[test]
fn a_stored_data_file_takes_each_command_in_its_stages_only() {
    judge(
        Kind::STORED_DATA,
        &[
            ("r-received", ""),
            ("triage", "received"),
            (
                "consult",
                "triaged consulting proposed decided refused refusal-sent executing executed sent answered finished",
            ),
            ("propose", "triaged consulting proposed"),
            ("decide", "proposed"),
            ("effect", ""),
            ("extend", ""),
            ("take", "decided executing"),
            ("seal", "executing"),
            ("send", "executed"),
            ("close", "refusal-sent finished withdrawn"),
            (
                "r-consulted",
                "received triaged consulting proposed decided refused refusal-sent executing executed sent answered \
                 finished withdrawn ended closed",
            ),
            ("r-extension-asked", ""),
            ("r-held", ""),
            ("r-hold-ended", ""),
            ("r-lapsed", ""),
            ("r-answered", "decided refused executing executed sent"),
            (
                "r-withdrawn",
                "received triaged consulting proposed decided refused refusal-sent executing executed sent answered \
                 finished",
            ),
            (
                "r-closed",
                "received triaged consulting proposed decided refused refusal-sent executing executed sent answered \
                 withdrawn ended",
            ),
        ],
    );
}

#[test]
fn a_request_walks_from_receipt_to_closing() {
    let commands = [
        (received(Kind::STORED_DATA), Stage::Received),
        (triage(), Stage::Triaged),
        (consult(), Stage::Consulting),
        (Command::ReportConsulted { text: digest("answer") }, Stage::Triaged),
        (grant(), Stage::Proposed),
        (Command::Decide, Stage::Decided),
        (take(), Stage::Executing),
        (take(), Stage::Executing),
        (seal(), Stage::Executed),
        (send(), Stage::Executed),
        (answered(), Stage::Answered),
        (closed_by_requester(), Stage::Answered),
        (Command::Close, Stage::Closed),
    ];
    let mut file: Option<Incoming> = None;
    for (command, expected) in commands {
        let (next, event) = step(file, &given(actor(&command), command), day(3)).unwrap();
        assert_eq!(next.stage, expected, "after {}", event.word());
        file = Some(next);
    }
    let file = file.unwrap();
    let (eyes, _) = file.decided.unwrap();
    assert_eq!((eyes.first(), eyes.second()), (&officer_id(PROPOSER), &officer_id(DECIDER)));
    assert_eq!((file.exhibits.len(), file.answered), (2, Some(envelope())));
}

#[test]
fn an_officer_cannot_decide_on_their_own_proposal() {
    let file = walk(&[received(Kind::PRESERVATION), triage(), grant()]);
    let own = Incoming::decide(Some(&file), &by(PROPOSER, Command::Decide), day(0)).unwrap_err();
    assert_eq!(own.code(), "R-160");
    let again = step(Some(file), &by(DECIDER, grant()), day(0)).unwrap().0;
    assert_eq!(
        Incoming::decide(Some(&again), &by(DECIDER, Command::Decide), day(0)).unwrap_err().code(),
        "R-160"
    );
    assert!(Incoming::decide(Some(&again), &by(PROPOSER, Command::Decide), day(0)).is_ok());
}

#[test]
fn a_proposal_is_decided_as_it_stands_or_not_at_all() {
    let file = walk(&[received(Kind::PRESERVATION), triage(), grant()]);
    let consulting = try_on(&file, consult()).unwrap().0;
    assert_eq!(code(&consulting, Command::Decide), "R-201");
    let Event::Decided { disposition, .. } = try_on(&file, Command::Decide).unwrap().1 else {
        panic!("a decision");
    };
    assert_eq!(Some(&disposition), file.proposed.as_ref().map(|(_, proposed)| proposed));
}

#[test]
fn a_second_decision_answer_preservation_or_package_is_refused_as_done() {
    let already =
        |file: &Incoming, command| assert!(matches!(try_on(file, command), Err(Refused::Already { .. })));
    let preserved =
        walk(&[received(Kind::PRESERVATION), triage(), grant(), Command::Decide, effect(), answered()]);
    for second in [Command::Decide, effect(), answered()] {
        already(&preserved, second);
    }
    let sent =
        walk(&[received(Kind::STORED_DATA), triage(), grant(), Command::Decide, take(), seal(), send()]);
    for second in [Command::Decide, take(), seal(), send()] {
        already(&sent, second);
    }
}

#[test]
fn a_refusal_needs_consultation_and_reasons_and_no_fiscal_ground() {
    let unconsulted = walk(&[received(Kind::STORED_DATA), triage()]);
    assert_eq!(code(&unconsulted, refuse(&[Ground::EssentialInterests], "Why.")), "R-118");
    let ready = walk(&ready(Kind::STORED_DATA));
    assert_eq!(code(&ready, refuse(&[Ground::EssentialInterests], " ")), "R-116");
    assert_eq!(code(&ready, refuse(&[], "Why.")), "R-111");
    assert_eq!(code(&ready, refuse(&[Ground::Fiscal], "Why.")), "R-112");
    assert_eq!(code(&ready, refuse(&[Ground::EssentialInterests, Ground::BankSecrecy], "Why.")), "R-112");
    let error = try_on(&ready, refuse(&[Ground::Fiscal], "Why.")).unwrap_err();
    assert_eq!(error.clause().unwrap(), "Art. 40(23) [C]");
    let Event::Proposed { disposition, .. } =
        try_on(&ready, refuse(&[Ground::EssentialInterests], "Why.")).unwrap().1
    else {
        panic!("a proposal");
    };
    let expected = crate::Disposition::Refuse {
        grounds: vec![Ground::EssentialInterests],
        reasons: Digest::of(b"Why."),
    };
    assert_eq!(disposition, expected);
}

#[test]
fn what_the_requesting_state_writes_of_itself_is_no_consultation() {
    let commands =
        [received(Kind::STORED_DATA), triage(), Command::ReportConsulted { text: digest("a question") }];
    let file = walk(&commands);
    assert!(!file.consulted);
    assert_eq!(code(&file, refuse(&[Ground::EssentialInterests], "Why.")), "R-118");
}

#[test]
fn a_postponement_needs_consultation_and_reasons_and_is_not_for_preservation() {
    let unconsulted = walk(&[received(Kind::STORED_DATA), triage()]);
    assert_eq!(code(&unconsulted, postpone("Why.")), "R-220");
    let consulted = walk(&ready(Kind::STORED_DATA));
    assert_eq!(code(&consulted, postpone("\n")), "R-220");
    assert!(try_on(&consulted, postpone("Why.")).is_ok());
    assert_eq!(code(&walk(&ready(Kind::PRESERVATION)), postpone("Why.")), "R-220");
}

#[test]
fn a_text_that_no_peer_would_read_is_refused_here() {
    let file = walk(&ready(Kind::STORED_DATA));
    let long = "x".repeat(MAX_REASONS_BYTES + 1);
    assert_eq!(code(&file, postpone(&long)), "R-226");
    assert_eq!(code(&file, propose(Proposal::Grant { conditions: Some(long) })), "R-226");
}

#[test]
fn an_order_shorter_than_the_minimum_is_refused() {
    let file = walk(&[received(Kind::PRESERVATION), triage(), grant(), Command::Decide]);
    let mut short = preserved();
    short.order_end.result = day(61);
    let error =
        try_on(&file, Command::EffectPreservation { preserved: short, order: digest("order") }).unwrap_err();
    assert_eq!((error.code(), error.clause().unwrap().as_str()), ("R-221", "Art. 42(8) [B]"));
    let mut moved = preserved();
    moved.effected = day(5);
    let moved = Command::EffectPreservation { preserved: moved, order: digest("order") };
    assert_eq!(code(&file, moved), "R-225");
}

#[test]
fn a_preservation_is_extended_only_while_it_runs_and_only_forwards() {
    let file = walk(&[received(Kind::PRESERVATION), triage(), grant(), Command::Decide, effect()]);
    let extend_at =
        |now| Incoming::decide(Some(&file), &by(PROPOSER, extend(30)), now).map_err(|error| error.code());
    assert!(extend_at(day(10)).is_ok());
    assert_eq!(extend_at(until()), Err("R-204"));
    let same = Command::Extend { order_end: preserved().order_end };
    assert_eq!(code(&file, same), "R-222");
    let held = try_on(&file, held()).unwrap().0;
    assert_eq!(code(&held, extend(30)), "R-204");
}

#[test]
fn a_preservation_lapses_only_at_its_time_and_never_while_held() {
    let file = walk(&[received(Kind::PRESERVATION), triage(), grant(), Command::Decide, effect()]);
    let lapse = |file: &Incoming, until, now| {
        Incoming::decide(Some(file), &given("", Command::ReportLapsed { until }), now)
    };
    assert!(lapse(&file, until(), day(10)).is_err());
    assert!(lapse(&file, day(30), until()).is_err());
    assert!(lapse(&file, until(), until()).is_ok());
    let held = try_on(&file, held()).unwrap().0;
    assert!(lapse(&held, until(), until()).is_err());
    let released = try_on(&held, Command::ReportHoldEnded { by: linked() }).unwrap().0;
    assert!(lapse(&released, until(), until()).is_ok(), "the clock runs again once nothing holds the data");
    let longer = try_on(&file, extend(30)).unwrap().0;
    assert!(lapse(&longer, until(), until()).is_err());
    assert!(lapse(&longer, longer.preserved.as_ref().unwrap().until(), day(130)).is_ok());
}

#[test]
fn a_request_that_came_before_the_end_holds_the_data_however_late_it_is_recorded() {
    let answered =
        [&ready(Kind::PRESERVATION)[..], &[grant(), Command::Decide, effect(), answered()]].concat();
    let lapsed = walk(&[answered, vec![lapsed()]].concat());
    assert!(lapsed.lapsed);
    let held = try_on(&lapsed, held()).unwrap().0;
    assert!(!held.lapsed && held.hold.is_some());
}

#[test]
fn a_postponed_request_is_decided_another_time_and_keeps_its_hold_until_then() {
    let postponed = walk(
        &[
            &ready(Kind::STORED_DATA)[..],
            &[
                consult(),
                propose(Proposal::Postpone { reasons: "a trial here goes first".to_owned() }),
                Command::Decide,
            ],
        ]
        .concat(),
    );
    assert_eq!(postponed.stage, Stage::Triaged);
    assert!(!duties(&postponed, grant()).iter().any(|duty| matches!(duty, Duty::EndHold { .. })));
    let granted = [grant(), Command::Decide]
        .into_iter()
        .fold(postponed, |file, command| try_on(&file, command).unwrap().0);
    assert!(granted.decided.is_some_and(|(_, disposition)| disposition.is_grant()));
}

#[test]
fn a_request_that_came_before_the_data_were_preserved_keeps_them_from_the_first_moment() {
    let held = [received(Kind::PRESERVATION), held(), triage(), grant(), Command::Decide, effect()];
    let file = walk(&held);
    assert!(!file.clock_runs());
    let released = try_on(&file, Command::ReportHoldEnded { by: linked() }).unwrap();
    assert!(released.0.clock_runs());
    assert_eq!(released.0.duties(&released.1), crate::outgoing::clock_duties(until()));
}

#[test]
fn data_are_not_preserved_in_the_future_nor_years_ago() {
    let file = walk(&[&ready(Kind::PRESERVATION)[..], &[grant(), Command::Decide]].concat());
    let effected = |at: Instant| {
        let zone = crate::fixture::ZONE;
        let preserved = crate::Preserved {
            effected: at,
            zone: zone.to_owned(),
            minimum: treaty::preservation_minimum(at, zone).unwrap(),
            order_end: treaty::order_end(at, 90, zone).unwrap(),
        };
        code(&file, Command::EffectPreservation { preserved, order: digest("order") })
    };
    assert_eq!(effected(day(60)), "R-227");
    assert_eq!(effected(day(1).minus(std::time::Duration::from_secs(8 * 24 * 60 * 60))), "R-227");
}

#[test]
fn a_renewal_is_not_renewed_before_it_begins() {
    let file = walk(&[received(Kind::PRESERVATION), triage(), grant(), Command::Decide, effect()]);
    let renewed = try_on(&file, extend(30)).unwrap().0;
    let end = renewed.preserved.as_ref().unwrap().until();
    let again = Command::Extend { order_end: treaty::extension(end, 30, crate::fixture::ZONE).unwrap() };
    assert_eq!(code(&renewed, again), "R-228");
}

#[test]
fn a_request_that_comes_when_the_preservation_ends_does_not_hold_it() {
    let file = walk(&[received(Kind::PRESERVATION), triage(), grant(), Command::Decide, effect()]);
    assert_eq!(code(&file, Command::ReportHeld { by: linked(), since: until() }), "R-204");
    let held = try_on(&file, held()).unwrap().0;
    assert_eq!(code(&held, Command::ReportHoldEnded { by: file_of_nobody() }), "R-204");
}

fn file_of_nobody() -> vocabulary::FileId {
    "0193a8f0-0000-7000-8000-0000000000ff".parse().unwrap()
}

#[test]
fn evidence_is_not_sealed_without_an_exhibit_nor_sent_after_a_withdrawal() {
    let file = walk(&[received(Kind::STORED_DATA), triage(), grant(), Command::Decide]);
    assert_eq!(code(&file, seal()), "R-223");
    let sealed = walk(&[received(Kind::STORED_DATA), triage(), grant(), Command::Decide, take(), seal()]);
    let gone = try_on(&sealed, withdrawn()).unwrap().0;
    assert_eq!(code(&gone, send()), "R-201");
}

#[test]
fn an_answer_that_left_before_a_withdrawal_does_not_revive_the_file() {
    let sent =
        walk(&[received(Kind::STORED_DATA), triage(), grant(), Command::Decide, take(), seal(), send()]);
    let gone = try_on(&sent, withdrawn()).unwrap().0;
    let after = try_on(&gone, answered()).unwrap().0;
    assert_eq!((after.stage, after.answered), (Stage::Withdrawn, Some(envelope())));
}

#[test]
fn a_granted_file_is_not_closed_before_the_requesting_state_closed_its_own() {
    let file = walk(&[
        received(Kind::STORED_DATA),
        triage(),
        grant(),
        Command::Decide,
        take(),
        seal(),
        send(),
        answered(),
    ]);
    assert_eq!(code(&file, Command::Close), "R-224");
}

#[test]
fn each_event_owes_what_the_walk_needs() {
    let (file, event) = step::<Incoming>(None, &given("", received(Kind::STORED_DATA)), day(1)).unwrap();
    let (hold, end) = (
        Duty::HoldPreservation { preservation: linked(), since: day(1) },
        Duty::EndHold { preservation: linked() },
    );
    assert_eq!(file.duties(&event), [hold]);
    let dispatch = |parcel| Duty::Dispatch { parcel };
    let file = walk(&ready(Kind::STORED_DATA));
    let text = digest("text");
    assert_eq!(duties(&file, Command::Consult { text }), [dispatch(Parcel::Consultation { text })]);
    assert_eq!(duties(&file, grant()), []);
    let proposed = try_on(&file, grant()).unwrap().0;
    assert_eq!(duties(&proposed, Command::Decide), [dispatch(Parcel::Decision)]);
    let decided = try_on(&proposed, Command::Decide).unwrap().0;
    assert_eq!(duties(&decided, take()), []);
    let sealed = walk(&[received(Kind::STORED_DATA), triage(), grant(), Command::Decide, take(), seal()]);
    assert_eq!(duties(&sealed, send()), [dispatch(Parcel::Evidence { package: package() })]);
    assert_eq!(duties(&proposed, withdrawn()), std::slice::from_ref(&end));
    assert_eq!(duties(&proposed, closed_by_requester()), std::slice::from_ref(&end));
    assert_eq!(duties(&decided, withdrawn()), std::slice::from_ref(&end));
    assert_eq!(duties(&decided, answered()), std::slice::from_ref(&end));
    let answered = try_on(&decided, answered()).unwrap().0;
    assert_eq!(duties(&answered, closed_by_requester()), []);
}

#[test]
fn both_states_owe_the_same_alarms_at_the_same_instants() {
    let file = walk(&[received(Kind::PRESERVATION), triage(), grant(), Command::Decide]);
    let ours = duties(&file, effect());
    let (dispatch, clocks) = ours.split_first().unwrap();
    assert_eq!(dispatch, &Duty::Dispatch { parcel: Parcel::Preserved });
    let theirs = crate::outgoing::clock_duties(until());
    assert_eq!(clocks, theirs);
    let running = try_on(&file, effect()).unwrap().0;
    let longer = duties(&running, extend(30));
    let (dispatch, clocks) = longer.split_first().unwrap();
    assert_eq!(dispatch, &Duty::Dispatch { parcel: Parcel::Extended });
    assert_eq!(clocks.last().unwrap().due(), Some(treaty::extension(until(), 30, ZONE).unwrap().result));
}

#[test]
fn a_person_cannot_give_a_report_and_the_node_cannot_give_an_order() {
    for (word, command) in commands(Kind::PRESERVATION) {
        assert_eq!(command.permission().is_none(), word.starts_with("r-"), "{word}");
    }
}
