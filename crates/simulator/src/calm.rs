//! The end of a run: nothing fails any more, and everything that is owed must come to rest.

use crate::{
    message::Road,
    step::{MessageId, Step, What},
    time::MINUTE,
    world::World,
};
use anyhow::Result;

/// Steps of the calm are numbered from here, far from all others.
const CALM_STEPS: u64 = 1 << 40;
/// Rounds of ten minutes; the longest pause between two attempts is five.
const ROUNDS: usize = 80;

impl World {
    /// Lets everything come to rest and checks the end; what did not come to rest.
    pub(crate) async fn calm(&mut self) -> Result<Option<String>> {
        let mut number = CALM_STEPS;
        let states = 0..self.nations.len();
        self.calm_step(&mut number, What::Mend).await?;
        for state in states.clone() {
            self.nation(state)?.peril.calm();
            self.calm_step(&mut number, What::Restart { state }).await?;
            self.calm_step(&mut number, What::Clock { state, off: 0 }).await?;
        }
        for state in states.clone() {
            for peer in self.check_halts(state).await? {
                self.calm_step(&mut number, What::Resume { state, peer }).await?;
            }
        }
        self.bring_home(&mut number).await?;
        let mut unrest = None;
        for _ in 0..ROUNDS {
            for state in states.clone() {
                if self.violations.is_empty() {
                    self.visit(&mut number, state).await?;
                }
            }
            // To a State whose log has two continuations envelopes are tried for ever.
            unrest = self.unrest().await?;
            if unrest.is_none() {
                break;
            }
            self.common.time.forward_to(self.common.time.micros() + 10 * MINUTE);
        }
        if self.violations.is_empty() {
            self.check_end().await?;
        }
        Ok(unrest)
    }

    async fn calm_step(&mut self, number: &mut u64, what: What) -> Result<Vec<MessageId>> {
        *number += 1;
        let step = Step { id: *number, at: self.common.time.micros(), what };
        Ok(self.run(&step).await?.sent)
    }

    /// What is still on a road arrives; who still waits is answered or gives up.
    async fn bring_home(&mut self, number: &mut u64) -> Result<()> {
        let waited: Vec<MessageId> = self.open.values().copied().collect();
        for message in waited {
            self.carry(number, message).await?;
            self.calm_step(number, What::TimeOut { message }).await?;
        }
        let pouches: Vec<MessageId> =
            self.messages.values().filter(|m| m.road == Road::Pouch && !m.lost).map(|m| m.id).collect();
        for message in pouches {
            self.carry(number, message).await?;
        }
        Ok(())
    }

    async fn carry(&mut self, number: &mut u64, message: MessageId) -> Result<()> {
        self.calm_step(number, What::Arrive { message, harm: None }).await?;
        for message in self.calm_step(number, What::Answer { message, harm: None }).await? {
            // It asked for a proof.
            self.calm_step(number, What::Arrive { message, harm: None }).await?;
            self.calm_step(number, What::Answer { message, harm: None }).await?;
        }
        Ok(())
    }

    /// One round of a State's workers.
    async fn visit(&mut self, number: &mut u64, state: usize) -> Result<()> {
        self.calm_step(number, What::Watch { state }).await?;
        self.calm_step(number, What::Desk { state }).await?;
        let mut sent = self.calm_step(number, What::Post { state }).await?;
        sent.extend(self.calm_step(number, What::Export { state }).await?);
        for message in &sent {
            self.carry(number, *message).await?;
        }
        Ok(())
    }

    /// What still waits in an outbox or inbox, or is owed; `None` when all is quiet.
    async fn unrest(&self) -> Result<Option<String>> {
        for nation in &self.nations {
            let Some(flow) = nation.flow() else { return Ok(Some(format!("{} is down", nation.code))) };
            let now = flow.now();
            let mut read = nation.disk().read().await?;
            let waiting = read.queries().outbox_waiting().await?;
            let honest = |code| self.nations.iter().any(|other| other.code == code && other.honest);
            if let Some(row) = waiting.iter().find(|row| nation.honest && honest(row.peer)) {
                let found = format!("the `{}` {} to {}", row.kind, row.envelope, row.peer);
                return Ok(Some(format!("{}: {found} waits ({:?})", nation.code, row.trouble)));
            }
            let sent = read.queries().outbox_all().await?;
            let refused = |row: &&store::OutboxRow| row.refused_at.is_some() && row.delivered_at.is_none();
            if let Some(row) = sent.iter().filter(refused).find(|row| nation.honest && honest(row.peer)) {
                let found = format!("the `{}` {} to {}", row.kind, row.envelope, row.peer);
                return Ok(Some(format!("{}: {found} was refused ({:?})", nation.code, row.trouble)));
            }
            if let Some(duty) = read.queries().duties_due(now, 1).await?.first() {
                return Ok(Some(format!("{}: {} is owed ({:?})", nation.code, duty.id, duty.trouble)));
            }
            if let Some(row) = read.queries().inbox_stored(1).await?.first() {
                return Ok(Some(format!("{}: {} of {} is unopened", nation.code, row.envelope, row.peer)));
            }
        }
        Ok(None)
    }
}
