//! Time-stamps: what is believed is what our authority stamped, and what it stamps is what was asked.

use crate::{
    input::way,
    scene::{ANCHORS, AUTHORITY, EXERCISE, RECEIPTS, now},
};
use seal::{
    TimeStampQuery, attach_time_stamp, embedded_time_stamp, sign_cms, signature_value, verify_time_stamp,
};
use std::collections::BTreeSet;
use vocabulary::{Digest, Instant};

/// What was stamped when the corpus was made, and when.
pub const STAMPED: &[u8] = b"a head of the log";
pub const STAMPED_AT: &str = "2026-11-24T06:10:00Z";
const NONCE: [u8; 16] = [7; 16];

pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 4) else { return };
    match way {
        0 => answer(rest),
        1 => query(rest),
        2 => drop(attached(rest)),
        _ => drop(ours(rest)),
    }
}

fn answer(der: &[u8]) {
    let stamped_at: Instant = STAMPED_AT.parse().expect("an instant");
    if let Ok(stamp) = verify_time_stamp(der, STAMPED, &ANCHORS) {
        assert_eq!(stamp.at, stamped_at, "our authority never stamped this");
        assert!(verify_time_stamp(der, b"something else", &ANCHORS).is_err());
        assert!(verify_time_stamp(der, STAMPED, &[]).is_err());
    }
    let _ = TimeStampQuery::new(Digest::of(STAMPED), NONCE).check_answer(der);
    let _ = embedded_time_stamp(der, &ANCHORS);
}

/// Whatever somebody asks of our authority, the answer can be read, and it stamps nothing else.
fn query(der: &[u8]) {
    let Ok(response) = AUTHORITY.answer(der, [3; 16], now()) else { return };
    assert!(verify_time_stamp(&response, b"something that nobody asked about", &ANCHORS).is_err());
}

/// Any token in any signed message: what can be attached leaves the signature as it was.
fn attached(token: &[u8]) -> Option<()> {
    let signed = RECEIPTS.first()?;
    let with = attach_time_stamp(signed, token).ok()?;
    assert_eq!(signature_value(&with).ok(), signature_value(signed).ok());
    let _ = embedded_time_stamp(&with, &ANCHORS);
    Some(())
}

/// Stamped and attached here: the stamp is found again, and the message still verifies.
fn ours(content: &[u8]) -> Option<()> {
    let exercise = &*EXERCISE;
    let signed = sign_cms(content, true, exercise.node.signing(), exercise.node.certificate(), now()).ok()?;
    let value = signature_value(&signed).expect("our own signature");
    let asked = TimeStampQuery::new(Digest::of(&value), NONCE);
    let response = AUTHORITY.answer(&asked.to_der().expect("a query"), [9; 16], now()).expect("an answer");
    assert!(asked.check_answer(&response).is_ok());
    assert_eq!(verify_time_stamp(&response, &value, &ANCHORS).expect("our own stamp").at, now());
    let with = attach_time_stamp(&signed, &response).expect("our own message");
    let found = embedded_time_stamp(&with, &ANCHORS).expect("our own stamp").expect("it is there");
    assert_eq!(found.at, now());
    let verified =
        seal::verify_cms_attached(&with, exercise.peer_b.anchor(), now()).expect("it still stands");
    assert_eq!(verified.value(), content);
    let whole: BTreeSet<usize> = [0, with.len() / 2].into();
    for at in whole {
        let _ = embedded_time_stamp(with.get(..at)?, &ANCHORS);
    }
    Some(())
}
