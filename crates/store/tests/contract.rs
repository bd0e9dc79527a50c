//! What every backend of the store must do: write, read back, refuse conflicts, forget what was not committed.

#![cfg(test)]

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use store::{
    CosignatureRow, FindingRow, HaltRow, HeadRow, InboxRow, InboxState, Ladder, LawRow, NewEvent, NodeRow,
    OfficerRow, OutboxRow, OversightRow, PeerRow, Store, StoreFault, ViewRow, WitnessedRow,
};
use tempfile::TempDir;
use vocabulary::{Digest, EnvelopeId, Failure, FileId, Instant, OfficerId, StateCode};

struct Bench {
    store: Store,
    folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&path_in(folder.path())).await.unwrap();
        Self { store, folder }
    }

    fn path(&self) -> PathBuf {
        path_in(self.folder.path())
    }
}

fn path_in(folder: &Path) -> PathBuf {
    folder.join("rogatory.sqlite3")
}

fn at(second: i64) -> Instant {
    Instant::from_micros(second * 1_000_000 + 7)
}

fn uuid(last: u8) -> String {
    format!("0193a8f0-0000-7000-8000-0000000000{last:02x}")
}

fn file(last: u8) -> FileId {
    uuid(last).parse().unwrap()
}

fn envelope(last: u8) -> EnvelopeId {
    uuid(last).parse().unwrap()
}

fn peer(code: &str) -> StateCode {
    code.parse().unwrap()
}

fn officer(name: &str) -> OfficerId {
    name.parse().unwrap()
}

fn event(of: u8, leaf: u64) -> NewEvent {
    NewEvent {
        file: file(of),
        ladder: if leaf.is_multiple_of(2) { Ladder::Legal } else { Ladder::Transport },
        actor: officer("d.asare"),
        at: at(3),
        body: format!("event at {leaf}").into_bytes(),
        salt: [leaf as u8; 32],
        leaf,
    }
}

fn outbox(number: u8) -> OutboxRow {
    OutboxRow {
        envelope: envelope(number),
        peer: peer("XB"),
        sender: "XA/contact-point".parse().unwrap(),
        addressee: "XB/contact-point".parse().unwrap(),
        file: file(1),
        kind: "request".to_owned(),
        sealed: vec![number; 10],
        sealed_digest: Digest::of(&[number; 10]),
        salt: vec![number; 32],
        leaf: u64::from(number),
        queued_at: at(i64::from(number)),
        next_attempt: at(i64::from(number)),
        attempts: 0,
        trouble: None,
        thresholds: 0,
        delivered_at: None,
        refused_at: None,
        receipt: None,
    }
}

fn inbox(number: u8) -> InboxRow {
    InboxRow {
        peer: peer("XA"),
        envelope: envelope(number),
        addressee: "XB/contact-point".parse().unwrap(),
        sealed_digest: Digest::of(&[number]),
        sealed: vec![number],
        receipt: vec![number, 1],
        received_at: at(i64::from(number)),
        leaf: u64::from(number),
        state: InboxState::Stored,
        file: None,
        code: None,
    }
}

/// Runs one write transaction and commits it.
macro_rules! write {
    ($store:expr, |$write:ident| $body:expr) => {{
        let mut $write = $store.write().await.unwrap();
        let result = $body;
        $write.commit().await.unwrap();
        result
    }};
}

/// Runs one query in a fresh reading session.
macro_rules! read {
    ($store:expr, $query:ident($($argument:expr),*)) => {{
        let mut read = $store.read().await.unwrap();
        read.queries().$query($($argument),*).await.unwrap()
    }};
}

fn is_conflict(result: &Result<(), StoreFault>, in_table: &str) -> bool {
    matches!(result, Err(StoreFault::Conflict { table, .. }) if *table == in_table)
}

#[tokio::test]
async fn settings_are_replaced() {
    let bench = Bench::new().await;
    assert_eq!(read!(bench.store, setting("a")), None);
    write!(bench.store, |write| write.put_setting("a", b"1").await.unwrap());
    write!(bench.store, |write| write.put_setting("a", b"2").await.unwrap());
    assert_eq!(read!(bench.store, setting("a")), Some(b"2".to_vec()));
}

