//! Properties: whatever commands come in whatever order, what `decide` accepts can be applied and replayed.

use crate::fixture::{
    ZONE, day, digest, envelope, exhibit, file, given, linked, package, preserved, profile, state, taken,
    then,
};
use crate::{
    Body, Casefile, CustodyCommand, Disposition, Outcome, Recorded,
    incoming::{self, Incoming},
    outgoing::{self, Outgoing},
    replay,
};
use custody::Action;
use proptest::{collection::vec, prelude::*, sample::select, strategy::ValueTree as _};
use serde::de::DeserializeOwned;
use treaty::{Computed, Ground, Kind, OffenceBasis};
use vocabulary::{Digest, Instant};

/// One attempt: who gives which command on which day.
type Attempt<C> = (&'static str, u32, C);

fn attempts<C: Clone + std::fmt::Debug + 'static>(
    commands: fn(Kind) -> Vec<C>,
) -> impl Strategy<Value = Vec<Attempt<C>>> {
    prop_oneof![Just(Kind::PRESERVATION), Just(Kind::STORED_DATA)].prop_flat_map(move |kind| {
        vec((select(vec!["first", "second"]), 0_u32..200, select(commands(kind))), 0..60)
    })
}

/// The commands that lead to the end come once more, so that random walks get far.
fn twice<C: Clone>(commands: Vec<C>, main_line: &[C]) -> Vec<C> {
    [commands.as_slice(), main_line, main_line, main_line].concat()
}

fn extension(days: u32) -> Computed {
    treaty::extension(preserved().until(), days, ZONE).unwrap()
}

fn ends() -> Vec<Instant> {
    vec![preserved().until(), extension(30).result, day(40)]
}

fn outgoing_commands(kind: Kind) -> Vec<outgoing::Command> {
    use outgoing::Command::*;
    let drafts = ["a", "b"];
    let preservation = (kind == Kind::STORED_DATA).then(linked);
    let draft = |text| Draft { file: file(), kind, to: state("XB"), draft: digest(text), preservation };
    let submit = |text, must| Submit { draft: digest(text), must, should: 0, note: 0 };
    let approve = |text| Approve { draft: digest(text) };
    let grant =
        ReportDecided { disposition: Disposition::Grant { conditions: None }, statement: digest("s") };
    let refuse =
        ReportDecided { disposition: Disposition::Postpone { reasons: digest("r") }, statement: digest("s") };
    let delivered = ReportDelivered { envelope: envelope(), receipt: digest("r"), received_at: day(1) };
    let preserved = ReportPreserved { preserved: preserved(), statement: digest("s") };
    let announced =
        ReportAnnounced { package: package(), tag_manifest: digest("m"), bytes: 1, statement: digest("s") };
    let verified = ReportVerified { package: package(), report: digest("v") };
    let main_line =
        [draft("a"), submit("a", 0), approve("a"), delivered, grant, preserved, announced, verified];
    let mut all = vec![
        refuse,
        submit("a", 1),
        Consult { text: digest("t") },
        AskExtension { days: 30, reason: digest("r") },
        Withdraw { reason: digest("r") },
        OpenEvidence { package: package(), exhibits: 1, files: 1 },
        ReportHeld { by: linked(), since: day(20) },
        ReportHoldEnded { by: linked() },
        ReportConsulted { text: digest("t") },
    ];
    all.extend(
        drafts.into_iter().flat_map(|text| [Redraft { draft: digest(text) }, submit(text, 0), approve(text)]),
    );
    all.extend(
        [Outcome::Fulfilled, Outcome::NotGranted, Outcome::NoLongerNeeded].map(|outcome| Close { outcome }),
    );
    all.extend(custody_commands().into_iter().map(Custody));
    all.extend([10, 30].map(|days| ReportExtended { order_end: extension(days), statement: digest("s") }));
    all.extend(ends().into_iter().map(|until| ReportLapsed { until }));
    twice(all, &main_line)
}

/// One exhibit from the beginning to the end, attempted in any order.
fn custody_commands() -> Vec<CustodyCommand> {
    let begun = taken(exhibit());
    let next = |chain, action, officer| then(chain, action, officer).unwrap();
    let sealed = next(&begun, Action::Sealed, "first");
    let (sent, disclosed) = (next(&sealed, Action::Sent, "first"), next(&sealed, Action::Disclosed, "first"));
    let destroy = |chain| CustodyCommand::Destroy {
        chains: vec![next(chain, Action::Destroyed, "second")],
        why: digest("w"),
    };
    let mut all = vec![destroy(&begun), destroy(&sealed), destroy(&disclosed)];
    all.extend([begun, sealed, sent, disclosed].map(|chain| CustodyCommand::Record { chains: vec![chain] }));
    all.push(CustodyCommand::ProposeDestruction { exhibits: vec![exhibit()], why: digest("w") });
    all.push(CustodyCommand::NoteGap { exhibit: exhibit(), code: "P-261".to_owned(), received: digest("g") });
    all
}

