//! Receipts: what is believed was signed by the receiver's node for this envelope, and stands in its log.

use crate::{
    input::way,
    scene::{EXERCISE, Exercise, VECTORS, now, sign_again, xa},
};
use exchange::settle;
use seal::sign_cms;
use serde_json::Value;

/// Raw bytes; content signed by the right node; the same with its checkpoint signed again by the right log.
pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 3) else { return };
    match way {
        0 => raw(rest),
        1 => signed(rest),
        _ => drop(checkpoint_signed_again(rest).map(|content| signed(&content))),
    }
}

fn raw(bytes: &[u8]) {
    let vectors = &*VECTORS;
    let Ok(settled) = settle(bytes, xa(), &vectors.b, vectors.envelope, vectors.digest, now()) else {
        return;
    };
    let json = serde_json::to_vec(&settled.receipt).expect("a receipt becomes JSON");
    assert!(vectors.signed.contains(&json), "nobody signed this receipt");
}

fn signed(content: &[u8]) {
    let exercise: &Exercise = &EXERCISE;
    let Ok(der) = sign_cms(content, true, exercise.node.signing(), exercise.node.certificate(), now()) else {
        return;
    };
    let (envelope, digest) = (exercise.sent.envelope, exercise.sent.digest);
    let Ok(settled) = settle(&der, xa(), &exercise.peer_b, envelope, digest, now()) else { return };
    let receipt = &settled.receipt;
    assert_eq!((receipt.envelope, receipt.digest, receipt.to.state), (envelope, digest, xa()));
    assert_eq!(settled.cosigned, receipt.head);
    let head = settled.receiver_head.checkpoint();
    assert_eq!(head.size(), receipt.log.inclusion.size);
    // Of a head of ours that was never cosigned there is no cosignature.
    assert!(receipt.head.is_none() || receipt.head == exercise.receipt.head, "a forged cosignature");
}

fn checkpoint_signed_again(content: &[u8]) -> Option<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(content).ok()?;
    let note = json.pointer_mut("/log/checkpoint")?;
    *note = Value::String(sign_again(note.as_str()?, &EXERCISE)?);
    serde_json::to_vec(&json).ok()
}