#[tokio::test]
async fn events_come_back_in_order_and_to_the_byte() {
    let bench = Bench::new().await;
    write!(bench.store, |write| {
        write.append_event(1, &event(1, 1)).await.unwrap();
        write.append_event(0, &event(1, 0)).await.unwrap();
        write.append_event(0, &event(2, 2)).await.unwrap();
    });
    let events = read!(bench.store, events(file(1)));
    assert_eq!(events.iter().map(|e| e.sequence).collect::<Vec<_>>(), [0, 1]);
    let (first, wanted) = (&events[0], event(1, 0));
    assert_eq!(
        (first.file, first.ladder, &first.actor, first.at),
        (wanted.file, wanted.ladder, &wanted.actor, wanted.at)
    );
    assert_eq!((&first.body, first.salt.as_slice(), first.leaf), (&wanted.body, wanted.salt.as_slice(), 0));
    assert_eq!(events[1].ladder, Ladder::Transport);
    let from = read!(bench.store, events_from(1, 10));
    assert_eq!(from.iter().map(|e| e.leaf).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(read!(bench.store, events_from(0, 1)).len(), 1);
    assert!(read!(bench.store, events(file(9))).is_empty());
}

#[tokio::test]
async fn a_sequence_number_or_a_leaf_that_is_taken_is_a_conflict() {
    let bench = Bench::new().await;
    write!(bench.store, |write| write.append_event(0, &event(1, 0)).await.unwrap());
    let mut write = bench.store.write().await.unwrap();
    let taken = write.append_event(0, &event(1, 5)).await;
    assert!(is_conflict(&taken, "events"));
    assert_eq!(taken.unwrap_err().code(), "F-004");
    assert!(is_conflict(&write.append_event(1, &event(1, 0)).await, "events"));
    drop(write);
    assert_eq!(read!(bench.store, events(file(1)))[0].body, event(1, 0).body);
}

#[tokio::test]
async fn a_duty_is_added_once_put_off_and_discharged() {
    let bench = Bench::new().await;
    write!(bench.store, |write| {
        write.add_duty("b", file(1), b"later", at(20)).await.unwrap();
        write.add_duty("a", file(1), b"first", at(10)).await.unwrap();
        write.add_duty("a", file(2), b"again", at(1)).await.unwrap();
    });
    let due = read!(bench.store, duties_due(at(10), 10));
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].id.as_str(), due[0].body.as_slice(), due[0].file), ("a", &b"first"[..], file(1)));
    assert_eq!(read!(bench.store, duties_due(at(30), 1)).len(), 1, "the limit holds");
    write!(bench.store, |write| write.postpone_duty("a", at(15), "F-003: busy").await.unwrap());
    let open = read!(bench.store, duties_open());
    assert_eq!((open[0].attempts, open[0].trouble.as_deref(), open[0].due), (1, Some("F-003: busy"), at(15)));
    assert!(read!(bench.store, duties_due(at(14), 10)).is_empty());
    assert!(read!(bench.store, duty_open("a")));
    write!(bench.store, |write| write.discharge_duty("a", at(16)).await.unwrap());
    assert!(!read!(bench.store, duty_open("a")));
    assert!(!read!(bench.store, duty_open("never")));
    assert_eq!(read!(bench.store, duties_open()).len(), 1);
    write!(bench.store, |write| write.add_duty("a", file(1), b"first", at(10)).await.unwrap());
    assert!(!read!(bench.store, duty_open("a")), "a discharged duty does not come back");
}

