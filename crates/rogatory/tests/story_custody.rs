//! The custody of exhibits as a story: from the first link to the last, on both sides and in the hands of a stranger.

#![cfg(test)]

#[expect(dead_code, reason = "the other tests kill processes and tell other stories")]
mod harness;

use harness::{CASE, Scene, Started, program, tree, view};
use serde_json::Value;
use std::{fs, path::Path, process::Command};

#[test]
fn exhibits_are_followed_from_acquired_to_destroyed_on_both_sides() {
    let scene = Scene::serving();
    let (a, b) = (&scene.a, &scene.b);
    let file = evidence_is_sent(&scene);
    let exhibits = exhibits(&b.done(&["custody", "show", &file]));
    let [one, two] = [exhibits[0].as_str(), exhibits[1].as_str()];
    assert_eq!(actions(&b.done(&["custody", "show", &file]), one), ["acquired", "sealed", "sent"]);

    let out = scene.path("opened");
    let opened = a.by(&a.first, &["evidence", "open", &file, "--out", &out]);
    assert_eq!(opened["gaps"].as_array().unwrap().len(), 0, "{opened:#}");
    let (ours, theirs) = (a.done(&["custody", "show", &file]), b.done(&["custody", "show", &file]));
    assert_eq!(actions(&ours, one), ["acquired", "sealed", "sent", "delivered", "opened"]);
    assert_eq!(&links(&ours, one)[..3], links(&theirs, one), "both hold the same links");
    assert_eq!(links(&ours, one)[4]["digest_before"], links(&ours, one)[0]["digest_after"]);
    a.by(&a.first, &["evidence", "open", &file, "--out", &scene.path("again")]);
    assert_eq!(actions(&a.done(&["custody", "show", &file]), two).last().unwrap(), "opened");

    a.refused(&a.second, &["custody", "disclose", &file, "--exhibit", one, "--why", "x"], "R-151");
    let disclosed = a.by(
        &a.first,
        &[
            "custody",
            "disclose",
            &file,
            "--exhibit",
            one,
            "--why",
            "to defence counsel",
            "--place",
            "reading room",
        ],
    );
    assert_eq!(links(&disclosed, one).last().unwrap()["place"], "reading room");
    let content = Path::new(&out).join("data/case").display().to_string();
    let copied = a.by(
        &a.first,
        &["custody", "copy", &file, "--exhibit", one, "--why", "working copy", "--content", &content],
    );
    let copy = copied["copy"].as_str().unwrap().to_owned();
    assert_eq!(actions(&copied["custody"], one).last().unwrap(), "copied");
    assert_eq!(links(&copied["custody"], &copy)[0]["related"], one);
    let wrong = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let changed = ["custody", "copy", &file, "--exhibit", one, "--why", "x", "--digest-before", wrong];
    a.refused(&a.first, &changed, "R-264");
    a_copy_is_destroyed_alone(&scene, &file, &copy, one);
    a_further_addressee_opens_it_and_the_bulk_stays(&scene, &file, one);

    the_package_goes_back(&scene, &file, one, two);
    it_is_destroyed_by_two_officers(&scene, &file, one);
    for node in [a, b] {
        assert_eq!(node.done(&["custody", "check", &file])["unbroken"], true);
        node.settled();
    }
}

/// B takes two exhibits in, seals and sends; A's node fetches. Gives the file.
fn evidence_is_sent(scene: &Scene) -> String {
    let (a, b) = (&scene.a, &scene.b);
    let file = scene.sent("stored-data", None);
    b.by(&b.first, &["incoming", "triage", &file]);
    b.by(&b.first, &["incoming", "propose", &file, "--grant"]);
    b.by(&b.second, &["incoming", "decide", &file]);
    for name in ["case", "the same once more"] {
        b.by(&b.first, &["evidence", "add", &file, CASE, "--name", name, "--why", "order 12/2026"]);
    }
    b.by(&b.first, &["evidence", "seal", &file]);
    b.by(&b.first, &["evidence", "send", &file]);
    b.refused(&b.first, &["custody", "disclose", &file, "--all", "--why", "too late"], "R-266");
    scene.wait_outgoing(&file, "the announcement", |known| !known["evidence"].is_null());
    a.done(&["evidence", "fetch", &file]);
    file
}

