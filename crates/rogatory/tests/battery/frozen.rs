//! SIGSTOP: a node that stands still with its connections open, and goes on as if nothing had been.

use crate::{
    harness::{Scene, wait_for},
    load::Load,
    random::{Random, seed, span},
    tally::settle,
};
use serde_json::json;
use std::{
    thread,
    time::{Duration, Instant},
};

#[test]
fn a_node_that_stood_still_discharges_everything_once_and_nobody_is_accused() {
    let scene = Scene::serving();
    let load = Load::open(&scene, 2);
    let (seed, span) = (seed(), span(15));
    let mut random = Random(seed);
    let (mut frozen, mut longest) = (0, Duration::ZERO);
    load.during(|| {
        let began = Instant::now();
        while began.elapsed() < span {
            let victim = if frozen % 2 == 0 { &scene.b } else { &scene.a };
            let pause = random.between(300, 1 + u64::try_from(span.as_millis() / 4).unwrap());
            victim.freeze();
            thread::sleep(pause);
            victim.thaw();
            frozen += 1;
            longest = longest.max(pause);
            thread::sleep(random.between(300, 1500));
        }
    });
    let faults = json!({ "seed": seed, "seconds": span.as_secs(), "frozen": frozen,
        "refused_commands": load.failed(), "longest_ms": u64::try_from(longest.as_millis()).unwrap() });
    settle("frozen", &load, faults);
    for node in [&scene.a, &scene.b] {
        let findings = node.done(&["finding", "list"]);
        let clocks = findings.as_array().unwrap().iter().any(|found| found["report"]["code"] == "F-410");
        // The clocks are one clock; only a message that was under way for five minutes may be spoken of.
        assert!(!clocks || longest > Duration::from_secs(280), "{findings:#}");
    }
}

/// The peer is frozen for longer than an answer may take: the attempt ends, the next one gets the first receipt.
#[test]
fn a_peer_frozen_beyond_the_time_for_an_answer_is_tried_again_and_answers_once() {
    let scene = Scene::serving();
    let load = Load::open(&scene, 1);
    scene.b.freeze();
    load.speak(true, 0).unwrap();
    let tried = wait_for("an attempt that ended without an answer", || {
        let file = load.files().next().unwrap().0;
        let letters = scene.a.file(file)["letters"].clone();
        letters.as_array().unwrap().iter().find(|letter| letter["trouble"].is_string()).cloned()
    });
    assert_eq!(tried["proof"], "waiting");
    scene.b.thaw();
    settle("frozen_peer", &load, json!({ "frozen": 1, "trouble": tried["trouble"] }));
}
