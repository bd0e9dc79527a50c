//! A bad line between two nodes under load, and a peer behind a line that swallows everything.

use crate::{
    harness::{Node, PATIENCE, Scene, Site, free_port, wait_for},
    load::Load,
    proxy::{Fault, Proxy},
    random::{Random, seed, span},
    tally::{say, settle},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

/// Large enough to be cut several times on its way.
const LARGE_BYTES: usize = 6 << 20;

/// Every node is reached through a line of its own.
fn behind_lines() -> (Scene, [Proxy; 2]) {
    let place = Scene::place();
    let [a, b] = [(); 2].map(|()| {
        let line = format!("127.0.0.1:{}", free_port());
        Site { endpoint: line, ..Site::on_loopback(place.path()) }
    });
    let proxies = [&a, &b].map(|site| Proxy::start(&site.endpoint, &site.listen));
    (Scene::at(place, a, b), proxies)
}

/// The number-th fault, with a strength of its own.
fn fault(number: u64, random: &mut Random) -> Fault {
    let bytes = |random: &mut Random| usize::try_from(1 + random.below(6000)).unwrap();
    match number % 9 {
        0 => Fault::Clean,
        1 => Fault::Delayed(random.between(20, 300)),
        2 => Fault::Throttled(800 + bytes(random)),
        3 => Fault::Split(1 + bytes(random) % 40),
        4 => Fault::RequestCut(bytes(random)),
        5 => Fault::AnswerCut(bytes(random)),
        6 => Fault::AnswersLost,
        7 => Fault::BlackHole,
        _ => Fault::Reset,
    }
}

#[test]
fn a_line_that_fails_in_every_way_under_load_loses_doubles_and_falsely_receipts_nothing() {
    let (scene, lines) = behind_lines();
    scene.a.serve();
    scene.b.serve();
    let load = Load::open(&scene, 3);
    let (seed, span) = (seed(), span(18));
    let mut random = Random(seed);
    load.during(|| {
        let began = Instant::now();
        // Every fault at least once in each direction.
        for number in 0.. {
            if began.elapsed() > span && number >= 18 {
                break;
            }
            let fault = fault(number / 2, &mut random);
            lines[usize::try_from(number % 2).unwrap()].set(fault);
            thread::sleep(random.between(200, 800));
        }
    });
    let mut faults = BTreeMap::new();
    for line in &lines {
        line.set(Fault::Clean);
        for (name, count) in line.hit() {
            *faults.entry(name).or_insert(0) += count;
        }
    }
    settle("line", &load, json!({ "seed": seed, "seconds": span.as_secs(), "connections": faults }));
    for name in ["request_cut", "answer_cut", "answers_lost", "black_hole", "reset"] {
        assert!(faults.contains_key(name), "no connection was {name}: {faults:?}");
    }
}

#[test]
fn a_request_that_arrived_and_whose_answer_was_lost_is_delivered_once_with_the_first_receipt() {
    let (scene, [_back, line]) = behind_lines();
    scene.a.serve();
    scene.b.serve();
    let load = Load::open(&scene, 1);
    scene.settled();
    let before = scene.b.well()["audit"]["received"].as_u64().unwrap();
    line.set(Fault::AnswersLost);
    load.speak(true, 0).unwrap();
    wait_for("the request without an answer", || {
        (scene.b.well()["audit"]["received"].as_u64().unwrap() > before).then_some(())
    });
    assert_eq!(scene.a.well()["audit"]["waiting"], 1, "no answer, no proof");
    // A peer that keeps silent does not keep the node from stopping either.
    let began = Instant::now();
    scene.a.stop();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    scene.a.serve();
    line.set(Fault::Clean);
    settle("answer_lost", &load, json!({ "answers_lost": line.hit()["answers_lost"] }));
}

/// Three States: the line to B swallows everything, and C is served as if B were not there.
#[test]
fn a_peer_behind_a_black_hole_holds_up_no_other() {
    let (scene, [_back, line]) = behind_lines();
    let c = Node::make(
        Site::on_loopback(scene.place.path()),
        "cordia",
        "XC",
        "America/Lima",
        ["eva.ruiz", "jo.li"],
    );
    scene.introduce(&scene.a, &c);
    scene.a.serve();
    c.serve();
    line.set(Fault::BlackHole);
    let lost = scene.approved("preservation", None);
    wait_for("a connection into the black hole", || line.hit().get("black_hole").copied());
    let began = Instant::now();
    let draft = scene.draft("preservation", None);
    let text = std::fs::read_to_string(&draft).unwrap().replace("\"XB\"", "\"XC\"");
    std::fs::write(&draft, text).unwrap();
    let (a, first) = (&scene.a, &scene.a.first);
    let file = a.by(first, &["request", "new", &draft])["file"].as_str().unwrap().to_owned();
    a.by(first, &["request", "submit", &file]);
    a.by(&a.second, &["request", "approve", &file]);
    scene.wait_outgoing(&file, "the receipt of C", |known| !known["delivered"].is_null());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(6), "C waited {took:?} for B");
    assert!(crate::harness::view(a, &lost).unwrap()["delivered"].is_null());
    line.set(Fault::Clean);
    scene.b.serve();
    scene.wait_outgoing(&lost, "the receipt of B", |known| !known["delivered"].is_null());
    assert!(began.elapsed() < PATIENCE);
}

