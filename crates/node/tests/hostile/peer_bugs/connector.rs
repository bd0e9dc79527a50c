//! What users of the e-CODEX connector and of Domibus suffered.

use super::{World, file_of_both, read, taken, waiting};
use crate::{
    door::certified,
    fixture::{HOUR, Node, client, example, post, tls_to, until},
};
use flow::HandedBy;
use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use treaty::Kind;

/// connector 4.4.4, 4.4.5: processing stalled because the source of a revocation list did not answer.
#[tokio::test(flavor = "multi_thread")]
async fn connector_444_unreachable_revocation_does_not_stall() {
    let mut world = World::new().await;
    world.a.start().await;
    // A responder that takes every connection and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/root.crl", silent.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    std::thread::spawn(move || {
        let held: Vec<_> = silent
            .incoming()
            .inspect(|_| {
                counted.fetch_add(1, Ordering::SeqCst);
            })
            .collect();
        drop(held);
    });
    let identity = certified(&world, "XB:node", |params| {
        params.crl_distribution_points = vec![rcgen::CrlDistributionPoint { uris: vec![url.clone()] }];
        // Authority information access with an OCSP responder (RFC 5280, 4.2.2.1).
        let [access, ocsp] = [&[0x30_u8][..], &[0x06, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 1]];
        let address = [&[0x86, u8::try_from(url.len()).unwrap()], url.as_bytes()].concat();
        let inner = [ocsp, &address].concat();
        let inner = [&[0x30, u8::try_from(inner.len()).unwrap()], &inner[..]].concat();
        let whole = [access, &[u8::try_from(inner.len()).unwrap()], &inner].concat();
        let extension = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], whole);
        params.custom_extensions.push(extension);
    });
    let id = world.b.plant_words(&world.a).await;
    let began = Instant::now();
    let client = client(tls_to(&world.a, Some(identity)));
    let receipt = post(&client, &world.a, world.b.envelope(id).await).await.receipt();
    assert!(world.b.flow.settle(id, &receipt).await.unwrap().first);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nobody is asked while a message waits");
}

/// Open files of this process.
fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// connector 4.1.3, 4.3.2: files were never closed, until there were "too many open files".
#[tokio::test(flavor = "multi_thread")]
async fn connector_413_open_files_do_not_grow() {
    let mut world = World::alone().await;
    world.a.start().await;
    let work = async |times: usize| {
        for number in 0..times {
            let id = world.b.plant_words(&world.a).await;
            world.b.deliver(&world.a, id).await;
            // A connection that breaks in the middle, one that never speaks, and a package that is not there.
            let mut broken = TcpStream::connect(world.a.address()).unwrap();
            let _ = broken.write_all(&[22, 3, 1, 2, 0, 1]);
            drop(TcpStream::connect(world.a.address()).unwrap());
            if number % 8 == 0 {
                let path = format!("/v1/packages/{}/bagit.txt", uuid::Uuid::now_v7());
                let answer = world.c.client(&world.a).get(world.a.url(&path)).send().await.unwrap();
                assert_eq!(answer.status(), 404);
            }
        }
    };
    work(16).await;
    let before = open_files();
    work(150).await;
    let after = until("closed files", async || Some(open_files()).filter(|now| *now <= before + 12)).await;
    assert!(after <= before + 12, "{before} became {after}");
}

/// connector 4.1.3: no NON_DELIVERY came into being when the push failed.
#[tokio::test(flavor = "multi_thread")]
async fn connector_413_a_push_that_fails_is_recorded_and_shown() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let file = a.ask(b, Kind::PRESERVATION).await;
    a.flow.discharge_due().await.unwrap();
    for attempt in a.flow.attempts_due().await.unwrap() {
        a.flow.attempt_failed(&attempt, "connection refused").await.unwrap();
    }
    a.clock.forward(HOUR * 25);
    a.flow.look_for_receipts().await.unwrap();
    assert_eq!(super::count(a, file, "receipt-missing").await, 1);
    assert_eq!(a.findings(b).await, ["P-545"]);
}