#[tokio::test]
async fn the_outbox_keeps_an_envelope_until_its_first_receipt() {
    let bench = Bench::new().await;
    write!(bench.store, |write| {
        write.add_outbox(&outbox(2)).await.unwrap();
        write.add_outbox(&outbox(1)).await.unwrap();
    });
    let mut write = bench.store.write().await.unwrap();
    assert!(is_conflict(&write.add_outbox(&outbox(1)).await, "outbox"));
    drop(write);
    let row = read!(bench.store, outbox(envelope(1))).unwrap();
    let wanted = outbox(1);
    assert_eq!((row.sealed, row.sealed_digest, row.salt), (wanted.sealed, wanted.sealed_digest, wanted.salt));
    assert_eq!(
        (row.sender, row.addressee, row.leaf, row.kind),
        (wanted.sender, wanted.addressee, 1, wanted.kind)
    );
    let due = read!(bench.store, outbox_due(at(5), 10));
    assert_eq!(
        due.iter().map(|r| r.envelope).collect::<Vec<_>>(),
        [envelope(1)],
        "of one file the oldest first"
    );
    write!(bench.store, |write| {
        write.retry_outbox(envelope(1), at(50), "unreachable").await.unwrap();
        write.pass_threshold(envelope(1), 2).await.unwrap();
        write.pass_threshold(envelope(1), 1).await.unwrap();
    });
    let row = read!(bench.store, outbox(envelope(1))).unwrap();
    assert_eq!((row.attempts, row.trouble.as_deref(), row.thresholds), (1, Some("unreachable"), 2));
    assert!(read!(bench.store, outbox_due(at(49), 10)).is_empty(), "the second waits for the first");
    assert_eq!(read!(bench.store, outbox_due(at(50), 10)).len(), 1);
    assert_eq!(read!(bench.store, outbox_waiting()).len(), 2);
    assert!(write!(bench.store, |write| write
        .deliver_outbox(envelope(1), at(60), b"receipt")
        .await
        .unwrap()));
    assert!(!write!(bench.store, |write| write
        .deliver_outbox(envelope(1), at(61), b"second")
        .await
        .unwrap()));
    // An attempt that ran out after the receipt had come by another road says nothing any more.
    write!(bench.store, |write| write.retry_outbox(envelope(1), at(90), "timed out").await.unwrap());
    let row = read!(bench.store, outbox(envelope(1))).unwrap();
    assert_eq!((row.delivered_at, row.receipt, row.trouble), (Some(at(60)), Some(b"receipt".to_vec()), None));
    assert_eq!(read!(bench.store, outbox_waiting()).len(), 1);
    assert_eq!(read!(bench.store, outbox_of(file(1))).len(), 2);
    assert_eq!(read!(bench.store, outbox_all()).len(), 2);
}

#[tokio::test]
async fn a_long_queue_for_one_peer_leaves_room_for_another() {
    let bench = Bench::new().await;
    write!(bench.store, |write| {
        for number in 1..=5 {
            let file = file(number);
            write.add_outbox(&OutboxRow { file, ..outbox(number) }).await.unwrap();
        }
        let (file, peer) = (file(6), peer("XC"));
        write.add_outbox(&OutboxRow { file, peer, ..outbox(6) }).await.unwrap();
    });
    let due = read!(bench.store, outbox_due(at(9), 2));
    let due: Vec<_> = due.into_iter().map(|row| row.envelope).collect();
    assert_eq!(due, [envelope(1), envelope(2), envelope(6)]);
}

#[tokio::test]
async fn a_refused_envelope_waits_no_longer_and_a_delivered_one_cannot_be_refused() {
    let bench = Bench::new().await;
    write!(bench.store, |write| {
        write.add_outbox(&outbox(1)).await.unwrap();
        write.refuse_outbox(envelope(1), at(9), "P-520").await.unwrap();
    });
    assert!(read!(bench.store, outbox_waiting()).is_empty());
    assert!(read!(bench.store, outbox_due(at(99), 9)).is_empty());
    assert!(write!(bench.store, |write| write.deliver_outbox(envelope(1), at(10), b"r").await.unwrap()));
    write!(bench.store, |write| write.refuse_outbox(envelope(1), at(11), "P-521").await.unwrap());
    let row = read!(bench.store, outbox(envelope(1))).unwrap();
    assert_eq!((row.refused_at, row.delivered_at), (None, Some(at(10))));
}

