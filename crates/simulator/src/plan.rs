//! Who does what when: a queue of plans, each of which becomes a step when its time has come.

use crate::{
    dice::Dice,
    fault::{Fault, Faults},
    message::Road,
    peril::{Blow, Struck},
    step::{Act, FileStep, Harm, Key, Lie, MessageId, Step, What, Who},
    time::{BEGIN, DAY, HOUR, MINUTE, SECOND},
    traffic::{Next, next},
    world::{Outcome, World},
};
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use treaty::Kind;
use vocabulary::Instant;

/// How long a sender waits for an answer, as `node` does.
const ANSWER_TIME: i64 = 60 * SECOND;
/// Looks at a file after which nobody looks any more.
const LOOKS_MAX: u32 = 80;

#[derive(Debug, Clone)]
enum Plan {
    Open,
    Look { file: FileStep, incoming: bool, looks: u32 },
    Do(What),
    Desk(usize),
    Post(usize),
    Watch(usize),
}

/// Makes the steps of a run.
#[derive(Debug)]
pub(crate) struct Planner {
    dice: Dice,
    faults: Faults,
    states: usize,
    target: u64,
    plans: BTreeMap<(i64, u64), Plan>,
    number: u64,
    step: u64,
    desks: BTreeSet<usize>,
    posts: BTreeSet<usize>,
    watches: BTreeSet<usize>,
    active: BTreeSet<FileStep>,
    copies: BTreeSet<usize>,
    restores: usize,
}

impl Planner {
    pub(crate) fn new(seed: u64, states: usize, target: u64, faults: Faults) -> Self {
        let mut planner = Self {
            dice: Dice::new(seed, 0),
            faults,
            states,
            target,
            plans: BTreeMap::new(),
            number: 0,
            step: 0,
            desks: BTreeSet::new(),
            posts: BTreeSet::new(),
            watches: BTreeSet::new(),
            active: BTreeSet::new(),
            copies: BTreeSet::new(),
            restores: 0,
        };
        planner.plan(BEGIN, Plan::Open);
        planner
    }

    fn plan(&mut self, at: i64, plan: Plan) {
        self.number += 1;
        self.plans.insert((at, self.number), plan);
    }

    fn soon(&mut self, at: i64, from: i64, to: i64, plan: Plan) {
        let later = self.dice.between(from, to);
        self.plan(at + later, plan);
    }

    /// The next steps, all at one time; `None` when nothing is planned any more.
    pub(crate) async fn steps(&mut self, world: &World) -> Result<Option<Vec<Step>>> {
        let Some(((at, _), plan)) = self.plans.pop_first() else { return Ok(None) };
        let at = at.max(world.common.time.micros());
        let whats = match plan {
            Plan::Open => self.open(at),
            Plan::Look { file, incoming, looks } => self.look(world, at, file, incoming, looks).await,
            // Most senders have their answer by then.
            Plan::Do(What::TimeOut { message }) if !world.open.values().any(|open| *open == message) => {
                Vec::new()
            }
            Plan::Do(what) => vec![what],
            Plan::Desk(state) => {
                self.desks.remove(&state);
                vec![What::Desk { state }]
            }
            Plan::Post(state) => {
                self.posts.remove(&state);
                vec![What::Post { state }]
            }
            Plan::Watch(state) => {
                self.watches.remove(&state);
                vec![What::Watch { state }]
            }
        };
        let mut steps = Vec::new();
        for what in whats {
            if let Some(blow) = self.blow(world, &what, at) {
                steps.push(self.step(at, blow));
            }
            steps.push(self.step(at, what));
        }
        if !steps.is_empty() {
            steps.extend(self.disaster(world, at).map(|what| self.step(at, what)));
        }
        Ok(Some(steps))
    }

    fn step(&mut self, at: i64, what: What) -> Step {
        self.step += 1;
        if let What::Act { act: Act::Draft { .. }, state, .. } = &what {
            let id = self.step;
            let Some(What::Act { officer, act, .. }) = Some(&what) else { return Step { id, at, what } };
            self.active.insert(id);
            let what = What::Act { state: *state, officer: *officer, file: id, act: *act };
            self.soon(at, MINUTE, 3 * HOUR, Plan::Look { file: id, incoming: false, looks: 0 });
            self.soon(at, HOUR, 5 * HOUR, Plan::Look { file: id, incoming: true, looks: 0 });
            return Step { id, at, what };
        }
        Step { id: self.step, at, what }
    }

