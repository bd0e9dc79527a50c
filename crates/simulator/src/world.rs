//! All States, the network between them and the rules of a step: what it does, and what must be true after it.

use crate::{
    count::Counts,
    message::Message,
    model::{Model, Violation},
    nation::{Common, Nation},
    peril::Struck,
    step::{Key, MessageId, Step, What},
};
use anyhow::{Context as _, Result};
use flow::{Enrolled, FlowError};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use vocabulary::{Digest, Failure as _, Family};

/// Messages that are kept for a later repetition.
const KEPT_MESSAGES: usize = 3000;

pub(crate) struct World {
    pub seed: u64,
    pub common: Common,
    pub nations: Vec<Nation>,
    pub messages: BTreeMap<MessageId, Message>,
    /// The message whose answer a sender waits for, by sender and receiver.
    pub open: BTreeMap<(usize, usize), MessageId>,
    /// States that are cut off from the others.
    pub cut: BTreeSet<usize>,
    pub model: Model,
    pub counts: Counts,
    pub violations: Vec<Violation>,
    /// Digest over every step and what came of it: equal for equal runs.
    pub trace: Digest,
    pub step: u64,
}

/// What a step did, for whoever plans the next ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// In one line, without anything that differs between runs of one seed.
    pub said: String,
    pub sent: Vec<MessageId>,
    /// Failed attempts before this one, when an attempt failed.
    pub failed: Option<(usize, u32)>,
    pub refused_for_good: Option<usize>,
    pub struck: Vec<(usize, Struck)>,
    /// States at which there is something to do now.
    pub busy: Vec<usize>,
}

impl Outcome {
    pub(crate) fn said(words: impl Into<String>) -> Self {
        Self { said: words.into(), ..Self::default() }
    }
}

impl World {
    /// Founds the States and enrols each with every other.
    pub(crate) async fn found(
        place: &Path,
        states: usize,
        seed: u64,
        progress: &dyn Fn(&str),
    ) -> Result<Self> {
        let common = Common::default();
        let mut nations = Vec::new();
        for number in 0..states {
            common.randomness.begin(seed, u64::MAX - number as u64);
            nations.push(Nation::found(place, number, &common).await?);
        }
        progress(&format!("{states} States founded"));
        for (number, nation) in nations.iter().enumerate() {
            for other in nations.iter().filter(|other| other.code != nation.code) {
                let signed = other.descriptors.first().context("a descriptor")?;
                let known = nation.disk_flow().enrol(signed).await?;
                anyhow::ensure!(matches!(known, Enrolled::New(_)), "a State was enrolled before");
            }
            if (number + 1) % 50 == 0 {
                progress(&format!("{} States enrolled all others", number + 1));
            }
        }
        Ok(Self {
            seed,
            common,
            nations,
            messages: BTreeMap::new(),
            open: BTreeMap::new(),
            cut: BTreeSet::new(),
            model: Model::default(),
            counts: Counts::default(),
            violations: Vec::new(),
            trace: Digest::of(&seed.to_le_bytes()),
            step: 0,
        })
    }

    pub(crate) fn nation(&self, state: usize) -> Result<&Nation> {
        self.nations.get(state).with_context(|| format!("there is no State {state}"))
    }

    pub(crate) fn nation_mut(&mut self, state: usize) -> Result<&mut Nation> {
        self.nations.get_mut(state).with_context(|| format!("there is no State {state}"))
    }

    /// True when no cut lies between the two.
    pub(crate) fn reaches(&self, from: usize, to: usize) -> bool {
        self.cut.contains(&from) == self.cut.contains(&to)
    }

