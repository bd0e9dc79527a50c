//! The walk of a request as a story: what two States' officers type, and what they see.

#![cfg(test)]

#[expect(dead_code, reason = "the other tests kill processes and read ladders in other ways")]
mod harness;

use harness::{CASE, Officer, Scene, Started, named, program, steps, tree, view, wait_for};
use serde_json::Value;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn a_request_walks_from_state_to_state_and_comes_back_with_evidence() {
    let scene = Scene::serving();
    let preservation = preservation_is_asked_and_effected(&scene);
    let assistance = assistance_is_asked_and_stops_the_clock(&scene, &preservation);
    it_is_granted_with_conditions(&scene, &assistance, &preservation);
    evidence_goes_and_is_opened(&scene, &assistance);
    the_hold_ends_on_both_sides(&scene, &preservation);
    both_sides_close(&scene, &[&assistance, &preservation]);
    both_ladders_are_shown(&scene, &assistance);
    let (a, b) = scene.settled();
    assert_eq!(a["audit"]["delivered"], b["audit"]["received"]);
    assert_eq!(b["audit"]["delivered"], a["audit"]["received"]);
    assert_eq!(a["audit"]["quarantined"], 0);
    assert_eq!(b["audit"]["quarantined"], 0);
    scene.a.stop();
    scene.b.stop();
}

fn preservation_is_asked_and_effected(scene: &Scene) -> String {
    let (a, b) = (&scene.a, &scene.b);
    let draft = scene.draft("preservation", None);
    let checked = a.done(&["request", "check", &draft]);
    assert!(severities(&checked, "must").is_empty(), "{checked:#}");
    let new = a.by(&a.first, &["request", "new", &draft]);
    let file = new["file"].as_str().unwrap().to_owned();
    assert_eq!(new["stage"], "drafting");
    let submitted = a.by(&a.first, &["request", "submit", &file]);
    assert_eq!(submitted["file"]["stage"], "awaiting-approval");
    a.refused(&a.first, &["request", "approve", &file], "R-160");
    let narrow = Officer { id: "eve.case", token: scene.place.path().join("eve.token") };
    a.enrol(&narrow, &["case-officer"]);
    a.refused(&narrow, &["request", "approve", &file], "R-151");
    assert_eq!(view(a, &file).unwrap()["stage"], "awaiting-approval");
    assert!(view(b, &file).is_none(), "nothing left the State without two officers");
    let approved = a.by(&a.second, &["request", "approve", &file]);
    assert_eq!(approved["eyes"]["first"], "ana.cruz");
    assert_eq!(approved["eyes"]["second"], "li.wei");
    scene.wait_outgoing(&file, "the receipt", |known| known["stage"] == "delivered");
    let incoming = scene.wait_incoming(&file, "the request", |_| true);
    assert_eq!(incoming["stage"], "received", "nothing is accepted automatically");

    let shown = b.done(&["incoming", "show", &file]);
    assert_eq!(shown["draft"]["kind"], "preservation");
    assert!(severities(&shown, "must").is_empty(), "{shown:#}");
    assert!(!shown["grounds"].as_array().unwrap().is_empty());
    b.refused(&b.second, &["incoming", "decide", &file], "R-201");
    b.by(&b.first, &["incoming", "triage", &file, "--urgent", "--note", "logs are deleted soon"]);
    b.by(&b.first, &["incoming", "propose", &file, "--grant"]);
    b.refused(&b.first, &["incoming", "decide", &file], "R-160");
    b.by(&b.second, &["incoming", "decide", &file]);
    let execute = ["incoming", "execute", &file, "--order", "Order 12/2026", "--days", "90"];
    let theirs = b.by(&b.first, &execute);
    let ours = scene.wait_outgoing(&file, "the preservation", |known| !known["preserved"].is_null());
    assert_eq!(ours["preserved"], theirs["preserved"], "both States compute the same instants");
    assert!(
        ours["preserved"]["minimum"]["result"].as_str() < ours["preserved"]["order_end"]["result"].as_str()
    );
    assert_eq!(ours["preserved"]["zone"], "Asia/Ho_Chi_Minh");
    file
}