    /// Opens a new file when there is room for one.
    fn open(&mut self, at: i64) -> Vec<What> {
        self.soon(at, 20 * SECOND, 4 * MINUTE, Plan::Open);
        let most = (self.states * 3).min(usize::try_from(self.target / 4).unwrap_or(usize::MAX)).max(4);
        if self.active.len() >= most || self.states < 2 {
            return Vec::new();
        }
        let state = self.dice.index(self.states);
        let to = (state + 1 + self.dice.index(self.states - 1)) % self.states;
        let kind = if self.dice.chance(650) { Kind::PRESERVATION } else { Kind::STORED_DATA };
        let act = Act::Draft { to, kind, follows: None };
        vec![What::Act { state, officer: Who::First, file: 0, act }]
    }

    async fn look(
        &mut self,
        world: &World,
        at: i64,
        file: FileStep,
        incoming: bool,
        looks: u32,
    ) -> Vec<What> {
        let Some(known) = world.model.files.get(&file).copied() else {
            self.active.remove(&file);
            return Vec::new();
        };
        let state = if incoming { known.to } else { known.from };
        let again = Plan::Look { file, incoming, looks: looks + 1 };
        let next = match world.view(state, known.id).await {
            Some(view) => next(&view, &mut self.dice),
            None => Next::Wait,
        };
        match next {
            _ if looks > LOOKS_MAX => {
                self.active.remove(&file);
                Vec::new()
            }
            Next::Ended => {
                self.active.remove(&file);
                Vec::new()
            }
            Next::Wait => {
                self.soon(at, HOUR, 20 * HOUR, again);
                Vec::new()
            }
            Next::Act(officer, act) => {
                self.soon(at, 5 * MINUTE, 16 * HOUR, again);
                let mut whats = vec![What::Act { state, officer, file, act }];
                // What follows a preservation stops its clock on both sides.
                if matches!(act, Act::AskExtension { .. })
                    && self.dice.chance(300)
                    && known.kind == Kind::PRESERVATION
                {
                    let act = Act::Draft { to: known.to, kind: Kind::STORED_DATA, follows: Some(file) };
                    whats.push(What::Act { state, officer: Who::First, file: 0, act });
                }
                if self.faults.has(Fault::Pouch) && self.dice.chance(15) {
                    self.soon(at, SECOND, HOUR, Plan::Do(What::Pouch { state, file }));
                }
                whats
            }
        }
    }

    /// A blow in the very step that comes.
    fn blow(&mut self, world: &World, what: &What, at: i64) -> Option<What> {
        let state = match what {
            What::Act { state, .. } | What::Desk { state } | What::Post { state } | What::Watch { state } => {
                *state
            }
            What::Arrive { message, .. } => world.messages.get(message)?.to,
            What::Answer { message, .. } => world.messages.get(message)?.from,
            _ => return None,
        };
        if self.faults.has(Fault::Crash) && self.dice.chance(15) {
            let after = u32::try_from(self.dice.below(36)).unwrap_or(0);
            return Some(What::Arm { state, after, blow: Blow::Crash });
        }
        if self.faults.has(Fault::DiskFull) && self.dice.chance(4) {
            let after = u32::try_from(self.dice.below(36)).unwrap_or(0);
            self.soon(at, 2 * HOUR, 4 * HOUR, Plan::Do(What::FreeSpace { state }));
            return Some(What::Arm { state, after, blow: Blow::DiskFull });
        }
        None
    }

    /// Something that happens to whole States.
    fn disaster(&mut self, world: &World, at: i64) -> Option<What> {
        let state = self.dice.index(self.states);
        let kind = self.dice.below(4000);
        match kind {
            0..=5 if self.faults.has(Fault::Crash) => {
                self.soon(at, SECOND, 20 * MINUTE, Plan::Do(What::Restart { state }));
                Some(What::Kill { state })
            }
            10..=15 if self.faults.has(Fault::Partition) && world.cut.is_empty() => {
                let part = 1 + self.dice.index((self.states / 2).max(1));
                let states = (0..part).map(|_| self.dice.index(self.states)).collect();
                self.soon(at, MINUTE, 2 * HOUR, Plan::Do(What::Mend));
                Some(What::Cut { states })
            }
            20..=31 if self.faults.has(Fault::Clock) => {
                let off = self.dice.between(-6 * HOUR, 6 * HOUR);
                self.soon(at, 10 * MINUTE, 2 * DAY, Plan::Do(What::Clock { state, off: 0 }));
                Some(What::Clock { state, off })
            }
            40..=43 if self.faults.has(Fault::Descriptor) => {
                for _ in 0..self.states.min(12) {
                    let learner = self.dice.index(self.states);
                    self.soon(at, MINUTE, 2 * DAY, Plan::Do(What::Learn { state: learner, of: state }));
                }
                Some(What::Renew { state })
            }
            44..=49 if self.faults.has(Fault::Rotation) => {
                let key = *self.dice.pick(&Key::ALL)?;
                Some(What::Rotate { state, key })
            }
            50..=57 if self.faults.has(Fault::Rewrite) => {
                self.copies.insert(state);
                Some(What::Copy { state })
            }
            60..=63 if self.faults.has(Fault::Rewrite) => self.restore(world),
            70..=72 => Some(What::Audit { state }),
            _ => None,
        }
    }