    /// Does a step and checks what must be true after it.
    pub(crate) async fn run(&mut self, step: &Step) -> Result<Outcome> {
        self.common.time.forward_to(step.at);
        self.common.randomness.begin(self.seed, step.id);
        self.step = step.id;
        self.counts.steps += 1;
        let touched = self.touched(&step.what);
        let mut outcome = self.perform(step).await?;
        for state in &touched {
            if let Some(struck) = self.nation(*state)?.peril.take_struck() {
                self.counts.fault(match struck {
                    Struck::BetweenWrites => "crash-between-writes",
                    Struck::BeforeCommit => "crash-before-commit",
                    Struck::AfterCommit => "crash-after-commit",
                    Struck::DiskFull => "disk-full",
                });
                outcome.struck.push((*state, struck));
            }
        }
        for state in touched {
            self.check(state).await?;
        }
        let line = format!("{} {} {:?}", serde_json::to_string(step)?, outcome.said, outcome.struck);
        self.trace = Digest::of(format!("{}\n{line}", self.trace).as_bytes());
        Ok(outcome)
    }

    fn touched(&self, what: &What) -> BTreeSet<usize> {
        let mut touched: BTreeSet<usize> = what.state().into_iter().collect();
        if let What::Arrive { message, .. }
        | What::Repeat { message }
        | What::Answer { message, .. }
        | What::TimeOut { message }
        | What::Lie { message, .. } = what
            && let Some(message) = self.messages.get(message)
        {
            touched.extend([message.from, message.to]);
        }
        touched.retain(|state| *state < self.nations.len());
        touched
    }

    async fn perform(&mut self, step: &Step) -> Result<Outcome> {
        if step.what.state().is_some_and(|state| state >= self.nations.len()) {
            return Ok(Outcome::said("no such State"));
        }
        match &step.what {
            What::Act { state, officer, file, act } => self.act(step.id, *state, *officer, *file, *act).await,
            What::Desk { state } => self.desk(*state).await,
            What::Post { state } => self.post(step.id, *state).await,
            What::Watch { state } => self.watch(*state).await,
            What::Export { state } => self.export(step.id, *state).await,
            What::Pouch { state, file } => self.pouch(step.id, *state, *file).await,
            What::Arrive { message, harm } => self.arrive(*message, *harm).await,
            What::Repeat { message } => self.repeat(*message).await,
            What::Answer { message, harm } => self.answer(*message, *harm).await,
            What::Lose { message } => Ok(self.lose(*message)),
            What::TimeOut { message } => self.time_out(*message).await,
            What::Lie { message, lie } => self.lie(*message, *lie).await,
            What::Arm { state, after, blow } => {
                self.nation(*state)?.peril.arm(*after, *blow);
                Ok(Outcome::said("armed"))
            }
            What::Kill { state } => {
                self.nation(*state)?.peril.kill();
                self.counts.fault("kill");
                Ok(Outcome::said("killed"))
            }
            What::Restart { state } => self.restart(*state).await,
            What::FreeSpace { state } => {
                self.nation(*state)?.peril.free_space();
                Ok(Outcome { busy: vec![*state], ..Outcome::said("there is space") })
            }
            What::Cut { states } => {
                self.cut = states.iter().copied().collect();
                self.counts.fault("partition");
                Ok(Outcome::said("cut"))
            }
            What::Mend => {
                self.cut.clear();
                Ok(Outcome::said("mended"))
            }
            What::Clock { state, off } => {
                self.nation(*state)?.clock.set_off(*off);
                if *off != 0 {
                    self.counts.fault("clock");
                }
                Ok(Outcome { busy: vec![*state], ..Outcome::said("clock set") })
            }
            What::Renew { state } => {
                self.nation_mut(*state)?.renew()?;
                self.counts.fault("descriptor-renewed");
                Ok(Outcome::said("renewed"))
            }
            What::Rotate { state, key } => self.rotate(*state, *key).await,
            What::Learn { state, of } => self.learn(*state, *of).await,
            What::Copy { state } => {
                self.nation(*state)?.copy()?;
                Ok(Outcome::said("copied"))
            }
            What::Restore { state } => self.restore(*state).await,
            What::Resume { state, peer } => self.resume(*state, *peer).await,
            What::Audit { state } => self.audit(*state).await,
        }
    }