#[tokio::test]
async fn the_inbox_takes_an_envelope_once_by_id_and_once_by_content() {
    let bench = Bench::new().await;
    write!(bench.store, |write| write.add_inbox(&inbox(1)).await.unwrap());
    let mut write = bench.store.write().await.unwrap();
    let other_content =
        InboxRow { sealed_digest: Digest::of(b"other"), receipt: b"second".to_vec(), ..inbox(1) };
    assert!(is_conflict(&write.add_inbox(&other_content).await, "inbox"));
    let other_id = InboxRow { envelope: envelope(2), ..inbox(1) };
    assert!(is_conflict(&write.add_inbox(&other_id).await, "inbox"));
    let other_peer = InboxRow { peer: peer("XC"), ..inbox(1) };
    assert!(write.add_inbox(&other_peer).await.is_ok());
    drop(write);
    let row = read!(bench.store, inbox(peer("XA"), envelope(1))).unwrap();
    assert_eq!((row.receipt, row.sealed, row.state), (vec![1, 1], vec![1], InboxState::Stored));
    assert_eq!(read!(bench.store, inbox_by_digest(peer("XA"), Digest::of(&[1]))), Some(envelope(1)));
    assert_eq!(read!(bench.store, inbox_by_digest(peer("XC"), Digest::of(&[1]))), None);
    assert!(read!(bench.store, inbox(peer("XC"), envelope(1))).is_none());
}

#[tokio::test]
async fn a_settled_envelope_keeps_its_receipt_and_waits_no_longer() {
    let bench = Bench::new().await;
    write!(bench.store, |write| {
        for number in [3, 1, 2] {
            write.add_inbox(&inbox(number)).await.unwrap();
        }
    });
    let stored = read!(bench.store, inbox_stored(2));
    assert_eq!(stored.iter().map(|r| r.envelope).collect::<Vec<_>>(), [envelope(1), envelope(2)]);
    write!(bench.store, |write| {
        let (xa, file) = (peer("XA"), Some(file(7)));
        write.settle_inbox(xa, envelope(1), InboxState::Recorded, file, None).await.unwrap();
        write.settle_inbox(xa, envelope(2), InboxState::Quarantined, None, Some("P-505")).await.unwrap();
    });
    assert_eq!(read!(bench.store, inbox_stored(9)).len(), 1);
    assert_eq!(read!(bench.store, inbox_of(file(7))).len(), 1);
    let row = read!(bench.store, inbox(peer("XA"), envelope(2))).unwrap();
    assert_eq!(
        (row.state, row.code.as_deref(), row.receipt),
        (InboxState::Quarantined, Some("P-505"), vec![2, 1])
    );
    assert_eq!(read!(bench.store, inbox_all()).len(), 3);
}

#[tokio::test]
async fn an_object_is_kept_once_under_its_digest() {
    let bench = Bench::new().await;
    let digest = write!(bench.store, |write| write.put_object(b"text", at(1)).await.unwrap());
    assert_eq!(digest, Digest::of(b"text"));
    assert_eq!(write!(bench.store, |write| write.put_object(b"text", at(2)).await.unwrap()), digest);
    assert_eq!(read!(bench.store, object(digest)), Some(b"text".to_vec()));
    assert_eq!(read!(bench.store, object(Digest::of(b"none"))), None);
    let empty = write!(bench.store, |write| write.put_object(b"", at(2)).await.unwrap());
    assert_eq!(read!(bench.store, object(empty)), Some(Vec::new()));
}

#[tokio::test]
async fn the_ledger_only_grows() {
    let bench = Bench::new().await;
    assert_eq!(read!(bench.store, ledger_size()), 0);
    let node = NodeRow { level: 1, position: 0, hash: [3; 32] };
    write!(bench.store, |write| {
        write.append_leaf(0, &[1; 32]).await.unwrap();
        write.append_leaf(1, &[2; 32]).await.unwrap();
        write.add_node(&node).await.unwrap();
    });
    let mut write = bench.store.write().await.unwrap();
    assert!(is_conflict(&write.append_leaf(1, &[9; 32]).await, "ledger_leaves"));
    assert!(is_conflict(&write.add_node(&NodeRow { hash: [9; 32], ..node }).await, "ledger_nodes"));
    drop(write);
    assert_eq!(read!(bench.store, ledger_size()), 2);
    assert_eq!(read!(bench.store, ledger_leaves(0, 9)), [[1; 32], [2; 32]]);
    assert_eq!(read!(bench.store, ledger_leaves(1, 9)), [[2; 32]]);
    assert_eq!(read!(bench.store, ledger_node(1, 0)), Some(node));
    assert_eq!(read!(bench.store, ledger_node(1, 1)), None);
}

