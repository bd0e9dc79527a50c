//! The log between two States: followed as tiles, witnessed, stopped and resumed by officers, judged by others.

#![cfg(test)]

#[expect(dead_code, reason = "the other tests kill processes and use the pouch")]
mod harness;

use harness::{Scene, named, wait_for};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A witness process; killed when the test ends.
struct Witness {
    process: Child,
    address: String,
    vkey: String,
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn words(list: &[&str]) -> Value {
    let run = harness::program().arg("--json").args(list).output().unwrap();
    assert!(run.status.success(), "{list:?}: {}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}

fn witness(folder: &str, log: &str) -> Witness {
    let made =
        words(&["witness", "init", folder, "--name", "w.example", "--listen", "127.0.0.1:0", "--log", log]);
    let mut process = harness::program()
        .args(["--json", "witness", "serve", folder])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Witness { process, address: text(&said["address"]), vkey: text(&made["vkey"]) }
}

fn configure(folder: &Path, witness: &Witness) -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let path = folder.join("node.toml");
    let more = format!(
        "\n[log]\nlisten = \"{listen}\"\n\n[[log.witness]]\nurl = \"http://{}\"\nvkey = \"{}\"\n",
        witness.address, witness.vkey
    );
    fs::write(&path, fs::read_to_string(&path).unwrap() + &more).unwrap();
    listen
}

/// A C2SP verifier by another author, where it was installed; the name of its program is in the environment.
fn aics(list: &[&str]) -> Option<bool> {
    let program = std::env::var_os("ROGATORY_AICS_TLOG")?;
    let run = Command::new(program).args(list).output().unwrap();
    println!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    Some(run.status.success())
}

#[test]
fn the_log_of_a_node_is_followed_witnessed_exported_and_checked_by_others() {
    let scene = Scene::new();
    let a = &scene.a;
    let log_key = a.done(&["log", "show"])["vkey"].as_str().unwrap().to_owned();
    let witness = witness(&scene.path("witness"), &log_key);
    let listen = configure(&a.folder, &witness);
    a.serve();
    scene.b.serve();
    scene.sent("preservation", None);
    a.settled();
    let cosigned = |size: &Value| {
        let state = a.done(&["log", "show"]);
        let by_witness = state["cosigned"]
            .as_array()
            .unwrap()
            .iter()
            .any(|known| known["by"] == "w.example" && known["size"] == *size);
        (state["size"] == *size && by_witness).then_some(())
    };
    let size = a.done(&["log", "show"])["size"].clone();
    wait_for("the cosignature of the witness", || cosigned(&size));

    let (place, saved) = (scene.path("tiles"), scene.path("saved"));
    a.done(&["log", "export", &place]);
    fs::copy(Path::new(&place).join("checkpoint"), &saved).unwrap();
    let checked = words(&["log", "check", &place, "--vkey", &log_key, "--cosigner", &witness.vkey]);
    assert_eq!((&checked["size"], &checked["cosigned"][0][0]), (&size, &json!("w.example")));

    scene.sent("preservation", None);
    a.settled();
    let larger = a.done(&["log", "show"])["size"].clone();
    wait_for("the next cosignature", || cosigned(&larger));
    assert_eq!(a.done(&["log", "export", &place])["before"], size);
    words(&["log", "check", &place, "--vkey", &log_key]);

    let keys = scene.path("keys.vkey");
    fs::write(&keys, format!("{log_key}\n")).unwrap();
    let head = Path::new(&place).join("checkpoint").display().to_string();
    let quorum = ["--witness-key", &witness.vkey, "--quorum", "1"];
    let about = ["verify-checkpoint", "--note", &head, "--vkey-file", &keys];
    if let Some(stands) = aics(&[&about[..], &quorum].concat()) {
        assert!(stands);
        let bundle = fs::read_dir(Path::new(&place).join("tile/entries/000.p")).unwrap().next().unwrap();
        let entry = fs::read(bundle.unwrap().path()).unwrap()[2..34].to_vec();
        let leaf = scene.path("leaf");
        fs::write(&leaf, entry).unwrap();
        let about =
            ["verify-inclusion", "--leaf", &leaf, "--index", "0", "--tiles", &place, "--vkey-file", &keys];
        assert_eq!(aics(&[&about[..], &quorum].concat()), Some(true));
        let about =
            ["verify-consistency", "--old-checkpoint", &saved, "--tiles", &place, "--vkey-file", &keys];
        assert_eq!(aics(&about), Some(true));
        fs::write(&leaf, [7; 32]).unwrap();
        let about =
            ["verify-inclusion", "--leaf", &leaf, "--index", "0", "--tiles", &place, "--vkey-file", &keys];
        assert_eq!(aics(&about), Some(false));
    } else {
        println!("ROGATORY_AICS_TLOG names no verifier by another author: it is not asked");
    }

    // One changed byte in one tile is found; the served log is still whole.
    let bundle = Path::new(&place).join("tile/0/000.p").join(larger.to_string());
    let mut bytes = fs::read(&bundle).unwrap();
    bytes[40] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    a.fails(&["log", "check", &place, "--vkey", &log_key], "P-911");
    let root = a.folder.join("keys/root.cert.pem");
    if let Ok(run) = Command::new("curl")
        .args(["--silent", "--fail", "--noproxy", "*", "--cacert"])
        .arg(root)
        .arg(format!("https://{listen}/checkpoint"))
        .output()
    {
        assert!(run.stdout.starts_with(b"xa.log.rogatory\n"), "{}", String::from_utf8_lossy(&run.stderr));
    }
}

#[test]
fn officers_stop_and_resume_the_exchange_and_the_other_side_is_told() {
    let scene = Scene::serving();
    let (a, b) = (&scene.a, &scene.b);
    scene.sent("preservation", None);
    let clerk = harness::Officer { id: "a.clerk", token: scene.place.path().join("clerk.token") };
    b.enrol(&clerk, &["case-officer"]);
    let halt = ["peer", "halt", "XA", "--reason", "they reported a break-in"];
    b.refused(&clerk, &halt, "R-151");
    b.by(&b.second, &halt);
    let halted = b.done(&["peer", "halted"]);
    assert_eq!((&halted[0]["peer"], &halted[0]["by"]), (&json!("XA"), &json!("sara.noor")));

    let file = scene.approved("preservation", None);
    let findings = wait_for("the word that B stopped", || {
        let findings = a.done(&["finding", "list"]);
        findings.as_array().unwrap().iter().any(|f| f["report"]["code"] == "P-902").then_some(findings)
    });
    assert!(named(&a.file(&file), "transport", "delivered").is_empty());
    let id = findings[0]["id"].as_str().unwrap();
    a.by(&a.second, &["finding", "acknowledge", id, "--reason", "we telephoned"]);
    assert_eq!(a.done(&["finding", "list"])[0]["acknowledged"]["by"], "li.wei");
    a.refused(&a.second, &["finding", "acknowledge", "no/such", "--reason", "x"], "R-903");

    b.by(&b.second, &["peer", "resume", "XA", "--reason", "a false alarm"]);
    b.refused(&b.second, &["peer", "resume", "XA", "--reason", "twice"], "R-902");
    scene.wait_outgoing(&file, "the delivery", |file| !file["delivered"].is_null());
    a.settled();
    b.settled();
}