    async fn restart(&mut self, state: usize) -> Result<Outcome> {
        if !self.nation(state)?.peril.is_down() {
            return Ok(Outcome::said("it runs"));
        }
        self.nation_mut(state)?.restart().await?;
        self.open.retain(|(from, _), _| *from != state);
        self.check_after_restart(state).await?;
        Ok(Outcome { busy: vec![state], ..Outcome::said("restarted") })
    }

    /// Done by operators who look whether it worked: never in a process that is dead or cannot write.
    async fn rotate(&mut self, state: usize, key: Key) -> Result<Outcome> {
        let peril = &self.nation(state)?.peril;
        if peril.is_down() || peril.is_full() {
            return Ok(Outcome::said("not now"));
        }
        peril.disarm();
        self.nation_mut(state)?.rotate(key.role()).await?;
        self.counts.fault("key-rotated");
        self.open.retain(|(from, _), _| *from != state);
        self.check_after_restart(state).await?;
        Ok(Outcome { busy: vec![state], ..Outcome::said("rotated") })
    }

    async fn learn(&mut self, state: usize, of: usize) -> Result<Outcome> {
        if of >= self.nations.len() || of == state {
            return Ok(Outcome::said("nothing to learn"));
        }
        let signed = self.nation(of)?.descriptors.last().context("a descriptor")?.clone();
        let Some(flow) = self.nation(state)?.flow() else { return Ok(Outcome::said("down")) };
        let done = flow.enrol(&signed).await;
        Ok(Outcome::said(match done {
            Ok(_) => "learnt".to_owned(),
            Err(error) => self.failed(state, &error),
        }))
    }

    async fn resume(&mut self, state: usize, peer: usize) -> Result<Outcome> {
        let Some(code) = self.nations.get(peer).map(|nation| nation.code) else {
            return Ok(Outcome::said("no such State"));
        };
        let officer = self.nation(state)?.second.clone();
        let Some(flow) = self.nation(state)?.flow().cloned() else { return Ok(Outcome::said("down")) };
        let done = flow.resume(&officer, code, "The two States spoke by telephone.", false).await;
        Ok(match done {
            Ok(()) => Outcome { busy: vec![state, peer], ..Outcome::said("resumed") },
            Err(error) => Outcome::said(self.failed(state, &error)),
        })
    }

    /// The code of an error; a fault of a machine that was not struck is itself a violation.
    pub(crate) fn failed(&mut self, state: usize, error: &FlowError) -> String {
        let code = error.code();
        if error.family() == Family::Fault && !matches!(code, "F-990" | "F-002") {
            self.violated("no fault without a cause", state, format!("{code}: {error}"));
        }
        self.counts.refusal(code);
        code.to_owned()
    }

    pub(crate) fn violated(&mut self, invariant: &'static str, state: usize, found: impl Into<String>) {
        let code = self.nations.get(state).map(|nation| nation.code.to_string()).unwrap_or_default();
        self.violations.push(Violation { invariant, state: code, found: found.into(), step: self.step });
    }

    /// Keeps a message for its journey, and forgets the oldest that nobody waits for.
    pub(crate) fn keep(&mut self, message: Message) -> MessageId {
        let id = message.id;
        self.messages.insert(id, message);
        while self.messages.len() > KEPT_MESSAGES {
            let waited: BTreeSet<MessageId> = self.open.values().copied().collect();
            let Some(oldest) = self.messages.keys().find(|id| !waited.contains(id)).copied() else { break };
            self.messages.remove(&oldest);
        }
        id
    }

    pub(crate) async fn close(&self) {
        for nation in &self.nations {
            nation.close().await;
        }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("seed", &self.seed).field("step", &self.step).finish_non_exhaustive()
    }
}
