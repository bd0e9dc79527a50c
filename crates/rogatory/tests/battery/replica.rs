//! Two replicas by mistake: a second process on one folder by any path, and a restored copy of the folder.

use crate::{
    harness::{Node, Scene, free_port, wait_for},
    load::Load,
    tally::{at_rest, say, settle},
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
    assert_eq!(replica.file(file)["file"], load.scene.a.file(file)["file"]);
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