/// connector 4.2.10, 4.3.0: the database deadlocked under load.
#[tokio::test(flavor = "multi_thread")]
async fn connector_430_writers_under_load_do_not_lock_each_other_out() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let mut envelopes = Vec::new();
    for _ in 0..24 {
        envelopes.push(b.plant_words(a).await);
    }
    let mut set = JoinSet::new();
    // Four officers' programs draft while the node takes in and opens: each has connections of its own.
    for _ in 0..4 {
        let flow = a.home.flow_at(a.clock.clone()).await.unwrap();
        let (officer, mut draft) = (a.first.clone(), example(Kind::PRESERVATION, a.flow.now()));
        draft.to = Some(b.state());
        set.spawn(async move {
            for _ in 0..6 {
                flow.draft(&officer, &draft).await.unwrap();
            }
        });
    }
    for id in &envelopes {
        let (flow, bytes, from) = (a.flow.clone(), b.envelope(*id).await, b.state());
        set.spawn(async move {
            flow.take_in(&bytes, HandedBy::Peer(from)).await.unwrap();
            flow.record_stored().await.unwrap();
        });
    }
    while let Some(done) = set.join_next().await {
        done.unwrap();
    }
    let audit = a.audit().await;
    assert_eq!((audit.received, audit.files), (24, 24));
}

/// connector 4.2.9: evidences named wrong times, senders and recipients.
#[tokio::test(flavor = "multi_thread")]
async fn connector_429_a_receipt_names_both_times_and_the_right_offices() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    b.clock.forward(HOUR);
    let id = a.plant_words(b).await;
    let sent = a.flow.now();
    let receipt = taken(a, b, id).await;
    let said = read(&receipt, b);
    let row = a.outbox(id).await;
    assert_eq!((said.from, said.to), (b.office(vocabulary::OfficeFunction::Node), row.sender));
    assert_eq!((said.envelope, said.digest), (id, row.sealed_digest));
    assert!(said.sent_at.since(sent) < Duration::from_secs(60), "the sender's time by the sender's clock");
    let apart = said.received_at.since(said.sent_at);
    assert!(apart >= HOUR && apart < HOUR + Duration::from_secs(60), "the receiver's by the receiver's");
}

/// Several versions of the connector: words outside ASCII arrived changed.
#[tokio::test(flavor = "multi_thread")]
async fn connector_unicode_words_arrive_as_they_were_written() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let file = file_of_both(&world).await;
    let words = [
        "Yêu cầu bảo quản dữ liệu: Nguyễn Thị Hồng",
        "طلب الحفظ العاجل للبيانات \u{200f}(المادة 42)",
        "保全請求 \u{1F512} 한국어 עברית",
        // The same letter in two forms stays two forms.
        "e\u{301} \u{e9} \u{fb01} \u{2028} \u{feff} \"quoted\" \\ <&> \u{0}",
    ];
    for text in words {
        a.flow.consult(&a.first, file, text).await.unwrap();
    }
    a.pouch(b).await;
    // Of one file, one envelope at a time.
    while !waiting(a, file).await.is_empty() {
        a.pouch(b).await;
    }
    let texts = b.flow.texts(file).await.unwrap();
    let came: Vec<_> = texts.into_iter().filter_map(|text| text.text).collect();
    assert_eq!(came, words);
}

/// Every file below a folder of keys.
fn secrets(node: &Node) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for folder in ["keys", "root"] {
        let files = fs::read_dir(node.folder().path().join(folder)).unwrap().flatten();
        found.extend(files.map(|entry| fs::read(entry.path()).unwrap()));
    }
    assert!(found.len() > 8, "{}", found.len());
    found
}

/// Domibus and the connector ship passwords: test123, edelivery, changeit.
#[tokio::test(flavor = "multi_thread")]
async fn connector_default_passwords_two_nodes_made_alike_share_no_secret() {
    let world = World::new().await;
    let (of_a, of_b) = (secrets(&world.a), secrets(&world.b));
    assert_eq!(of_a.intersection(&of_b).count(), 0);
    assert_ne!(world.a.first.token, world.b.first.token);
    for node in [&world.a, &world.b] {
        let text = fs::read_to_string(node.folder().configuration()).unwrap().to_lowercase();
        assert!(["password", "secret", "token"].iter().all(|word| !text.contains(word)), "{text}");
    }
}

/// Domibus never purges addressing, and back ends put the case number in ConversationId, where everybody reads it.
#[tokio::test(flavor = "multi_thread")]
async fn connector_conversation_id_no_number_of_a_case_is_outside_the_seal() {
    let world = World::new().await;
    let (a, b) = (&world.a, &world.b);
    let file = a.ask(b, Kind::PRESERVATION).await;
    let draft = example(Kind::PRESERVATION, a.flow.now());
    let id = waiting(a, file).await[0];
    let envelope = a.envelope(id).await;
    let receipt = taken(a, b, id).await;
    let mut words = vec![file.to_string(), "preservation".to_owned()];
    words.extend(draft.reference.iter().map(ToString::to_string));
    for (what, bytes) in [("envelope", envelope), ("receipt", receipt)] {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for word in &words {
            assert!(!text.contains(&word.to_lowercase()), "the {what} shows `{word}`");
        }
    }
}
