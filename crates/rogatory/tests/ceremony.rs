//! The commands of `docs/operate/keys.md`, run as they stand there: the document cannot drift from the program.

#![cfg(test)]

use serde_json::Value;
use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;

const DOCUMENT: &str = include_str!("../../../docs/operate/keys.md");

/// A scratch folder in which the document is walked.
struct Scene {
    place: TempDir,
}

impl Scene {
    fn new() -> Self {
        let place = TempDir::new().unwrap();
        fs::create_dir(place.path().join("ram")).unwrap();
        Self { place }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let own = Path::new(env!("CARGO_BIN_EXE_rogatory")).parent().unwrap().to_owned();
        let path = env::join_paths([own].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap())));
        Command::new(program)
            .args(arguments)
            .current_dir(self.place.path())
            .env("PATH", path.unwrap())
            .env("RAM", self.path("ram"))
            .env_remove("ROGATORY_PASSPHRASE_FILE")
            .env_remove("ROGATORY_ROOT_PASSPHRASE_FILE")
            .env_remove("CREDENTIALS_DIRECTORY")
            .output()
            .unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run("rogatory", &[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// The lines of the `sh` blocks, in their order.
fn commands() -> Vec<&'static str> {
    let blocks = DOCUMENT.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("\n```"));
    blocks.flat_map(|(block, _)| block.lines()).collect()
}

/// One shell for all, which stops at the first line that does not end as the document says.
fn script(commands: &[&str]) -> String {
    let lines = commands.iter().map(|line| match line.strip_prefix("! ") {
        // A refusal is wanted, not a command that the program does not know.
        Some(refused) => format!(
            "{refused}\ncase $? in 0|2|126|127) echo \"this should have been refused: $LINENO\" >&2; exit 97;; esac\n"
        ),
        None => format!("{line}\n[ $? = 0 ] || {{ echo \"this failed: $LINENO\" >&2; exit 98; }}\n"),
    });
    lines.collect()
}

#[test]
fn the_document_is_walked_from_the_ceremony_to_the_restore_test() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: openssl is not installed");
        return;
    }
    let scene = Scene::new();
    let commands = commands();
    assert!(commands.len() > 60, "{} commands", commands.len());
    let script = script(&commands);
    fs::write(scene.path("walk.sh"), &script).unwrap();
    let walked = scene.run("bash", &["walk.sh"]);
    assert!(
        walked.status.success(),
        "{}\n{}\n{}",
        String::from_utf8_lossy(&walked.stdout),
        String::from_utf8_lossy(&walked.stderr),
        script.lines().enumerate().map(|(n, line)| format!("{:3} {line}\n", n + 1)).collect::<String>()
    );
    every_private_key_is_protected(&scene);
    the_descriptors_say_what_was_retired(&scene);
    the_ledger_knows_the_rotations(&scene);
}

/// SIGKILL at a random moment of commands that change keys: the keys are the old ones or the new ones, and load.
#[test]
fn a_command_that_is_killed_while_keys_change_leaves_keys_that_load() {
    let scene = Scene::new();
    fs::write(scene.path("keys.pass"), "six words that were drawn by lot\n").unwrap();
    fs::set_permissions(scene.path("keys.pass"), fs::Permissions::from_mode(0o600)).unwrap();
    let words = "--node xa node init --state XA --name Aldonia --endpoint https://127.0.0.1:9443";
    assert!(scene.run("rogatory", &words.split(' ').collect::<Vec<_>>()).status.success());
    let commands =
        ["rotate contact-point", "protect", "rotate log", "unprotect", "rotate tls", "rotate node"];
    let mut killed = 0;
    for round in 0_u64..36 {
        let command = commands[usize::try_from(round).unwrap() % commands.len()];
        let words = format!("--node xa --passphrase-file keys.pass key {command}");
        let mut child = Command::new(env!("CARGO_BIN_EXE_rogatory"))
            .args(words.split(' '))
            .current_dir(scene.place.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // From before the first write to after the last one, in steps that the rounds do not share.
        thread::sleep(Duration::from_micros(round * 7919 % 60_000));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let list = scene.json(&["--node", "xa", "--passphrase-file", "keys.pass", "key", "list"]);
        assert!(list["private_keys"].as_u64().unwrap() >= 7, "after `{command}`");
    }
    assert!(killed > 5, "{killed} commands were killed in time");
    for command in ["protect", "rotate contact-point", "rotate log"] {
        let words = format!("--node xa --passphrase-file keys.pass key {command}");
        let output = scene.run("rogatory", &words.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let doctor = scene.json(&["--node", "xa", "--passphrase-file", "keys.pass", "node", "doctor"]);
    assert_eq!(doctor["well"], true);
    let list = scene.json(&["--node", "xa", "--passphrase-file", "keys.pass", "key", "list"]);
    assert_eq!(list["protected"], list["private_keys"]);
}

/// openssl opens every private key of the node with its passphrase, and none with another.
fn every_private_key_is_protected(scene: &Scene) {
    let mut keys: Vec<PathBuf> = Vec::new();
    for folder in [scene.path("xa/keys")].into_iter().chain(entries(&scene.path("xa/keys/retired"))) {
        keys.extend(entries(&folder).into_iter().filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.ends_with("key.pem") || name.ends_with(".seed")
        }));
    }
    // Nine in use; four offices were replaced, one of them twice.
    assert_eq!(keys.len(), 9 + 5, "{keys:?}");
    let opens = |key: &Path, passphrase: &str| {
        let key = key.display().to_string();
        scene.run("openssl", &["pkey", "-in", &key, "-passin", passphrase, "-noout"]).status.success()
    };
    for key in &keys {
        let text = fs::read_to_string(key).unwrap();
        assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{}", key.display());
        assert!(opens(key, "file:keys.pass"), "{}", key.display());
        assert!(!opens(key, "file:custodian-1.half"), "{}", key.display());
    }
    assert!(!scene.path("xa/root").exists(), "the root went back to its medium");
}

fn the_descriptors_say_what_was_retired(scene: &Scene) {
    let read = |name: &str| {
        let arguments = ["cms", "-verify", "-inform", "DER", "-in", name, "-noverify"];
        let output = scene.run("openssl", &arguments);
        assert!(output.status.success(), "{name}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let [first, second, third] = ["xa-1.p7m", "xa-2.p7m", "xa-3.p7m"].map(read);
    let numbers = [&first, &second, &third].map(|found| found["sequence"].as_u64().unwrap());
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let retired = |found: &Value| found["retired"].as_array().map_or(0, Vec::len);
    assert_eq!([&first, &second, &third].map(retired), [0, 7, 9]);
    let late = |found: &Value| {
        let issued = found["issued"].as_str().unwrap().to_owned();
        let all = found["retired"].as_array().unwrap();
        all.iter().filter(|key| key["until"].as_str().unwrap() > issued.as_str()).count()
    };
    assert_eq!(late(&third), 7, "two keys are compromised and believed no more");
    assert_eq!(first["root"], third["root"]);
}

fn the_ledger_knows_the_rotations(scene: &Scene) {
    let doctor = scene.json(&["--node", "xa", "--passphrase-file", "keys.pass", "node", "doctor"]);
    assert_eq!(doctor["well"], true);
    // Nine rotations, one token, one officer.
    assert_eq!(doctor["audit"]["leaves"], 11);
    let list = scene.json(&["--node", "xa", "--passphrase-file", "keys.pass", "key", "list"]);
    assert_eq!(list["replaced"].as_array().unwrap().len(), 9);
    assert_eq!(list["protected"], list["private_keys"]);
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
