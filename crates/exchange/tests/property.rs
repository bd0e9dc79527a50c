//! Properties of admission: an envelope of which anything was altered is refused, and so is a log that was rewritten.

#![cfg(test)]

mod fixture;

use exchange::{Admission, AdmitFault, Envelope, admit, settle};
use fixture::{Node, dispatch, envelope, now, receipt, seal_by, state, statement};
use ledger::Checkpoint;
use proptest::{prelude::*, sample::Index};
use register::Peer;
use serde_json::Value;
use std::sync::LazyLock;
use vocabulary::OfficeFunction;

/// One exchange, made once: keys and signatures cost more than the properties.
struct Scene {
    a: Node,
    b: Node,
    peer_a: Peer,
    peer_b: Peer,
    sent: Envelope,
    last: Checkpoint,
    /// What the node of XB signs.
    receipt: Value,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let (mut a, mut b) = (Node::new("XA", 1), Node::new("XB", 2));
    let last = a.head(a.log.size);
    let from = Some(a.log.size);
    let sent = envelope(&mut a, &b, from);
    let receipt = serde_json::to_value(receipt(&mut b, &a, &sent)).unwrap();
    let (peer_a, peer_b) = (a.peer(), b.peer());
    Scene { a, b, peer_a, peer_b, sent, last, receipt }
});

/// The paths of all values that are neither objects nor arrays.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(value, &format!("{path}/{name}"), found))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| leaves(value, &format!("{path}/{at}"), found));
        }
        _ => found.push(path.to_owned()),
    }
}

/// Another value of the same kind where the path leads.
fn change(json: &mut Value, path: &str, at: Index, how: u8) {
    let value = json.pointer_mut(path).unwrap();
    *value = match &*value {
        Value::String(text) => {
            let mut bytes = text.clone().into_bytes();
            let at = at.index(bytes.len());
            match how % 3 {
                0 => bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' },
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b'0'),
            }
            Value::String(String::from_utf8_lossy(&bytes).into_owned())
        }
        Value::Number(number) => Value::from(number.as_u64().unwrap().wrapping_add(1 + u64::from(how % 3))),
        other => panic!("{path} holds {other}"),
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The instant on the road is nobody's signature; letters of another case in hex say the same.
    #[test]
    fn an_envelope_with_any_one_field_altered_is_refused(field in any::<Index>(), at in any::<Index>(), how in any::<u8>()) {
        let scene = &*SCENE;
        let good = serde_json::to_value(&scene.sent).unwrap();
        let mut paths = Vec::new();
        leaves(&good, "", &mut paths);
        paths.retain(|path| path != "/sent_at");
        let path = &paths[field.index(paths.len())];
        let mut altered = good.clone();
        change(&mut altered, path, at, how);
        prop_assume!(altered != good);
        let Ok((envelope, _)) = Envelope::from_json(&serde_json::to_vec(&altered).unwrap()) else { return Ok(()) };
        let judged = admit(&envelope, state("XB"), &scene.peer_a, Some(&scene.last), &[], now());
        // A proof from another head than the last proves nothing: admitted, and not linked.
        let unlinked = path == "/log/consistency/from" && judged.as_ref().is_ok_and(|judged| !judged.linked);
        prop_assert!(judged.is_err() || unlinked, "{path} was altered and admitted");
    }

    /// Signed anew by the right node each time: what the signature cannot show, the log and the addresses do.
    #[test]
    fn a_receipt_with_any_one_field_altered_is_not_believed(field in any::<Index>(), at in any::<Index>(), how in any::<u8>()) {
        let scene = &*SCENE;
        let mut paths = Vec::new();
        leaves(&scene.receipt, "", &mut paths);
        // What the receiver alone says: its clock, and what it read of ours.
        paths.retain(|path| path != "/received_at" && path != "/sent_at" && path != "/to");
        let path = &paths[field.index(paths.len())];
        let mut altered = scene.receipt.clone();
        change(&mut altered, path, at, how);
        prop_assume!(altered != scene.receipt);
        let signed = scene.b.sign(OfficeFunction::Node, &serde_json::to_vec(&altered).unwrap());
        let settled = settle(&signed, state("XA"), &scene.peer_b, scene.sent.envelope, scene.sent.digest, now());
        prop_assert!(settled.is_err(), "{path} was altered and believed");
    }
}

/// What the sender's log does between two envelopes.
#[derive(Debug, Clone)]
enum Between {
    Grows(u8),
    /// It is built again with another leaf at this place.
    IsRewritten(Index),
}

fn story() -> impl Strategy<Value = Vec<Between>> {
    let step = prop_oneof![4 => (0_u8..9).prop_map(Between::Grows), 1 => any::<Index>().prop_map(Between::IsRewritten)];
    prop::collection::vec(step, 1..6)
}

/// Builds the log again from its beginning: as long as before, and different at one leaf.
fn rewritten(node: &Node, at: u64) -> fixture::Log {
    let mut log = fixture::Log::default();
    for leaf in 0..node.log.size {
        let salt = ledger::Salt::from_bytes([u8::from(leaf == at) + 200; 32]);
        log.append(&ledger::Commitment::new(
            "rogatory/event/1",
            &salt,
            &vocabulary::Digest::of(&leaf.to_be_bytes()),
        ));
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn an_honest_log_is_always_linked_and_a_rewritten_one_is_found_at_the_next_envelope(story in story()) {
        let scene = &*SCENE;
        let mut a = Node { log: fixture::Log::default(), ..Node::new("XA", 1) };
        a.log = rewritten(&scene.a, u64::MAX);
        let peer = a.peer();
        let json = statement(&a, &scene.b, fixture::consultation()).to_json().unwrap();
        let sealed = seal_by(&a, OfficeFunction::ContactPoint, &scene.b, &json);
        let mut last: Option<Checkpoint> = None;
        for step in story {
            let lied = match step {
                Between::Grows(leaves) => {
                    a.log.grow(leaves);
                    false
                }
                Between::IsRewritten(at) => {
                    a.log = rewritten(&a, at.index(usize::try_from(a.log.size).unwrap()) as u64);
                    last.is_some()
                }
            };
            let from = last.as_ref().map(Checkpoint::size);
            let sent = dispatch(&mut a, &scene.b, &sealed, from);
            let judged: Result<Admission, AdmitFault> = admit(&sent, state("XB"), &peer, last.as_ref(), &[], now());
            if lied {
                prop_assert!(matches!(judged, Err(AdmitFault::Rewritten(_) | AdmitFault::SplitView { .. })), "{judged:?}");
                return Ok(());
            }
            let judged = judged.unwrap();
            prop_assert!(judged.linked);
            last = Some(judged.head.checkpoint().clone());
        }
    }
}
