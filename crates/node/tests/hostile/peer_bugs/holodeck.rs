//! What users of Holodeck B2B suffered.

use super::{World, at_rest, broken_off, count, file_of_both, taken, waiting};
use crate::{
    disk::SmallDisk,
    fixture::{HOUR, new_file},
};
use exchange::Message;
use flow::HandedBy;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use treaty::Kind;
use vocabulary::{Digest, OfficeFunction};

const CONTACT: OfficeFunction = OfficeFunction::ContactPoint;

/// Holodeck-B2B#142: a receipt for a duplicate although the first delivery had failed, so a false proof of delivery.
#[tokio::test(flavor = "multi_thread")]
async fn holodeck_142_a_duplicate_of_a_failed_delivery_gets_no_receipt() {
    let place = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(place.path(), 8) else { return };
    let mut world = World::with_b_in(place.path()).await;
    world.b.start().await;
    let (a, b) = (&world.a, &world.b);
    disk.fill();
    let mut failed = None;
    for _ in 0..200 {
        let message = Message::Consultation { text: "w".repeat(60_000) };
        let id = a.plant(b, new_file(), CONTACT, a.key(CONTACT), message).await;
        if a.hand_over(b, a.envelope(id).await).await.status != 200 {
            failed = Some(id);
            break;
        }
        disk.fill();
    }
    let failed = failed.expect("the disk is full");
    for _ in 0..5 {
        let answer = a.hand_over(b, a.envelope(failed).await).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (507, "F-002"));
        assert!(b.inbox(a, failed).await.is_none());
    }
    disk.free();
    let receipt = a.deliver(b, failed).await;
    assert_eq!(b.inbox(a, failed).await.unwrap().receipt, receipt);
    world.a.start().await;
    world.still_works().await;
}

/// Holodeck-B2B#142 in every other way: the first delivery breaks off at any of its steps, and then comes again.
#[tokio::test(flavor = "multi_thread")]
async fn holodeck_142_a_delivery_broken_off_at_any_step_is_receipted_once_it_is_durable() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let mut broken = 0;
    for _ in 0..8 {
        for steps in 0..500 {
            let id = b.plant_words(a).await;
            let bytes = b.envelope(id).await;
            let first = broken_off(a.flow.take_in(&bytes, HandedBy::Peer(b.state())), steps).await;
            let stored = a.inbox(b, id).await;
            let again = taken(b, a, id).await;
            // What was durable keeps its receipt; what was not gets its first one.
            assert!(stored.is_none_or(|row| row.receipt == again), "after {steps} steps");
            assert_eq!(a.inbox(b, id).await.unwrap().receipt, again);
            assert!(b.flow.settle(id, &again).await.unwrap().first);
            if let Some(first) = first {
                assert_eq!(first.unwrap(), again);
                break;
            }
            broken += 1;
        }
    }
    assert!(broken > 5, "only {broken} deliveries broke off");
    assert_eq!(a.audit().await.received, broken + 8);
}

/// Holodeck-B2B#128 (6.0.1): a receipt and, at once, "missing receipt" for the same message.
#[tokio::test(flavor = "multi_thread")]
async fn holodeck_128_no_receipt_beside_missing_receipt() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let mut files = Vec::new();
    for _ in 0..8 {
        files.push(a.ask(b, Kind::PRESERVATION).await);
    }
    a.flow.discharge_due().await.unwrap();
    for node in [a, b] {
        node.clock.forward(HOUR * 30);
    }
    let attempts = a.flow.attempts_due().await.unwrap();
    assert_eq!(attempts.len(), 8);
    for attempt in &attempts {
        let receipt = taken(a, b, attempt.envelope).await;
        let settle = a.flow.settle(attempt.envelope, &receipt);
        // The worker that saw no answer, the one that looks for receipts, and the receipt: all at once.
        let late = a.flow.attempt_failed(attempt, "timed out");
        let (settled, looked, late) = tokio::join!(settle, a.flow.look_for_receipts(), late);
        assert!(settled.unwrap().first && looked.is_ok() && late.is_ok());
    }
    a.clock.forward(HOUR * 48);
    a.flow.look_for_receipts().await.unwrap();
    for file in files {
        let steps = a.flow.timeline(file).await.unwrap().steps;
        let came =
            steps.iter().position(|step| step.ladder == "transport" && step.what == "delivered").unwrap();
        assert!(steps[came..].iter().all(|step| step.what != "receipt-missing"), "{steps:#?}");
        let letters = a.flow.timeline(file).await.unwrap().letters;
        assert!(letters.iter().all(|letter| letter.proof == "delivered" && letter.trouble.is_none()));
    }
    assert!(a.flow.attempts_due().await.unwrap().is_empty(), "what is receipted is not sent again");
}

/// Holodeck-B2B#117: duplicates were detected, and delivered to the back end all the same.
#[tokio::test(flavor = "multi_thread")]
async fn holodeck_117_a_duplicate_is_not_delivered_to_the_file_again() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let file = file_of_both(&world).await;
    a.flow.consult(&a.first, file, "once").await.unwrap();
    let id = waiting(a, file).await[0];
    let receipt = taken(a, b, id).await;
    assert_eq!(taken(a, b, id).await, receipt);
    b.flow.record_stored().await.unwrap();
    for _ in 0..3 {
        assert_eq!(taken(a, b, id).await, receipt);
        b.flow.record_stored().await.unwrap();
    }
    assert_eq!(count(b, file, "consulted").await, 1);
}