fn incoming_commands(kind: Kind) -> Vec<incoming::Command> {
    use incoming::{Command::*, Proposal};
    let received = ReportReceived {
        file: file(),
        kind,
        from: state("XA"),
        draft: digest("d"),
        envelope: envelope(),
        received_at: day(1),
        preservation: (kind == Kind::STORED_DATA).then(linked),
        must: 1,
        should: 0,
        note: 0,
    };
    let propose =
        |proposal| Propose { proposal, basis: Some(OffenceBasis::SeriousCrime), profile: profile() };
    let take = TakeExhibit { exhibit: exhibit(), record: digest("r"), files: 1, bytes: 1, tree: digest("t") };
    let seal =
        SealEvidence { package: package(), tag_manifest: digest("m"), bytes: 1, announcement: digest("a") };
    let main_line = [
        received,
        Triage { urgent: false, note: None },
        propose(Proposal::Grant { conditions: None }),
        Decide,
        EffectPreservation { preserved: preserved(), order: digest("o") },
        take,
        seal,
        SendEvidence { package: package() },
        ReportAnswered { envelope: envelope() },
    ];
    let mut all = vec![
        Consult { text: digest("t") },
        propose(Proposal::Postpone { reasons: "Why.".to_owned() }),
        propose(Proposal::Refuse { grounds: vec![Ground::EssentialInterests], reasons: "Why.".to_owned() }),
        Close,
        ReportConsulted { text: digest("t") },
        ReportExtensionAsked { days: 30, reason: digest("r") },
        ReportHeld { by: linked(), since: day(20) },
        ReportHoldEnded { by: linked() },
        ReportWithdrawn { reason: digest("r") },
        ReportClosedByRequester { outcome: Outcome::Fulfilled, statement: digest("s") },
    ];
    all.extend([10, 30].map(|days| Extend { order_end: extension(days) }));
    all.extend(custody_commands().into_iter().map(Custody));
    all.extend(ends().into_iter().map(|until| ReportLapsed { until }));
    twice(all, &main_line)
}

