//! The walk, interrupted with kill -9 at every step and for every victim: nothing is lost, doubled or falsely receipted.
//!
//! `ROGATORY_KILL_ROUNDS=n` walks with n seeds (2 when not given), `ROGATORY_KILL_SEED=s` begins with another one.

#![cfg(test)]

#[expect(dead_code, reason = "the stories read more of what a command says")]
mod harness;

use harness::{CASE, Node, PATIENCE, Scene, Started, Told, steps, tree, view, wait_for};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Large enough that the transfer of its package can be cut in the middle.
const LARGE_BYTES: usize = 8 << 20;
/// A command is killed at most so often before it is left alone.
const CUTS: usize = 3;
/// No command ends sooner than this.
const SURE: Duration = Duration::from_millis(5);
/// Further rounds for a pair of step and victim that chance left out.
const MORE_ROUNDS: u64 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    A,
    B,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    NodeA,
    NodeB,
    Command,
    /// Where no command runs there are still two nodes that can fail at once.
    BothNodes,
}

/// How an officer goes on when the program died before it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// Gives the same command again; if it was done, it is refused as done.
    Repeat,
    /// Looks first: these commands may lawfully be given twice.
    Look,
}

#[derive(Clone, Copy)]
enum Work {
    Command {
        side: Side,
        second: bool,
        again: Again,
        words: fn(&Walk) -> Vec<String>,
    },
    /// What the nodes do by themselves after the command before.
    Background,
}

/// One step of the walk; `done` is what one sees when it is done.
#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    work: Work,
    done: fn(&Walk) -> bool,
}

/// One walk: two nodes, its two files and its evidence.
struct Walk {
    scene: Scene,
    large: PathBuf,
    files: Mutex<BTreeMap<&'static str, String>>,
    drafts: Mutex<BTreeMap<&'static str, String>>,
    cut_transfers: AtomicUsize,
}

const PRESERVATION: &str = "preservation";
const ASSISTANCE: &str = "stored-data";