fn assistance_is_asked_and_stops_the_clock(scene: &Scene, preservation: &str) -> String {
    let file = scene.sent("stored-data", Some(preservation));
    let ours = scene.wait_outgoing(preservation, "A's hold", |known| !known["hold"].is_null());
    let theirs = scene.wait_incoming(preservation, "B's hold", |known| !known["hold"].is_null());
    assert_eq!(ours["hold"], theirs["hold"], "the clock stops at one instant on both sides");
    assert_eq!(ours["hold"]["by"], file.as_str());
    assert_eq!(ours["hold"]["decided"], false);
    let received = &view(&scene.b, &file).unwrap()["received_at"];
    assert_eq!(&ours["hold"]["since"], received, "it stops when the request for assistance arrives");
    file
}

fn it_is_granted_with_conditions(scene: &Scene, file: &str, preservation: &str) {
    let b = &scene.b;
    b.by(&b.first, &["incoming", "triage", file]);
    let conditions = "Only for the proceeding named in the request.";
    b.by(&b.first, &["incoming", "propose", file, "--grant", "--conditions", conditions]);
    b.by(&b.second, &["incoming", "decide", file]);
    let known = scene.wait_outgoing(file, "the decision", |known| !known["decision"].is_null());
    assert_eq!(known["decision"]["decision"], "grant");
    assert_eq!(known["decision"]["conditions"], digest(conditions.as_bytes()).as_str());
    assert!(words(&scene.a, "request", file).contains(&conditions.to_owned()), "A reads the conditions");
    for node in [&scene.a, &scene.b] {
        let hold = &view(node, preservation).unwrap()["hold"];
        assert_eq!(
            hold["decided"], false,
            "{}: a grant keeps the data until the evidence is here",
            node.state
        );
    }
}

fn evidence_goes_and_is_opened(scene: &Scene, file: &str) {
    let (a, b) = (&scene.a, &scene.b);
    a.fails(&["evidence", "fetch", file], "R-809");
    b.refused(&b.first, &["evidence", "seal", file], "R-223");
    let why = "produced by the provider under order 12/2026";
    let added = b.by(&b.first, &["evidence", "add", file, CASE, "--name", "case", "--why", why]);
    assert_eq!(added["record"]["files"], tree(Path::new(CASE)).len());
    b.by(&b.first, &["evidence", "seal", file]);
    b.refused(&b.first, &["evidence", "seal", file], "R-204");
    b.by(&b.first, &["evidence", "send", file]);
    b.refused(&b.first, &["evidence", "send", file], "R-204");
    scene.wait_outgoing(file, "the announcement", |known| !known["evidence"].is_null());
    a.done(&["evidence", "fetch", file]);
    let known = view(a, file).unwrap();
    assert!(known["evidence"]["verified"].is_string());
    let verified = a.done(&["evidence", "verify", file]);
    assert_eq!(verified["valid"], true);
    let out = scene.path("opened");
    a.refused(&a.second, &["evidence", "open", file, "--out", &out], "R-151");
    let opened = a.by(&a.first, &["evidence", "open", file, "--out", &out]);
    assert_eq!(opened["signer"]["office"], "XB/evidence-office");
    assert_eq!(tree(&Path::new(&out).join("data/case")), tree(Path::new(CASE)));
    assert_eq!(view(a, file).unwrap()["evidence"]["opened"], true);
}

fn the_hold_ends_on_both_sides(scene: &Scene, preservation: &str) {
    for (node, what) in [(&scene.a, "A's hold ends"), (&scene.b, "B's hold ends")] {
        wait_for(what, || view(node, preservation).filter(|known| known["hold"]["decided"] == true));
    }
}

fn both_sides_close(scene: &Scene, files: &[&str]) {
    let (a, b) = (&scene.a, &scene.b);
    for file in files {
        b.refused(&b.first, &["incoming", "close", file], "R-224");
        a.by(&a.first, &["request", "close", file, "--outcome", "fulfilled"]);
    }
    for file in files {
        scene.wait_incoming(file, "the closing message", |known| known["outcome"] == "fulfilled");
        b.by(&b.first, &["incoming", "close", file]);
        assert_eq!(view(b, file).unwrap()["stage"], "closed");
        assert_eq!(view(a, file).unwrap()["stage"], "closed");
    }
}

