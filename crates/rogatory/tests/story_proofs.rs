//! The bundle of a file as a story: two nodes, exports from both sides, and other people's tools that judge them.

#![cfg(test)]

#[expect(dead_code, reason = "the other tests kill processes and read ladders in other ways")]
mod harness;

use harness::{Node, Scene, wait_for};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Runs the commands of the bundle's own README.txt, as they stand.
fn judge(bundle: &Path) -> (bool, String) {
    let readme = fs::read_to_string(bundle.join("README.txt")).unwrap();
    let begin = readme.find("# begin\n").unwrap();
    let end = readme[begin..].find("# end\n").unwrap() + begin;
    let script = bundle.with_extension("check.sh");
    fs::write(&script, &readme[begin..end]).unwrap();
    let done = Command::new("sh").arg("-eu").arg(&script).current_dir(bundle).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// A preservation that was asked, granted and effected, with every word of opening back at its sender.
fn walked() -> (Scene, String) {
    let scene = Scene::serving();
    let file = scene.preserved();
    for node in [&scene.a, &scene.b] {
        wait_for("every word of opening", || {
            let ladders = node.done(&["file", "proofs", &file]);
            let all = ladders.as_array().unwrap().iter().filter(|ladder| ladder["statement"] != "opened");
            all.map(|ladder| ladder["rungs"].as_array().unwrap().iter().any(|rung| rung["step"] == "opened"))
                .all(|opened| opened)
                .then_some(())
        });
        node.settled();
    }
    (scene, file)
}

fn export(node: &Node, file: &str, out: &str, more: &[&str]) -> (PathBuf, Value) {
    let words = [&["file", "export", file, "--out", out], more].concat();
    (PathBuf::from(out), node.by(&node.first, &words))
}

#[test]
fn both_sides_export_a_bundle_that_other_tools_check() {
    let (scene, file) = walked();
    for node in [&scene.a, &scene.b] {
        let (bundle, told) = export(node, &file, &scene.path(&format!("{}-bundle", node.state)), &[]);
        assert_eq!(told["content"], true);
        let (good, said) = judge(&bundle);
        assert!(good, "{}: {said}", node.state);
        println!("{said}");
    }
}