/// The whole walk, as data.
const STEPS: &[Step] = &[
    by(
        Side::A,
        "new preservation",
        Again::Look,
        |w| w.words(&["request", "new", &w.draft(PRESERVATION)]),
        |w| w.drafted(PRESERVATION),
    ),
    by(
        Side::A,
        "submit preservation",
        Again::Repeat,
        |w| w.on(&["request", "submit"], PRESERVATION),
        |w| w.has(Side::A, PRESERVATION, "submitted"),
    ),
    second(
        Side::A,
        "approve preservation",
        |w| w.on(&["request", "approve"], PRESERVATION),
        |w| w.has(Side::A, PRESERVATION, "approved"),
    ),
    background("preservation: delivery, opening", |w| {
        w.has(Side::A, PRESERVATION, "delivered") && w.has(Side::B, PRESERVATION, "received")
    }),
    by(
        Side::B,
        "triage preservation",
        Again::Repeat,
        |w| w.on(&["incoming", "triage"], PRESERVATION),
        |w| w.has(Side::B, PRESERVATION, "triaged"),
    ),
    by(
        Side::B,
        "propose preservation",
        Again::Look,
        |w| w.with(&["incoming", "propose"], PRESERVATION, &["--grant"]),
        |w| w.has(Side::B, PRESERVATION, "proposed"),
    ),
    second(
        Side::B,
        "decide preservation",
        |w| w.on(&["incoming", "decide"], PRESERVATION),
        |w| w.has(Side::B, PRESERVATION, "decided"),
    ),
    by(
        Side::B,
        "execute preservation",
        Again::Repeat,
        |w| w.with(&["incoming", "execute"], PRESERVATION, &["--order", "Order 12/2026", "--days", "90"]),
        |w| w.has(Side::B, PRESERVATION, "preserved"),
    ),
    background("decision, preserved: delivery", |w| {
        w.has(Side::A, PRESERVATION, "decided") && w.has(Side::A, PRESERVATION, "preserved")
    }),
    by(
        Side::A,
        "new assistance",
        Again::Look,
        |w| w.words(&["request", "new", &w.draft(ASSISTANCE)]),
        |w| w.drafted(ASSISTANCE),
    ),
    by(
        Side::A,
        "submit assistance",
        Again::Repeat,
        |w| w.on(&["request", "submit"], ASSISTANCE),
        |w| w.has(Side::A, ASSISTANCE, "submitted"),
    ),
    second(
        Side::A,
        "approve assistance",
        |w| w.on(&["request", "approve"], ASSISTANCE),
        |w| w.has(Side::A, ASSISTANCE, "approved"),
    ),
    background("assistance: delivery, holds", |w| {
        w.has(Side::B, ASSISTANCE, "received")
            && w.has(Side::A, PRESERVATION, "held")
            && w.has(Side::B, PRESERVATION, "held")
    }),
    by(
        Side::B,
        "triage assistance",
        Again::Repeat,
        |w| w.on(&["incoming", "triage"], ASSISTANCE),
        |w| w.has(Side::B, ASSISTANCE, "triaged"),
    ),
    by(
        Side::B,
        "consult",
        Again::Look,
        |w| w.with(&["incoming", "consult"], ASSISTANCE, &["--text", "Would the logs alone serve?"]),
        |w| w.has(Side::B, ASSISTANCE, "consulted"),
    ),
    background("consultation: delivery", |w| w.has(Side::A, ASSISTANCE, "consulted")),
    by(
        Side::A,
        "reply",
        Again::Look,
        |w| w.with(&["request", "consult"], ASSISTANCE, &["--text", "No, the messages are needed."]),
        |w| w.count(Side::A, ASSISTANCE, "consulted") == 2,
    ),
    background("reply: delivery", |w| w.count(Side::B, ASSISTANCE, "consulted") == 2),
    by(
        Side::B,
        "propose assistance",
        Again::Look,
        |w| {
            w.with(
                &["incoming", "propose"],
                ASSISTANCE,
                &["--grant", "--conditions", "Only for this proceeding."],
            )
        },
        |w| w.has(Side::B, ASSISTANCE, "proposed"),
    ),
    second(
        Side::B,
        "decide assistance",
        |w| w.on(&["incoming", "decide"], ASSISTANCE),
        |w| w.has(Side::B, ASSISTANCE, "decided"),
    ),
    background("decision: delivery", |w| w.has(Side::A, ASSISTANCE, "decided")),
    by(
        Side::B,
        "evidence add case",
        Again::Look,
        |w| w.with(&["evidence", "add"], ASSISTANCE, &[CASE, "--name", "case"]),
        |w| w.has(Side::B, ASSISTANCE, "exhibit-taken"),
    ),
    by(
        Side::B,
        "evidence add large",
        Again::Look,
        |w| w.with(&["evidence", "add"], ASSISTANCE, &[&w.large.display().to_string(), "--name", "large"]),
        |w| w.count(Side::B, ASSISTANCE, "exhibit-taken") == 2,
    ),
    by(
        Side::B,
        "evidence seal",
        Again::Repeat,
        |w| w.on(&["evidence", "seal"], ASSISTANCE),
        |w| w.has(Side::B, ASSISTANCE, "evidence-sealed"),
    ),
    by(
        Side::B,
        "evidence send",
        Again::Repeat,
        |w| w.on(&["evidence", "send"], ASSISTANCE),
        |w| w.has(Side::B, ASSISTANCE, "evidence-sent"),
    ),
    background("announcement", |w| w.has(Side::A, ASSISTANCE, "evidence-announced")),
    by(
        Side::A,
        "evidence fetch",
        Again::Repeat,
        |w| w.on(&["evidence", "fetch"], ASSISTANCE),
        |w| w.has(Side::A, ASSISTANCE, "evidence-verified"),
    ),
    background("holds end", |w| {
        w.has(Side::A, PRESERVATION, "hold-ended") && w.has(Side::B, PRESERVATION, "hold-ended")
    }),
    by(
        Side::A,
        "evidence verify",
        Again::Repeat,
        |w| w.on(&["evidence", "verify"], ASSISTANCE),
        |w| w.has(Side::A, ASSISTANCE, "evidence-verified"),
    ),
    by(
        Side::A,
        "evidence open",
        Again::Look,
        |w| w.with(&["evidence", "open"], ASSISTANCE, &["--out", &w.scene.path("opened")]),
        |w| w.has(Side::A, ASSISTANCE, "evidence-opened") && w.scene.place.path().join("opened").exists(),
    ),
    by(
        Side::A,
        "close assistance",
        Again::Repeat,
        |w| w.with(&["request", "close"], ASSISTANCE, &["--outcome", "fulfilled"]),
        |w| w.has(Side::A, ASSISTANCE, "closed"),
    ),
    by(
        Side::A,
        "close preservation",
        Again::Repeat,
        |w| w.with(&["request", "close"], PRESERVATION, &["--outcome", "fulfilled"]),
        |w| w.has(Side::A, PRESERVATION, "closed"),
    ),
    background("closings: delivery", |w| {
        w.has(Side::B, ASSISTANCE, "closed-by-requester")
            && w.has(Side::B, PRESERVATION, "closed-by-requester")
    }),
    by(
        Side::B,
        "close assistance at B",
        Again::Repeat,
        |w| w.on(&["incoming", "close"], ASSISTANCE),
        |w| w.has(Side::B, ASSISTANCE, "closed"),
    ),
    by(
        Side::B,
        "close preservation at B",
        Again::Repeat,
        |w| w.on(&["incoming", "close"], PRESERVATION),
        |w| w.has(Side::B, PRESERVATION, "closed"),
    ),
];