fn both_ladders_are_shown(scene: &Scene, file: &str) {
    scene.a.settled();
    let shown = scene.a.file(file);
    let legal = [
        "drafted",
        "submitted",
        "approved",
        "delivered",
        "decided",
        "evidence-announced",
        "evidence-verified",
        "evidence-opened",
        "custody",
        "closed",
    ];
    assert_eq!(steps(&shown, "legal"), legal);
    let transport = steps(&shown, "transport");
    for proof in ["submitted", "delivered", "received", "fetched"] {
        assert!(transport.iter().any(|step| step == proof), "{proof} in {transport:?}");
    }
    let legal: Vec<String> = steps(&scene.b.file(file), "legal");
    let expected = [
        "received",
        "triaged",
        "proposed",
        "decided",
        "exhibit-taken",
        "custody",
        "evidence-sealed",
        "custody",
        "evidence-sent",
        "custody",
        "answered",
        "closed-by-requester",
        "closed",
    ];
    assert_eq!(legal, expected);
}

#[test]
fn a_refusal_needs_consultation_a_permitted_ground_and_reasons() {
    let scene = Scene::serving();
    let (a, b) = (&scene.a, &scene.b);
    let file = scene.sent("stored-data", None);
    b.by(&b.first, &["incoming", "triage", &file]);
    let reasons = "The measure would endanger an operation that is under way.";
    let refuse = ["incoming", "propose", &file, "--refuse", "essential-interests", "--reasons", reasons];
    let early = b.refused(&b.first, &refuse, "R-118");
    assert!(early["clause"].as_str().unwrap().contains("40(28)"), "{early}");

    b.by(&b.first, &["incoming", "consult", &file, "--text", "Would the connection logs alone serve?"]);
    let asked = wait_for("the consultation", || last(a, &file, "consulted"));
    assert_eq!(asked["direction"], "received");
    a.by(&a.first, &["request", "consult", &file, "--text", "No, the messages are needed."]);
    let answered = wait_for("the reply", || {
        last(b, &file, "consulted").filter(|consulted| consulted["direction"] == "received")
    });
    assert_eq!(answered["text"], digest(b"No, the messages are needed.").as_str());
    assert!(words(a, "request", &file).contains(&"Would the connection logs alone serve?".to_owned()));
    assert!(words(b, "incoming", &file).contains(&"No, the messages are needed.".to_owned()));

    for ground in ["fiscal", "bank-secrecy"] {
        let told = b.refused(
            &b.first,
            &["incoming", "propose", &file, "--refuse", ground, "--reasons", reasons],
            "R-112",
        );
        assert!(told["clause"].as_str().unwrap().contains("40(2"), "{told}");
    }
    b.refused(&b.first, &["incoming", "propose", &file, "--refuse", "essential-interests"], "R-806");
    let blank = ["incoming", "propose", &file, "--refuse", "essential-interests", "--reasons", " "];
    b.refused(&b.first, &blank, "R-116");
    b.by(&b.first, &refuse);
    b.refused(&b.first, &["incoming", "decide", &file], "R-160");
    b.by(&b.second, &["incoming", "decide", &file]);

    let known = scene.wait_outgoing(&file, "the decision", |known| !known["decision"].is_null());
    assert_eq!(known["stage"], "answered");
    assert_eq!(known["decision"]["decision"], "refuse");
    assert_eq!(known["decision"]["grounds"][0], "essential-interests");
    assert!(words(a, "request", &file).contains(&reasons.to_owned()), "A reads the reasons");
    b.refused(&b.first, &["evidence", "add", &file, CASE, "--name", "case"], "R-201");
    a.refused(&a.first, &["request", "close", &file, "--outcome", "fulfilled"], "R-213");
    a.by(&a.first, &["request", "close", &file, "--outcome", "not-granted"]);
    scene.wait_incoming(&file, "the closing message", |known| known["outcome"] == "not-granted");
    b.by(&b.first, &["incoming", "close", &file]);
    a.settled();
    b.settled();
}

