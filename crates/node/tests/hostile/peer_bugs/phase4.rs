//! What users of phase4, of its Peppol stand-alone and of phoss-ap suffered.

use super::{World, at_rest, file_of_both, taken, waiting};
use crate::{
    fixture::{DAY, Node, until},
    receipt::{deliveries, sent, serve, serve_as},
};
use axum::{Router, body::Bytes, extract::State, http::StatusCode};
use exchange::Envelope;
use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};
use treaty::Kind;

/// phase4's duplicate window is ten minutes: `DEFAULT_PHASE4_INCOMING_DUPLICATEDISPOSAL_MINUTES`.
#[tokio::test(flavor = "multi_thread")]
async fn phase4_ten_minutes_after_a_duplicate_is_still_known() {
    let mut world = World::new().await;
    world.a.start().await;
    let id = world.b.plant_words(&world.a).await;
    let first = world.b.deliver(&world.a, id).await;
    at_rest(&world.a).await;
    let before = world.a.mark().await;
    for later in [DAY / 144 + Duration::from_secs(60), DAY, DAY * 300] {
        for node in [&world.a, &world.b] {
            node.clock.forward(later);
        }
        world.a.restart().await;
        let bytes = world.b.envelope(id).await;
        assert_eq!(world.b.hand_over(&world.a, bytes).await.receipt(), first);
    }
    at_rest(&world.a).await;
    // The ledger grows meanwhile: it says that the other State did not fetch our rejection.
    assert_eq!(world.a.mark().await.but_the_ledger(), before.but_the_ledger());
}

/// phase4#371: duplicates are always refused; users want them taken silently and answered with the receipt.
#[tokio::test(flavor = "multi_thread")]
async fn phase4_371_a_duplicate_is_answered_with_the_receipt() {
    let mut world = World::new().await;
    world.a.start().await;
    let id = world.b.plant_words(&world.a).await;
    let bytes = world.b.envelope(id).await;
    let first = world.b.hand_over(&world.a, bytes.clone()).await.receipt();
    for _ in 0..3 {
        assert_eq!(world.b.hand_over(&world.a, bytes.clone()).await.receipt(), first);
    }
    assert!(world.b.flow.settle(id, &first).await.unwrap().first);
    assert!(!world.b.flow.settle(id, &first).await.unwrap().first);
}

/// What a peer that never answers with a receipt was given.
type Given = Arc<Mutex<Vec<Vec<u8>>>>;

async fn keep(State(given): State<Given>, body: Bytes) -> StatusCode {
    given.lock().unwrap().push(body.to_vec());
    StatusCode::SERVICE_UNAVAILABLE
}

/// phase4 tries no second time (`max retries 0`), and in phase4-peppol-standalone#6 a retry is a new message.
#[tokio::test(flavor = "multi_thread")]
async fn phase4_standalone_6_every_attempt_is_the_same_envelope_and_attempts_do_not_end() {
    let mut world = World::new().await;
    let given = Given::default();
    let handle = serve(&world.b, Router::new().fallback(keep).with_state(Arc::clone(&given)));
    world.a.start().await;
    let file = world.a.ask(&world.b, Kind::PRESERVATION).await;
    let id = sent(&world.a, file).await;
    until("six attempts", async || {
        // What waits is put off by the clock, and clocks can be moved.
        world.a.clock.forward(DAY / 24);
        (given.lock().unwrap().len() >= 6).then_some(())
    })
    .await;
    let said: BTreeSet<_> = given
        .lock()
        .unwrap()
        .iter()
        .map(|bytes| {
            let (envelope, sealed) = Envelope::from_json(bytes).unwrap();
            (envelope.envelope, envelope.digest, sealed)
        })
        .collect();
    assert_eq!(said.len(), 1, "one message, whatever the number of attempts");
    assert_eq!(said.first().unwrap().0, id);
    let row = world.a.outbox(id).await;
    assert!(row.attempts >= 5 && row.refused_at.is_none() && row.delivered_at.is_none());
    handle.shutdown();
    world.a.clock.right();
    until("the address", async || std::net::TcpListener::bind(world.b.address()).ok().map(drop)).await;
    world.b.start().await;
    until("the receipt", async || {
        // An attempt that was under way puts the next one off again.
        world.a.flow.bring_forward().await.unwrap();
        world.a.flow.outgoing(file).await.unwrap().delivered
    })
    .await;
    assert_eq!(deliveries(&world.a, file).await, 1);
}