/// Holodeck B2B before 8.1.0: a message counted as a duplicate although it was never processed to its end.
#[tokio::test(flavor = "multi_thread")]
async fn holodeck_810_what_was_receipted_and_not_opened_is_opened_after_its_duplicate() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let file = file_of_both(&world).await;
    a.flow.consult(&a.first, file, "words").await.unwrap();
    let id = waiting(a, file).await[0];
    // The process ended between the receipt and the opening; the sender did not hear of it.
    let receipt = taken(a, b, id).await;
    let later = b.home.flow_at(b.clock.clone()).await.unwrap();
    let again = later.take_in(&a.envelope(id).await, HandedBy::Peer(a.state())).await.unwrap();
    assert_eq!(again, receipt);
    let mut steps = 0;
    // The opening itself is broken off at every step, and is done once.
    while broken_off(later.record_stored(), steps).await.is_none() {
        assert!(count(b, file, "consulted").await <= 1);
        steps += 1;
    }
    later.record_stored().await.unwrap();
    assert!(steps > 3, "only {steps} steps");
    assert_eq!(count(b, file, "consulted").await, 1);
    b.audit().await;
}

/// Holodeck-B2B#156 (7.0.0): every payload was sent with the same data.
#[tokio::test(flavor = "multi_thread")]
async fn holodeck_156_every_payload_is_its_own() {
    let mut world = World::new().await;
    world.b.start().await;
    world.a.start().await;
    let (a, b) = (&world.a, &world.b);
    let file = a.ask_and_wait(b, Kind::PRESERVATION).await;
    let words: Vec<String> = (0..20).map(|number| format!("words number {number}")).collect();
    for text in &words {
        a.flow.consult(&a.first, file, text).await.unwrap();
    }
    crate::fixture::until("all words", async || (count(b, file, "consulted").await == 20).then_some(()))
        .await;
    let texts = b.flow.texts(file).await.unwrap();
    let came: Vec<String> = texts.into_iter().filter_map(|text| text.text).collect();
    assert_eq!(came, words);
    let letters = b.flow.timeline(file).await.unwrap().letters;
    let sealed: BTreeSet<_> = letters.iter().map(|letter| letter.sealed).collect();
    assert_eq!(sealed.len(), letters.len());
}

/// Holodeck-B2B#95, #101, #129: is the payload copied or moved? It changed between versions, and disks filled up.
#[tokio::test(flavor = "multi_thread")]
async fn holodeck_95_what_is_taken_in_is_copied_once_and_the_source_is_left_alone() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let file = a.ask(b, Kind::STORED_DATA).await;
    a.pouch(b).await;
    b.grant(file).await;
    let source = world.place.join("source");
    fs::create_dir(&source).unwrap();
    let content: Vec<u8> =
        (0..300_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(source.join("disk.img"), &content).unwrap();
    let before = tree(&source);
    b.seal_evidence(file, &source).await;
    assert_eq!(tree(&source), before, "neither moved nor changed");
    let bytes: usize = tree(b.folder().path()).values().map(|(length, _)| length).sum();
    let database = fs::metadata(b.folder().database()).unwrap().len();
    let most = content.len() * 3 + usize::try_from(database).unwrap() + (6 << 20);
    assert!(bytes < most, "{bytes} bytes in the node for {} of evidence", content.len());
}

/// Length and digest of every file below `folder`.
fn tree(folder: &Path) -> BTreeMap<PathBuf, (usize, Digest)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.metadata().unwrap().is_dir() {
            found.extend(tree(&entry.path()));
        } else {
            let bytes = fs::read(entry.path()).unwrap();
            found.insert(entry.path(), (bytes.len(), Digest::of(&bytes)));
        }
    }
    found
}

/// Holodeck-B2B#106, #133: the first message failed for want of a P-Mode; configuration was the barrier.
#[tokio::test(flavor = "multi_thread")]
async fn holodeck_106_the_first_message_needs_nothing_but_two_descriptors() {
    let mut world = World::new().await;
    world.a.start().await;
    world.b.start().await;
    world.a.ask_and_wait(&world.b, Kind::PRESERVATION).await;
    for (node, peer) in [(&world.a, &world.b), (&world.b, &world.a)] {
        assert!(node.findings(peer).await.is_empty());
    }
}

/// Holodeck B2B 6.1.1: records of payloads were left behind that belonged to no message.
#[tokio::test(flavor = "multi_thread")]
async fn holodeck_611_a_refused_delivery_leaves_no_orphan() {
    let mut world = World::new().await;
    world.a.start().await;
    let (a, b) = (&world.a, &world.b);
    let honest = b.plant_words(a).await;
    b.deliver(a, honest).await;
    at_rest(a).await;
    let files = |node: &crate::fixture::Node| {
        let names = tree(node.folder().path()).into_keys();
        names.filter(|path| !path.to_string_lossy().contains("sqlite")).collect::<BTreeSet<_>>()
    };
    let (mark, before, found) = (a.mark().await, files(a), a.findings(b).await);
    for _ in 0..10 {
        let mut bytes = b.envelope(b.plant_words(a).await).await;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        assert_ne!(b.hand_over(a, bytes).await.status, 200);
    }
    assert_eq!((a.mark().await, files(a)), (mark, before));
    assert_eq!(a.findings(b).await, found);
}