    /// At most one State in eight loses its honesty.
    fn restore(&mut self, world: &World) -> Option<What> {
        if self.restores >= self.states / 8 {
            return None;
        }
        let state = *self.copies.first()?;
        self.copies.remove(&state);
        if world.nations.get(state)?.peril.is_down() {
            return None;
        }
        self.restores += 1;
        Some(What::Restore { state })
    }

    /// Plans what follows from a step that was done.
    pub(crate) fn follow(&mut self, world: &World, step: &Step, outcome: &Outcome) {
        let at = step.at;
        for state in &outcome.busy {
            // A desk with something to send says so itself.
            if !matches!(step.what, What::Desk { .. } | What::Answer { .. }) {
                self.desk(at, *state);
            }
            if !matches!(step.what, What::Act { .. } | What::Arrive { .. } | What::Repeat { .. }) {
                self.post(at, *state);
            }
        }
        for message in &outcome.sent {
            self.send(world, at, *message);
        }
        if let Some((state, attempts)) = outcome.failed {
            let wait = exchange::next_attempt(Instant::from_micros(at), attempts).micros() - at;
            self.plan(at + wait + SECOND / 10, Plan::Post(state));
            if self.watches.insert(state) {
                self.soon(at, MINUTE, 10 * MINUTE, Plan::Watch(state));
            }
        }
        if let Some(state) = outcome.refused_for_good {
            self.soon(at, HOUR, DAY, Plan::Do(What::Export { state }));
        }
        for (state, struck) in &outcome.struck {
            let state = *state;
            match struck {
                Struck::DiskFull => self.soon(at, MINUTE, 30 * MINUTE, Plan::Do(What::FreeSpace { state })),
                _ => self.soon(at, SECOND, 20 * MINUTE, Plan::Do(What::Restart { state })),
            }
        }
        match &step.what {
            What::Arrive { message, .. } => self.after_arrival(world, at, *message),
            What::Lie { message, lie: Lie::RewrittenLog } => {
                if let Some((from, to)) = world.messages.get(message).map(|m| (m.from, m.to)) {
                    self.soon(at, 5 * MINUTE, 3 * HOUR, Plan::Do(What::Resume { state: to, peer: from }));
                }
            }
            What::Lie { message, lie: Lie::ReceiptWithForeignHead } => {
                if let Some((from, to)) = world.messages.get(message).map(|m| (m.from, m.to)) {
                    self.soon(at, 5 * MINUTE, 3 * HOUR, Plan::Do(What::Resume { state: from, peer: to }));
                }
            }
            What::FreeSpace { state } | What::Restart { state } if self.watches.insert(*state) => {
                self.soon(at, SECOND, MINUTE, Plan::Watch(*state));
            }
            _ => {}
        }
    }

    fn desk(&mut self, at: i64, state: usize) {
        if self.desks.insert(state) {
            self.soon(at, SECOND / 100, SECOND, Plan::Desk(state));
        }
    }

    fn post(&mut self, at: i64, state: usize) {
        if self.posts.insert(state) {
            self.soon(at, SECOND / 10, 2 * SECOND, Plan::Post(state));
        }
    }

