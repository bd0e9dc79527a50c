//! Two States without a network: envelopes and receipts go as files in the pouch and prove what the HTTPS road proves.

#![cfg(test)]

#[expect(dead_code, reason = "the other tests kill processes and wait for the network")]
mod harness;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use harness::{Node, Scene, named, steps, view, wait_for};
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_request_and_its_receipt_by_pouch_prove_what_the_https_road_proves() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    let file = scene.approved("preservation", None);
    let (envelope, receipt) = (scene.path("request.json"), scene.path("request.p7m"));
    let exported = a.done(&["envelope", "export", &file, "--out", &envelope]);
    assert_eq!((&exported["kind"], &exported["to"]), (&json!("request"), &json!("XB")));
    assert!(named(&a.file(&file), "transport", "delivered").is_empty(), "no proof before the receipt");
    b.fails(&["envelope", "import", &envelope], "R-810");
    let taken = b.done(&["envelope", "import", &envelope, "--receipt-out", &receipt]);
    assert_eq!(view(b, &file).unwrap()["stage"], "received");
    let delivered = a.done(&["envelope", "import", &receipt]);
    assert_eq!(delivered["first"], true);
    let bytes = fs::read(&receipt).unwrap();
    assert_eq!(taken["receipt"], digest(&bytes).as_str());
    let by_pouch = proof(a, b, &file, &bytes);

    // The same over HTTPS, for the next request between the same two nodes.
    a.serve();
    b.serve();
    let by_https = scene.sent("preservation", None);
    let again = scene.path("again.p7m");
    exchanged_again(&scene, &by_https, &again);
    assert_eq!(
        by_pouch,
        proof(a, b, &by_https, &fs::read(&again).unwrap()),
        "the same steps on both ladders"
    );
    a.settled();
    b.settled();
}

/// Checks that both nodes hold `receipt` for the request of `file`; gives the words of both ladders at A.
fn proof(a: &Node, b: &Node, file: &str, receipt: &[u8]) -> (Vec<String>, Vec<String>) {
    let (ours, theirs) = (a.file(file), b.file(file));
    let (sent, received) = (letter(&ours, "request"), letter(&theirs, "request"));
    assert_eq!(sent["proof"], "delivered");
    assert_eq!(received["proof"], "recorded");
    for name in ["envelope", "sealed", "receipt"] {
        assert_eq!(sent[name], received[name], "{name}");
    }
    assert_eq!(sent["receipt"], digest(receipt).as_str());
    let said = signed(receipt);
    for ladder in ["transport", "legal"] {
        let delivered = named(&ours, ladder, "delivered");
        assert_eq!(delivered.len(), 1, "{ladder}");
        let detail = &delivered[0]["detail"];
        assert_eq!(detail["envelope"], said["envelope"]);
        assert_eq!(detail["receipt"], sent["receipt"]);
        assert_eq!(detail["received_at"], said["received_at"]);
    }
    assert_eq!(ours["file"]["delivered"], json!([said["envelope"], said["received_at"]]));
    assert_eq!(said["digest"], sent["sealed"]);
    // The receiver's cosignature on a head of the sender's log that holds the statement.
    let submitted = named(&ours, "transport", "submitted")[0]["leaf"].as_u64().unwrap();
    assert!(said["head"]["size"].as_u64().unwrap() >= submitted, "{said}");
    assert!(said["head"]["cosignature"].as_str().unwrap().starts_with("\u{2014} xb.witness.rogatory "));
    // The word of opening goes its own way, by another envelope.
    let transport = steps(&ours, "transport").into_iter().take_while(|step| step != "opened");
    (steps(&ours, "legal"), transport.collect())
}

