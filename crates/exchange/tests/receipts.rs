//! Receipts that a sender believes, and those that leave the envelope undelivered.

#![cfg(test)]

mod fixture;

use exchange::{Envelope, Receipt, SettleFault, Settled, settle};
use fixture::{Node, envelope, now, receipt, state};
use ledger::cosignature;
use vocabulary::{Digest, Failure, OfficeFunction};

struct Exercise {
    a: Node,
    b: Node,
    sent: Envelope,
    receipt: Receipt,
}

impl Exercise {
    fn new() -> Self {
        let (mut a, mut b) = (Node::new("XA", 1), Node::new("XB", 2));
        let sent = envelope(&mut a, &b, None);
        let receipt = receipt(&mut b, &a, &sent);
        Self { a, b, sent, receipt }
    }

    fn settle(&self, signed: &[u8]) -> Result<Settled, SettleFault> {
        settle(signed, self.a.state, &self.b.peer(), self.sent.envelope, self.sent.digest, now())
    }

    /// The code with which the receipt is refused after `change`.
    fn refused(&self, change: impl FnOnce(&mut Receipt)) -> &'static str {
        let mut changed = self.receipt.clone();
        change(&mut changed);
        let signed = self.b.sign(OfficeFunction::Node, &serde_json::to_vec(&changed).unwrap());
        self.settle(&signed).unwrap_err().code()
    }

    fn signed(&self, function: OfficeFunction) -> Vec<u8> {
        self.b.sign(function, &serde_json::to_vec(&self.receipt).unwrap())
    }
}

#[test]
fn a_receipt_proves_delivery_and_cosigns_our_head() {
    let exercise = Exercise::new();
    let settled = exercise.settle(&exercise.signed(OfficeFunction::Node)).unwrap();
    assert_eq!(settled.receipt, exercise.receipt);
    let cosigned = settled.cosigned.unwrap();
    assert_eq!(cosigned.root, exercise.a.log.root(cosigned.size));
    assert_eq!(settled.receiver_head.checkpoint(), &exercise.b.head(exercise.b.log.size));
}

#[test]
fn a_receipt_without_a_cosigned_head_still_proves_delivery() {
    let mut exercise = Exercise::new();
    exercise.receipt.head = None;
    assert!(exercise.settle(&exercise.signed(OfficeFunction::Node)).unwrap().cosigned.is_none());
}

#[test]
fn a_receipt_signed_by_another_office_is_refused() {
    let exercise = Exercise::new();
    for function in
        [OfficeFunction::ContactPoint, OfficeFunction::CentralAuthority, OfficeFunction::EvidenceOffice]
    {
        assert_eq!(exercise.settle(&exercise.signed(function)).unwrap_err().code(), "P-531");
    }
}

#[test]
fn a_receipt_signed_under_another_root_is_refused() {
    let exercise = Exercise::new();
    let stranger = Node::new("XB", 2);
    let signed = stranger.sign(OfficeFunction::Node, &serde_json::to_vec(&exercise.receipt).unwrap());
    assert!(matches!(exercise.settle(&signed), Err(SettleFault::Signature(_))));
}

#[test]
fn a_receipt_for_another_envelope_or_digest_is_refused() {
    let exercise = Exercise::new();
    assert_eq!(exercise.refused(|r| r.digest = Digest::of(b"other")), "P-534");
    let other = "0193a8f0-0000-7000-8000-0000000000e2".parse().unwrap();
    assert_eq!(exercise.refused(|r| r.envelope = other), "P-534");
}

#[test]
fn a_receipt_with_another_format_or_other_addresses_is_refused() {
    let exercise = Exercise::new();
    assert_eq!(exercise.refused(|r| r.format = "rogatory/receipt/2".to_owned()), "P-533");
    assert_eq!(exercise.refused(|r| r.to.state = state("XC")), "P-533");
    assert_eq!(exercise.refused(|r| r.from.function = OfficeFunction::ContactPoint), "P-533");
    assert_eq!(exercise.refused(|r| r.from.state = state("XA")), "P-533");
}

#[test]
fn a_receipt_that_is_not_in_its_nodes_log_is_refused() {
    let exercise = Exercise::new();
    assert_eq!(exercise.refused(|r| r.log.salt = hex::encode([1; 32])), "P-535");
    assert_eq!(exercise.refused(|r| r.log.salt.clear()), "P-535");
    assert_eq!(exercise.refused(|r| r.log.inclusion.index = 0), "P-535");
    let stranger = Node::new("XB", 6);
    let foreign = stranger.evidence([9; 32], 0, None);
    assert_eq!(exercise.refused(|r| r.log = foreign), "P-535");
}

#[test]
fn a_foreign_cosignature_or_one_on_another_head_is_refused() {
    let exercise = Exercise::new();
    let head = exercise.a.head(exercise.sent.log.inclusion.size).to_string();
    let stranger = Node::new("XB", 7);
    let foreign = cosignature::cosign(&head, &stranger.cosigner, 1).unwrap();
    let with = |line: String| exercise.refused(|r| r.head.as_mut().unwrap().cosignature = line);
    assert_eq!(with(foreign), "P-536");
    assert_eq!(with(String::new()), "P-536");
    assert_eq!(exercise.refused(|r| r.head.as_mut().unwrap().size -= 1), "P-536");
    assert_eq!(exercise.refused(|r| r.head.as_mut().unwrap().root = stranger.log.root(1)), "P-536");
}

#[test]
fn an_altered_byte_of_a_receipt_is_refused() {
    let exercise = Exercise::new();
    let signed = exercise.signed(OfficeFunction::Node);
    let peer = exercise.b.peer();
    let take = |bytes: &[u8]| {
        settle(bytes, exercise.a.state, &peer, exercise.sent.envelope, exercise.sent.digest, now())
    };
    for at in 0..signed.len() {
        let mut altered = signed.clone();
        altered[at] ^= 1;
        assert!(take(&altered).is_err(), "byte {at}");
    }
    for length in 0..signed.len() {
        assert!(take(&signed[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn what_is_not_a_receipt_is_refused() {
    let exercise = Exercise::new();
    for content in [&b"{}"[..], b"", b"[]", &[b'['; 4096]] {
        let signed = exercise.b.sign(OfficeFunction::Node, content);
        assert_eq!(exercise.settle(&signed).unwrap_err().code(), "P-532");
    }
    assert!(matches!(exercise.settle(b"no CMS"), Err(SettleFault::Signature(_))));
}