const fn by(
    side: Side,
    name: &'static str,
    again: Again,
    words: fn(&Walk) -> Vec<String>,
    done: fn(&Walk) -> bool,
) -> Step {
    Step { name, work: Work::Command { side, second: false, again, words }, done }
}

const fn second(
    side: Side,
    name: &'static str,
    words: fn(&Walk) -> Vec<String>,
    done: fn(&Walk) -> bool,
) -> Step {
    Step { name, work: Work::Command { side, second: true, again: Again::Repeat, words }, done }
}

const fn background(name: &'static str, done: fn(&Walk) -> bool) -> Step {
    Step { name, work: Work::Background, done }
}

impl Step {
    /// The victims that take turns at this step, one for each walk.
    fn victims(&self) -> [Victim; 3] {
        match self.work {
            Work::Command { .. } => [Victim::NodeA, Victim::NodeB, Victim::Command],
            Work::Background => [Victim::NodeA, Victim::NodeB, Victim::BothNodes],
        }
    }
}

impl Walk {
    fn new() -> Self {
        let scene = Scene::serving();
        let large = scene.place.path().join("large.bin");
        let mut seeds = Random(LARGE_BYTES as u64);
        let content: Vec<u8> = (0..LARGE_BYTES / 8).flat_map(|_| seeds.next().to_le_bytes()).collect();
        fs::write(&large, content).unwrap();
        Self {
            scene,
            large,
            files: Mutex::default(),
            drafts: Mutex::default(),
            cut_transfers: AtomicUsize::new(0),
        }
    }

    fn node(&self, side: Side) -> &Node {
        match side {
            Side::A => &self.scene.a,
            Side::B => &self.scene.b,
        }
    }

    /// The request file, written once so that a repeated command says the same.
    fn draft(&self, kind: &'static str) -> String {
        let linked = (kind == ASSISTANCE).then(|| self.file(PRESERVATION));
        let mut drafts = self.drafts.lock().unwrap();
        drafts.entry(kind).or_insert_with(|| self.scene.draft(kind, linked.as_deref())).clone()
    }

    /// The id of the one file of a kind; an officer finds it in the list when the program died before it said it.
    fn file(&self, kind: &'static str) -> String {
        if let Some(known) = self.files.lock().unwrap().get(kind) {
            return known.clone();
        }
        let listed = self.listed(kind);
        assert_eq!(listed.len(), 1, "one file for one request, {kind}: {listed:?}");
        self.files.lock().unwrap().insert(kind, listed[0].clone());
        listed[0].clone()
    }

    fn listed(&self, kind: &str) -> Vec<String> {
        let files = self.scene.a.done(&["request", "list"]);
        let files = files.as_array().unwrap().iter().filter(|file| file["kind"] == kind);
        files.map(|file| file["file"].as_str().unwrap().to_owned()).collect()
    }

