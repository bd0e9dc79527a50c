//! Kill -9 of either node, or both, at random moments while officers of both States work.

use crate::{
    harness::Scene,
    load::Load,
    random::{Random, seed, span},
    tally::settle,
};
use serde_json::json;
use std::{thread, time::Instant};

#[test]
fn nodes_killed_at_random_moments_under_load_lose_double_and_falsely_receipt_nothing() {
    let scene = Scene::serving();
    let load = Load::open(&scene, 3);
    let (seed, span) = (seed(), span(15));
    let mut random = Random(seed);
    let mut kills = 0;
    load.during(|| {
        let began = Instant::now();
        while began.elapsed() < span {
            let victims = match random.below(5) {
                0 | 1 => vec![&scene.a],
                2 | 3 => vec![&scene.b],
                _ => vec![&scene.a, &scene.b],
            };
            victims.iter().for_each(|node| node.kill());
            // Most come back at once, some stay away for a while.
            thread::sleep(random.between(0, 300));
            victims.iter().for_each(|node| node.serve());
            kills += victims.len();
            thread::sleep(random.between(30, 700));
        }
    });
    settle("kill", &load, json!({ "seed": seed, "seconds": span.as_secs(), "kills": kills }));
    assert!(kills > 0 && load.given() > 0);
}
