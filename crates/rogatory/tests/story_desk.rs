//! The desk of a contact point between real nodes: rings, escalation, a crash, opening, holes, mail, ping.

#![cfg(test)]

#[expect(dead_code, reason = "the other tests use the pouch, freeze processes and read ladders")]
mod harness;

use harness::{Node, Scene, wait_for};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/venv/bin/python");

/// A roster in which both officers of the node stand, the first one first.
fn roster(node: &Node, from: &str, until: &str) -> String {
    let (first, second) = (node.first.id, node.second.id);
    format!(
        "zone = \"Asia/Ho_Chi_Minh\"\n\
         [[officer]]\nid = \"{first}\"\nmail = \"{first}@ministry.example\"\n\
         [[officer]]\nid = \"{second}\"\nmail = \"{second}@ministry.example\"\n\
         [[shift]]\nname = \"always\"\nfrom = \"{from}\"\nuntil = \"{until}\"\nofficers = [\"{first}\", \"{second}\"]\n"
    )
}

fn import(scene: &Scene, node: &Node, text: &str) -> Value {
    let path = scene.path("roster.toml");
    fs::write(&path, text).unwrap();
    node.done(&["desk", "roster", "import", &path])
}

/// A program that appends what it reads to a file, one line for each call.
fn hook(scene: &Scene, calls: &str) -> (String, PathBuf) {
    let (program, calls) = (scene.path("hook.sh"), PathBuf::from(scene.path(calls)));
    fs::write(&program, "#!/bin/sh\nline=$(cat); echo \"$line\" >> \"$1\"\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (program, calls)
}

fn called(calls: &Path) -> Vec<Value> {
    let text = fs::read_to_string(calls).unwrap_or_default();
    // The last line may be half written.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn officers(calls: &Path) -> Vec<String> {
    called(calls).iter().map(|call| call["officer"].as_str().unwrap().to_owned()).collect()
}

fn desk(node: &Node, text: &str) {
    let path = node.folder.join("node.toml");
    let written = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{written}\n[desk]\n{text}\n")).unwrap();
}

fn codes(node: &Node) -> Vec<String> {
    let findings = node.done(&["finding", "list"]);
    let code = |finding: &Value| finding["report"]["code"].as_str().unwrap().to_owned();
    findings.as_array().unwrap().iter().map(code).collect()
}

#[test]
fn a_preservation_request_rings_at_once_escalates_survives_a_crash_and_ends_when_an_officer_opens_it() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    let (program, calls) = hook(&scene, "calls");
    import(&scene, b, &roster(b, "00:00", "24:00"));
    let times = "escalate_preservation_seconds = 4\nrepeat_seconds = 2";
    desk(b, &format!("hook = [\"{program}\", \"{}\"]\n{times}", calls.display()));
    a.serve();
    b.serve();
    let file = scene.sent("preservation", None);
    let began = Instant::now();
    wait_for("the first call", || (!called(&calls).is_empty()).then_some(()));
    assert!(began.elapsed() < Duration::from_secs(2), "a ring begins within a second of the recording");
    let first = &called(&calls)[0];
    assert_eq!((first["officer"].as_str(), first["file"].as_str()), (Some(b.first.id), Some(file.as_str())));
    assert_eq!((first["reason"].as_str(), first["peer"].as_str()), (Some("preservation"), Some("XA")));
    assert_eq!(first["command"], format!("rogatory desk open {file}"));
    let members: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert_eq!(members.len(), 12, "ids and clocks, nothing of the case: {members:?}");
    let listed = b.done(&["desk", "list"]);
    assert_eq!(listed[0]["clocks"][0]["clock"], "escalation", "{listed:#}");

    b.kill();
    let before = called(&calls).len();
    b.serve();
    wait_for("the next officer", || officers(&calls).contains(&b.second.id.to_owned()).then_some(()));
    assert!(called(&calls).len() > before);
    wait_for("the finding that nobody opened", || codes(b).contains(&"R-640".to_owned()).then_some(()));

    let opened = b.by(&b.second, &["desk", "open", &file]);
    assert_eq!(opened["ring"]["opened_by"], b.second.id);
    std::thread::sleep(Duration::from_millis(500));
    let after = called(&calls).len();
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(called(&calls).len(), after, "nobody is called any more");
    let rings = b.done(&["desk", "rings"]);
    let kept = rings[0]["calls"].as_array().unwrap().len();
    assert!(rings.as_array().unwrap().len() == 1 && kept > 2 && kept <= after, "{rings:#}");
    assert!(rings[0]["next_call"].is_null());
    b.refused(&b.second, &["desk", "open", "no-such-ring"], "R-646");

    b.by(&b.first, &["desk", "take", &file, "--urgent", "--grant"]);
    b.refused(&b.first, &["incoming", "decide", &file], "R-160");
    b.by(&b.second, &["incoming", "decide", &file]);
    scene.settled();
}

