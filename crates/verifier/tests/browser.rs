//! The page in a real browser says of every bundle what the program says, and asks nobody.

#![cfg(test)]

mod bundle;

use bundle::{ONE, TWO, World, at, pack, zip};
use serde_json::{Value, json};
use std::{env, fs, path::PathBuf, process::Command};
use verifier::{Instant, Trust, inquiry::verify};
use vocabulary::{
    Digest,
    OfficeFunction::{ContactPoint, Node},
};

/// A bundle for both judges; without `vouched` the reader knows nothing.
struct Case {
    name: String,
    bytes: Vec<u8>,
    vouched: bool,
}

fn case(name: &str, world: &World) -> Case {
    Case { name: name.to_owned(), bytes: world.zip(), vouched: true }
}

fn changed(name: &str, world: &World, change: impl FnOnce(&mut bundle::Files)) -> Case {
    let mut files = world.files.clone();
    change(&mut files);
    pack(&mut files, &world.a.offices[&Node]);
    Case { name: name.to_owned(), bytes: zipped(&files), vouched: true }
}

fn zipped(files: &bundle::Files) -> Vec<u8> {
    zip(&files.iter().map(|(name, body)| (name.as_str(), body.as_slice())).collect::<Vec<_>>())
}

fn edited(files: &mut bundle::Files, path: &str, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&files[path]).unwrap();
    change(&mut value);
    files.insert(path.to_owned(), value.to_string().into_bytes());
}

/// Every kind of tampering, by an outsider and by the exporter.
fn tampered(world: &World) -> Vec<Case> {
    let one = |file: &str| format!("envelopes/001-{ONE}/{file}");
    let two = |file: &str| format!("envelopes/002-{TWO}/{file}");
    let stranger = bundle::Node::new("XB", 8);
    let mut outsider = world.files.clone();
    outsider.get_mut(&one("receipt.p7m")).unwrap()[900] ^= 1;
    let mut again = world.files.clone();
    pack(&mut again, &bundle::Node::new("XA", 9).offices[&Node]);
    let mut twice: Vec<(&str, &[u8])> =
        world.files.iter().map(|(name, body)| (name.as_str(), body.as_slice())).collect();
    twice.push(("README.txt", b"another"));
    let raw = |name: &str, bytes: Vec<u8>| Case { name: name.to_owned(), bytes, vouched: true };
    let head = world.path("heads/XA/", ".checkpoint");
    let other_head = world.b.signed_head(world.b.log.size, &world.a.cosigner).to_string();
    let stamp = world.token(b"another head");
    let mut many = vec![
        raw("outsider", zipped(&outsider)),
        raw("packed-by-another", zipped(&again)),
        raw("twice", zip(&twice)),
        raw("climbs", zip(&[("../x", b"x")])),
        raw("cut", world.zip()[..4000].to_vec()),
        raw("empty", Vec::new()),
        changed("swapped-receipts", world, |files| {
            let (a, b) = (files[&one("receipt.p7m")].clone(), files[&two("receipt.p7m")].clone());
            files.insert(one("receipt.p7m"), b);
            files.insert(two("receipt.p7m"), a);
        }),
        changed("no-receipt", world, |files| drop(files.remove(&one("receipt.p7m")))),
        changed("no-negative", world, |files| files.retain(|path, _| !path.contains("not-delivered"))),
        changed("swapped-statement", world, |files| {
            let other = files[&two("statement.p7m")].clone();
            files.insert(one("statement.p7m"), other);
        }),
        changed("other-root", world, |files| {
            files.insert("states/XB/root.pem".to_owned(), stranger.root.certificate_pem().into_bytes());
        }),
        changed("other-head", world, |files| drop(files.insert(head, other_head.into_bytes()))),
        changed("other-stamp", world, |files| drop(files.insert(world.path("heads/XA/", ".tsr"), stamp))),
        changed("no-event", world, |files| files.retain(|path, _| !path.starts_with("events/0003"))),
        changed("edited-event", world, |files| {
            let mut previous = Value::Null;
            for number in 0..6 {
                let path = format!("events/{number:04}.json");
                edited(files, &path, |event| {
                    if number == 3 {
                        event["at"] = json!("2026-11-20T00:00:00Z");
                    }
                    event["previous"] = previous.clone();
                });
                previous = json!(Digest::of(&files[&path]));
            }
        }),
        changed("repeated-member", world, |files| {
            let text = String::from_utf8(files["bundle.json"].clone()).unwrap();
            files.insert("bundle.json".to_owned(), text.replacen('{', "{\"file\":\"x\",", 1).into_bytes());
        }),
        changed("withdrawn", world, |files| {
            let (content, _) = seal::verify_self_signed(&files["states/XA/descriptor-1.p7m"]).unwrap();
            let mut content: Value = serde_json::from_slice(&content).unwrap();
            let key = world.a.offices[&ContactPoint].certificate().fingerprint();
            content["sequence"] = json!(2);
            content["retired"] = json!([{"key": key, "until": "2026-11-24T06:09:00Z"}]);
            let signed =
                world.a.root.sign(content.to_string().as_bytes(), at("2026-11-25T00:00:00Z")).unwrap();
            files.insert("states/XA/descriptor-2.p7m".to_owned(), signed);
        }),
        changed("foreign-envelope", world, |files| {
            files.insert("envelopes/003-x/envelope.json".to_owned(), b"{}".to_vec());
        }),
    ];
    many.extend(flipped(world));
    many
}

