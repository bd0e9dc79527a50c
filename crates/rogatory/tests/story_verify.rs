//! What two real nodes export, the verifier for courts accepts; what is changed after, it refuses by name.

#![cfg(test)]

#[expect(dead_code, reason = "the other tests kill processes and read ladders in other ways")]
mod harness;

use harness::{Node, Scene, program, wait_for};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

/// A preservation that was asked, granted and effected, with every word of opening back at its sender.
fn walked() -> (Scene, String) {
    let scene = Scene::serving();
    let file = scene.preserved();
    for node in [&scene.a, &scene.b] {
        wait_for("every word of opening", || {
            let ladders = node.done(&["file", "proofs", &file]);
            let mut all = ladders.as_array().unwrap().iter().filter(|ladder| ladder["statement"] != "opened");
            let opened = |ladder: &Value| {
                ladder["rungs"].as_array().unwrap().iter().any(|rung| rung["step"] == "opened")
            };
            all.all(opened).then_some(())
        });
        node.settled();
    }
    (scene, file)
}

fn verify(bundle: &str, more: &[&str]) -> (Option<i32>, Value) {
    let done = program().args([&["--json", "verify", bundle], more].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    (done.status.code(), serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{said}")))
}

fn roots(bundle: &Path) -> [String; 2] {
    ["XA", "XB"].map(|state| format!("{state}={}", bundle.join(format!("states/{state}/root.pem")).display()))
}

#[test]
fn a_bundle_of_either_side_holds_and_a_changed_one_does_not() {
    let (scene, file) = walked();
    let mut last = None;
    for node in [&scene.a, &scene.b] as [&Node; 2] {
        for (kind, more) in [("folder", &[][..]), ("zip", &[][..]), ("bare.zip", &["--without-content"][..])]
        {
            let out = scene.path(&format!("{}-bundle.{kind}", node.state));
            node.by(&node.first, &[&["file", "export", &file, "--out", &out], more].concat());
            let (code, report) = verify(&out, &[]);
            assert_eq!(code, Some(0), "{} {kind}: {report:#}", node.state);
            assert_eq!(report["verdict"], "holds-within");
            if kind == "folder" {
                let roots = roots(Path::new(&out));
                let (code, report) = verify(&out, &["--root", &roots[0], "--root", &roots[1]]);
                assert_eq!((code, &report["verdict"]), (Some(0), &Value::from("holds")), "{report:#}");
                assert_eq!(report["remarks"].as_array().unwrap().len(), 0, "{report:#}");
                last = Some((out, report));
            }
        }
    }
    in_a_browser(&scene);
    let (out, report) = last.unwrap();
    let number = report["envelopes"][0]["number"].as_str().unwrap();
    let envelope = report["envelopes"][0]["envelope"].as_str().unwrap();
    let receipt = Path::new(&out).join(format!("envelopes/{number}-{envelope}/receipt.p7m"));
    let mut bytes = fs::read(&receipt).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&receipt, bytes).unwrap();
    let (code, report) = verify(&out, &[]);
    assert_eq!(code, Some(4), "{report:#}");
    let wrong = report["wrong"].as_array().unwrap();
    assert!(
        wrong
            .iter()
            .any(|one| one["code"] == "P-972" && one["thing"].as_str().unwrap().ends_with("receipt.p7m"))
    );
}

/// The page says the same of the ZIP files; only where Node.js modules and a Chromium are installed.
fn in_a_browser(scene: &Scene) {
    let Some(modules) = std::env::var_os("ROGATORY_NODE_MODULES") else {
        println!("skipped: ROGATORY_NODE_MODULES names no folder");
        return;
    };
    let verifier = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verifier");
    let files = ["XA-bundle.zip", "XB-bundle.zip", "XA-bundle.bare.zip", "XB-bundle.bare.zip"];
    let cases: Vec<Value> = files.iter().map(|file| json!({"file": file, "trust": {}})).collect();
    fs::write(scene.path("cases.json"), Value::from(cases).to_string()).unwrap();
    let folder = scene.path("");
    let done = Command::new("node")
        .arg(verifier.join("tests/browser/judge.mjs"))
        .args([modules, verifier.join("browser/verifier.html").into(), folder.into()])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said: Value = serde_json::from_slice(&done.stdout).unwrap();
    let said = said["results"].as_array().unwrap();
    assert_eq!(said.len(), files.len());
    for (file, page) in files.iter().zip(said) {
        assert_eq!(page["verdict"], "holds-within", "{file}: {page:#}");
    }
}

#[test]
fn what_cannot_be_read_is_no_verdict() {
    let done = program().args(["verify", "/nowhere.zip"]).output().unwrap();
    assert_eq!(done.status.code(), Some(5));
    let done = program().args(["verify", ".", "--fingerprint", "XA=short"]).output().unwrap();
    assert_eq!(done.status.code(), Some(3));
}