#[test]
fn a_ring_that_was_recorded_and_not_yet_called_is_called_after_the_machine_failed() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    import(&scene, b, &roster(b, "00:00", "24:00"));
    // The program never ends: when the node is killed, no call was kept.
    let (program, calls) = hook(&scene, "calls");
    fs::write(&program, "#!/bin/sh\nline=$(cat); echo \"$line\" >> \"$1\"\nexec sleep 60\n").unwrap();
    desk(b, &format!("hook = [\"{program}\", \"{}\"]\nhook_seconds = 300", calls.display()));
    a.serve();
    b.serve();
    let file = scene.sent("preservation", None);
    wait_for("the call", || (!called(&calls).is_empty()).then_some(()));
    b.kill();
    assert_eq!(b.done(&["desk", "rings"])[0]["calls"].as_array().unwrap().len(), 0);
    let (_, calls) = hook(&scene, "calls");
    b.serve();
    wait_for("the call after the failure", || (called(&calls).len() == 2).then_some(()));
    wait_for("that it is kept", || {
        let rings = b.done(&["desk", "rings"]);
        (rings[0]["calls"].as_array().unwrap().len() == 1).then_some(())
    });
    // Triage ends the calls too.
    b.by(&b.first, &["incoming", "triage", &file]);
    assert_eq!(b.done(&["desk", "rings"])[0]["opened_by"], b.first.id);
}

#[test]
fn a_hole_is_found_and_rings_everybody_and_a_failing_program_is_found_too() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    b.fails(&["desk", "roster", "check"], "R-649");
    // A shift of one hour that begins in two hours: nobody is on duty now.
    let at = |hours: i64| {
        let zone = jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
        let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        then.to_zoned_datetime(zone).strftime("%H:%M").to_string()
    };
    let checked = import(&scene, b, &roster(b, &at(2), &at(3)));
    assert!(checked["holes"].as_array().unwrap().len() > 20, "{checked:#}");
    assert!(codes(b).iter().all(|code| code == "R-639"));
    assert_eq!(b.done(&["desk", "duty"])["hole"], true);
    let path = scene.path("wrong.toml");
    for (text, code) in [
        ("zone = \"Mars/Olympus\"".to_owned(), "R-634"),
        (roster(b, "08:00", "08:00"), "R-636"),
        (roster(b, "00:00", "24:00").replace(b.first.id, "no.body"), "R-630"),
        ("colour = 1".to_owned(), "R-647"),
        (
            format!(
                "{}[[swap]]\ndate = 2026-12-24\nshift = \"noon\"\nofficers = []\n",
                roster(b, "00:00", "24:00")
            ),
            "R-638",
        ),
    ] {
        fs::write(&path, text).unwrap();
        b.fails(&["desk", "roster", "check", &path], code);
    }
    desk(b, "hook = [\"/bin/false\"]");
    a.serve();
    b.serve();
    scene.sent("preservation", None);
    wait_for("both findings", || {
        let found = codes(b);
        ["R-643", "F-631"].iter().all(|code| found.contains(&(*code).to_owned())).then_some(())
    });
    let rings = b.done(&["desk", "rings"]);
    assert_eq!(rings[0]["calls"][0]["officer"], b.first.id, "the one with the duty role");
    assert_eq!(rings[0]["calls"][0]["trouble"], "exit status: 1");
}

/// A mail server by another author, where it was installed.
struct MailServer {
    process: Child,
    port: u16,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl MailServer {
    fn start(place: &Path) -> Option<Self> {
        let probe = Command::new(TOOLS).args(["-c", "import aiosmtpd"]).output().ok()?;
        if !probe.status.success() {
            return None;
        }
        let (port, out) = (harness::free_port(), fs::File::create(place).unwrap());
        let process = Command::new(TOOLS)
            .args(["-u", "-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}")])
            .stdout(out)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, port };
        wait_for("the mail server", || TcpStream::connect(("127.0.0.1", port)).ok());
        Some(server)
    }
}

