//! What users of platforms that share cases suffered: MISP and its communities.

use super::{World, file_of_both, waiting};
use crate::fixture::Node;
use std::collections::BTreeSet;
use vocabulary::{Digest, EnvelopeId, FileId};

/// Envelope, sealed bytes and receipt of every letter of a file in one direction.
async fn letters(
    node: &Node,
    file: FileId,
    direction: &str,
) -> BTreeSet<(EnvelopeId, Digest, Option<Digest>)> {
    let letters = node.flow.timeline(file).await.unwrap().letters;
    let of_it = letters.into_iter().filter(|letter| (letter.direction == "sent") == (direction == "sent"));
    of_it.map(|letter| (letter.envelope, letter.sealed, letter.receipt)).collect()
}

/// MISP#9128: events were visible at the other instance and missing at one's own.
#[tokio::test(flavor = "multi_thread")]
async fn misp_9128_both_sides_list_the_same_letters() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let file = file_of_both(&world).await;
    b.grant(file).await;
    for text in ["one", "two", "three"] {
        a.flow.consult(&a.first, file, text).await.unwrap();
        b.flow.consult(&b.first, file, text).await.unwrap();
    }
    while !waiting(a, file).await.is_empty() || !waiting(b, file).await.is_empty() {
        a.pouch(b).await;
        b.pouch(a).await;
    }
    for (from, to) in [(a, b), (b, a)] {
        let sent = letters(from, file, "sent").await;
        assert!(sent.len() >= 4 && sent.iter().all(|(_, _, receipt)| receipt.is_some()), "{sent:?}");
        assert_eq!(sent, letters(to, file, "received").await);
    }
}

/// MISP#8449, melicertes/csp#22: names of sharing groups reached parties that had nothing to do with them.
#[tokio::test(flavor = "multi_thread")]
async fn misp_8449_a_third_state_learns_nothing_of_what_two_others_say() {
    let mut world = World::new().await;
    world.c.start().await;
    world.b.start().await;
    let before = world.c.mark().await;
    let file = world.a.ask_and_wait(&world.b, treaty::Kind::PRESERVATION).await;
    assert_eq!(world.c.mark().await, before);
    assert!(world.c.flow.timeline(file).await.is_err());
    // The envelope itself does not help a third State: it is neither taken in nor opened there.
    let id = world.a.flow.timeline(file).await.unwrap().letters[0].envelope;
    let answer = world.a.hand_over(&world.c, world.a.envelope(id).await).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "P-520"));
    assert_eq!(world.c.mark().await, before);
}