/// The statement in a receipt, which is CMS SignedData with the JSON inside; its signature is the program's to check.
fn signed(receipt: &[u8]) -> Value {
    let start = receipt.windows(10).position(|bytes| bytes == br#"{"format":"#).unwrap();
    let mut values = serde_json::Deserializer::from_slice(&receipt[start..]).into_iter::<Value>();
    values.next().unwrap().unwrap()
}

/// Exports the request of a file, whatever its state, and takes it in at B once more.
fn exchanged_again(scene: &Scene, file: &str, receipt: &str) {
    let id = letter(&scene.a.file(file), "request")["envelope"].as_str().unwrap().to_owned();
    let envelope = format!("{receipt}.json");
    scene.a.done(&["envelope", "export", file, "--envelope", &id, "--out", &envelope]);
    scene.b.done(&["envelope", "import", &envelope, "--receipt-out", receipt]);
}

#[test]
fn the_same_envelope_twice_gives_the_same_receipt_bytes_by_any_road() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    let file = scene.approved("preservation", None);
    let envelope = scene.path("request.json");
    let paths = ["1.p7m", "2.p7m", "3.p7m", "4.p7m"].map(|name| scene.path(name));
    a.done(&["envelope", "export", &file, "--out", &envelope]);
    b.done(&["envelope", "import", &envelope, "--receipt-out", &paths[0]]);
    let once = (b.file(&file), audit(b));
    b.done(&["envelope", "import", &envelope, "--receipt-out", &paths[1]]);
    // A later export shows a later head of the log; it is the same sealed statement.
    exchanged_again(&scene, &file, &paths[2]);
    assert_eq!(once, (b.file(&file), audit(b)), "a duplicate changes nothing");
    a.serve();
    b.serve();
    scene.wait_outgoing(&file, "the receipt over HTTPS", |known| !known["delivered"].is_null());
    exchanged_again(&scene, &file, &paths[3]);
    let receipts = paths.map(|path| fs::read(path).unwrap());
    assert!(receipts.iter().all(|receipt| *receipt == receipts[0]));
    assert_eq!(letter(&a.file(&file), "request")["receipt"], digest(&receipts[0]).as_str());
    assert_eq!(b.settled()["audit"]["received"], 1);
    a.settled();
}

#[test]
fn a_receipt_that_comes_twice_changes_nothing() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    let file = scene.approved("preservation", None);
    let (envelope, receipt) = (scene.path("request.json"), scene.path("request.p7m"));
    a.done(&["envelope", "export", &file, "--out", &envelope]);
    b.done(&["envelope", "import", &envelope, "--receipt-out", &receipt]);
    assert_eq!(a.done(&["envelope", "import", &receipt])["first"], true);
    let once = (a.file(&file), audit(a));
    assert_eq!(a.done(&["envelope", "import", &receipt])["first"], false);
    assert_eq!(once, (a.file(&file), audit(a)));
    a.fails(&["envelope", "export", &file, "--out", &scene.path("other.json")], "R-552");
}

#[test]
fn an_altered_or_cut_envelope_is_refused_with_its_code_and_nothing_is_stored() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    let file = scene.approved("preservation", None);
    let (good, bad, receipt) = (scene.path("good.json"), scene.path("bad.json"), scene.path("bad.p7m"));
    a.done(&["envelope", "export", &file, "--out", &good]);
    let bytes = fs::read(&good).unwrap();
    let before = audit(b);
    let import = ["envelope", "import", &bad, "--receipt-out", &receipt];
    let refused = |content: &[u8], code: &str| {
        fs::write(&bad, content).unwrap();
        b.fails(&import, code);
        assert!(fs::metadata(&receipt).is_err(), "no receipt for what is refused ({code})");
    };
    for cut in [1, bytes.len() / 2, bytes.len() - 1] {
        refused(&bytes[..cut], "P-511");
    }
    let envelope: Value = serde_json::from_slice(&bytes).unwrap();
    let with = |name: &str, value: Value| {
        let mut altered = envelope.clone();
        *altered.pointer_mut(name).unwrap() = value;
        serde_json::to_vec(&altered).unwrap()
    };
    let sealed = STANDARD.decode(envelope["sealed"].as_str().unwrap()).unwrap();
    for at in [0, sealed.len() / 2, sealed.len() - 1] {
        let mut sealed = sealed.clone();
        sealed[at] ^= 1;
        refused(&with("/sealed", STANDARD.encode(&sealed).into()), "P-514");
        // The digest moved with it: then it is not what the sender's log holds.
        let mut altered: Value = serde_json::from_slice(&with("/digest", digest(&sealed).into())).unwrap();
        altered["sealed"] = STANDARD.encode(&sealed).into();
        refused(&serde_json::to_vec(&altered).unwrap(), "P-523");
    }
    refused(&with("/format", "rogatory/envelope/9".into()), "P-512");
    refused(&with("/sealed", "*".into()), "P-513");
    refused(&with("/to", "XC/contact-point".into()), "P-520");
    refused(&with("/from", "XC/contact-point".into()), "R-551");
    refused(&with("/log/salt", "00".repeat(32).into()), "P-523");
    refused(&with("/log/salt", "00".into()), "P-522");
    let note = envelope["log"]["checkpoint"].as_str().unwrap();
    let flipped = if note.contains("\n3\n") {
        note.replacen("\n3\n", "\n2\n", 1)
    } else {
        note.replacen('\n', "\n1", 1)
    };
    assert_ne!(flipped, note);
    fs::write(&bad, with("/log/checkpoint", flipped.into())).unwrap();
    let told = b.run(&import);
    assert_eq!(told.code, Some(4), "a checkpoint that the log did not sign: {}", told.errors);
    assert!(told.failure().starts_with("P-"), "{}", told.errors);
    // The sender's own node is not the addressee.
    let own = a.run(&["envelope", "import", &good, "--receipt-out", &receipt]);
    assert_eq!(own.failure(), "P-520", "{}", own.errors);

    assert_eq!(before, audit(b), "nothing is stored, nothing is in the log");
    assert!(view(b, &file).is_none());
    b.done(&["envelope", "import", &good, "--receipt-out", &receipt]);
    assert!(view(b, &file).is_some(), "the good one is still taken in");
}