#[tokio::test]
async fn a_head_seen_before_may_become_linked_and_never_unlinked() {
    let bench = Bench::new().await;
    let head = |size, root, linked| HeadRow {
        peer: peer("XB"),
        size,
        root: [root; 32],
        note: "note".to_owned(),
        linked,
        seen_at: at(1),
    };
    write!(bench.store, |write| {
        write.keep_head(&head(5, 1, true)).await.unwrap();
        write.keep_head(&head(9, 2, false)).await.unwrap();
    });
    assert_eq!(read!(bench.store, head(peer("XB"))).unwrap().size, 5, "an unlinked head is not the last");
    write!(bench.store, |write| write.keep_head(&head(9, 2, true)).await.unwrap());
    write!(bench.store, |write| write.keep_head(&head(9, 2, false)).await.unwrap());
    assert_eq!(read!(bench.store, head(peer("XB"))).unwrap().size, 9);
    write!(bench.store, |write| write.keep_head(&head(9, 3, false)).await.unwrap());
    assert_eq!(read!(bench.store, heads(peer("XB"))).len(), 3, "both faces of a log are kept");
    assert!(read!(bench.store, head(peer("XC"))).is_none());
    let largest = head(i64::MAX as u64, 4, true);
    write!(bench.store, |write| write.keep_head(&largest).await.unwrap());
    assert_eq!(read!(bench.store, head(peer("XB"))).unwrap().size, i64::MAX as u64);
}

#[tokio::test]
async fn the_largest_cosigned_head_is_found_and_the_first_line_stands() {
    let bench = Bench::new().await;
    let row = |size, line: &str| CosignatureRow {
        peer: peer("XB"),
        size,
        root: [1; 32],
        line: line.to_owned(),
        received_at: at(1),
    };
    write!(bench.store, |write| {
        write.keep_cosignature(&row(9, "first")).await.unwrap();
        write.keep_cosignature(&row(9, "second")).await.unwrap();
        write.keep_cosignature(&row(4, "older")).await.unwrap();
    });
    let found = read!(bench.store, cosignature(peer("XB"))).unwrap();
    assert_eq!((found.size, found.line.as_str(), found.root), (9, "first", [1; 32]));
    assert!(read!(bench.store, cosignature(peer("XC"))).is_none());
}

#[tokio::test]
async fn heads_that_were_set_aside_are_kept_and_not_found_as_heads() {
    let bench = Bench::new().await;
    let head = HeadRow {
        peer: peer("XB"),
        size: 5,
        root: [1; 32],
        note: "note".to_owned(),
        linked: true,
        seen_at: at(1),
    };
    let cosigned = CosignatureRow {
        peer: peer("XB"),
        size: 9,
        root: [1; 32],
        line: "line".to_owned(),
        received_at: at(1),
    };
    write!(bench.store, |write| {
        write.keep_head(&head).await.unwrap();
        write.keep_head(&HeadRow { peer: peer("XC"), ..head.clone() }).await.unwrap();
        write.keep_cosignature(&cosigned).await.unwrap();
        write.set_heads_aside(peer("XB"), at(2)).await.unwrap();
        write.set_heads_aside(peer("XB"), at(3)).await.unwrap();
    });
    assert!(read!(bench.store, head(peer("XB"))).is_none() && read!(bench.store, head(peer("XC"))).is_some());
    assert!(read!(bench.store, cosignature(peer("XB"))).is_none());
    let before = read!(bench.store, heads_before(peer("XB")));
    assert_eq!((before.len(), before[0].0.size, before[0].1), (1, 5, at(2)));
    assert!(read!(bench.store, is_set_aside(peer("XB"), 5, &[1; 32])));
    assert!(!read!(bench.store, is_set_aside(peer("XB"), 5, &[2; 32])));
    assert!(!read!(bench.store, is_set_aside(peer("XC"), 5, &[1; 32])));
}

