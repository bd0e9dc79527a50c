//! A peer that is away: the outbox tries again, survives a restart, and people learn that a receipt is missing.

use crate::{
    fixture::{HOUR, Node, World, until},
    receipt::{deliveries, sent},
};
use flow::Level;
use treaty::Kind;
use vocabulary::FileId;

/// Levels of the findings about missing receipts.
async fn missing(node: &Node) -> Vec<Level> {
    let findings = node.flow.findings().await.unwrap();
    findings.iter().filter(|f| f.report.code == "P-545").map(|f| f.level).collect()
}

async fn recorded_as_missing(node: &Node, file: FileId) -> usize {
    let steps = node.flow.timeline(file).await.unwrap().steps;
    steps.iter().filter(|step| step.what == "receipt-missing").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_to_a_peer_that_is_away_is_tried_again_until_its_receipt_comes() {
    let mut world = World::new().await;
    world.a.start().await;
    let file = world.a.ask(&world.b, Kind::PRESERVATION).await;
    let id = sent(&world.a, file).await;
    let a = &world.a;
    let row =
        until("the second attempt", async || Some(a.outbox(id).await).filter(|row| row.attempts >= 2)).await;
    assert!(row.trouble.is_some_and(|trouble| !trouble.is_empty()));
    let waits = row.next_attempt.since(a.flow.now());
    assert!(waits > std::time::Duration::from_millis(500), "no backoff: {waits:?}");
    assert_eq!(missing(a).await, []);

    world.a.restart().await;
    let a = &world.a;
    assert!(a.outbox(id).await.attempts >= 2);
    // The node looks by itself every half a minute; here it is asked to.
    for (hours, levels) in [
        (11, vec![]),
        (2, vec![Level::Warn]),
        (0, vec![Level::Warn]),
        (12, vec![Level::Warn, Level::Fail]),
        (48, vec![Level::Warn, Level::Fail]),
    ] {
        a.clock.forward(HOUR * hours);
        a.flow.look_for_receipts().await.unwrap();
        assert_eq!(missing(a).await, levels);
        assert_eq!(recorded_as_missing(a, file).await, levels.len());
    }
    a.audit().await;

    world.b.clock.forward(HOUR * 73);
    world.b.start().await;
    let (a, b) = (&world.a, &world.b);
    until("the receipt", async || {
        // The next attempt is at most five minutes away.
        a.clock.forward(HOUR / 12);
        b.clock.forward(HOUR / 12);
        a.flow.outgoing(file).await.unwrap().delivered
    })
    .await;
    assert_eq!(deliveries(a, file).await, 1);
    a.clock.forward(HOUR * 48);
    a.flow.look_for_receipts().await.unwrap();
    assert_eq!(missing(a).await, [Level::Warn, Level::Fail], "history stays, and nothing is added to it");
    assert_eq!(recorded_as_missing(a, file).await, 2);
    assert_eq!((a.audit().await.waiting, b.audit().await.received), (0, 1));
    world.b.clock.forward(HOUR * 48);
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_away_does_not_hold_up_another() {
    let mut world = World::new().await;
    world.a.start().await;
    world.c.start().await;
    let waiting = world.a.ask(&world.b, Kind::PRESERVATION).await;
    sent(&world.a, waiting).await;
    world.a.ask_and_wait(&world.c, Kind::PRESERVATION).await;
    assert!(world.a.flow.outgoing(waiting).await.unwrap().delivered.is_none());
    world.b.start().await;
    until("the receipt", async || world.a.flow.outgoing(waiting).await.unwrap().delivered).await;
    world.still_works().await;
}

/// Findings and receipts at the same time: whichever is first, no receipt is missed after it came.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_never_called_missing_after_it_came() {
    let mut world = World::new().await;
    world.b.start().await;
    let (a, b) = (&world.a, &world.b);
    let mut files = Vec::new();
    for _ in 0..8 {
        files.push(a.ask(b, Kind::PRESERVATION).await);
    }
    a.flow.discharge_due().await.unwrap();
    a.clock.forward(HOUR * 30);
    b.clock.forward(HOUR * 30);
    let looking = async {
        for _ in 0..40 {
            a.flow.look_for_receipts().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let serving = [b];
    let ((), ()) = tokio::join!(a.work_by_hand(&serving), looking);
    for file in files {
        let steps = a.flow.timeline(file).await.unwrap().steps;
        let came = steps.iter().position(|step| step.what == "delivered").unwrap();
        assert!(steps[came..].iter().all(|step| step.what != "receipt-missing"));
    }
    world.a.start().await;
    world.still_works().await;
}
