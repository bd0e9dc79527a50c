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
    /// Lets everything come to rest and checks the end; true when it did.
    pub(crate) async fn calm(&mut self) -> Result<bool> {
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
        let mut quiet = false;
        for _ in 0..ROUNDS {
            let mut sent = false;
            for state in states.clone() {
                if self.violations.is_empty() {
                    sent |= self.visit(&mut number, state).await?;
                }
            }
            if !sent {
                quiet = self.is_quiet().await?;
                if quiet {
                    break;
                }
            }
            self.common.time.forward_to(self.common.time.micros() + 10 * MINUTE);
        }
        if self.violations.is_empty() {
            self.check_end().await?;
        }
        Ok(quiet)
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

    /// One round of a State's workers; true when something was sent.
    async fn visit(&mut self, number: &mut u64, state: usize) -> Result<bool> {
        self.calm_step(number, What::Watch { state }).await?;
        self.calm_step(number, What::Desk { state }).await?;
        let mut sent = self.calm_step(number, What::Post { state }).await?;
        sent.extend(self.calm_step(number, What::Export { state }).await?);
        for message in &sent {
            self.carry(number, *message).await?;
        }
        Ok(!sent.is_empty())
    }

    /// Nothing waits in an outbox or inbox, and no duty is due.
    async fn is_quiet(&self) -> Result<bool> {
        for nation in &self.nations {
            let Some(flow) = nation.flow() else { return Ok(false) };
            let now = flow.now();
            let mut read = nation.disk().read().await?;
            let waiting = read.queries().outbox_waiting().await?;
            let honest = |code| self.nations.iter().any(|other| other.code == code && other.honest);
            if nation.honest && waiting.iter().any(|row| honest(row.peer)) {
                return Ok(false);
            }
            let owed = read.queries().duties_due(now, 1).await?;
            if !owed.is_empty() || !read.queries().inbox_stored(1).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