    fn drafted(&self, kind: &str) -> bool {
        self.listed(kind).len() == 1
    }

    /// How often the legal event `what` stands in a file.
    fn count(&self, side: Side, kind: &'static str, what: &str) -> usize {
        let (node, file) = (self.node(side), self.file(kind));
        if view(node, &file).is_none() {
            return 0;
        }
        steps(&node.file(&file), "legal").iter().filter(|step| *step == what).count()
    }

    fn has(&self, side: Side, kind: &'static str, what: &str) -> bool {
        self.count(side, kind, what) == 1
    }

    fn words(&self, words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn on(&self, words: &[&str], kind: &'static str) -> Vec<String> {
        self.with(words, kind, &[])
    }

    fn with(&self, words: &[&str], kind: &'static str, more: &[&str]) -> Vec<String> {
        let file = self.file(kind);
        let whole = [words, &[file.as_str()], more].concat();
        self.words(&whole)
    }

    fn begin(&self, side: Side, second: bool, words: &[String]) -> Started {
        let node = self.node(side);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        node.begin(if second { &node.second } else { &node.first }, &words)
    }

    fn kill_nodes(&self, victim: Victim) {
        for side in sides(victim) {
            self.node(side).kill();
        }
        self.look_at_transfer();
        for side in sides(victim) {
            self.node(side).serve();
        }
    }

    /// Counts a transfer that was cut in the middle of a file.
    fn look_at_transfer(&self) {
        let arriving = self.scene.a.folder.join("packages/arriving");
        let half = |(path, content): (PathBuf, Vec<u8>)| {
            path.extension().is_some_and(|extension| extension == "partial") && !content.is_empty()
        };
        if arriving.is_dir() && tree(&arriving).into_iter().any(half) {
            self.cut_transfers.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes a step with nobody disturbed; gives the time that a command took.
    fn take(&self, step: &Step) -> Duration {
        let began = Instant::now();
        if let Work::Command { side, second, words, .. } = step.work {
            let words = words(self);
            let began = Instant::now();
            let told = self.begin(side, second, &words).end();
            assert_eq!(told.code, Some(0), "{}: {}", step.name, told.errors);
            let took = began.elapsed();
            assert!((step.done)(self), "{}: it ended well and is not done", step.name);
            return took;
        }
        wait_for(step.name, || (step.done)(self).then_some(()));
        began.elapsed()
    }

    /// Takes a step while `victim` is killed at a random moment; gives the delays of those that did die.
    fn disturb(&self, step: &Step, victim: Victim, usual: Duration, random: &mut Random) -> Vec<Duration> {
        match (step.work, victim) {
            (Work::Command { side, second, again, words }, Victim::Command) => {
                let words = words(self);
                self.kill_command(step, (side, second, again), &words, usual, random)
            }
            (Work::Command { side, second, again, words }, _) => {
                let words = words(self);
                let delay = random.within(usual.max(Duration::from_millis(60)));
                let started = self.begin(side, second, &words);
                thread::sleep(delay);
                self.kill_nodes(victim);
                // A command does not need the node of its State; a fetch needs that of the other.
                let told = started.end();
                if told.code != Some(0) {
                    assert!(told.failure() == "F-706", "{}: {}", step.name, told.errors);
                    self.finish(step, (side, second, again), &words);
                }
                assert!((step.done)(self), "{}: it ended well and is not done", step.name);
                vec![delay]
            }
            (Work::Background, _) => {
                let delay = random.within(usual.max(Duration::from_millis(60)));
                thread::sleep(delay);
                self.kill_nodes(victim);
                wait_for(step.name, || (step.done)(self).then_some(()));
                vec![delay]
            }
        }
    }

    fn kill_command(
        &self,
        step: &Step,
        (side, second, again): (Side, bool, Again),
        words: &[String],
        usual: Duration,
        random: &mut Random,
    ) -> Vec<Duration> {
        let mut delays = Vec::new();
        // One that ends before it is hit does not count; a sooner moment is tried then.
        let mut longest = usual;
        for _ in 0..CUTS * 4 {
            if delays.len() == CUTS {
                break;
            }
            // What is not repeated once it is done must be hit the first time.
            let delay = match again {
                Again::Look if delays.is_empty() => random.within(longest.min(SURE)),
                _ => random.around_the_end(longest),
            };
            let mut started = self.begin(side, second, words);
            thread::sleep(delay);
            let killed = started.kill();
            let told = started.end();
            if killed && told.code.is_none() {
                self.look_at_transfer();
                delays.push(delay);
            } else {
                judge(step, again, &told, (step.done)(self));
                longest = longest.mul_f64(0.7);
            }
            if again == Again::Look && (step.done)(self) {
                break;
            }
        }
        self.finish(step, (side, second, again), words);
        delays
    }

    /// Brings a command whose outcome is unknown to its end.
    fn finish(&self, step: &Step, (side, second, again): (Side, bool, Again), words: &[String]) {
        wait_for(step.name, || {
            if again == Again::Look && (step.done)(self) {
                return Some(());
            }
            let told = self.begin(side, second, words).end();
            // The other node was down: nothing is lost, and it is tried again.
            if told.failure() == "F-706" {
                return None;
            }
            judge(step, again, &told, (step.done)(self));
            Some(())
        });
        assert!((step.done)(self), "{}: it ended well and is not done", step.name);
    }
}

/// A command that ended by itself ended well, or was refused because it had been done.
fn judge(step: &Step, again: Again, told: &Told, done: bool) {
    let refused_as_done = again == Again::Repeat && done && matches!(told.failure(), "R-201" | "R-204");
    assert!(
        told.code == Some(0) || refused_as_done || told.failure() == "F-706",
        "{}: {} {}",
        step.name,
        told.errors,
        told.data
    );
}

fn sides(victim: Victim) -> Vec<Side> {
    match victim {
        Victim::NodeA => vec![Side::A],
        Victim::NodeB => vec![Side::B],
        Victim::BothNodes => vec![Side::A, Side::B],
        Victim::Command => Vec::new(),
    }
}

/// SplitMix64: the moments follow from the printed seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn within(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(self.fraction())
    }

    /// Every second moment lies in the last third, where the commit is.
    fn around_the_end(&mut self, whole: Duration) -> Duration {
        let fraction = self.fraction();
        if self.next().is_multiple_of(2) {
            whole.mul_f64(fraction)
        } else {
            whole.mul_f64(0.65 + fraction * 0.4)
        }
    }
}

/// What a finished walk must have left, compared with the undisturbed one.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    /// Envelopes by side, direction and statement.
    letters: BTreeMap<(&'static str, String, String), usize>,
    /// Legal events by side, kind of file and word.
    events: BTreeMap<(&'static str, &'static str, String), usize>,
}

/// What the audit counts over all walks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Harm {
    lost: usize,
    doubled: usize,
    falsely_receipted: usize,
}