#[test]
fn a_withdrawn_request_is_withdrawn_on_both_sides() {
    let scene = Scene::serving();
    let (a, b) = (&scene.a, &scene.b);
    let unsent = scene.submitted("preservation", None);
    a.by(&a.first, &["request", "withdraw", &unsent, "--reason", "the person was found"]);
    a.refused(&a.second, &["request", "approve", &unsent], "R-201");

    let file = scene.sent("preservation", None);
    b.by(&b.first, &["incoming", "triage", &file]);
    a.by(&a.first, &["request", "withdraw", &file, "--reason", "the person was found"]);
    a.refused(&a.first, &["request", "withdraw", &file, "--reason", "again"], "R-201");
    scene.wait_incoming(&file, "the withdrawal", |known| known["stage"] == "withdrawn");
    b.refused(&b.first, &["incoming", "propose", &file, "--grant"], "R-201");
    b.by(&b.first, &["incoming", "close", &file]);
    assert!(view(b, &unsent).is_none(), "what was never approved is never told");
    let (ours, theirs) = scene.settled();
    assert_eq!(ours["audit"]["sent"], 2);
    assert_eq!(theirs["audit"]["received"], 2);
    assert_eq!(theirs["audit"]["sent"], 2, "two words of opening, and nothing else");
}

#[test]
fn a_preservation_is_extended_before_it_ends_and_both_sides_agree_until_when() {
    let scene = Scene::serving();
    let (a, b) = (&scene.a, &scene.b);
    let file = scene.preserved();
    let before = view(a, &file).unwrap()["preserved"]["order_end"]["result"].as_str().unwrap().to_owned();
    let reason = "the request for assistance is being translated";
    a.refused(&a.first, &["request", "extend", &file, "--days", "0", "--reason", reason], "R-211");
    a.by(&a.first, &["request", "extend", &file, "--days", "60", "--reason", reason]);
    let asked = wait_for("the request to extend", || last(b, &file, "extension-asked"));
    assert_eq!(asked["days"], 60);
    b.by(&b.first, &["incoming", "extend", &file, "--days", "60"]);
    let known = scene.wait_outgoing(&file, "the extension", |known| {
        known["preserved"]["order_end"]["result"].as_str() != Some(before.as_str())
    });
    assert!(known["preserved"]["order_end"]["result"].as_str() > Some(before.as_str()));
    assert_eq!(known["preserved"], view(b, &file).unwrap()["preserved"]);
    a.settled();
    b.settled();
}

#[test]
fn a_draft_with_gaps_is_checked_whole_and_cannot_be_submitted() {
    let scene = Scene::new();
    let a = &scene.a;
    let draft = scene.draft("preservation", None);
    let mut table: toml::Table = fs::read_to_string(&draft).unwrap().parse().unwrap();
    for name in ["necessity", "facts", "custodian"] {
        table.remove(name);
    }
    fs::write(&draft, toml::to_string(&table).unwrap()).unwrap();
    let told = a.run(&["request", "check", &draft]);
    assert_eq!(told.code, Some(3), "{}", told.errors);
    let must = severities(&told.data, "must");
    assert!(must.len() >= 2, "all findings come at once: {must:#?}");
    for finding in must {
        assert!(!finding["remedy"].as_str().unwrap().is_empty(), "{finding}");
    }
    let file = a.by(&a.first, &["request", "new", &draft])["file"].as_str().unwrap().to_owned();
    a.refused(&a.first, &["request", "submit", &file], "R-210");
    let whole = scene.draft("preservation", None);
    a.by(&a.first, &["request", "revise", &file, &whole]);
    a.by(&a.first, &["request", "submit", &file]);
}

#[test]
fn nobody_commands_without_a_name_and_a_token() {
    let scene = Scene::new();
    let a = &scene.a;
    let draft = scene.draft("preservation", None);
    a.fails(&["request", "new", &draft], "R-801");
    let stranger = Officer { id: "li.wei", token: a.first.token.clone() };
    a.refused(&stranger, &["request", "new", &draft], "R-155");
    assert_eq!(a.done(&["request", "list"]).as_array().unwrap().len(), 0);
}