fn a_copy_is_destroyed_alone(scene: &Scene, file: &str, copy: &str, original: &str) {
    let a = &scene.a;
    a.refused(&a.second, &["custody", "destroy", file, "--confirm", "--yes"], "R-237");
    let divided = ["custody", "destroy", file, "--exhibit", original, "--why", "x"];
    a.refused(&a.first, &divided, "R-236");
    a.by(&a.first, &["custody", "destroy", file, "--exhibit", copy, "--why", "laboratory has finished"]);
    a.refused(&a.first, &["custody", "destroy", file, "--confirm", "--yes"], "R-160");
    a.by(&a.second, &["custody", "destroy", file, "--confirm", "--yes"]);
    let known = a.done(&["custody", "show", file]);
    assert_eq!(actions(&known, copy), ["acquired", "destroyed"]);
    assert_eq!(links(&known, copy)[1]["why"], "laboratory has finished (proposed by ana.cruz)");
    assert_eq!(a.done(&["evidence", "verify", file])["valid"], true, "the package is untouched");
}

fn a_further_addressee_opens_it_and_the_bulk_stays(scene: &Scene, file: &str, exhibit: &str) {
    let (a, b) = (&scene.a, &scene.b);
    let package = view(a, file).unwrap()["evidence"]["package"].as_str().unwrap().to_owned();
    let package = a.folder.join("packages/received").join(file).join(package);
    let before = tree(&package);
    // Any certificate that can decrypt will do; this office was no addressee.
    let keys = b.folder.join("keys");
    let to = keys.join("contact-point.cert.pem").display().to_string();
    let add = ["evidence", "add-recipient", file, "--to", &to, "--why", "to defence counsel", "--disclose"];
    a.refused(&a.second, &add, "R-151");
    b.refused(&b.first, &add, "R-573");
    a.refused(&a.first, &["evidence", "add-recipient", file, "--to", &to, "--why", " "], "R-274");
    let added = a.by(&a.first, &add);
    assert_eq!(added["disclosed"].as_array().unwrap().len(), 2);
    a.refused(&a.first, &add, "R-561");
    let found = a.done(&["evidence", "recipients", file]);
    assert_eq!(found[0]["statement"]["addressee"], added["addressee"]);
    assert_eq!(found[0]["signer"]["office"], "XA/evidence-office");
    assert_eq!(actions(&a.done(&["custody", "show", file]), exhibit).last().unwrap(), "disclosed");
    let after = tree(&package);
    assert!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)), "a sealed byte changed");
    assert_eq!(after.len(), before.len() + 2);
    assert_eq!(a.done(&["evidence", "verify", file])["valid"], true);
    others_can_use_it(
        &package,
        added["addressee"].as_str().unwrap(),
        &keys,
        &a.folder.join("keys"),
        &found[0],
    );
}

/// The new addressee's key and a stranger's program are enough.
fn others_can_use_it(package: &Path, addressee: &str, theirs: &Path, ours: &Path, found: &Value) {
    let name = format!("addressee-{}", &addressee[7..23]);
    let decrypt = |envelope: &str, keys: &Path, office: &str| {
        let mut command = Command::new("openssl");
        command.args(["cms", "-decrypt", "-inform", "DER", "-in"]).arg(package.join(envelope));
        command.arg("-recip").arg(keys.join(format!("{office}.cert.pem")));
        command.arg("-inkey").arg(keys.join(format!("{office}.key.pem"))).output()
    };
    let Ok(opened) = decrypt(&format!("seal/{name}.p7m"), theirs, "contact-point") else {
        assert!(std::env::var_os("ROGATORY_REQUIRE_TOOLS").is_none(), "`openssl` is required");
        return;
    };
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    let key = decrypt("data/package-key.p7m", ours, "evidence-office").unwrap().stdout;
    assert!(key.starts_with(b"AGE-SECRET-KEY-1") && opened.stdout == key);
    let verified = Command::new("openssl")
        .args(["cms", "-verify", "-cades", "-binary", "-purpose", "any", "-inform", "DER", "-in"])
        .arg(package.join(format!("seal/{name}.p7s")))
        .arg("-CAfile")
        .arg(ours.join("root.cert.pem"))
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let statement: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(statement, found["statement"]);
}