type Proofs = BTreeSet<(String, String, String)>;

impl Walk {
    /// Examines both nodes; `usual` is what the undisturbed walk left.
    fn examine(&self, usual: Option<&Left>) -> (Left, Harm) {
        let (a, b) = self.scene.settled();
        let mut left = Left { letters: BTreeMap::new(), events: BTreeMap::new() };
        let mut proofs: BTreeMap<(&str, &str), Proofs> = BTreeMap::new();
        for (side, name) in [(Side::A, "A"), (Side::B, "B")] {
            for kind in [PRESERVATION, ASSISTANCE] {
                let timeline = self.node(side).file(&self.file(kind));
                for step in steps(&timeline, "legal") {
                    *left.events.entry((name, kind, step)).or_default() += 1;
                }
                for letter in timeline["letters"].as_array().unwrap() {
                    let text = |field: &str| letter[field].as_str().unwrap_or_default().to_owned();
                    let word = (name, text("direction"), text("statement"));
                    *left.letters.entry(word).or_default() += 1;
                    let direction = if letter["direction"] == "sent" { "sent" } else { "received" };
                    let expected = if direction == "sent" { "delivered" } else { "recorded" };
                    assert_eq!(letter["proof"], expected, "{name}: {letter}");
                    let proof = (text("envelope"), text("sealed"), text("receipt"));
                    proofs.entry((name, direction)).or_default().insert(proof);
                }
            }
        }
        let mut harm = Harm::default();
        for (from, to, sent, received) in [("A", "B", &a, &b), ("B", "A", &b, &a)] {
            let (sent, received) = (&sent["audit"], &received["audit"]);
            let (ours, theirs) = (&proofs[&(from, "sent")], &proofs[&(to, "received")]);
            // A receipt that names what the other database does not hold, with these very bytes.
            harm.falsely_receipted += ours.difference(theirs).count();
            harm.lost += theirs.difference(ours).count();
            assert_eq!(sent["sent"], ours.len(), "{from}: an envelope outside both files");
            assert_eq!(received["received"], theirs.len(), "{to}: an envelope outside both files");
            assert_eq!(sent["delivered"], sent["sent"]);
            assert_eq!((&received["quarantined"], &sent["refused"]), (&0.into(), &0.into()));
        }
        if let Some(usual) = usual {
            let (lost, doubled) = difference(&usual.letters, &left.letters);
            let (lost_events, doubled_events) = difference(&usual.events, &left.events);
            harm.lost += lost + lost_events;
            harm.doubled += doubled + doubled_events;
        }
        self.examine_evidence();
        (left, harm)
    }

