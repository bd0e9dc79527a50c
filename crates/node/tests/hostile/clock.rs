//! Clocks that differ: an hour is shown to people on both sides, years are refused, and nothing is lost.

use crate::{
    fixture::{DAY, HOUR, Node, World, until},
    receipt::{deliveries, sent},
};
use flow::HandedBy;
use treaty::Kind;

/// The words of the finding about the peer's clock.
async fn about_clocks(node: &Node, peer: &Node) -> String {
    let report = until("the finding about clocks", async || {
        let findings = node.flow.findings().await.unwrap();
        findings
            .into_iter()
            .find(|f| f.report.code == "F-410" && f.peer == Some(peer.state()))
            .map(|f| f.report)
    })
    .await;
    report.message
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_difference_is_shown_on_both_sides_and_stops_nothing() {
    for ahead in [true, false] {
        let mut world = World::new().await;
        let wrong = if ahead { &world.b } else { &world.a };
        wrong.clock.forward(HOUR);
        world.a.start().await;
        world.b.start().await;
        let (a, b) = (&world.a, &world.b);
        let file = a.ask_and_wait(b, Kind::PRESERVATION).await;
        b.grant(file).await;
        b.flow.effect_preservation(&b.first, file, b.flow.now(), 90, "order 12").await.unwrap();
        let preserved =
            until("the preservation", async || a.flow.outgoing(file).await.unwrap().preserved).await;
        assert_eq!(Some(preserved), b.flow.incoming(file).await.unwrap().preserved);
        for (node, peer) in [(a, b), (b, a)] {
            let words = about_clocks(node, peer).await;
            assert_eq!(words.matches("Z").count(), 2, "both times are named: {words}");
            let seconds: u64 = words.split_whitespace().rev().nth(1).unwrap().parse().unwrap();
            assert!((3590..3660).contains(&seconds), "{words}");
        }
        world.still_works().await;
    }
}

/// As when the receiver's process stood still (SIGSTOP) with the request in its socket.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_long_under_way_is_taken_in_and_its_sender_is_not_accused_of_a_wrong_clock() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let id = a.plant_words(b).await;
    let bytes = a.envelope(id).await;
    for node in [a, b] {
        node.clock.forward(HOUR / 6);
    }
    let receipt = b.flow.take_in(&bytes, HandedBy::Peer(a.state())).await.unwrap();
    assert!(a.flow.settle(id, &receipt).await.unwrap().first);
    let words = about_clocks(b, a).await;
    assert!(words.contains("or the message was under way"), "{words}");
    let findings = b.flow.findings().await.unwrap();
    assert!(findings.iter().all(|found| found.level == flow::Level::Warn), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_clocks_are_not_spoken_of() {
    let mut world = World::new().await;
    world.a.start().await;
    world.still_works().await;
    for (node, peer) in [(&world.a, &world.b), (&world.b, &world.a)] {
        assert!(node.findings(peer).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_three_years_ahead_is_refused_by_the_dates_of_certificates_and_nothing_is_lost() {
    let mut world = World::new().await;
    // Sealed while the clock was right, so that it waits in the outbox.
    let from_b = world.b.ask(&world.a, Kind::PRESERVATION).await;
    world.b.flow.discharge_due().await.unwrap();
    world.b.clock.forward(DAY * 3 * 365);
    world.a.start().await;
    world.b.start().await;
    let from_a = world.a.ask(&world.b, Kind::PRESERVATION).await;
    let mut words = Vec::new();
    for (node, file) in [(&world.a, from_a), (&world.b, from_b)] {
        let id = sent(node, file).await;
        let row = until("the trouble", async || {
            Some(node.outbox(id).await).filter(|row| row.attempts > 0 && row.trouble.is_some())
        })
        .await;
        assert!(row.refused_at.is_none() && row.delivered_at.is_none());
        words.push(row.trouble.unwrap());
    }
    assert!(words.iter().all(|words| words.to_lowercase().contains("expired")), "{words:?}");
    let (a, b) = (&world.a, &world.b);
    assert_eq!((a.audit().await.received, b.audit().await.received), (0, 0));

    b.clock.right();
    for (node, file) in [(a, from_a), (b, from_b)] {
        until("the receipt", async || {
            // The node does this by itself twice a minute; an attempt under way puts the next one off again.
            node.flow.bring_forward().await.unwrap();
            node.flow.outgoing(file).await.unwrap().delivered
        })
        .await;
        assert_eq!(deliveries(node, file).await, 1);
    }
    world.still_works().await;
}