fn the_package_goes_back(scene: &Scene, file: &str, one: &str, two: &str) {
    let (a, b) = (&scene.a, &scene.b);
    let part = ["custody", "return", file, "--exhibit", one, "--why", "x"];
    a.refused(&a.first, &part, "R-236");
    a.by(&a.first, &["custody", "return", file, "--all", "--why", "the trial has ended"]);
    a.refused(&a.first, &["evidence", "open", file, "--out", &scene.path("third")], "R-570");
    let package = view(a, file).unwrap()["evidence"]["package"].as_str().unwrap().to_owned();
    assert!(a.folder.join("packages/returned").join(file).join(&package).is_dir());
    assert!(!a.folder.join("packages/received").join(file).join(&package).exists());

    let chain = |exhibit: &str| {
        let path = scene.path(&format!("{exhibit}.p7m"));
        let words = ["custody", "export", file, "--exhibit", exhibit, "--out", &path, "--signed"];
        a.by(&a.first, &words);
        path
    };
    let (of_one, of_two) = (chain(one), chain(two));
    let receive = |exhibit, chain| {
        ["custody", "receive", file, "--exhibit", exhibit, "--why", "it came back", "--chain", chain]
    };
    b.refused(&b.first, &receive(one, &of_two), "P-572");
    b.by(&b.first, &receive(one, &of_one));
    let known = b.by(&b.first, &receive(two, &of_two));
    let expected = [
        "acquired",
        "sealed",
        "sent",
        "delivered",
        "opened",
        "opened",
        "disclosed",
        "copied",
        "disclosed",
        "returned",
        "received",
    ];
    assert_eq!(actions(&known, one), expected);
    anybody_checks_an_exported_chain(scene, file, one);
}

fn anybody_checks_an_exported_chain(scene: &Scene, file: &str, exhibit: &str) {
    let path = scene.path("chain.json");
    scene.b.done(&["custody", "export", file, "--exhibit", exhibit, "--out", &path]);
    let check = |path: &str| Started::spawn(program().args(["--json", "custody", "check", path])).end();
    let told = check(&path);
    assert_eq!((told.code, &told.data["unbroken"]), (Some(0), &Value::Bool(true)), "{}", told.errors);
    assert_eq!(told.data["chains"][0]["links"], 11);
    let inside = Path::new(&scene.path("opened")).join("custody.json").display().to_string();
    assert_eq!(check(&inside).data["chains"].as_array().unwrap().len(), 2);

    let mut links: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    links.remove(3);
    let cut = scene.path("cut.json");
    fs::write(&cut, serde_json::to_vec(&links).unwrap()).unwrap();
    let told = check(&cut);
    assert_eq!(told.code, Some(4), "{} {}", told.data, told.errors);
    let gap = &told.data["chains"][0];
    assert_eq!((&gap["unbroken"], &gap["at"]), (&Value::Bool(false), &Value::from(3)));
    assert_eq!(gap["gap"]["code"], "P-261");
    fs::write(&cut, b"{}").unwrap();
    assert_eq!(check(&cut).failure(), "R-580");
}

fn it_is_destroyed_by_two_officers(scene: &Scene, file: &str, one: &str) {
    let b = &scene.b;
    let package = view(b, file).unwrap()["sealed"]["package"].as_str().unwrap().to_owned();
    let place = b.folder.join("packages/sealed").join(file).join(package);
    assert!(place.is_dir());
    let proposed = b.by(&b.first, &["custody", "destroy", file, "--all", "--why", "retention ended"]);
    let proposal = proposed["destruction"]["proposal"].as_str().unwrap();
    let other = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let confirm = ["custody", "destroy", file, "--confirm", "--yes", "--proposal"];
    b.refused(&b.second, &[&confirm[..], &[other]].concat(), "R-239");
    b.refused(&b.second, &["custody", "destroy", file, "--confirm"], "R-582");
    b.refused(&b.first, &["custody", "destroy", file, "--confirm", "--yes"], "R-160");
    assert!(place.is_dir(), "nothing is removed before two officers have agreed");
    let known = b.by(&b.second, &[&confirm[..], &[proposal]].concat());
    assert_eq!(actions(&known, one).last().unwrap(), "destroyed");
    assert!(!place.exists());
    let late = ["custody", "disclose", file, "--exhibit", one, "--why", "too late"];
    b.refused(&b.first, &late, "R-269");
}

fn exhibits(custody: &Value) -> Vec<String> {
    let chains = custody["chains"].as_array().unwrap();
    chains.iter().map(|chain| chain["exhibit"].as_str().unwrap().to_owned()).collect()
}

fn links<'a>(custody: &'a Value, exhibit: &str) -> &'a [Value] {
    let chains = custody["chains"].as_array().unwrap();
    chains.iter().find(|chain| chain["exhibit"] == exhibit).unwrap()["links"].as_array().unwrap()
}

fn actions(custody: &Value, exhibit: &str) -> Vec<String> {
    links(custody, exhibit).iter().map(|link| link["action"].as_str().unwrap().to_owned()).collect()
}
