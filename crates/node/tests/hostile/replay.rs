//! The same again: one row and the identical receipt bytes for the same envelope, a refusal for a copy of it.

use crate::fixture::{DAY, World, at_rest, client, post, tls_to};
use exchange::Envelope;
use std::collections::BTreeSet;
use tokio::task::JoinSet;
use vocabulary::{EnvelopeId, OfficeFunction};

async fn serving() -> World {
    let mut world = World::new().await;
    world.a.start().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_envelope_again_gets_the_identical_receipt_for_ever() {
    let mut world = serving().await;
    let id = world.b.plant_words(&world.a).await;
    let first = world.b.deliver(&world.a, id).await;
    at_rest(&world.a).await;
    let before = world.a.mark().await;
    // Sent again, the envelope names another time and another head of the sender's log.
    world.b.plant_words(&world.a).await;
    assert_eq!(world.b.hand_over(&world.a, world.b.envelope(id).await).await.receipt(), first);
    world.a.restart().await;
    assert_eq!(world.b.hand_over(&world.a, world.b.envelope(id).await).await.receipt(), first);
    for node in [&world.a, &world.b] {
        node.clock.forward(DAY * 11);
    }
    assert_eq!(world.b.hand_over(&world.a, world.b.envelope(id).await).await.receipt(), first);
    assert!(!world.b.flow.settle(id, &first).await.unwrap().first);
    at_rest(&world.a).await;
    assert_eq!(world.a.mark().await, before);
    world.still_works().await;
}

/// An honest envelope under another id.
fn renamed(bytes: &[u8], id: EnvelopeId) -> Vec<u8> {
    let (mut envelope, _) = Envelope::from_json(bytes).unwrap();
    envelope.envelope = id;
    envelope.to_json().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_statement_under_a_new_id_and_a_known_id_with_another_statement_are_refused() {
    let world = serving().await;
    let known = world.b.plant_words(&world.a).await;
    let receipt = world.b.deliver(&world.a, known).await;
    at_rest(&world.a).await;
    let other = world.b.plant_words(&world.a).await;
    let before = world.a.mark().await;

    let copied = renamed(&world.b.envelope(known).await, other);
    let answer = world.b.hand_over(&world.a, copied).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "P-527"));

    let replaced = renamed(&world.b.envelope(other).await, known);
    let answer = world.b.hand_over(&world.a, replaced).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "P-526"));

    assert_eq!(world.a.mark().await, before);
    assert_eq!(world.b.hand_over(&world.a, world.b.envelope(known).await).await.receipt(), receipt);
    world.b.deliver(&world.a, other).await;
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_deliveries_at_once_make_one_row_and_one_receipt() {
    let world = serving().await;
    let id = world.b.plant_words(&world.a).await;
    let bytes = world.b.envelope(id).await;
    let before = world.a.audit().await.received;
    let receipts = at_once(&world, vec![bytes; 32]).await;
    assert_eq!(receipts.iter().collect::<BTreeSet<_>>().len(), 1);
    assert!(world.b.flow.settle(id, &receipts[0]).await.unwrap().first);
    assert_eq!(world.a.audit().await.received, before + 1);
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_envelopes_at_once_get_their_own_receipts() {
    let world = serving().await;
    let before = world.a.audit().await.received;
    let mut ids = Vec::new();
    for _ in 0..64 {
        ids.push(world.b.plant_words(&world.a).await);
    }
    let mut envelopes = Vec::new();
    for id in &ids {
        envelopes.push(world.b.envelope(*id).await);
    }
    let receipts = at_once(&world, envelopes).await;
    assert_eq!(receipts.iter().collect::<BTreeSet<_>>().len(), 64);
    for (id, receipt) in ids.iter().zip(&receipts) {
        // Settling checks that the receipt names this envelope, this digest and its own leaf.
        assert!(world.b.flow.settle(*id, receipt).await.unwrap().first);
    }
    for (id, receipt) in ids.iter().zip(&receipts).skip(1) {
        let other = world.b.flow.settle(ids[0], receipt).await.unwrap_err();
        assert_eq!(vocabulary::Failure::code(&other), "P-534", "{id}");
    }
    assert_eq!(world.a.audit().await.received, before + 64);
    world.still_works().await;
}

/// Hands all envelopes over at the same time on several connections; receipts come in the same order.
async fn at_once(world: &World, envelopes: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut set = JoinSet::new();
    let clients: Vec<_> = (0..4).map(|_| client(tls_to(&world.a, Some(world.b.identity())))).collect();
    for (number, bytes) in envelopes.into_iter().enumerate() {
        let client = clients[number % clients.len()].clone();
        let url = world.a.url("/v1/inbox");
        set.spawn(async move {
            let answer = client.post(url).body(bytes).send().await.unwrap();
            let status = answer.status();
            (number, status, answer.bytes().await.unwrap().to_vec())
        });
    }
    let mut receipts = set.join_all().await;
    receipts.sort_by_key(|(number, _, _)| *number);
    receipts
        .into_iter()
        .map(|(_, status, body)| {
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            body
        })
        .collect()
}

/// Whoever replays what another State sent is not the one that sent it.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_taken_from_another_states_envelope_is_not_ones_own() {
    let world = serving().await;
    let stolen = world.b.plant_words(&world.a).await;
    let (mut envelope, _) = Envelope::from_json(&world.b.envelope(stolen).await).unwrap();
    envelope.from = world.c.office(OfficeFunction::ContactPoint);
    let before = world.a.mark().await;
    let answer = post(&world.c.client(&world.a), &world.a, envelope.to_json().unwrap()).await;
    assert_eq!(answer.status.as_u16(), 422);
    assert_eq!(world.a.mark().await, before);
    world.b.deliver(&world.a, stolen).await;
    world.still_works().await;
}