/// A folder made by `demo --keep`.
fn demonstrated() -> (tempfile::TempDir, PathBuf, Value) {
    let place = tempfile::Builder::new().prefix("rogatory-test-").tempdir().unwrap();
    let kept = place.path().join("walk");
    let told = Started::spawn(program().args(["--json", "demo", "--keep"]).arg(&kept)).end();
    assert_eq!(told.code, Some(0), "{}", told.errors);
    (place, kept, told.data)
}

/// Runs `verify.sh` as a stranger does; with the tools of the test command none may be missing.
fn verify(kept: &Path) -> (bool, String) {
    let mut command = Command::new("sh");
    command.arg(kept.join("verify.sh"));
    if env::var_os("ROGATORY_REQUIRE_TOOLS").is_some() {
        command.env("REQUIRE_ALL", "1");
    }
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn the_demonstration_leaves_what_a_stranger_needs() {
    let (place, kept, data) = demonstrated();
    for name in ["a/node.toml", "b/node.toml", "package/bagit.txt", "package/seal/signature.p7s"] {
        assert!(kept.join(name).is_file(), "{name}");
    }
    for name in ["trust/roots.pem", "verify.sh", "summary.json"] {
        assert!(kept.join(name).is_file(), "{name}");
    }
    let summary: Value = serde_json::from_slice(&fs::read(kept.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary, data);
    assert!(summary["steps"].as_array().unwrap().len() > 20);
    for step in summary["steps"].as_array().unwrap() {
        assert!(!step["article"].as_str().unwrap().is_empty() && step["seconds"].is_number(), "{step}");
    }
    assert_eq!(tree(&kept.join("opened/data/case")), tree(Path::new(CASE)));
    let (good, said) = verify(&kept);
    assert!(good, "{said}");
    for (folder, noun) in [("a", "request"), ("b", "incoming")] {
        let node = kept.join(folder);
        let listed = Started::spawn(program().args(["--json", noun, "list", "--node"]).arg(&node)).end();
        assert_eq!(listed.data.as_array().unwrap().len(), 2, "{}", listed.errors);
        let doctor = Started::spawn(program().args(["--json", "node", "doctor", "--node"]).arg(&node)).end();
        assert_eq!(doctor.code, Some(0), "{}", doctor.data);
    }
    let again = Started::spawn(program().args(["--json", "demo", "--keep"]).arg(&kept)).end();
    assert_eq!((again.code, again.failure()), (Some(3), "R-820"), "a kept walk is never overwritten");
    drop(place);
}

#[test]
fn a_changed_byte_is_found_by_tools_of_others_and_by_the_program() {
    let (_place, kept, data) = demonstrated();
    let part = kept.join("package/data/payload.age.000000");
    let mut bytes = fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&part, &bytes).unwrap();
    let (good, said) = verify(&kept);
    assert!(!good && said.contains("WRONG"), "{said}");

    let node = kept.join("a");
    let package = data["package"].as_str().unwrap();
    let file = data["assistance_file"].as_str().unwrap();
    let part = format!("packages/received/{file}/{package}/data/payload.age.000000");
    fs::write(node.join(part), &bytes).unwrap();
    let told =
        Started::spawn(program().args(["--json", "evidence", "verify", file, "--node"]).arg(&node)).end();
    assert_eq!(told.code, Some(4), "{}", told.errors);
    assert_eq!(told.data["valid"], false);
    let faults = told.data["report"].to_string();
    assert!(faults.contains("data/payload.age.000000"), "the file is named: {faults}");
}

/// The detail of the newest legal step `what` of a file.
fn last(node: &harness::Node, file: &str, what: &str) -> Option<Value> {
    named(&node.file(file), "legal", what).last().map(|step| step["detail"].clone())
}

/// The words of both States that `show` prints.
fn words(node: &harness::Node, noun: &str, file: &str) -> Vec<String> {
    let shown = node.done(&[noun, "show", file]);
    let texts = shown["texts"].as_array().unwrap();
    texts.iter().filter_map(|text| text["text"].as_str()).map(str::to_owned).collect()
}

fn severities(checked: &Value, severity: &str) -> Vec<Value> {
    let findings = checked["findings"].as_array().unwrap();
    findings.iter().filter(|finding| finding["severity"] == severity).cloned().collect()
}

fn digest(bytes: &[u8]) -> String {
    vocabulary::Digest::of(bytes).to_string()
}