#[tokio::test]
async fn a_halted_peer_gets_nothing_until_it_is_resumed() {
    let bench = Bench::new().await;
    let halt = HaltRow { peer: peer("XB"), halted_at: at(1), finding: Some("log/XB/1".to_owned()) };
    write!(bench.store, |write| {
        write.add_outbox(&outbox(1)).await.unwrap();
        assert!(write.add_halt(&halt).await.unwrap());
        let again = HaltRow { halted_at: at(9), finding: None, ..halt.clone() };
        assert!(!write.add_halt(&again).await.unwrap(), "the first reason stands");
    });
    assert_eq!(read!(bench.store, halts()), [halt]);
    assert!(read!(bench.store, outbox_due(at(99), 9)).is_empty());
    write!(bench.store, |write| {
        assert!(write.end_halt(peer("XB")).await.unwrap());
        assert!(!write.end_halt(peer("XB")).await.unwrap());
    });
    assert!(read!(bench.store, halt(peer("XB"))).is_none());
    assert_eq!(read!(bench.store, outbox_due(at(99), 9)).len(), 1);
    let act = OversightRow { leaf: 3, subject: "XB".to_owned(), body: b"{}".to_vec(), salt: vec![1; 32] };
    write!(bench.store, |write| write.add_oversight(&act).await.unwrap());
    write!(bench.store, |write| {
        assert!(matches!(write.add_oversight(&act).await, Err(StoreFault::Conflict { .. })));
    });
    assert_eq!(read!(bench.store, oversight()), [act]);
}

#[tokio::test]
async fn the_largest_head_of_each_witness_is_found_and_its_last_line_stands() {
    let bench = Bench::new().await;
    let row = |witness: &str, size, line: &str| WitnessedRow {
        witness: witness.to_owned(),
        size,
        root: [1; 32],
        line: line.to_owned(),
        received_at: at(1),
    };
    write!(bench.store, |write| {
        for kept in [row("a", 5, "1"), row("a", 9, "2"), row("b", 5, "3"), row("a", 9, "4")] {
            write.keep_witnessed(&kept).await.unwrap();
        }
    });
    assert_eq!(read!(bench.store, witnessed()), [row("a", 9, "4"), row("b", 5, "3")]);
    assert_eq!(read!(bench.store, witnessed_at(5)), [row("a", 5, "1"), row("b", 5, "3")]);
}

#[tokio::test]
async fn a_view_is_replaced_and_listed_by_its_side() {
    let bench = Bench::new().await;
    let view = |of, side: &str, body: &[u8], when| ViewRow {
        file: file(of),
        side: side.to_owned(),
        body: body.to_vec(),
        changed_at: at(when),
    };
    write!(bench.store, |write| {
        write.put_view(&view(1, "outgoing", b"old", 1)).await.unwrap();
        write.put_view(&view(2, "outgoing", b"two", 2)).await.unwrap();
        write.put_view(&view(3, "incoming", b"three", 3)).await.unwrap();
        write.put_view(&view(1, "outgoing", b"new", 4)).await.unwrap();
    });
    assert_eq!(read!(bench.store, view(file(1))).unwrap().body, b"new");
    let listed = read!(bench.store, views("outgoing"));
    assert_eq!(listed.iter().map(|v| v.file).collect::<Vec<_>>(), [file(1), file(2)]);
    assert!(read!(bench.store, view(file(9))).is_none());
}