/// Every connection ends in the middle of an answer; a fetch goes on where the last one was cut.
#[test]
fn a_package_arrives_whole_over_a_line_that_is_cut_again_and_again() {
    let (scene, [_back, line]) = behind_lines();
    scene.a.serve();
    scene.b.serve();
    let (a, b) = (&scene.a, &scene.b);
    let file = scene.sent("stored-data", None);
    for words in [["incoming", "triage", &file].as_slice(), &["incoming", "propose", &file, "--grant"]] {
        b.by(&b.first, words);
    }
    b.by(&b.second, &["incoming", "decide", &file]);
    let source = scene.place.path().join("large.bin");
    let mut random = Random(seed());
    let content: Vec<u8> = (0..LARGE_BYTES / 8).flat_map(|_| random.next().to_le_bytes()).collect();
    std::fs::write(&source, &content).unwrap();
    b.by(&b.first, &["evidence", "add", &file, &source.display().to_string(), "--name", "large"]);
    b.by(&b.first, &["evidence", "seal", &file]);
    scene.wait_outgoing(&file, "the decision", |known| !known["decision"].is_null());
    line.set(Fault::AnswerCut(1 << 20));
    b.by(&b.first, &["evidence", "send", &file]);
    scene.wait_outgoing(&file, "the announcement", |known| !known["evidence"].is_null());
    let verified = || !crate::harness::view(a, &file).unwrap()["evidence"]["verified"].is_null();
    wait_for("the package", || {
        let cut = usize::try_from(200_000 + random.below(1 << 20)).unwrap();
        line.set(Fault::AnswerCut(cut));
        if !verified() {
            // The node fetches by itself; an officer who will not wait may ask as well.
            let told = a.begin(&a.first, &["evidence", "fetch", &file]).end();
            assert!(
                told.code == Some(0) || ["F-706", "R-201", "R-204"].contains(&told.failure()),
                "{}",
                told.errors
            );
        }
        verified().then_some(())
    });
    let cuts = line.hit()["answer_cut"];
    line.set(Fault::Clean);
    let out = scene.path("opened");
    a.by(&a.first, &["evidence", "open", &file, "--out", &out]);
    let opened = crate::harness::tree(&scene.place.path().join("opened/data/large"));
    assert_eq!(opened.values().collect::<Vec<_>>(), [&content]);
    assert!(cuts >= 4, "{cuts} connections for {LARGE_BYTES} bytes");
    a.well();
    b.well();
    say(&json!({ "battery": "package", "answer_cut": cuts, "bytes": LARGE_BYTES }).to_string());
}
