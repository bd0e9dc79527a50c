//! Two replicas by mistake: a second process on one folder by any path, and a restored copy of the folder.

use crate::{
    harness::{Node, Scene, free_port, wait_for},
    load::Load,
    tally::{say, settle},
};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

/// Another path to a folder, through a bind mount; unmounted when dropped.
struct Bound<'a>(&'a Path);

impl<'a> Bound<'a> {
    /// `None` where this user may not mount.
    fn mount(folder: &Path, at: &'a Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let output = Command::new("mount").arg("--bind").arg(folder).arg(at).output();
        let mounted = output.is_ok_and(|output| output.status.success());
        if !mounted {
            say("skipped: no bind mount for this user");
        }
        mounted.then_some(Self(at))
    }
}

impl Drop for Bound<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// A second process in the folder is refused whatever address it would listen on, and commands are not.
fn is_refused_and_commands_are_not(load: &Load<'_>, replica: &Node) {
    replica.fails(&["node", "serve"], "F-702");
    replica.well();
    let (file, _) = load.files().next().unwrap();
    // Somebody may have spoken in it between the two looks.
    assert_eq!(replica.file(file)["file"]["delivered"], load.scene.a.file(file)["file"]["delivered"]);
}

#[test]
fn a_second_replica_on_one_folder_is_refused_by_every_path_and_commands_work_beside_the_first() {
    let scene = Scene::serving();
    let load = Load::open(&scene, 1);
    let place = scene.place.path();
    let folder = scene.a.folder.clone();
    let link = place.join("linked");
    symlink(&folder, &link).unwrap();
    let (around, at) = (place.join("beremia/../aldonia"), place.join("bound"));
    let bound = Bound::mount(&folder, &at);
    let mut paths = vec![folder, link, around];
    paths.extend(bound.iter().map(|_| at.clone()));
    let tried = paths.len();
    load.during(|| {
        for path in paths {
            is_refused_and_commands_are_not(&load, &scene.a.at(path));
        }
    });
    drop(bound);
    // The address in the file does not matter: it is the folder that is served once.
    let listen = listens(&scene.a);
    scene.a.configure(&listen, &format!("127.0.0.1:{}", free_port()));
    scene.a.fails(&["node", "serve"], "F-702");
    settle("replica", &load, json!({ "refused": tried + 1 }));
}

/// The value of `listen` in `node.toml`.
fn listens(node: &Node) -> String {
    let text = fs::read_to_string(node.folder.join("node.toml")).unwrap();
    let configuration: toml::Table = text.parse().unwrap();
    configuration["listen"].as_str().unwrap().to_owned()
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

fn found(node: &Node, codes: &[&str]) -> Option<Value> {
    let findings = node.done(&["finding", "list"]);
    let findings = findings.as_array().unwrap().iter();
    findings.into_iter().find(|found| codes.contains(&found["report"]["code"].as_str().unwrap())).cloned()
}

/// The folder was restored from a copy on another machine while the first still serves: two logs under one key.
struct SplitBrain {
    scene: Scene,
    copy: Node,
    file: String,
}

impl SplitBrain {
    fn new() -> Self {
        let scene = Scene::serving();
        let (file, copy) = {
            let load = Load::open(&scene, 1);
            scene.settled();
            scene.a.stop();
            let folder = scene.place.path().join("restored");
            copy(&scene.a.folder, &folder);
            (load.files().next().unwrap().0.to_owned(), scene.a.at(folder))
        };
        copy.configure(&listens(&scene.a), &format!("127.0.0.1:{}", free_port()));
        scene.a.serve();
        copy.serve();
        Self { scene, copy, file }
    }

    fn speak(&self, node: &Node, text: &str) {
        node.by(&node.first, &["request", "consult", &self.file, "--text", text]);
    }

    /// The letter that was sent last, as its node sees it.
    fn last(&self, node: &Node) -> Value {
        let file = node.file(&self.file);
        let mut letters = file["letters"].as_array().unwrap().iter();
        letters.rfind(|letter| letter["direction"] == "sent").unwrap().clone()
    }

    fn delivered(&self, node: &Node) {
        wait_for("the receipt", || (self.last(node)["proof"] == "delivered").then_some(()));
    }

    /// One side has both faces as evidence and stopped the exchange; no receipt for the copy's words is believed.
    fn is_found(&self) {
        let (b, copy) = (&self.scene.b, &self.copy);
        // By the State that is shown two logs, or by the copy that is shown a head of the first.
        let (by, about, found) = wait_for("the finding of the fork", || {
            let by_b = found(b, &["P-524", "P-525"]).map(|found| (b, "XA", found));
            by_b.or_else(|| found(copy, &["P-529", "P-537"]).map(|found| (copy, "XB", found)))
        });
        assert_eq!((&found["peer"], &found["level"]), (&about.into(), &"fail".into()), "{found}");
        assert!(found["evidence"].as_array().unwrap().len() >= 2, "{found}");
        let halted = by.done(&["peer", "halted"]).to_string();
        assert!(halted.contains(about), "{halted}");
        let shown = self.last(&self.copy);
        assert_ne!(shown["proof"], "delivered", "{shown}");
        assert!(shown["receipt"].is_null(), "{shown}");
        let (by, code) = (by.state, &found["report"]["code"]);
        say(&json!({ "battery": "split_brain", "found_by": by, "finding": code }).to_string());
    }
}

#[test]
fn a_restored_copy_that_speaks_beside_the_first_is_found_at_its_first_message() {
    let split = SplitBrain::new();
    split.speak(&split.scene.a, "words of the first");
    split.delivered(&split.scene.a);
    split.speak(&split.copy, "words of the copy");
    let b = &split.scene.b;
    split.is_found();
    // Both first words are of one size of the log, so B has found it, and waits for an officer to look.
    split.speak(&split.scene.a, "more words of the first");
    wait_for("the stop", || {
        found(b, &["P-524"]).filter(|_| split.last(&split.scene.a)["proof"] == "waiting")
    });
    split.copy.kill();
    b.by(&b.first, &["peer", "resume", "XA", "--reason", "The copy of XA is switched off."]);
    split.delivered(&split.scene.a);
}

#[test]
fn a_restored_copy_is_found_when_the_log_of_the_first_has_grown_much_further() {
    let split = SplitBrain::new();
    for number in 0..3 {
        split.speak(&split.scene.a, &format!("words {number} of the first"));
        split.delivered(&split.scene.a);
    }
    // Its head is of a size that the first never showed.
    split.copy.by(&split.copy.first, &["request", "new", &split.scene.draft("preservation", None)]);
    split.speak(&split.copy, "words of the copy");
    split.is_found();
    split.copy.kill();
    let b = &split.scene.b;
    if b.done(&["peer", "halted"]).to_string().contains("XA") {
        b.by(&b.first, &["peer", "resume", "XA", "--reason", "The copy of XA is switched off."]);
    }
    split.speak(&split.scene.a, "more words of the first");
    split.delivered(&split.scene.a);
    split.scene.settled();
}