    fn examine_evidence(&self) {
        let opened = self.scene.place.path().join("opened/data");
        assert_eq!(tree(&opened.join("case")), tree(Path::new(CASE)));
        let large = tree(&opened.join("large"));
        assert_eq!(large.values().next(), Some(&fs::read(&self.large).unwrap()));
        assert_eq!(large.len(), 1);
        let left: Vec<String> = fs::read_dir(self.scene.place.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with('.') || name.contains(".partial"))
            .collect();
        assert!(left.is_empty(), "half-opened evidence lies about: {left:?}");
    }
}

/// What is missing and what is too much.
fn difference<K: Ord>(usual: &BTreeMap<K, usize>, found: &BTreeMap<K, usize>) -> (usize, usize) {
    let of = |map: &BTreeMap<K, usize>, key: &K| map.get(key).copied().unwrap_or_default();
    let lost = usual.iter().map(|(key, count)| count.saturating_sub(of(found, key))).sum();
    let doubled = found.iter().map(|(key, count)| count.saturating_sub(of(usual, key))).sum();
    (lost, doubled)
}

/// Interrupts by step and victim, with the delays in milliseconds.
type Table = BTreeMap<(usize, Victim), Vec<u128>>;

#[test]
fn a_walk_killed_at_every_step_loses_doubles_and_falsely_receipts_nothing() {
    let rounds: u64 = number("ROGATORY_KILL_ROUNDS").unwrap_or(2);
    let first = number("ROGATORY_KILL_SEED").unwrap_or(1);
    let began = Instant::now();
    let undisturbed = Walk::new();
    let usual: Vec<Duration> = STEPS.iter().map(|step| undisturbed.take(step)).collect();
    let (left, harm) = undisturbed.examine(None);
    assert_eq!(harm, Harm::default());
    drop(undisturbed);
    say(&format!("undisturbed walk: {} steps in {:.1} s", STEPS.len(), began.elapsed().as_secs_f64()));

    let (mut table, mut whole, mut cut) = (Table::new(), Harm::default(), 0);
    for seed in first..first + rounds + MORE_ROUNDS {
        if seed >= first + rounds && missing(&table).is_empty() {
            break;
        }
        say(&format!("kill test: seed {seed}"));
        for (walked, harm, cut_transfers) in round(seed, &usual, &left) {
            cut += cut_transfers;
            whole.lost += harm.lost;
            whole.doubled += harm.doubled;
            whole.falsely_receipted += harm.falsely_receipted;
            for (key, delays) in walked {
                table.entry(key).or_default().extend(delays);
            }
        }
    }
    print_table(&table);
    say(&format!("transfers of evidence cut in the middle of a file: {cut}"));
    let interrupted: usize = table.values().map(Vec::len).sum();
    say(&format!(
        "kill test: {interrupted} steps interrupted, {} lost, {} doubled, {} false receipts ({:.0} s)",
        whole.lost,
        whole.doubled,
        whole.falsely_receipted,
        began.elapsed().as_secs_f64()
    ));
    assert_eq!(whole, Harm::default());
    assert_eq!(missing(&table), [], "steps and victims that were never hit");
}