#[test]
fn a_letter_reaches_the_officer_through_a_mail_server_and_says_nothing_of_the_case() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    let letters = PathBuf::from(scene.path("letters"));
    let Some(server) = MailServer::start(&letters) else {
        println!("aiosmtpd is not installed (`cargo xtask install`): no mail server is asked");
        return;
    };
    import(&scene, b, &roster(b, "00:00", "24:00"));
    // The program fails: the letter goes all the same.
    desk(
        b,
        &format!(
            "hook = [\"/bin/false\"]\n[desk.mail]\nserver = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nfrom = \"desk@xb.example\"",
            server.port
        ),
    );
    a.serve();
    b.serve();
    let file = scene.sent("preservation", None);
    let text = wait_for("the letter", || {
        let text = fs::read_to_string(&letters).unwrap_or_default();
        text.contains("END MESSAGE").then_some(text)
    });
    assert!(text.contains(&format!("To: {}@ministry.example", b.first.id)), "{text}");
    assert!(text.contains("Subject: [rogatory] preservation: request from XA"), "{text}");
    assert!(text.contains(&format!("rogatory desk open {file}")), "{text}");
    let draft = fs::read_to_string(scene.path("preservation.toml")).unwrap();
    let draft: toml::Table = draft.parse().unwrap();
    for word in draft["facts"].as_str().unwrap().split_whitespace().filter(|word| word.len() > 7) {
        assert!(!text.contains(word), "{word} is in {text}");
    }
    wait_for("the finding about the program", || codes(b).contains(&"F-631".to_owned()).then_some(()));
    let rings = b.done(&["desk", "rings"]);
    let by_mail = rings[0]["calls"].as_array().unwrap().iter().find(|call| call["means"] == "mail").unwrap();
    assert!(by_mail["trouble"].is_null(), "{rings:#}");
    drop(server);
    let told = b.run(&["desk", "try", b.first.id]);
    assert_eq!(told.code, Some(5), "{}", told.data);
    assert_eq!(told.data[1]["trouble"], "the mail server cannot be reached");
    b.fails(&["desk", "try", "no.body"], "R-648");
}

#[test]
fn what_waits_is_watched_live_and_the_bell_sounds() {
    let scene = Scene::serving();
    let b = &scene.b;
    let mut process = harness::program()
        .args(["--json", "desk", "watch", "--seconds", "60"])
        .env("ROGATORY_NODE", &b.folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "[]");
    let file = scene.sent("preservation", None);
    let began = Instant::now();
    let shown: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "within a second");
    assert_eq!((&shown[0]["file"], &shown[0]["ring"]["reason"]), (&file.into(), &"preservation".into()));
    process.kill().unwrap();
    process.wait().unwrap();
    let told = harness::program()
        .args(["desk", "watch", "--seconds", "1"])
        .env("ROGATORY_NODE", &b.folder)
        .output()
        .unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(text.contains('\x07') && text.contains("RINGS"), "{text}");
}

#[test]
fn contact_points_ask_each_other_and_a_silent_one_is_found() {
    let scene = Scene::new();
    let (a, b) = (&scene.a, &scene.b);
    desk(a, "ping_seconds = 1");
    a.serve();
    b.serve();
    let asked = |node: &Node, peer: &str| node.done(&["desk", "ping", peer]);
    assert_eq!(asked(a, "XB")["on_duty"], false);
    import(&scene, b, &roster(b, "00:00", "24:00"));
    assert_eq!(asked(a, "XB")["on_duty"], true);
    assert_eq!(asked(b, "XA")["on_duty"], false);
    wait_for("an answer by itself", || {
        let known = a.done(&["desk", "pings", "--peer", "XB"]);
        (known.as_array().unwrap().len() > 2).then_some(())
    });
    b.stop();
    wait_for("the finding", || codes(a).contains(&"P-639".to_owned()).then_some(()));
    let known = a.done(&["desk", "pings"]);
    let (asked, answered) = (known[0]["week"][0].as_u64().unwrap(), known[0]["week"][1].as_u64().unwrap());
    assert!(known[0]["missed"].as_u64() >= Some(3) && answered > 2 && asked >= answered + 3, "{known:#}");
    let told = a.run(&["desk", "ping", "XB"]);
    assert_eq!(told.code, Some(4), "{}", told.data);
    a.fails(&["desk", "ping", "XC"], "R-159");
    b.serve();
    wait_for("it is there again", || (a.done(&["desk", "pings"])[0]["missed"] == 0).then_some(()));
    a.well();
    b.well();
}