#[tokio::test]
async fn officers_peers_and_findings_are_kept() {
    let bench = Bench::new().await;
    let row =
        OfficerRow { id: officer("a.mensah"), body: b"{}".to_vec(), token_digest: Digest::of(b"token") };
    write!(bench.store, |write| write.add_officer(&row).await.unwrap());
    let mut write = bench.store.write().await.unwrap();
    assert!(is_conflict(&write.add_officer(&row).await, "officers"));
    drop(write);
    assert_eq!(read!(bench.store, officer(&officer("a.mensah"))).unwrap().token_digest, Digest::of(b"token"));
    assert!(read!(bench.store, officer(&officer("nobody"))).is_none());
    assert_eq!(read!(bench.store, officers()).len(), 1);

    let peer_row = |body: &[u8]| PeerRow { state: peer("XB"), descriptor: body.to_vec(), enrolled_at: at(1) };
    write!(bench.store, |write| write.put_peer(&peer_row(b"one")).await.unwrap());
    write!(bench.store, |write| write.put_peer(&peer_row(b"two")).await.unwrap());
    assert_eq!(read!(bench.store, peer(peer("XB"))).unwrap().descriptor, b"two");
    assert_eq!(read!(bench.store, peers()).len(), 1);

    let law =
        |sequence, body: &[u8]| LawRow { state: peer("XB"), sequence, body: body.to_vec(), kept_at: at(1) };
    write!(bench.store, |write| {
        assert!(write.keep_law(&law(9, b"old")).await.unwrap());
        assert!(write.keep_law(&law(10, b"new")).await.unwrap());
        assert!(!write.keep_law(&law(9, b"old")).await.unwrap(), "the same bytes are kept once");
    });
    assert_eq!(read!(bench.store, law(peer("XB"))).unwrap().body, b"new");
    assert_eq!(read!(bench.store, laws(peer("XB"))).len(), 2);
    assert!(read!(bench.store, law(peer("XC"))).is_none());
    assert_eq!(read!(bench.store, law_states()), [peer("XB")]);

    let finding = FindingRow {
        id: "missing/1".to_owned(),
        file: Some(file(1)),
        peer: None,
        level: "warn".to_owned(),
        code: "P-545".to_owned(),
        body: b"{}".to_vec(),
        found_at: at(1),
    };
    assert!(write!(bench.store, |write| write.add_finding(&finding).await.unwrap()));
    assert!(!write!(bench.store, |write| write.add_finding(&finding).await.unwrap()));
    let found = read!(bench.store, findings());
    assert_eq!((found.len(), found[0].file, found[0].peer), (1, Some(file(1)), None));
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing() {
    let bench = Bench::new().await;
    {
        let mut write = bench.store.write().await.unwrap();
        write.append_event(0, &event(1, 0)).await.unwrap();
        write.append_leaf(0, &[1; 32]).await.unwrap();
        write.add_outbox(&outbox(1)).await.unwrap();
        write.add_duty("a", file(1), b"x", at(1)).await.unwrap();
        write.put_object(b"text", at(1)).await.unwrap();
        assert_eq!(write.queries().ledger_size().await.unwrap(), 1, "it sees its own writes");
    }
    assert!(read!(bench.store, events(file(1))).is_empty());
    assert_eq!(read!(bench.store, ledger_size()), 0);
    assert!(read!(bench.store, outbox_all()).is_empty());
    assert!(read!(bench.store, duties_open()).is_empty());
    assert_eq!(read!(bench.store, object(Digest::of(b"text"))), None);
    write!(bench.store, |write| write.append_event(0, &event(1, 0)).await.unwrap());
}

#[tokio::test]
async fn a_reader_sees_nothing_before_the_commit_and_cannot_write() {
    let bench = Bench::new().await;
    let mut write = bench.store.write().await.unwrap();
    write.append_leaf(0, &[1; 32]).await.unwrap();
    let mut read = bench.store.read().await.unwrap();
    assert_eq!(read.queries().ledger_size().await.unwrap(), 0);
    write.commit().await.unwrap();
    assert_eq!(read.queries().ledger_size().await.unwrap(), 1);
    assert_eq!(read.queries().integrity().await.unwrap(), "ok");
}

#[tokio::test]
async fn two_handles_on_one_file_see_each_others_commits() {
    let bench = Bench::new().await;
    let other = Store::open(&bench.path()).await.unwrap();
    write!(bench.store, |write| write.append_leaf(0, &[1; 32]).await.unwrap());
    assert_eq!(read!(other, ledger_size()), 1);
    write!(other, |write| write.append_leaf(1, &[2; 32]).await.unwrap());
    assert_eq!(read!(bench.store, ledger_size()), 2);
    let mut write = bench.store.write().await.unwrap();
    assert!(is_conflict(&write.append_leaf(1, &[3; 32]).await, "ledger_leaves"));
}

#[tokio::test]
async fn writers_of_two_handles_wait_for_each_other() {
    let bench = Bench::new().await;
    let other = Store::open(&bench.path()).await.unwrap();
    let mut held = bench.store.write().await.unwrap();
    held.append_leaf(0, &[1; 32]).await.unwrap();
    let waiting = tokio::spawn(async move {
        let mut write = other.write().await?;
        let size = write.queries().ledger_size().await?;
        write.append_leaf(size, &[2; 32]).await?;
        write.commit().await?;
        Ok::<u64, StoreFault>(size)
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished(), "the other writer waits");
    held.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 1, "it read what was committed before it");
    assert_eq!(read!(bench.store, ledger_size()), 2);
}

#[tokio::test]
async fn many_writers_lose_nothing() {
    let bench = Bench::new().await;
    let writers = (0..8).map(|_| {
        let store = bench.store.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                let mut write = store.write().await.unwrap();
                let size = write.queries().ledger_size().await.unwrap();
                write.append_leaf(size, &[size as u8; 32]).await.unwrap();
                write.commit().await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(read!(bench.store, ledger_size()), 80);
}

#[tokio::test]
async fn a_store_is_found_again_after_it_was_closed() {
    let bench = Bench::new().await;
    write!(bench.store, |write| write.put_setting("a", b"1").await.unwrap());
    bench.store.close().await;
    let again = Store::open(&bench.path()).await.unwrap();
    assert_eq!(read!(again, setting("a")), Some(b"1".to_vec()));
}

#[tokio::test]
async fn what_is_no_database_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = path_in(folder.path());
    std::fs::write(&path, vec![b'x'; 8192]).unwrap();
    assert_eq!(Store::open(&path).await.unwrap_err().code(), "F-001");
    let nowhere = folder.path().join("missing/rogatory.sqlite3");
    assert_eq!(Store::open(&nowhere).await.unwrap_err().code(), "F-001");
}

#[tokio::test]
async fn a_hostile_word_is_a_value_and_never_sql() {
    let bench = Bench::new().await;
    let word = "x'); DROP TABLE settings; --";
    write!(bench.store, |write| write.put_setting(word, b"1").await.unwrap());
    assert_eq!(read!(bench.store, setting(word)), Some(b"1".to_vec()));
}

/// A disk of two mebibytes.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        let run =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(folder.path()).output();
        run.ok().filter(|run| run.status.success()).map(|_| Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

/// Writes an event and a large object in one transaction.
async fn write_much(store: &Store, number: u8) -> Result<(), StoreFault> {
    let mut write = store.write().await?;
    write.append_event(u64::from(number), &event(1, u64::from(number))).await?;
    write.put_object(&vec![number; 700_000], at(1)).await?;
    write.commit().await
}

#[tokio::test]
async fn on_a_full_disk_a_write_fails_whole_and_succeeds_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        println!("this user may not mount a small disk: the full disk is not tried");
        return;
    };
    let store = Store::open(&path_in(disk.0.path())).await.unwrap();
    write!(store, |write| write.put_setting("before", b"1").await.unwrap());
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![0; 1_200_000]).unwrap();

    for _ in 0..3 {
        let error = write_much(&store, 0).await.unwrap_err();
        assert!(matches!(error, StoreFault::DiskFull), "{error:?}");
        assert_eq!(error.code(), "F-002");
        assert!(read!(store, events(file(1))).is_empty(), "nothing of the transaction is there");
        assert_eq!(read!(store, object(Digest::of(&vec![0; 700_000]))), None);
    }
    assert_eq!(read!(store, setting("before")), Some(b"1".to_vec()));
    assert_eq!(read!(store, integrity()), "ok");

    std::fs::remove_file(&ballast).unwrap();
    write_much(&store, 0).await.unwrap();
    assert_eq!(read!(store, events(file(1))).len(), 1);
    assert_eq!(read!(store, object(Digest::of(&vec![0; 700_000]))).map(|body| body.len()), Some(700_000));
    store.close().await;
}

#[tokio::test]
async fn a_disk_that_fills_up_step_by_step_keeps_every_commit_that_was_answered() {
    let Some(disk) = SmallDisk::mount() else {
        println!("this user may not mount a small disk: the full disk is not tried");
        return;
    };
    let store = Store::open(&path_in(disk.0.path())).await.unwrap();
    let mut committed = 0_u64;
    for leaf in 0..2_000 {
        let mut write = store.write().await.unwrap();
        let done = async {
            write.append_leaf(leaf, &[1; 32]).await?;
            write.put_object(&vec![7; 10_000 + usize::try_from(leaf).unwrap()], at(1)).await?;
            write.commit().await
        };
        match done.await {
            Ok(()) => committed += 1,
            Err(error) => {
                assert!(matches!(error, StoreFault::DiskFull), "{error:?}");
                break;
            }
        }
    }
    assert!(committed < 2_000, "the disk never filled up");
    assert_eq!(read!(store, ledger_size()), committed);
    store.close().await;
}
