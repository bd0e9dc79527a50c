//! The bundle of a file as a story: two nodes, exports from both sides, and other people's tools that judge them.

#![cfg(test)]

#[expect(dead_code, reason = "the other tests kill processes and read ladders in other ways")]
mod harness;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flow::{Clock as _, SystemClock};
use harness::{Node, Scene, named, program, tree, wait_for};
use keys::NodeKeys;
use serde_json::Value;
use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use vocabulary::{Digest, OfficeFunction};

/// A demonstration authority as a process; it is stopped when dropped.
struct Authority {
    process: Child,
    folder: PathBuf,
    address: String,
}

impl Authority {
    fn serving(place: &Path) -> Self {
        let folder = place.join("tsa");
        let made = program().args(["time", "create"]).arg(&folder).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let (process, address) = serve(&folder, "127.0.0.1:0");
        Self { process, folder, address }
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn start(&mut self) {
        (self.process, self.address) = serve(&self.folder, &self.address);
    }

    /// Both nodes have their heads stamped here, as often as they grow.
    fn stamps(&self, node: &Node) {
        let path = node.folder.join("node.toml");
        let text = fs::read_to_string(&path).unwrap();
        let (url, root) = (format!("http://{}/", self.address), self.folder.join("root.pem"));
        let root = root.display();
        let more =
            format!("\n[time_stamp]\nauthority = \"{url}\"\nroots = [\"{root}\"]\nevery_seconds = 0\n");
        fs::write(&path, text + &more).unwrap();
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Serves at `listen`; gives the address that was bound.
fn serve(folder: &Path, listen: &str) -> (Child, String) {
    let mut process = program()
        .args(["time", "serve", "--listen", listen])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(process.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let url = said.trim().rsplit(' ').next().unwrap();
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    (process, address)
}

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

/// A preservation that was asked, granted and effected, with every word of opening back at its sender, and stamped.
fn walked() -> (Scene, Authority, String) {
    let scene = Scene::new();
    let mut authority = Authority::serving(scene.place.path());
    // It cannot be reached at first; what is stamped later covers every earlier entry.
    authority.stop();
    for node in [&scene.a, &scene.b] {
        authority.stamps(node);
        node.serve();
    }
    let file = scene.preserved();
    authority.start();
    for node in [&scene.a, &scene.b] {
        wait_for("every word of opening", || {
            let ladders = node.done(&["file", "proofs", &file]);
            let mut all = ladders.as_array().unwrap().iter().filter(|ladder| ladder["statement"] != "opened");
            all.all(|ladder| steps(ladder).contains(&"opened".to_owned())).then_some(())
        });
        node.settled();
    }
    (scene, authority, file)
}

fn steps(ladder: &Value) -> Vec<String> {
    let rungs = ladder["rungs"].as_array().unwrap().iter();
    rungs.map(|rung| rung["step"].as_str().unwrap().to_owned()).collect()
}

fn export(node: &Node, file: &str, out: &Path, more: &[&str]) -> Value {
    let out = out.display().to_string();
    node.by(&node.first, &[&["file", "export", file, "--out", &out], more].concat())
}

/// Exports until time-stamps cover everything in it.
fn stamped(node: &Node, file: &str, place: &Path) -> PathBuf {
    let mut number = 0;
    wait_for("a time-stamp on the head", || {
        number += 1;
        let out = place.join(format!("{}-{number}", node.state));
        export(node, file, &out, &[]);
        let all = tree(&out);
        let events = all.keys().filter(|path| path.starts_with("events"));
        let plain = events.clone().filter(|path| name(path).ends_with(".commitment.json")).count();
        let under = events.filter(|path| name(path).ends_with(".stamped.tlog-proof")).count();
        // Each export is an event of its own, and the newest of them may wait for the next time-stamp.
        (plain <= under + number).then_some(out)
    })
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn both_sides_export_bundles_that_other_tools_check_and_a_lying_exporter_is_found() {
    let (scene, _authority, file) = walked();
    let place = scene.place.path().join("bundles");
    fs::create_dir(&place).unwrap();
    for node in [&scene.a, &scene.b] {
        let bundle = stamped(node, &file, &place);
        let (good, said) = judge(&bundle);
        assert!(good, "{}: {said}", node.state);
        assert!(said.contains("is time-stamped") && said.contains("emonstration"), "{said}");
        if node.state == "XA" {
            lies_are_found(node, &bundle);
        }
    }
    exports_are_guarded(&scene, &file, &place);
    ladders_agree(&scene, &file);
}

/// Both States show the same steps with the same digests of signed words.
fn ladders_agree(scene: &Scene, file: &str) {
    let told = |node: &Node| node.done(&["file", "proofs", file]).as_array().unwrap().clone();
    let (ours, theirs) = (told(&scene.a), told(&scene.b));
    for ladder in ours.iter().filter(|ladder| ladder["direction"] == "sent") {
        let expected: &[&str] = match ladder["statement"].as_str().unwrap() {
            "opened" => &["submitted", "relayed", "delivered"],
            _ => &["submitted", "relayed", "delivered", "opened"],
        };
        assert_eq!(steps(ladder), expected);
        let other = theirs.iter().find(|other| other["envelope"] == ladder["envelope"]).unwrap();
        assert_eq!((&ladder["digest"], &ladder["from"]), (&other["digest"], &other["from"]));
        for rung in other["rungs"].as_array().unwrap() {
            let same = ladder["rungs"].as_array().unwrap().iter().find(|one| one["step"] == rung["step"]);
            assert_eq!(same.unwrap()["signed"], rung["signed"], "{}", rung["step"]);
        }
    }
}

/// Who may take a bundle out, that it is an event, and that nothing is overwritten.
fn exports_are_guarded(scene: &Scene, file: &str, place: &Path) {
    let a = &scene.a;
    let zip = place.join("case.rogatory.zip");
    let out = zip.display().to_string();
    let words = ["file", "export", file, "--out", &out];
    a.fails(&words, "R-801");
    a.refused(&a.second, &words, "R-151");
    assert!(fs::metadata(&zip).is_err());
    let told = export(a, file, &zip, &["--without-content"]);
    assert_eq!((&told["content"], &told["demonstration_stamps"]), (&false.into(), &true.into()));
    let shown = a.file(file);
    let event = named(&shown, "transport", "exported").pop().unwrap().clone();
    assert_eq!((&event["actor"], &event["detail"]["content"]), (&"ana.cruz".into(), &false.into()));
    assert_eq!(event["detail"]["manifest"], told["manifest"]);
    a.refused(&a.first, &words, "R-940");
    let (unpacked, left) = (place.join("unpacked"), fs::read_dir(place).unwrap());
    assert!(left.flatten().all(|entry| !name(&entry.path()).contains("partial")));
    let done = Command::new("python3").args(["-m", "zipfile", "-e"]).args([&zip, &unpacked]).status();
    assert!(done.unwrap().success());
    let all = tree(&unpacked);
    assert!(all.keys().all(|path| !path.starts_with("objects") && name(path) != "statement.p7m"));
    let (good, said) = judge(&unpacked);
    assert!(good, "{said}");
}

/// A bundle that is changed by whoever exported it, packed and signed anew as only that State can.
struct Liar<'a> {
    node: &'a Node,
    bundle: PathBuf,
}

impl Liar<'_> {
    fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.bundle.join(path)).unwrap()
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        fs::write(self.bundle.join(path), bytes).unwrap();
    }

    fn swap(&self, one: &str, other: &str) {
        let (first, second) = (self.read(one), self.read(other));
        assert_ne!(first, second);
        self.write(one, &second);
        self.write(other, &first);
    }

    /// Changes the text of a file; the old words must be there.
    fn edit(&self, path: &str, change: impl Fn(&str) -> String) {
        let text = String::from_utf8(self.read(path)).unwrap();
        let changed = change(&text);
        assert_ne!(text, changed, "{path}");
        self.write(path, changed.as_bytes());
    }

    fn keys(&self) -> NodeKeys {
        NodeKeys::load(&self.node.folder, self.node.state.parse().unwrap()).unwrap()
    }

    /// Signs as the exporter's node signs.
    fn signed(&self, content: &[u8], attached: bool) -> Vec<u8> {
        let keys = self.keys();
        let key = keys.office(OfficeFunction::Node).unwrap();
        seal::sign_cms(content, attached, key.signing(), key.certificate(), SystemClock.now()).unwrap()
    }

    /// A manifest over what is there now, signed.
    fn pack(&self) {
        let mut manifest = String::new();
        for (path, bytes) in tree(&self.bundle) {
            if !path.starts_with("manifest-sha256.txt") && !path.starts_with("manifest-sha256.p7s") {
                writeln!(manifest, "{}  {}", Digest::of(&bytes).hex(), path.display()).unwrap();
            }
        }
        self.write("manifest-sha256.txt", manifest.as_bytes());
        self.write("manifest-sha256.p7s", &self.signed(manifest.as_bytes(), false));
    }

    /// The folders of the statements that went out and of those that came in, words of opening left out.
    fn letters(&self, direction: &str) -> Vec<String> {
        let index: Value = serde_json::from_slice(&self.read("bundle.json")).unwrap();
        let all = index["envelopes"].as_array().unwrap().iter();
        all.filter(|letter| letter["direction"] == direction)
            .map(|letter| format!("envelopes/{}", letter["dir"].as_str().unwrap()))
            .collect()
    }
}

type Lie = fn(&Liar<'_>);

/// What each lie is, and the word by which some command refuses it.
const LIES: [(&str, &str, Lie); 18] = [
    ("a byte of an event is changed and packed anew", "commitment", |liar| {
        liar.edit("events/0001.json", |text| text.replacen("\"sequence\":1", "\"sequence\": 1", 1));
        let (mut previous, mut number) = (Digest::of(&liar.read("events/0001.json")), 2);
        while liar.bundle.join(format!("events/{number:04}.json")).exists() {
            let path = format!("events/{number:04}.json");
            let event: Value = serde_json::from_slice(&liar.read(&path)).unwrap();
            let old = event["previous"].as_str().unwrap().to_owned();
            liar.edit(&path, |text| text.replacen(&old, &previous.to_string(), 1));
            (previous, number) = (Digest::of(&liar.read(&path)), number + 1);
        }
    }),
    ("an event is left out", "follows the event before it", |liar| {
        for ending in ["json", "commitment.json", "tlog-proof", "stamped.tlog-proof"] {
            fs::remove_file(liar.bundle.join(format!("events/0001.{ending}"))).unwrap();
        }
        let path = "events/0002.json";
        liar.edit(path, |text| text.replacen("\"sequence\":2", "\"sequence\":1", 1));
        fs::rename(liar.bundle.join(path), liar.bundle.join("events/0001.json")).unwrap();
    }),
    ("two receipts change places", "receipt", |liar| {
        let [one, other, ..] = &liar.letters("sent")[..] else { panic!("two letters went out") };
        liar.swap(&format!("{one}/receipt.p7m"), &format!("{other}/receipt.p7m"));
    }),
    ("one receipt serves two envelopes", "receipt", |liar| {
        let [one, other, ..] = &liar.letters("sent")[..] else { panic!("two letters went out") };
        let receipt = liar.read(&format!("{one}/receipt.p7m"));
        liar.write(&format!("{other}/receipt.p7m"), &receipt);
    }),
    ("a receipt is forged by the State that wants it", "receipt.p7m", |liar| {
        let one = &liar.letters("sent")[0];
        let receipt = liar.read(&format!("{one}/receipt.p7m"));
        let begin = receipt.windows(10).position(|bytes| bytes == br#"{"format":"#).unwrap();
        let mut values = serde_json::Deserializer::from_slice(&receipt[begin..]).into_iter::<Value>();
        let said = serde_json::to_vec(&values.next().unwrap().unwrap()).unwrap();
        liar.write(&format!("{one}/receipt.p7m"), &liar.signed(&said, true));
    }),
    ("a word of opening is taken from another envelope", "proof-opened", |liar| {
        let opened = opened(liar);
        let [one, other, ..] = &opened[..] else {
            // Only one was opened: then a word that says something else stands in its place.
            let text = liar.read(&format!("{}/receipt.p7m", opened[0]));
            return liar.write(&format!("{}/proof-opened.p7m", opened[0]), &text);
        };
        liar.swap(&format!("{one}/proof-opened.p7m"), &format!("{other}/proof-opened.p7m"));
    }),
    ("a signed proof is left out and the index keeps its step", "steps", |liar| {
        let one = &liar.letters("sent")[0];
        fs::remove_file(liar.bundle.join(format!("{one}/proof-relayed.p7m"))).unwrap();
    }),
    ("a negative is signed afterwards", "No such file", |liar| {
        let one = &liar.letters("sent")[0];
        let envelope: Value = serde_json::from_slice(&liar.read(&format!("{one}/envelope.json"))).unwrap();
        let mut proof = exchange::Proof::new(
            exchange::ProofStep::NotDelivered,
            envelope["envelope"].as_str().unwrap().parse().unwrap(),
            envelope["digest"].as_str().unwrap().parse().unwrap(),
            format!("{}/node", liar.node.state).parse().unwrap(),
            envelope["to"].as_str().unwrap().parse().unwrap(),
            SystemClock.now(),
        );
        proof.level = Some(exchange::ProofLevel::Fail);
        proof.rule = Some("receipt.delivery.fail".to_owned());
        let signed = liar.signed(&proof.to_json().unwrap(), true);
        liar.write(&format!("{one}/proof-not-delivered-2.p7m"), &signed);
    }),
    ("a statement is replaced by another one", "statement", |liar| {
        let [one, other, ..] = &liar.letters("sent")[..] else { panic!("two letters went out") };
        liar.swap(&format!("{one}/statement.p7m"), &format!("{other}/statement.p7m"));
    }),
    ("what the other State said is signed by another key", "statement.p7m", |liar| {
        let one = &liar.letters("received")[0];
        liar.write(&format!("{one}/statement.p7m"), &liar.signed(b"{\"from\":\"XB/node\"}", true));
    }),
    ("other sealed bytes with their own digest", "DOES NOT HOLD", |liar| {
        let one = &liar.letters("sent")[0];
        liar.edit(&format!("{one}/envelope.json"), |text| {
            let mut envelope: Value = serde_json::from_str(text).unwrap();
            envelope["sealed"] = "AAAA".into();
            envelope["digest"] = Digest::of(&[0; 3]).to_string().into();
            envelope.to_string()
        });
    }),
    ("another addressee on the envelope", "commitment", |liar| {
        let one = &liar.letters("sent")[0];
        let to = format!("\"to\":\"{}/", if liar.node.state == "XA" { "XB" } else { "XA" });
        liar.edit(&format!("{one}/envelope.json"), |text| {
            text.replacen(&format!("{to}contact-point"), &format!("{to}central-authority"), 1)
        });
    }),
    ("another salt", "leads to the root", |liar| {
        let one = &liar.letters("sent")[0];
        liar.edit(&format!("{one}/statement.commitment.json"), |text| {
            let mut opening: Value = serde_json::from_str(text).unwrap();
            opening["salt"] = "00".repeat(32).into();
            opening.to_string()
        });
    }),
    ("a cosignature is forged", "cosignature", |liar| {
        let one = &liar.letters("sent")[0];
        liar.edit(&format!("{one}/statement.tlog-proof"), |text| {
            let line = text.lines().find(|line| line.contains(".witness.rogatory ")).unwrap();
            let mut bytes = STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            let (head, _) = line.rsplit_once(' ').unwrap();
            text.replacen(line, &format!("{head} {}", STANDARD.encode(bytes)), 1)
        });
    }),
    ("a second history of the exporter's own log", "two faces", |liar| {
        // Signed by the right key, as only the exporter can; the cosigned head of the same size stands elsewhere.
        let one = &liar.letters("sent")[0];
        liar.edit(&format!("{one}/proof-submitted.tlog-proof"), |text| {
            let (proof, note) = text.split_once("\n\n").unwrap();
            let lines: Vec<&str> = note.lines().collect();
            let leaf = ledger::Hash::leaf(b"another history");
            let head = ledger::Checkpoint::new(lines[0].parse().unwrap(), lines[1].parse().unwrap(), leaf);
            format!("{proof}\n\n{}", ledger::checkpoint::sign(&head, liar.keys().log()).unwrap())
        });
    }),
    ("the other State's root is replaced by the exporter's", "p7m", |liar| {
        let other = if liar.node.state == "XA" { "XB" } else { "XA" };
        let own = liar.read(&format!("states/{}/root.pem", liar.node.state));
        liar.write(&format!("states/{other}/root.pem"), &own);
    }),
    ("the other State's log key is replaced", "log keys", |liar| {
        let other = if liar.node.state == "XA" { "XB" } else { "XA" };
        let own = String::from_utf8(liar.read(&format!("states/{}/log.vkey", liar.node.state))).unwrap();
        let name = format!("{}.log.rogatory", other.to_lowercase());
        let key = own.trim().splitn(3, '+').nth(2).unwrap();
        liar.write(&format!("states/{other}/log.vkey"), format!("{name}+00000000+{key}\n").as_bytes());
    }),
    ("a time-stamp over another head", "tsr", |liar| {
        let heads = format!("heads/{}", liar.node.state);
        let mut stamps: Vec<_> = fs::read_dir(liar.bundle.join(&heads)).unwrap().flatten().collect();
        stamps.retain(|entry| name(&entry.path()).ends_with(".tsr"));
        let size = 1_000_000;
        let origin = format!("{}.log.rogatory", liar.node.state.to_lowercase()).parse().unwrap();
        let head = ledger::Checkpoint::new(origin, size, ledger::Hash::leaf(b"later"));
        let note = ledger::checkpoint::sign(&head, liar.keys().log()).unwrap();
        liar.write(&format!("{heads}/{size}.text"), head.to_string().as_bytes());
        liar.write(&format!("{heads}/{size}.checkpoint"), note.as_bytes());
        let stamp = fs::read(stamps[0].path()).unwrap();
        liar.write(&format!("{heads}/{size}.tsr"), &stamp);
    }),
];

/// The statements with a word of opening.
fn opened(liar: &Liar<'_>) -> Vec<String> {
    let all = [liar.letters("sent"), liar.letters("received")].concat();
    all.into_iter().filter(|letter| liar.bundle.join(letter).join("proof-opened.p7m").exists()).collect()
}

fn lies_are_found(node: &Node, good: &Path) {
    for (number, (what, word, lie)) in LIES.iter().enumerate() {
        let bundle = good.with_extension(format!("lie-{number}"));
        assert!(Command::new("cp").arg("-r").args([good, &bundle]).status().unwrap().success());
        let liar = Liar { node, bundle };
        lie(&liar);
        let (holds, said) = judge(&liar.bundle);
        assert!(!holds && !said.contains("2 it was packed"), "{what}, not packed anew: {said}");
        liar.pack();
        let (holds, said) = judge(&liar.bundle);
        assert!(!holds, "{}: {what}: {said}", node.state);
        assert!(said.contains("2 it was packed by"), "{what} is well packed: {said}");
        assert!(said.contains(word), "{what}: {said}");
        fs::remove_dir_all(&liar.bundle).unwrap();
    }
}
