//! What officers do: the same calls that the program makes for them.

use crate::{
    model::KnownFile,
    step::{Act, FileStep, Who},
    time::{DAY, MINUTE},
    world::{Outcome, World},
};
use anyhow::Result;
use casefile::incoming::Proposal;
use flow::{Credential, Flow, FlowError, View};
use std::time::Duration;
use treaty::{Draft, Ground, Kind};
use vocabulary::{FileId, Instant, StateCode};

const WORDS: &str = "Words between two offices of an exercise.";

impl World {
    pub(crate) async fn act(
        &mut self,
        step: u64,
        state: usize,
        who: Who,
        file: FileStep,
        act: Act,
    ) -> Result<Outcome> {
        let nation = self.nation(state)?;
        let Some(flow) = nation.flow().cloned() else { return Ok(Outcome::said("down")) };
        let officer = match who {
            Who::First => nation.first.clone(),
            Who::Second => nation.second.clone(),
        };
        if let Act::Draft { to, kind, follows } = act {
            return self.draft(&flow, &officer, step, state, to, kind, follows).await;
        }
        let Some(known) = self.model.files.get(&file).copied() else { return Ok(Outcome::said("no file")) };
        let done = one(&flow, &officer, known.id, act).await;
        let busy = vec![state];
        match done {
            Ok(()) => {
                if matches!(act, Act::Approve | Act::Decide) {
                    self.check_eyes(state, known.id).await?;
                }
                Ok(Outcome { busy, ..Outcome::said("done") })
            }
            Err(error) => Ok(Outcome { busy, ..Outcome::said(self.failed(state, &error)) }),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a step of the log names all of them")]
    async fn draft(
        &mut self,
        flow: &Flow,
        officer: &Credential,
        step: u64,
        state: usize,
        to: usize,
        kind: Kind,
        follows: Option<FileStep>,
    ) -> Result<Outcome> {
        let Some(other) = self.nations.get(to).filter(|_| to != state) else {
            return Ok(Outcome::said("no such State"));
        };
        let preservation = follows.and_then(|step| self.model.files.get(&step)).map(|known| known.id);
        let draft = example(kind, other.code, flow.now(), preservation)?;
        match flow.draft(officer, &draft).await {
            Ok(performed) => {
                let id = performed.file.file;
                self.model.files.insert(step, KnownFile { id, from: state, to, kind });
                self.counts.files += 1;
                Ok(Outcome { busy: vec![state], ..Outcome::said("drafted") })
            }
            Err(error) => Ok(Outcome::said(self.failed(state, &error))),
        }
    }

    /// The file as `state` sees it; `None` when it is not there, or the State is down.
    pub(crate) async fn view(&self, state: usize, file: FileId) -> Option<View> {
        let flow = self.nations.get(state)?.flow()?;
        flow.view(file).await.ok()
    }
}

async fn one(flow: &Flow, officer: &Credential, file: FileId, act: Act) -> Result<(), FlowError> {
    match act {
        Act::Draft { .. } => {}
        Act::Submit => drop(flow.submit(officer, file).await?),
        Act::Approve => drop(flow.approve(officer, file).await?),
        Act::Withdraw => drop(flow.withdraw(officer, file, WORDS).await?),
        Act::Consult => drop(flow.consult(officer, file, WORDS).await?),
        Act::AskExtension { days } => drop(flow.ask_extension(officer, file, days, WORDS).await?),
        Act::Close { outcome } => drop(flow.close_request(officer, file, outcome).await?),
        Act::Triage => drop(flow.triage(officer, file, false, None).await?),
        Act::Grant => drop(flow.propose(officer, file, Proposal::Grant { conditions: None }).await?),
        Act::Refuse => {
            let grounds = vec![Ground::EssentialInterests];
            let proposal = Proposal::Refuse { grounds, reasons: WORDS.to_owned() };
            drop(flow.propose(officer, file, proposal).await?);
        }
        Act::Postpone => {
            drop(flow.propose(officer, file, Proposal::Postpone { reasons: WORDS.to_owned() }).await?);
        }
        Act::Decide => drop(flow.decide(officer, file).await?),
        Act::Preserve { days } => {
            drop(flow.effect_preservation(officer, file, flow.now(), days, "Order 12").await?);
        }
        Act::Extend { days } => drop(flow.extend_preservation(officer, file, days).await?),
        Act::CloseIncoming => drop(flow.close_incoming(officer, file).await?),
    }
    Ok(())
}

/// The template of the kind, which passes the check, with its dates set from `now`.
fn example(kind: Kind, to: StateCode, now: Instant, preservation: Option<FileId>) -> Result<Draft> {
    let day = Duration::from_micros(DAY.unsigned_abs());
    let mut draft = Draft::from_toml(treaty::template(kind))?;
    draft.to = Some(to);
    draft.preservation_file = preservation;
    if draft.expected_mla_date.is_some() {
        draft.expected_mla_date = Some(now.plus(day * 30).date_in(&jiff::tz::TimeZone::UTC));
    }
    if let Some(confidentiality) = &mut draft.confidentiality {
        confidentiality.until = Some(now.plus(day * 180));
    }
    if let Some(safeguards) = &mut draft.safeguards {
        safeguards.valid_from = Some(now.minus(day));
        safeguards.valid_until = Some(now.plus(day * 120));
    }
    for item in &mut draft.items {
        item.from = Some(now.minus(day * 40));
        item.until = Some(now.minus(day * 39).minus(Duration::from_micros(MINUTE.unsigned_abs())));
    }
    Ok(draft)
}