/// Gives every attempt; returns the file after each accepted one, and the stored bytes.
fn play<C: Casefile>(attempts: Vec<Attempt<C::Command>>) -> (Vec<C>, Vec<Vec<u8>>) {
    let (mut files, mut bodies): (Vec<C>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    for (name, on_day, command) in attempts {
        let now = day(on_day);
        let command = given(name, command);
        let Ok(event) = C::decide(files.last(), &command, now) else { continue };
        let next = C::apply(files.last().cloned(), &event, now).expect("what was decided can be applied");
        let _owed = next.duties(&event);
        let previous = bodies.last().map(|last| Digest::of(last));
        let number = bodies.len() as u64;
        let recorded =
            Recorded::new(file(), number, previous, now, command.actor().clone(), Body::Legal(event));
        bodies.push(recorded.to_bytes().unwrap());
        files.push(next);
    }
    (files, bodies)
}

fn replays<C: Casefile + PartialEq + std::fmt::Debug + DeserializeOwned>(files: &[C], bodies: &[Vec<u8>]) {
    for file in files {
        let json = serde_json::to_vec(file).unwrap();
        assert_eq!(&serde_json::from_slice::<C>(&json).unwrap(), file);
    }
    for length in 0..=bodies.len() {
        let (again, _) = replay::<C>(&bodies[..length]).expect("what was written replays");
        assert_eq!(again.as_ref(), length.checked_sub(1).map(|last| &files[last]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_outgoing_file_replays_to_the_state_built_step_by_step(attempts in attempts(outgoing_commands)) {
        let (files, bodies) = play::<Outgoing>(attempts);
        replays(&files, &bodies);
        for pair in files.windows(2) {
            let [before, after] = pair else { continue };
            let decided = before.decision.as_ref().is_some_and(crate::Disposition::is_final);
            prop_assert!(!decided || before.decision == after.decision);
            prop_assert!(before.delivered.is_none() || before.delivered == after.delivered);
            prop_assert!(before.eyes.is_none() || before.eyes == after.eyes);
            prop_assert!(after.eyes.as_ref().is_none_or(|eyes| eyes.first() != eyes.second()));
            let ended = matches!(before.stage, outgoing::Stage::Closed | outgoing::Stage::Withdrawn);
            prop_assert!(!ended || before.stage == after.stage);
        }
    }

    #[test]
    fn an_incoming_file_answers_and_decides_at_most_once(attempts in attempts(incoming_commands)) {
        let (files, bodies) = play::<Incoming>(attempts);
        replays(&files, &bodies);
        for pair in files.windows(2) {
            let [before, after] = pair else { continue };
            prop_assert!(before.answered.is_none() || before.answered == after.answered);
            prop_assert!(before.decided.is_none() || before.decided == after.decided);
            prop_assert!(after.decided.as_ref().is_none_or(|(eyes, _)| eyes.first() != eyes.second()));
            prop_assert!(before.sealed.is_none() || after.sealed.is_some());
            prop_assert!(!before.custody.is_destroyed() || after.custody.is_destroyed());
            prop_assert!(before.custody.gaps.len() <= after.custody.gaps.len());
            for (exhibit, held) in &before.custody.held {
                let later = after.custody.holding(*exhibit);
                prop_assert!(later.is_some_and(|later| later.links >= held.links), "no link is ever lost");
            }
            prop_assert!(after.answered.is_none() || after.decided.is_some());
            prop_assert!(before.stage != incoming::Stage::Closed || after.stage == incoming::Stage::Closed);
        }
        let answers = files.windows(2).filter(|pair| pair[0].answered.is_none() && pair[1].answered.is_some());
        prop_assert!(answers.count() <= 1);
    }

    #[test]
    fn two_acts_on_the_same_state_never_both_answer_and_never_both_decide(
        attempts in attempts(incoming_commands), at in any::<prop::sample::Index>(), one in 0..60_usize, two in 0..60_usize
    ) {
        let commands = attempts.clone();
        let (files, _) = play::<Incoming>(attempts);
        prop_assume!(!files.is_empty());
        let file = &files[at.index(files.len())];
        let act = |n: usize| commands.get(n % commands.len().max(1));
        let (Some(one), Some(two)) = (act(one), act(two)) else { return Ok(()) };
        let decided = |(name, on, command): &Attempt<incoming::Command>| {
            Incoming::decide(Some(file), &given(name, command.clone()), day(*on)).ok()
        };
        // Both were decided on what was there; the second comes too late, or changes nothing that stands.
        let (Some(first), Some(second)) = (decided(one), decided(two)) else { return Ok(()) };
        let first = Incoming::apply(Some(file.clone()), &first, day(one.1)).unwrap();
        if let Ok(both) = Incoming::apply(Some(first.clone()), &second, day(two.1)) {
            prop_assert!(first.answered.is_none() || first.answered == both.answered);
            prop_assert!(first.decided.is_none() || first.decided == both.decided);
        }
    }

    #[test]
    fn a_refused_command_is_refused_again_and_leaves_no_trace(attempts in attempts(outgoing_commands)) {
        let (files, _) = play::<Outgoing>(attempts.clone());
        let mut number = 0_usize;
        for (name, on, command) in &attempts {
            let before = number.checked_sub(1).and_then(|last| files.get(last));
            let command = given(name, command.clone());
            match Outgoing::decide(before, &command, day(*on)) {
                Ok(_) => number += 1,
                Err(first) => {
                    prop_assert_eq!(Outgoing::decide(before, &command, day(*on)).unwrap_err(), first);
                }
            }
        }
        prop_assert_eq!(number, files.len());
    }

    /// Every event but the newest, which only the ledger holds.
    #[test]
    fn an_altered_byte_of_an_earlier_event_does_not_replay(
        attempts in attempts(incoming_commands), place in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(), bit in 0..8
    ) {
        let (_, mut bodies) = play::<Incoming>(attempts);
        prop_assume!(bodies.len() > 1);
        let event = place.index(bodies.len() - 1);
        let at = at.index(bodies[event].len());
        bodies[event][at] ^= 1_u8 << bit;
        prop_assert!(replay::<Incoming>(&bodies).is_err());
    }

    #[test]
    fn a_shuffled_or_thinned_history_does_not_replay(
        attempts in attempts(outgoing_commands), at in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()
    ) {
        let (_, bodies) = play::<Outgoing>(attempts);
        prop_assume!(bodies.len() > 1);
        let (at, to) = (at.index(bodies.len()), to.index(bodies.len()));
        if at != to {
            let mut swapped = bodies.clone();
            swapped.swap(at, to);
            prop_assert!(replay::<Outgoing>(&swapped).is_err());
        }
        if at + 1 < bodies.len() {
            let mut thinned = bodies.clone();
            thinned.remove(at);
            prop_assert!(replay::<Outgoing>(&thinned).is_err());
        }
    }
}

#[test]
fn random_walks_reach_the_end_of_both_machines() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..600 {
        let outgoing = attempts(outgoing_commands).new_tree(&mut runner).unwrap().current();
        let incoming = attempts(incoming_commands).new_tree(&mut runner).unwrap().current();
        reached
            .extend(play::<Outgoing>(outgoing).0.iter().map(|file| format!("out/{}", file.stage.as_str())));
        reached.extend(play::<Incoming>(incoming).0.iter().map(|file| format!("in/{}", file.stage.as_str())));
    }
    for wanted in ["out/closed", "out/withdrawn", "out/answered", "in/answered", "in/withdrawn", "in/closed"]
    {
        assert!(reached.contains(wanted), "{wanted} was never reached: {reached:?}");
    }
}