#[test]
fn an_altered_or_foreign_receipt_is_refused_and_proves_nothing() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    let file = scene.approved("preservation", None);
    let (envelope, receipt, bad) = (scene.path("e.json"), scene.path("r.p7m"), scene.path("bad.p7m"));
    a.done(&["envelope", "export", &file, "--out", &envelope]);
    b.done(&["envelope", "import", &envelope, "--receipt-out", &receipt]);
    let bytes = fs::read(&receipt).unwrap();
    let before = (a.file(&file), audit(a));
    let refused = |content: &[u8]| {
        fs::write(&bad, content).unwrap();
        let told = a.run(&["envelope", "import", &bad]);
        assert_eq!(told.code, Some(4), "{} {}", told.errors, told.data);
        assert!(told.failure().starts_with("P-"), "{}", told.errors);
        assert!(!told.report["remedy"].as_str().unwrap().is_empty());
    };
    refused(b"");
    for cut in [1, bytes.len() / 2, bytes.len() - 1] {
        refused(&bytes[..cut]);
    }
    let text = bytes.windows(10).position(|bytes| bytes == br#"{"format":"#).unwrap();
    for at in [text + 40, text + 120, bytes.len() - 5] {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        refused(&altered);
    }
    // A signed statement of another kind is no receipt.
    refused(&fs::read(scene.path("XB-to-XA.p7m")).unwrap());
    assert_eq!(before, (a.file(&file), audit(a)));
    assert_eq!(a.done(&["envelope", "import", &receipt])["first"], true, "the good one still counts");
}

#[test]
fn a_receipt_of_a_statement_that_was_never_sent_is_refused() {
    let scene = Scene::new();
    let other = Scene::new();
    let file = other.approved("preservation", None);
    let (envelope, receipt) = (other.path("e.json"), other.path("r.p7m"));
    other.a.done(&["envelope", "export", &file, "--out", &envelope]);
    other.b.done(&["envelope", "import", &envelope, "--receipt-out", &receipt]);
    // The other scene's XB has another root, whatever it calls itself.
    let told = scene.a.run(&["envelope", "import", &receipt]);
    assert_eq!(told.code, Some(4), "{}", told.errors);
    let told = scene.b.run(&["envelope", "import", &envelope, "--receipt-out", &scene.path("r.p7m")]);
    assert_eq!(told.code, Some(4), "{}", told.errors);
    assert_eq!(audit(&scene.b)["received"], 0);
}

