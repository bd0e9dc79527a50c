//! What users of Oxalis suffered.

use super::{World, broken_off, read, taken};
use crate::fixture::{Node, client, tls_to};
use flow::HandedBy;
use std::collections::BTreeSet;
use tokio::task::JoinSet;
use vocabulary::EnvelopeId;

/// oxalis-ng#18: concurrent receives stored the same document and the same receipt for different messages.
#[tokio::test(flavor = "multi_thread")]
async fn oxalis_18_concurrent_receives_have_their_own_receipts() {
    let mut world = World::new().await;
    world.a.start().await;
    let senders = [&world.b, &world.c];
    let mut sent: Vec<(&Node, EnvelopeId)> = Vec::new();
    let mut set = JoinSet::new();
    for number in 0..48 {
        let sender = senders[number % 2];
        let id = sender.plant_words(&world.a).await;
        sent.push((sender, id));
    }
    for (number, (sender, id)) in sent.iter().enumerate() {
        let (bytes, url) = (sender.envelope(*id).await, world.a.url("/v1/inbox"));
        let client = client(tls_to(&world.a, Some(sender.identity())));
        set.spawn(async move {
            let answer = client.post(url).body(bytes).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            (number, answer.bytes().await.unwrap().to_vec())
        });
    }
    let mut receipts = set.join_all().await;
    receipts.sort_by_key(|(number, _)| *number);
    let (mut different, mut digests, mut leaves) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for ((sender, id), (_, receipt)) in sent.iter().zip(&receipts) {
        let said = read(receipt, &world.a);
        let row = world.a.inbox(sender, *id).await.unwrap();
        assert_eq!((said.envelope, said.digest, &row.receipt), (*id, row.sealed_digest, receipt));
        assert_eq!(vocabulary::Digest::of(&row.sealed), row.sealed_digest);
        assert_eq!((row.sealed_digest, said.to), {
            let ours = sender.outbox(*id).await;
            (ours.sealed_digest, ours.sender)
        });
        assert!(sender.flow.settle(*id, receipt).await.unwrap().first);
        different.insert(receipt);
        digests.insert(said.digest);
        leaves.insert(row.leaf);
    }
    assert_eq!([different.len(), digests.len(), leaves.len()], [48; 3]);
    world.still_works().await;
}

/// oxalis#375: the document was stored without its receipt while the sender believed in success.
#[tokio::test(flavor = "multi_thread")]
async fn oxalis_375_nothing_is_stored_without_its_receipt() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    for steps in 0.. {
        let id = b.plant_words(a).await;
        let bytes = b.envelope(id).await;
        let done = broken_off(a.flow.take_in(&bytes, HandedBy::Peer(b.state())), steps).await;
        if let Some(row) = a.inbox(b, id).await {
            // Whatever is there has the receipt that the sender will believe.
            assert!(b.flow.settle(id, &row.receipt).await.unwrap().first);
            assert_eq!(taken(b, a, id).await, row.receipt);
        } else {
            assert!(done.is_none());
        }
        if done.is_some() {
            break;
        }
        assert!(steps < 500, "a delivery has an end");
    }
    a.audit().await;
}