    fn send(&mut self, world: &World, at: i64, id: MessageId) {
        let Some(message) = world.messages.get(&id) else { return };
        let network = message.road == Road::Network;
        if network {
            self.plan(at + ANSWER_TIME, Plan::Do(What::TimeOut { message: id }));
        }
        if self.faults.has(Fault::Repeated) && self.dice.chance(50) {
            self.soon(at, SECOND, 3 * DAY, Plan::Do(What::Repeat { message: id }));
        }
        if self.faults.has(Fault::Lie) && self.dice.chance(35) {
            let lie = self.envelope_lie(world, id);
            self.soon(at, SECOND / 1000, SECOND / 50, Plan::Do(What::Lie { message: id, lie }));
        }
        if self.faults.has(Fault::Lie) && self.dice.chance(10) {
            let lie = Lie::OtherId;
            self.soon(at, HOUR, 2 * DAY, Plan::Do(What::Lie { message: id, lie }));
        }
        if self.faults.has(Fault::Lost) && self.dice.chance(40) {
            return self.soon(at, SECOND / 50, 2 * SECOND, Plan::Do(What::Lose { message: id }));
        }
        let harm = self.harm();
        let what = What::Arrive { message: id, harm };
        let delayed = self.faults.has(Fault::Delayed) && self.dice.chance(60);
        match (network, delayed) {
            (true, true) => self.soon(at, 5 * SECOND, 20 * MINUTE, Plan::Do(what)),
            (true, false) => self.soon(at, SECOND / 50, 2 * SECOND, Plan::Do(what)),
            (false, _) => self.soon(at, HOUR, 3 * DAY, Plan::Do(what)),
        }
    }

    fn harm(&mut self) -> Option<Harm> {
        if self.faults.has(Fault::Truncated) && self.dice.chance(15) {
            return Some(Harm::Truncated { keep: u32::try_from(self.dice.below(1000)).unwrap_or(0) });
        }
        if self.faults.has(Fault::Corrupted) && self.dice.chance(15) {
            return Some(Harm::Corrupted {
                part: u32::try_from(self.dice.below(8)).unwrap_or(0),
                place: u32::try_from(self.dice.below(1000)).unwrap_or(0),
                bit: u8::try_from(self.dice.below(7)).unwrap_or(0),
            });
        }
        None
    }

    fn envelope_lie(&mut self, world: &World, id: MessageId) -> Lie {
        let other = self.dice.index(self.states);
        match self.dice.below(7) {
            0..=2 => Lie::RewrittenLog,
            3 => Lie::OtherContent { like: self.alike(world, id) },
            4 => Lie::WrongAddressee { at: other },
            5 => Lie::WrongSender { by: other },
            _ => Lie::OtherId,
        }
    }

    /// Another message on the same way, or the message itself.
    fn alike(&mut self, world: &World, id: MessageId) -> MessageId {
        let Some(message) = world.messages.get(&id) else { return id };
        let others: Vec<MessageId> = world
            .messages
            .values()
            .rev()
            .filter(|other| {
                other.from == message.from
                    && other.to == message.to
                    && other.attempt.envelope != message.attempt.envelope
            })
            .take(4)
            .map(|other| other.id)
            .collect();
        self.dice.pick(&others).copied().unwrap_or(id)
    }

    fn after_arrival(&mut self, world: &World, at: i64, id: MessageId) {
        let Some(message) = world.messages.get(&id) else { return };
        if !message.arrived {
            // The addressee of a pouch was away.
            if message.road == Road::Pouch && !message.lost {
                self.soon(at, HOUR, DAY, Plan::Do(What::Arrive { message: id, harm: None }));
            }
            return;
        }
        let network = message.road == Road::Network;
        if network && self.faults.has(Fault::Lie) && self.dice.chance(25) {
            let other = self.dice.index(self.states);
            let lie = match self.dice.below(6) {
                0 => Lie::ReceiptForOtherDigest,
                1 => Lie::ReceiptForOtherEnvelope { like: self.alike(world, id) },
                2 => Lie::ReceiptOfOtherOffice,
                3 => Lie::ReceiptOfOtherState { by: other },
                4 => Lie::ReceiptOutsideLog,
                _ => Lie::ReceiptWithForeignHead,
            };
            self.soon(at, SECOND / 1000, SECOND / 100, Plan::Do(What::Lie { message: id, lie }));
        }
        if self.faults.has(Fault::Lost) && self.dice.chance(40) {
            return self.soon(at, SECOND / 50, 2 * SECOND, Plan::Do(What::Lose { message: id }));
        }
        let harm = self.harm();
        let what = What::Answer { message: id, harm };
        let delayed = self.faults.has(Fault::Delayed) && self.dice.chance(40);
        match (network, delayed) {
            (true, true) => self.soon(at, 5 * SECOND, 5 * MINUTE, Plan::Do(what)),
            (true, false) => self.soon(at, SECOND / 50, 2 * SECOND, Plan::Do(what)),
            (false, _) => self.soon(at, HOUR, 3 * DAY, Plan::Do(what)),
        }
    }
}