/// One bit of one file, packed again by the exporter: both judges must say the same, whatever that is.
fn flipped(world: &World) -> Vec<Case> {
    let skip = |path: &&String| !path.starts_with("manifest-sha256") && *path != "README.txt";
    let paths: Vec<&String> = world.files.keys().filter(skip).collect();
    let mut cases = Vec::new();
    for (number, path) in paths.into_iter().enumerate() {
        let at = world.files[path].len() * (number * 7 % 19 + 1) / 21;
        cases.push(changed(&format!("flip-{}", path.replace('/', "_")), world, |files| {
            files.get_mut(path).unwrap()[at] ^= 1 << (number % 7);
        }));
    }
    cases
}

/// Node.js with playwright-core and a Chromium; `ROGATORY_NODE_MODULES` means that they must be there.
fn tools() -> Option<PathBuf> {
    let Some(modules) = env::var_os("ROGATORY_NODE_MODULES").map(PathBuf::from) else {
        println!("skipped: ROGATORY_NODE_MODULES names no folder");
        return None;
    };
    Some(modules)
}

#[test]
fn the_page_and_the_program_agree_on_every_bundle() {
    let Some(modules) = tools() else { return };
    let world = World::new();
    let mut cases = vec![
        case("good", &world),
        Case { vouched: false, ..case("unvouched", &world) },
        changed("without-content", &world, |files| {
            files.retain(|path, _| !path.ends_with("statement.p7m") && !path.starts_with("objects/"));
            edited(files, "bundle.json", |index| index["content"] = json!(false));
        }),
    ];
    cases.extend(tampered(&world));
    let scratch = tempfile::tempdir().unwrap();
    let prints = [&world.a, &world.b].map(|node| {
        let print = register::Fingerprint::of(node.root.certificate().fingerprint());
        format!("{}={print}", node.state)
    });
    let given = json!({"fingerprints": prints.join("\n"), "authorities": world.authority.root().to_pem()});
    let mut list = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let file = format!("{number}.zip");
        fs::write(scratch.path().join(&file), &case.bytes).unwrap();
        let trust = if case.vouched { given.clone() } else { json!({}) };
        let picture = (number < 4).then(|| format!("{}.png", case.name));
        list.push(json!({"file": file, "trust": trust, "dropped": number == 1, "picture": picture}));
    }
    fs::write(scratch.path().join("cases.json"), Value::from(list).to_string()).unwrap();
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let run = Command::new("node")
        .arg(here.join("tests/browser/judge.mjs"))
        .args([&modules, &here.join("browser/verifier.html"), scratch.path()])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let said: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&said["asked"], &said["errors"]), (&json!([]), &json!([])));
    let now = Instant::parse(&at("2030-01-01T00:00:00Z").to_string()).unwrap();
    let mut refused = 0;
    for (case, page) in cases.iter().zip(said["results"].as_array().unwrap()) {
        let trust = if case.vouched { world.trust() } else { Trust::default() };
        let report = verify("the bundle", &case.bytes, &trust, now);
        let name = &case.name;
        assert_eq!(page["verdict"], report.verdict.word(), "{name}: {page:#} {:#?}", report.complaints);
        let mine: Vec<Value> = report.complaints.iter().map(|one| json!([one.code(), one.thing])).collect();
        assert_eq!(page["complaints"], Value::from(mine), "{name}: {:#?}", report.complaints);
        let done: usize = report.checks.iter().map(|tally| tally.done).sum();
        assert_eq!(page["checks"], json!(done), "{name}");
        let mut sentences = [&report.proven[..], &report.forgery, &report.unproven].concat();
        // The program names its option, the page has none.
        sentences.retain(|line| !line.contains("--fingerprint"));
        if !sentences.is_empty() {
            let mut shown: Vec<String> = serde_json::from_value(page["proven"].clone()).unwrap();
            let mut mine = sentences;
            shown.sort();
            mine.sort();
            let absent: Vec<_> = mine.iter().filter(|line| !shown.contains(line)).collect();
            assert!(absent.is_empty(), "{name}: {absent:#?} {shown:#?}");
        }
        let holds = page["verdict"] != "does-not-hold";
        if holds {
            println!("held by both: {name}");
        }
        refused += usize::from(!holds);
    }
    println!("{} bundles, {refused} refused by both", cases.len());
    assert!(refused >= 17);
    if let Some(keep) = env::var_os("ROGATORY_PICTURES") {
        for name in ["good", "unvouched", "outsider"] {
            let file = format!("{name}.png");
            let _ = fs::copy(scratch.path().join(&file), PathBuf::from(&keep).join(&file));
        }
    }
}