/// phoss-ap#42: a duplicate was refused and nobody was told of what.
#[tokio::test(flavor = "multi_thread")]
async fn phoss_ap_42_who_is_refused_for_a_copy_is_told_which_one_came_first() {
    let mut world = World::new().await;
    world.a.start().await;
    let first = world.b.plant_words(&world.a).await;
    world.b.deliver(&world.a, first).await;
    let other = world.b.plant_words(&world.a).await;
    let (mut copy, _) = Envelope::from_json(&world.b.envelope(first).await).unwrap();
    copy.envelope = other;
    let answer = world.b.hand_over(&world.a, copy.to_json().unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "P-527"));
    assert!(String::from_utf8_lossy(&answer.body).contains(&first.to_string()));
}

/// Bytes of the database and its log.
fn database(node: &Node) -> u64 {
    let entries = fs::read_dir(node.folder().path()).unwrap().flatten();
    let of_it = entries.filter(|entry| entry.file_name().to_string_lossy().contains("sqlite"));
    of_it.map(|entry| entry.metadata().unwrap().len()).sum()
}

/// phoss-ap#68: throughput collapsed when there were many records of duplicates.
#[tokio::test(flavor = "multi_thread")]
async fn phoss_ap_68_throughput_holds_with_many_duplicates_because_none_leaves_a_record() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let id = b.plant_words(a).await;
    let first = taken(b, a, id).await;
    a.flow.record_stored().await.unwrap();
    let (mark, bytes) = (a.mark().await, database(a));
    for _ in 0..600 {
        assert_eq!(taken(b, a, id).await, first);
    }
    assert_eq!((a.mark().await, database(a)), (mark, bytes), "600 duplicates, not a byte");
}

/// phoss-ap#58: trouble with a certificate was shown as trouble with the network.
#[tokio::test(flavor = "multi_thread")]
async fn phoss_ap_58_trouble_with_a_certificate_is_called_by_its_name() {
    let mut world = World::new().await;
    // Another State's key at the address of B.
    let router = Router::new().fallback(|| async { StatusCode::OK });
    let handle = serve_as(&world.b, &world.c, router);
    world.a.start().await;
    let file = world.a.ask(&world.b, Kind::PRESERVATION).await;
    let id = sent(&world.a, file).await;
    let trouble = until("the trouble", async || world.a.outbox(id).await.trouble).await;
    assert!(trouble.to_lowercase().contains("certificate"), "{trouble}");
    handle.shutdown();
}

/// phase4#188: error signals are not signed. Ours on the wire are not either, so they prove and change nothing by law.
#[tokio::test(flavor = "multi_thread")]
async fn phase4_188_an_unsigned_refusal_changes_no_legal_state_and_a_receipt_still_stands() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let file = file_of_both(&world).await;
    a.flow.consult(&a.first, file, "words").await.unwrap();
    let id = waiting(a, file).await[0];
    let before = a.flow.outgoing(file).await.unwrap();
    let attempt = a.flow.attempts_due().await.unwrap().remove(0);
    let report = vocabulary::Report {
        family: vocabulary::Family::PeerFault,
        code: "P-520".to_owned(),
        message: "no".to_owned(),
        clause: None,
        remedy: "none".to_owned(),
    };
    a.flow.attempt_refused(&attempt, &report).await.unwrap();
    assert_eq!(a.flow.outgoing(file).await.unwrap(), before);
    let receipt = taken(a, b, id).await;
    assert!(a.flow.settle(id, &receipt).await.unwrap().first);
    assert!(a.outbox(id).await.delivered_at.is_some());
    a.audit().await;
}
