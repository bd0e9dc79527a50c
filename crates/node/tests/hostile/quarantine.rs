//! Statements that nobody may say: durable and receipted, then quarantined with a code; no file changes.

use crate::fixture::{DAY, Node, World, at_rest, until};
use casefile::{Outcome, incoming::Incoming, outgoing::Outgoing};
use exchange::{Decision, Message};
use seal::{OfficeKey, Root};
use treaty::Kind;
use vocabulary::{EnvelopeId, FileId, OfficeFunction, Report};

const CONTACT: OfficeFunction = OfficeFunction::ContactPoint;

/// All three States serve; A asked B to preserve data.
async fn asked() -> (World, FileId) {
    let mut world = World::new().await;
    for node in [&mut world.a, &mut world.b, &mut world.c] {
        node.start().await;
    }
    let file = world.a.ask_and_wait(&world.b, Kind::PRESERVATION).await;
    for node in [&world.b, &world.a] {
        at_rest(node).await;
    }
    (world, file)
}

fn granted(node: &Node) -> Message {
    let officers = [node.first.id.clone(), node.second.id.clone()];
    Message::Decision { decision: Decision::Granted { conditions: None }, officers }
}

async fn both_sides(world: &World, file: FileId) -> (Outgoing, Incoming) {
    (world.a.flow.outgoing(file).await.unwrap(), world.b.flow.incoming(file).await.unwrap())
}

/// `from` says `message` to `to`: the receipt stands, the envelope is quarantined, both sides are told.
async fn quarantined(from: &Node, to: &Node, file: FileId, signer: &OfficeKey, message: Message, code: &str) {
    let rejection = matches!(message, Message::Rejection { .. });
    let found = to.findings(from).await.len();
    let id = from.plant(to, file, CONTACT, signer, message).await;
    from.deliver(to, id).await;
    let row = until("the quarantine", async || {
        to.inbox(from, id).await.filter(|row| row.state != store::InboxState::Stored)
    })
    .await;
    assert_eq!((row.state, row.code.as_deref()), (store::InboxState::Quarantined, Some(code)));
    assert_eq!(to.findings(from).await[found..], [code]);
    if rejection {
        // A rejection is never answered with a rejection.
        return;
    }
    until("the signed rejection", async || {
        let findings = from.flow.findings().await.unwrap();
        let of_this =
            |f: &flow::Finding| f.report.code == "P-543" && f.report.message.contains(&id.to_string());
        findings.iter().any(of_this).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_under_a_key_that_does_not_speak_for_its_office_changes_nothing() {
    let (world, file) = asked().await;
    let before = both_sides(&world, file).await;
    let (a, b) = (&world.a, &world.b);
    let now = b.flow.now();
    let root = Root::generate(b.state(), "Republic of XB", now.minus(DAY), now.plus(DAY * 9)).unwrap();
    let self_made = root
        .issue_office(&b.office(CONTACT), "Contact point", now.minus(DAY / 2), now.plus(DAY))
        .unwrap()
        .office_key()
        .unwrap();
    let events = a.flow.timeline(file).await.unwrap().steps.len();
    for (signer, code) in [
        (b.key(OfficeFunction::EvidenceOffice), "P-507"),
        (b.key(OfficeFunction::Node), "P-507"),
        (world.c.key(CONTACT), "P-605"),
        (&self_made, "P-605"),
    ] {
        quarantined(b, a, file, signer, granted(b), code).await;
    }
    assert_eq!(both_sides(&world, file).await, before);
    assert_eq!(a.flow.timeline(file).await.unwrap().steps.len(), events);
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_state_cannot_speak_in_a_file_of_two_others() {
    let (world, file) = asked().await;
    let before = both_sides(&world, file).await;
    let (a, b, c) = (&world.a, &world.b, &world.c);
    let key = c.key(CONTACT);
    let reason = || "because".to_owned();
    let mut draft = crate::fixture::example(Kind::PRESERVATION, c.flow.now());
    draft.to = Some(b.state());
    let request =
        Message::Request { draft: Box::new(draft), officers: [c.first.id.clone(), c.second.id.clone()] };
    let sent = a.flow.timeline(file).await.unwrap().letters[0].clone();
    let report = Report {
        family: vocabulary::Family::PeerFault,
        code: "P-601".to_owned(),
        message: "no".to_owned(),
        clause: None,
        remedy: "none".to_owned(),
    };
    let rejection = Message::Rejection { envelope: sent.envelope, sealed: sent.sealed, report };
    for (to, message, code) in [
        (a, granted(c), "P-541"),
        (a, Message::Consultation { text: reason() }, "P-542"),
        (a, Message::Withdrawal { reason: reason() }, "P-541"),
        (a, rejection, "P-542"),
        (b, Message::Withdrawal { reason: reason() }, "P-541"),
        (b, Message::Closing { outcome: Outcome::Fulfilled }, "P-541"),
        (b, Message::ExtensionRequest { days: 90, reason: reason() }, "P-541"),
        (b, Message::Consultation { text: reason() }, "P-542"),
        (b, granted(c), "P-541"),
        (b, request, "P-541"),
    ] {
        quarantined(c, to, file, key, message, code).await;
    }
    assert_eq!(both_sides(&world, file).await, before);
    assert!(a.findings(b).await.is_empty() && b.findings(a).await.is_empty());
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_side_cannot_say_what_only_the_other_side_may() {
    let (world, file) = asked().await;
    let before = both_sides(&world, file).await;
    let (a, b) = (&world.a, &world.b);
    quarantined(a, b, file, a.key(CONTACT), granted(a), "P-541").await;
    let withdrawal = Message::Withdrawal { reason: "because".to_owned() };
    quarantined(b, a, file, b.key(CONTACT), withdrawal, "P-541").await;
    assert_eq!(both_sides(&world, file).await, before);
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_answer_does_not_change_the_first() {
    let (world, file) = asked().await;
    let (a, b) = (&world.a, &world.b);
    b.grant(file).await;
    let answered = until("the decision", async || {
        let known = a.flow.outgoing(file).await.unwrap();
        known.decision.is_some().then_some(known)
    })
    .await;
    let officers = [b.first.id.clone(), b.second.id.clone()];
    let decision = Decision::Postponed { reasons: "on second thoughts".to_owned() };
    let message = Message::Decision { decision, officers };
    quarantined(b, a, file, b.key(CONTACT), message, "R-204").await;
    assert_eq!(a.flow.outgoing(file).await.unwrap(), answered);
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_its_addressee_cannot_open_is_kept_and_rejected() {
    let (world, _) = asked().await;
    let (b, a) = (&world.b, &world.a);
    // Sealed to the office of another State, but addressed to us.
    let id: EnvelopeId = b.plant_sealed_for(&world.c, a).await;
    b.deliver(a, id).await;
    let row = until("the quarantine", async || {
        a.inbox(b, id).await.filter(|row| row.state != store::InboxState::Stored)
    })
    .await;
    assert_eq!(row.code.as_deref(), Some("P-655"));
    world.still_works().await;
}