/// Three walks at the same time; the victims take turns, so that together every pair is interrupted.
fn round(seed: u64, usual: &[Duration], left: &Left) -> Vec<(Table, Harm, usize)> {
    thread::scope(|scope| {
        let walks: Vec<_> = (0..3)
            .map(|turn| {
                scope.spawn(move || {
                    let walk = Walk::new();
                    let mut random = Random(seed.wrapping_mul(3).wrapping_add(turn));
                    let mut table = Table::new();
                    for (number, (step, usual)) in STEPS.iter().zip(usual).enumerate() {
                        let at = usize::try_from(turn).unwrap() + number;
                        let victim = step.victims()[at % 3];
                        let delays = walk.disturb(step, victim, *usual, &mut random);
                        let delays = delays.iter().map(Duration::as_millis).collect();
                        table.insert((number, victim), delays);
                    }
                    let (found, harm) = walk.examine(Some(left));
                    if harm != Harm::default() {
                        say(&format!(
                            "seed {seed}, walk {turn}: {harm:?}\nusual {left:#?}\nfound {found:#?}"
                        ));
                    }
                    (table, harm, walk.cut_transfers.into_inner())
                })
            })
            .collect();
        walks.into_iter().map(|walk| walk.join().unwrap()).collect()
    })
}

/// Pairs of step and victim that no kill has hit yet.
fn missing(table: &Table) -> Vec<(&'static str, Victim)> {
    let mut missing = Vec::new();
    for (number, step) in STEPS.iter().enumerate() {
        let hit = |victim: &Victim| table.get(&(number, *victim)).is_some_and(|delays| !delays.is_empty());
        missing.extend(step.victims().into_iter().filter(|victim| !hit(victim)).map(|v| (step.name, v)));
    }
    missing
}

fn print_table(table: &Table) {
    let mut lines =
        format!("{:<34}{:>22}{:>22}{:>22}\n", "killed at (ms)", "node A", "node B", "command / both");
    for (number, step) in STEPS.iter().enumerate() {
        lines.push_str(&format!("{:<34}", step.name));
        for victim in step.victims() {
            let delays = table.get(&(number, victim)).cloned().unwrap_or_default();
            let shown: Vec<String> = delays.iter().take(5).map(ToString::to_string).collect();
            let more = if delays.len() > 5 { " …" } else { "" };
            lines.push_str(&format!("{:>22}", format!("{}{more}", shown.join(" "))));
        }
        lines.push('\n');
    }
    say(lines.trim_end());
}

/// Straight to the error stream: the figures are shown although the test passes.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn a_folder_is_served_by_one_process_at_a_time() {
    let scene = Scene::new();
    scene.a.serve();
    let report = scene.a.fails(&["node", "serve"], "F-702");
    assert!(report["message"].as_str().unwrap().contains("aldonia"), "the folder is named: {report}");
    // The first one is not disturbed, and a killed one leaves no lock behind.
    scene.a.kill();
    scene.a.serve();
    scene.a.well();
    scene.a.stop();
}

#[test]
fn what_is_sent_while_the_other_node_is_down_arrives_once_when_it_is_back() {
    let scene = Scene::new();
    scene.a.serve();
    let file = scene.approved(PRESERVATION, None);
    let tried: Value = wait_for("a failed attempt", || {
        let shown = scene.a.file(&file);
        let letter = shown["letters"].as_array().unwrap().first().cloned()?;
        letter["trouble"].is_string().then_some(letter)
    });
    assert_eq!(tried["proof"], "waiting");
    scene.a.kill();
    scene.a.serve();
    scene.b.serve();
    let began = Instant::now();
    scene.wait_outgoing(&file, "the receipt", |known| !known["delivered"].is_null());
    assert!(began.elapsed() < PATIENCE);
    let (a, b) = scene.settled();
    assert_eq!((&a["audit"]["delivered"], &b["audit"]["received"]), (&1.into(), &1.into()));
}
