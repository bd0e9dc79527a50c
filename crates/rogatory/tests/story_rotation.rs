//! Keys change while two nodes serve: peers learn it by themselves, and nothing on its way is lost.

#![cfg(test)]

#[expect(dead_code, reason = "the other stories read more of what a command says")]
mod harness;

use harness::{Node, Scene, wait_for};
use std::{fs, process::Command};

/// The number of B's descriptor as A knows it.
fn known(scene: &Scene) -> u64 {
    scene.a.done(&["peer", "list"])[0]["descriptor"]["sequence"].as_u64().unwrap()
}

fn export(node: &Node, scene: &Scene, name: &str) -> u64 {
    let file = scene.path(name);
    node.done(&["descriptor", "export", "--out", &file]);
    node.done(&["descriptor", "show", &file])["descriptor"]["sequence"].as_u64().unwrap()
}

#[test]
fn keys_are_rotated_under_load_and_both_sides_stay_clean() {
    let scene = Scene::serving();
    let (a, b) = (&scene.a, &scene.b);
    scene.sent("preservation", None);
    let before = known(&scene);

    // B's process goes on with the keys that it was started with, and opens with the new ones.
    for key in ["contact-point", "central-authority", "log", "cosigner", "tls"] {
        b.done(&["key", "rotate", key]);
    }
    let number = export(b, &scene, "xb-2.p7m");
    assert!(number > before);
    serves_its_new_certificate(b);
    scene.sent("preservation", None);
    wait_for("B's newer descriptor at A", || (known(&scene) == number).then_some(()));
    scene.sent("stored-data", None);
    let findings = a.done(&["finding", "list"]);
    let found = findings.as_array().unwrap().iter().any(|found| found["report"]["code"] == "R-926");
    assert!(found, "{findings:#}");

    // The envelope waits at A while B changes again, this time in a hurry, and starts with the new keys.
    b.stop();
    let file = scene.approved("preservation", None);
    for key in ["log", "node", "contact-point"] {
        b.done(&["key", "rotate", key, "--compromised"]);
    }
    let number = export(b, &scene, "xb-3.p7m");
    b.serve();
    scene.wait_outgoing(&file, "a receipt under keys that A did not know", |known| {
        !known["delivered"].is_null()
    });
    scene.wait_incoming(&file, "the request that was sealed to a key that is no more", |_| true);
    assert_eq!(known(&scene), number);

    let (ours, theirs) = scene.settled();
    assert_eq!(ours["audit"]["delivered"], theirs["audit"]["received"]);
    assert_eq!(theirs["audit"]["quarantined"], 0);
    a.stop();
    b.stop();
}

/// A running node shows its new TLS certificate within a moment; openssl sees it.
fn serves_its_new_certificate(node: &Node) {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: openssl is not installed");
        return;
    }
    let text = fs::read_to_string(node.folder.join("node.toml")).unwrap();
    let listen = text.lines().find_map(|line| line.strip_prefix("listen = ")).unwrap().trim_matches('"');
    let wanted = fs::read_to_string(node.folder.join("keys/tls.cert.pem")).unwrap();
    wait_for("the new TLS certificate", || {
        let arguments = ["s_client", "-connect", listen, "-showcerts"];
        let shown = Command::new("openssl").args(arguments).output().unwrap();
        String::from_utf8_lossy(&shown.stdout).contains(wanted.trim()).then_some(())
    });
}
