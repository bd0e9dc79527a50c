//! Two hosts in network namespaces of their own, with a cable that is cut, in both directions and in one.

use crate::{
    harness::{Scene, Site},
    load::Load,
    random::{Random, seed, span},
    tally::{say, settle},
};
use serde_json::json;
use std::{collections::BTreeMap, path::Path, process::Command, thread, time::Instant};

const ADDRESSES: [&str; 2] = ["10.77.0.1", "10.77.0.2"];
const CARD: &str = "wire0";

/// Two network namespaces and a cable between them; removed when dropped, also when the test fails.
struct Hosts([String; 2]);

impl Hosts {
    /// `None` where this user may not make networks.
    fn make() -> Option<Self> {
        let names = ["a", "b"].map(|side| format!("rogatory-{}-{side}", std::process::id()));
        let hosts = Self(names);
        let [a, b] = &hosts.0;
        let cable: [&[&str]; 3] = [
            &["netns", "add", a],
            &["netns", "add", b],
            &["link", "add", CARD, "netns", a, "type", "veth", "peer", "name", CARD, "netns", b],
        ];
        let made = cable.iter().all(|words| ip(words)) && (0..2).all(|side| hosts.connect(side));
        if !made {
            say("skipped: this user may not make network namespaces, or there is no `ip`");
        }
        made.then_some(hosts)
    }

    fn connect(&self, side: usize) -> bool {
        let address = format!("{}/24", ADDRESSES[side]);
        self.on(side, &["addr", "add", &address, "dev", CARD])
            && self.on(side, &["link", "set", "lo", "up"])
            && self.plug(side, true)
    }

    fn on(&self, side: usize, words: &[&str]) -> bool {
        ip(&[&["-n", &self.0[side]], words].concat())
    }

    fn plug(&self, side: usize, in_place: bool) -> bool {
        self.on(side, &["link", "set", CARD, if in_place { "up" } else { "down" }])
    }

    /// What this side sends is lost; what the other sends arrives.
    fn dumb(&self, side: usize, lost: bool) -> bool {
        let other = format!("{}/32", ADDRESSES[1 - side]);
        self.on(side, &["route", if lost { "add" } else { "del" }, "blackhole", &other])
    }

    fn site(&self, side: usize, place: &Path) -> Site {
        let address = format!("{}:8443", ADDRESSES[side]);
        let before = ["ip", "netns", "exec", &self.0[side]].map(str::to_owned).to_vec();
        Site { place: place.to_owned(), listen: address.clone(), endpoint: address, before }
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for name in &self.0 {
            ip(&["netns", "del", name]);
        }
    }
}

fn ip(words: &[&str]) -> bool {
    Command::new("ip").args(words).output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_cable_cut_in_both_directions_or_in_one_loses_doubles_and_falsely_receipts_nothing() {
    let Some(hosts) = Hosts::make() else { return };
    let place = Scene::place();
    let sites = [0, 1].map(|side| hosts.site(side, place.path()));
    let [a, b] = sites;
    let scene = Scene::at(place, a, b);
    scene.a.serve();
    scene.b.serve();
    let load = Load::open(&scene, 3);
    let (seed, span) = (seed(), span(18));
    let mut random = Random(seed);
    let mut cuts: BTreeMap<&str, usize> = BTreeMap::new();
    load.during(|| {
        let began = Instant::now();
        for number in 0_u64.. {
            if began.elapsed() > span && number >= 8 {
                break;
            }
            let side = usize::from(number % 4 > 1);
            let pause = random.between(200, 2500);
            let cut = if number % 2 == 0 { "cable" } else { "one_way" };
            let done = if number % 2 == 0 { hosts.plug(side, false) } else { hosts.dumb(side, true) };
            assert!(done, "{cut} on side {side}");
            thread::sleep(pause);
            assert!(if number % 2 == 0 { hosts.plug(side, true) } else { hosts.dumb(side, false) });
            *cuts.entry(cut).or_default() += 1;
            thread::sleep(random.between(100, 900));
        }
    });
    settle("network", &load, json!({ "seed": seed, "seconds": span.as_secs(), "cuts": cuts }));
}
