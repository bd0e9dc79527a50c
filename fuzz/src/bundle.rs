//! Bundles for a court: the verifier reads any bytes, agrees with the node's own code, and believes nothing unsigned.

use crate::{
    input::way,
    scene::{ANCHORS, AUTHORITY, EXERCISE, now},
};
use exchange::Proof;
use std::sync::LazyLock;
use verifier::{Trust, Verdict, inquiry, judge};

static ROOT: LazyLock<String> = LazyLock::new(|| EXERCISE.b.root.certificate().to_pem());

/// A whole bundle; a signed message; a time-stamp; a proof of the ladder, signed by the right node.
pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 4) else { return };
    match way {
        0 => bundle(rest),
        1 => message(rest),
        2 => stamp(rest),
        _ => proof(rest),
    }
}

fn bundle(bytes: &[u8]) {
    let mut trust = Trust::default();
    let print = register::Fingerprint::of(EXERCISE.b.root.certificate().fingerprint());
    trust.add_fingerprint(&format!("XA={print}")).expect("a fingerprint");
    let report = inquiry::verify("bundle.zip", bytes, &trust, verifier::Instant::from_seconds(now().seconds()));
    assert!(report.verdict == Verdict::Fails, "no bundle is of this root");
    assert!(!report.to_text().is_empty() && !report.to_json().is_empty());
}

/// What both readers believe is the same office and the same content.
fn message(bytes: &[u8]) {
    let Ok((office, content)) = judge::office_of_signed(bytes, "XB", ROOT.as_bytes()) else { return };
    if let Ok(verified) = seal::verify_cms_attached(bytes, EXERCISE.peer_b.anchor(), now()) {
        assert_eq!(verified.signer().to_string(), office);
        assert_eq!(verified.value(), &content);
    }
}

fn stamp(bytes: &[u8]) {
    let root = AUTHORITY.root().to_pem();
    let Ok(at) = judge::time_of_stamp(bytes, b"stamped", Some(root.as_bytes())) else { return };
    if let Ok(stamp) = seal::verify_time_stamp(bytes, b"stamped".as_slice().into(), &ANCHORS) {
        assert_eq!(stamp.at.seconds(), at.seconds());
    }
}

fn proof(content: &[u8]) {
    let node = &EXERCISE.node;
    let Ok(der) = seal::sign_cms(content, true, node.signing(), node.certificate(), now()) else { return };
    let Ok(proof) = Proof::read(&der, EXERCISE.peer_b.anchor(), now()) else { return };
    let again = proof.to_json().expect("a proof becomes JSON");
    let der = seal::sign_cms(&again, true, node.signing(), node.certificate(), now()).expect("our own signature");
    assert_eq!(Proof::read(&der, EXERCISE.peer_b.anchor(), now()).as_ref(), Ok(&proof));
}
