//! What a scenario left: both nodes are compared, envelope by envelope and receipt by receipt.

use crate::{
    harness::{Node, Scene, steps},
    load::Load,
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, io::Write as _};

/// What must be nothing after every fault.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Harm {
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    /// Receipts that name an envelope, or bytes, that the other node does not hold.
    pub(crate) false_receipts: usize,
}

/// Envelope, digest of the sealed bytes, digest of the receipt.
type Proofs = BTreeSet<(String, String, String)>;

/// The proofs of one direction over all files; two letters with the same proof are a double.
fn proofs(node: &Node, files: &[&str], direction: &str, harm: &mut Harm) -> Proofs {
    let mut proofs = Proofs::new();
    for file in files {
        let timeline = node.file(file);
        for letter in timeline["letters"].as_array().unwrap() {
            let sent = letter["direction"] == "sent";
            if sent != (direction == "sent") {
                continue;
            }
            assert_eq!(letter["proof"], if sent { "delivered" } else { "recorded" }, "{letter}");
            let text = |field: &str| letter[field].as_str().unwrap_or_default().to_owned();
            let new = proofs.insert((text("envelope"), text("sealed"), text("receipt")));
            harm.doubled += usize::from(!new);
        }
    }
    proofs
}

/// Waits until nothing is owed, examines both nodes, and prints the line of this scenario.
///
/// `faults` are the counts of what was done to the nodes.
pub(crate) fn settle(name: &str, load: &Load<'_>, faults: Value) {
    let scene = load.scene;
    let (a, b) = scene.settled();
    let files: Vec<&str> = load.files().map(|(file, _)| file).collect();
    let (mut harm, mut envelopes) = (Harm::default(), 0);
    for (from, to, ours, theirs) in [(&scene.a, &scene.b, &a, &b), (&scene.b, &scene.a, &b, &a)] {
        let sent = proofs(from, &files, "sent", &mut harm);
        let received = proofs(to, &files, "received", &mut harm);
        harm.false_receipts += sent.difference(&received).count();
        harm.lost += received.difference(&sent).count();
        let (ours, theirs) = (&ours["audit"], &theirs["audit"]);
        assert_eq!(ours["sent"], sent.len(), "an envelope outside the files");
        assert_eq!(theirs["received"], received.len(), "an envelope outside the files");
        assert_eq!((&theirs["quarantined"], &ours["refused"]), (&0.into(), &0.into()));
        envelopes += sent.len();
    }
    for (file, given) in load.files() {
        for node in [&scene.a, &scene.b] {
            let found = steps(&node.file(file), "legal").iter().filter(|what| *what == "consulted").count();
            harm.lost += given.saturating_sub(found);
            harm.doubled += found.saturating_sub(given);
        }
    }
    no_accusation(scene);
    print(name, envelopes, harm, faults);
    assert_eq!(harm, Harm::default(), "{name}");
}

/// Whatever failed here, no peer is accused of a false log or of a missing receipt.
fn no_accusation(scene: &Scene) {
    for node in [&scene.a, &scene.b] {
        for finding in node.done(&["finding", "list"]).as_array().unwrap() {
            let code = finding["report"]["code"].as_str().unwrap();
            assert!(!["P-524", "P-525", "P-544", "P-545"].contains(&code), "{}: {finding}", node.state);
        }
    }
}

/// One line of JSON on the error stream: the figures are shown although the test passes.
fn print(name: &str, envelopes: usize, harm: Harm, faults: Value) {
    let mut line = Map::new();
    line.insert("battery".to_owned(), name.into());
    if let Value::Object(faults) = faults {
        line.extend(faults);
    }
    let counts = json!({ "envelopes": envelopes, "lost": harm.lost, "doubles": harm.doubled,
        "false_receipts": harm.false_receipts });
    line.extend(counts.as_object().cloned().unwrap_or_default());
    say(&Value::Object(line).to_string());
}

pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