#[test]
fn the_walk_goes_by_pouch_both_ways_up_to_the_answer() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    let preservation = scene.approved("preservation", None);
    assert_eq!(carried(&scene, a, b, &preservation), ["request"]);
    b.by(&b.first, &["incoming", "triage", &preservation]);
    b.by(&b.first, &["incoming", "propose", &preservation, "--grant"]);
    b.by(&b.second, &["incoming", "decide", &preservation]);
    b.by(&b.first, &["incoming", "execute", &preservation, "--order", "Order 12/2026"]);
    assert_eq!(
        carried(&scene, b, a, &preservation),
        ["decision", "preserved"],
        "in the order they were made"
    );
    let (ours, theirs) = (view(a, &preservation).unwrap(), view(b, &preservation).unwrap());
    assert_eq!(ours["preserved"], theirs["preserved"]);
    assert_eq!(ours["decision"]["decision"], "grant");

    let assistance = scene.approved("stored-data", Some(&preservation));
    assert_eq!(carried(&scene, a, b, &assistance), ["request"]);
    let (ours, theirs) = (view(a, &preservation).unwrap(), view(b, &preservation).unwrap());
    assert_eq!(ours["hold"]["by"], assistance.as_str(), "the clock stops on both sides without a network");
    assert_eq!(ours["hold"], theirs["hold"]);
    b.by(&b.first, &["incoming", "triage", &assistance]);
    b.by(&b.first, &["incoming", "consult", &assistance, "--text", "Would the logs alone serve?"]);
    assert_eq!(carried(&scene, b, a, &assistance), ["consultation"]);
    a.by(&a.first, &["request", "consult", &assistance, "--text", "No."]);
    assert_eq!(carried(&scene, a, b, &assistance), ["consultation"]);
    let reasons = "The measure would endanger an operation that is under way.";
    let refuse =
        ["incoming", "propose", &assistance, "--refuse", "essential-interests", "--reasons", reasons];
    b.by(&b.first, &refuse);
    b.by(&b.second, &["incoming", "decide", &assistance]);
    assert_eq!(carried(&scene, b, a, &assistance), ["decision"]);
    let known = view(a, &assistance).unwrap();
    assert_eq!((&known["stage"], &known["decision"]["decision"]), (&json!("answered"), &json!("refuse")));
    for file in [&preservation, &assistance] {
        assert!(carried(&scene, a, b, file).is_empty() && carried(&scene, b, a, file).is_empty());
    }
    for node in [a, b] {
        let found = audit(node);
        assert_eq!(
            (&found["waiting"], &found["owed"], &found["quarantined"]),
            (&json!(0), &json!(0), &json!(0))
        );
    }
    assert_eq!(audit(a)["delivered"], audit(b)["received"]);
    assert_eq!(audit(b)["delivered"], audit(a)["received"]);
}

#[test]
fn a_pouch_that_arrives_while_the_node_serves_is_recorded_once() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    b.serve();
    for round in 0..8 {
        let file = scene.approved("preservation", None);
        let (envelope, receipt) = (scene.path(&format!("{round}.json")), scene.path(&format!("{round}.p7m")));
        a.done(&["envelope", "export", &file, "--out", &envelope]);
        b.done(&["envelope", "import", &envelope, "--receipt-out", &receipt]);
        assert!(view(b, &file).is_some());
    }
    let found = wait_for("eight requests", || {
        let found = b.well();
        (found["audit"]["owed"] == 0).then_some(found)
    });
    assert_eq!((&found["audit"]["received"], &found["audit"]["quarantined"]), (&json!(8), &json!(0)));
    assert_eq!(found["audit"]["sent"], 8, "eight words of opening, and no rejection");
}

/// Carries every envelope of a file that waits for a receipt, and its receipt back; gives what the envelopes say, but for
/// words of opening.
fn carried(scene: &Scene, from: &Node, to: &Node, file: &str) -> Vec<String> {
    let (mut said, mut number) = (Vec::new(), 0);
    loop {
        let name = format!("{}-{}-{file}", from.state, letters(from, file));
        let (envelope, receipt) = (scene.path(&format!("{name}.json")), scene.path(&format!("{name}.p7m")));
        let (envelope, receipt) = (format!("{envelope}.{number}"), format!("{receipt}.{number}"));
        let told = from.run(&["envelope", "export", file, "--out", &envelope]);
        if told.failure() == "R-552" {
            return said;
        }
        assert_eq!(told.code, Some(0), "{}", told.errors);
        to.done(&["envelope", "import", &envelope, "--receipt-out", &receipt]);
        assert_eq!(from.done(&["envelope", "import", &receipt])["first"], true);
        if told.data["kind"] != "opened" {
            said.push(told.data["kind"].as_str().unwrap().to_owned());
        }
        number += 1;
    }
}

fn letters(node: &Node, file: &str) -> usize {
    node.file(file)["letters"].as_array().unwrap().len()
}

fn letter(timeline: &Value, statement: &str) -> Value {
    let letters = timeline["letters"].as_array().unwrap();
    let found: Vec<&Value> = letters.iter().filter(|letter| letter["statement"] == statement).collect();
    assert_eq!(found.len(), 1, "{letters:#?}");
    found[0].clone()
}

fn audit(node: &Node) -> Value {
    node.well()["audit"].clone()
}

fn digest(bytes: &[u8]) -> String {
    vocabulary::Digest::of(bytes).to_string()
}
