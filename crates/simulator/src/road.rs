//! The roads: what the workers and the endpoint of a node do around `flow`, with the network in our hands.

use crate::{
    message::{Message, Reply, Road, harm_envelope, harm_receipt},
    model::Handed,
    step::{FileStep, Harm, MESSAGES_MAX, MessageId},
    time::SECOND,
    world::{Outcome, World},
};
use anyhow::{Context as _, Result};
use exchange::{
    AdmitFault, CosignedHead, ProofRoad, RoadTrouble,
    answer::{self, Challenge},
};
use flow::{Attempt, Delivered, Flow, FlowError, HandedBy};
use std::collections::BTreeSet;
use vocabulary::{Digest, Failure as _};

/// Rounds of one visit to the desk; more wait for the next one.
const ROUNDS: usize = 16;
/// From here on a message counts as delayed.
const DELAYED: i64 = 5 * SECOND;
/// Refusals of an envelope that accuse its sender.
pub(crate) const ACCUSING: [&str; 5] = ["P-524", "P-525", "P-529", "P-537", "P-900"];

impl World {
    /// As `node::work::desk`: open what arrived, discharge what is due, until nothing is left.
    pub(crate) async fn desk(&mut self, state: usize) -> Result<Outcome> {
        let (mut recorded, mut discharged, mut postponed, mut troubles) = (0, 0, 0, Vec::new());
        for _ in 0..ROUNDS {
            let Some(flow) = self.nation(state)?.flow().cloned() else { break };
            let mut busy = false;
            match flow.record_stored().await {
                Ok(count) => {
                    recorded += count;
                    busy |= count > 0;
                }
                Err(error) => troubles.push(self.failed(state, &error)),
            }
            match flow.discharge_due().await {
                Ok(round) => {
                    discharged += round.discharged;
                    postponed += round.postponed;
                    busy |= round.discharged > 0;
                }
                Err(error) => troubles.push(self.failed(state, &error)),
            }
            if !busy {
                break;
            }
        }
        self.fetch_descriptors(state).await?;
        let said =
            format!("recorded {recorded}, discharged {discharged}, postponed {postponed} {troubles:?}");
        let busy = if discharged > 0 { vec![state] } else { Vec::new() };
        Ok(Outcome { busy, ..Outcome::said(said) })
    }

    /// As `node::work::post`: the oldest due envelope to each peer to whom none is on its way.
    pub(crate) async fn post(&mut self, step: u64, state: usize) -> Result<Outcome> {
        let Some(flow) = self.nation(state)?.flow().cloned() else { return Ok(Outcome::said("down")) };
        let due = match flow.attempts_due().await {
            Ok(due) => due,
            Err(error) => return Ok(Outcome::said(self.failed(state, &error))),
        };
        let mut outcome = Outcome::default();
        let mut peers = BTreeSet::new();
        for attempt in due {
            let to = self.number_of(&attempt)?;
            if self.open.contains_key(&(state, to)) || !peers.insert(to) {
                continue;
            }
            let number = outcome.sent.len() as u64;
            if number >= MESSAGES_MAX {
                break;
            }
            match self.send(step * MESSAGES_MAX + number, state, to, attempt, Road::Network, &flow).await? {
                Ok(id) => {
                    self.open.insert((state, to), id);
                    outcome.sent.push(id);
                }
                Err(code) => outcome.said = code,
            }
        }
        outcome.said = format!("sent {} {}", outcome.sent.len(), outcome.said);
        Ok(outcome)
    }

    fn number_of(&self, attempt: &Attempt) -> Result<usize> {
        self.nations.iter().position(|nation| nation.code == attempt.peer).context("a peer that is a State")
    }

    async fn send(
        &mut self,
        id: MessageId,
        from: usize,
        to: usize,
        attempt: Attempt,
        road: Road,
        flow: &Flow,
    ) -> Result<Result<MessageId, String>> {
        let bytes = match flow.envelope_bytes(attempt.envelope).await {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(self.failed(from, &error))),
        };
        self.check_leaving(from, &attempt).await?;
        let life = self.nation(from)?.life;
        let message = Message {
            id,
            from,
            to,
            attempt,
            bytes,
            sent_at: self.common.time.micros(),
            road,
            life,
            arrived: false,
            lost: false,
            reply: None,
            proven: false,
        };
        Ok(Ok(self.keep(message)))
    }

    /// As `node::work::watch_receipts`.
    pub(crate) async fn watch(&mut self, state: usize) -> Result<Outcome> {
        let Some(flow) = self.nation(state)?.flow().cloned() else { return Ok(Outcome::said("down")) };
        let mut said = Vec::new();
        for done in [flow.look_for_receipts().await, flow.bring_forward().await] {
            if let Err(error) = done {
                said.push(self.failed(state, &error));
            }
        }
        self.fetch_descriptors(state).await?;
        Ok(Outcome { busy: vec![state], ..Outcome::said(format!("watched {said:?}")) })
    }

    /// As `node::renewal`: fetch the newer descriptors of which something was seen.
    async fn fetch_descriptors(&mut self, state: usize) -> Result<()> {
        let Some(flow) = self.nation(state)?.flow().cloned() else { return Ok(()) };
        for code in flow.wanted_descriptors() {
            let Some(of) = self.nations.iter().position(|nation| nation.code == code) else { continue };
            if !self.reaches(state, of) || self.nation(of)?.flow().is_none() {
                flow.want_descriptor(code);
                continue;
            }
            let signed = self.nation(of)?.descriptors.last().context("a descriptor")?.clone();
            match flow.renew_peer(code, &signed).await {
                Ok(true) => self.counts.fault("descriptor-fetched"),
                Ok(false) => {}
                Err(error) => drop(self.failed(state, &error)),
            }
        }
        Ok(())
    }

    /// As `node::renewal::look_at_number`: nodes tell each other the number of their newest descriptor.
    async fn look_at_number(&self, state: usize, of: usize, number: usize) -> Result<()> {
        let (Some(flow), code) = (self.nation(state)?.flow(), self.nation(of)?.code) else { return Ok(()) };
        if flow.peer(code).await.is_ok_and(|peer| number as u64 > peer.descriptor().sequence) {
            flow.want_descriptor(code);
        }
        Ok(())
    }

    /// Operators export again what a peer's node refused for good, as the finding tells them.
    pub(crate) async fn export(&mut self, step: u64, state: usize) -> Result<Outcome> {
        let Some(flow) = self.nation(state)?.flow().cloned() else { return Ok(Outcome::said("down")) };
        let mut outcome = Outcome::default();
        let rows = self.outbox(state).await?;
        for row in rows.into_iter().filter(|row| row.refused_at.is_some() && row.delivered_at.is_none()) {
            let number = outcome.sent.len() as u64;
            let attempt = match flow.exportable(row.file, Some(row.envelope)).await {
                Ok(attempt) => attempt,
                Err(error) => return Ok(Outcome::said(self.failed(state, &error))),
            };
            let to = self.number_of(&attempt)?;
            if let Ok(id) =
                self.send(step * MESSAGES_MAX + number, state, to, attempt, Road::Pouch, &flow).await?
            {
                outcome.sent.push(id);
            }
        }
        outcome.said = format!("exported {}", outcome.sent.len());
        Ok(outcome)
    }

    /// An officer exports the oldest waiting envelope of a file, whatever the network does meanwhile.
    pub(crate) async fn pouch(&mut self, step: u64, state: usize, file: FileStep) -> Result<Outcome> {
        let Some(known) = self.model.files.get(&file).copied() else { return Ok(Outcome::said("no file")) };
        let Some(flow) = self.nation(state)?.flow().cloned() else { return Ok(Outcome::said("down")) };
        let attempt = match flow.exportable(known.id, None).await {
            Ok(attempt) => attempt,
            Err(error) => return Ok(Outcome::said(self.failed(state, &error))),
        };
        let to = self.number_of(&attempt)?;
        match self.send(step * MESSAGES_MAX, state, to, attempt, Road::Pouch, &flow).await? {
            Ok(id) => {
                self.counts.fault("pouch");
                Ok(Outcome { sent: vec![id], ..Outcome::said("exported") })
            }
            Err(code) => Ok(Outcome::said(code)),
        }
    }

    /// The message reaches its addressee for the first time.
    pub(crate) async fn arrive(&mut self, id: MessageId, harm: Option<Harm>) -> Result<Outcome> {
        let Some(message) = self.messages.get(&id).filter(|m| !m.arrived && !m.lost).cloned() else {
            return Ok(Outcome::said("no such message"));
        };
        let reachable = message.road == Road::Pouch || self.reaches(message.from, message.to);
        if !reachable || self.nation(message.to)?.flow().is_none() {
            if message.road == Road::Network {
                self.mark(id, Some(Reply::Broken));
            }
            return Ok(Outcome::said("not reached"));
        }
        self.count_harm(harm, "envelope");
        if message.road == Road::Network && self.common.time.micros() - message.sent_at >= DELAYED {
            self.counts.fault("delayed");
        }
        let newest = self.model.newest.entry((message.from, message.to)).or_default();
        if *newest > id {
            self.counts.fault("reordered");
        } else {
            *newest = id;
        }
        if message.road == Road::Network {
            let number = self.nation(message.from)?.descriptors.len();
            self.look_at_number(message.to, message.from, number).await?;
        }
        let bytes = harm_envelope(&message.bytes, harm);
        let (said, reply) = self.take_in(&message, &bytes, harm.is_some()).await?;
        // A body that was cut short never reaches the node as a whole: the connection broke.
        let cut_short = matches!(harm, Some(Harm::Truncated { .. })) && message.road == Road::Network;
        self.mark(id, Some(if cut_short { Reply::Broken } else { reply }));
        Ok(Outcome { busy: vec![message.to], ..Outcome::said(said) })
    }

    /// The same bytes once more, some time later; nobody waits for the answer.
    pub(crate) async fn repeat(&mut self, id: MessageId) -> Result<Outcome> {
        let Some(message) = self.messages.get(&id).cloned() else {
            return Ok(Outcome::said("no such message"));
        };
        if !self.reaches(message.from, message.to) || self.nation(message.to)?.flow().is_none() {
            return Ok(Outcome::said("not reached"));
        }
        self.counts.fault("repeated");
        let (said, _) = self.take_in(&message, &message.bytes, false).await?;
        Ok(Outcome { busy: vec![message.to], ..Outcome::said(said) })
    }

    fn mark(&mut self, id: MessageId, reply: Option<Reply>) {
        if let Some(message) = self.messages.get_mut(&id) {
            message.arrived = true;
            message.reply = reply;
        }
    }

    fn count_harm(&mut self, harm: Option<Harm>, what: &str) {
        match harm {
            Some(Harm::Truncated { .. }) => self.counts.fault(&format!("truncated-{what}")),
            Some(Harm::Corrupted { .. }) => self.counts.fault(&format!("corrupted-{what}")),
            None => {}
        }
    }

    /// As `node::server::take_in`: what leaves is a receipt, or a status with a report.
    async fn take_in(&mut self, message: &Message, bytes: &[u8], harmed: bool) -> Result<(String, Reply)> {
        let by = match message.road {
            Road::Network => HandedBy::Answering(self.nation(message.from)?.code),
            Road::Pouch => HandedBy::Pouch,
        };
        let Some(flow) = self.nation(message.to)?.flow().cloned() else {
            return Ok(("down".to_owned(), Reply::Broken));
        };
        let taken = flow.take_in(bytes, by).await;
        if self.nation(message.to)?.peril.is_down() {
            // The process died: whatever it had in mind to say was never said.
            return Ok(("died".to_owned(), Reply::Broken));
        }
        match taken {
            Ok(receipt) => {
                self.counts.receipts += 1;
                self.check_handed(message, &receipt).await?;
                Ok(("receipt".to_owned(), Reply::Receipt(receipt)))
            }
            Err(error) => {
                let code = self.failed(message.to, &error);
                let honest = self.nation(message.from)?.honest && self.nation(message.to)?.honest;
                if ACCUSING.contains(&code.as_str()) && honest && !harmed {
                    self.violated("no honest State is accused", message.to, format!("{code}: {error}"));
                }
                // Which part of the sealed text a flipped bit breaks differs from run to run.
                let said =
                    if matches!(code.as_str(), "P-511" | "P-513" | "P-514") { "damaged" } else { &code };
                let said = said.to_owned();
                Ok((said, self.not_taken(message, &flow, &error).await?))
            }
        }
    }

    /// As `node::server`: a status and a report, with a head when a proof from it is missing.
    async fn not_taken(&self, message: &Message, flow: &Flow, error: &FlowError) -> Result<Reply> {
        let report = error.report();
        let status = answer::status(&report);
        if let FlowError::Admit(AdmitFault::NotLinked { .. }) = error
            && let Ok(Some(head)) = flow.challenge(self.nation(message.from)?.code).await
        {
            let body = serde_json::to_vec(&Challenge { report, head })?;
            return Ok(Reply::NotTaken { status, body });
        }
        Ok(Reply::NotTaken { status, body: serde_json::to_vec(&answer::shown(&report))? })
    }

    /// What the addressee answered reaches the sender, if it still waits.
    pub(crate) async fn answer(&mut self, id: MessageId, harm: Option<Harm>) -> Result<Outcome> {
        let Some(message) = self.messages.get(&id).filter(|m| !m.lost).cloned() else {
            return Ok(Outcome::said("no such message"));
        };
        let Some(reply) = message.reply.clone() else { return Ok(Outcome::said("no answer yet")) };
        match message.road {
            Road::Network => self.answer_on_network(&message, reply, harm).await,
            Road::Pouch => self.answer_by_pouch(&message, reply, harm).await,
        }
    }

    async fn answer_on_network(
        &mut self,
        message: &Message,
        reply: Reply,
        harm: Option<Harm>,
    ) -> Result<Outcome> {
        let Some(flow) = self.waiting(message)? else { return Ok(Outcome::said("nobody waits")) };
        self.open.remove(&(message.from, message.to));
        if !matches!(reply, Reply::Broken) {
            let number = self.nation(message.to)?.descriptors.len();
            self.look_at_number(message.from, message.to, number).await?;
        }
        let reply = if self.reaches(message.from, message.to) { reply } else { Reply::Broken };
        let attempt = &message.attempt;
        match reply {
            Reply::Receipt(receipt) => {
                self.count_harm(harm, "receipt");
                let receipt = harm_receipt(&receipt, harm);
                match flow.settle(attempt.envelope, &receipt).await {
                    Ok(delivered) => self.settled(message, &delivered).await,
                    Err(error) => self.not_believed(message, &flow, &error).await,
                }
            }
            Reply::NotTaken { status, body } => {
                let trouble = answer::trouble(status, &body);
                if trouble.was_taken()
                    && let Err(error) = flow.relayed(attempt.envelope, ProofRoad::Https).await
                {
                    self.failed(message.from, &error);
                }
                match trouble {
                    RoadTrouble::ProveFrom(head) if !message.proven => {
                        self.prove(message, &flow, &head).await
                    }
                    RoadTrouble::ProveFrom(_) => self.attempt_failed(message, &flow, "P-528").await,
                    RoadTrouble::Halted => {
                        if let Err(error) = flow.attempt_halted(attempt).await {
                            self.failed(message.from, &error);
                        }
                        let failed = Some((message.from, attempt.attempts));
                        Ok(Outcome { failed, ..Outcome::said("halted there") })
                    }
                    RoadTrouble::Later(trouble) | RoadTrouble::Taken(trouble) => {
                        self.attempt_failed(message, &flow, &trouble).await
                    }
                    RoadTrouble::Refused(report) => {
                        if let Err(error) = flow.attempt_refused(attempt, &report).await {
                            self.failed(message.from, &error);
                        }
                        let said = Outcome::said("refused for good");
                        Ok(Outcome { refused_for_good: Some(message.from), busy: vec![message.from], ..said })
                    }
                }
            }
            Reply::Broken => self.attempt_failed(message, &flow, "the connection broke").await,
        }
    }

    /// As `node::work::attempted`: once more in the same attempt, with the proof that the addressee asks for.
    async fn prove(&mut self, message: &Message, flow: &Flow, head: &CosignedHead) -> Result<Outcome> {
        if let Err(error) = flow.challenged(message.attempt.peer, head).await {
            let code = self.failed(message.from, &error);
            let outcome = self.attempt_failed(message, flow, &code).await?;
            return Ok(Outcome { said: format!("challenged {code}"), ..outcome });
        }
        let id = self.step * MESSAGES_MAX;
        let (from, to) = (message.from, message.to);
        match self.send(id, from, to, message.attempt.clone(), Road::Network, flow).await? {
            Ok(id) => {
                self.open.insert((from, to), id);
                if let Some(message) = self.messages.get_mut(&id) {
                    message.proven = true;
                }
                Ok(Outcome { sent: vec![id], ..Outcome::said("challenged") })
            }
            Err(code) => {
                let outcome = self.attempt_failed(message, flow, &code).await?;
                Ok(Outcome { said: code, ..outcome })
            }
        }
    }

    /// The receipt did not stand: the envelope is tried again.
    pub(crate) async fn not_believed(
        &mut self,
        message: &Message,
        flow: &Flow,
        error: &FlowError,
    ) -> Result<Outcome> {
        let code = self.failed(message.from, error);
        let mut outcome = self.attempt_failed(message, flow, &code).await?;
        // Where a flipped bit breaks a signature differs from run to run.
        outcome.said = if code.starts_with("P-6") { "receipt damaged".to_owned() } else { code };
        Ok(outcome)
    }

    async fn attempt_failed(&mut self, message: &Message, flow: &Flow, trouble: &str) -> Result<Outcome> {
        if let Err(error) = flow.attempt_failed(&message.attempt, trouble).await {
            self.failed(message.from, &error);
        }
        let failed = Some((message.from, message.attempt.attempts));
        Ok(Outcome { failed, ..Outcome::said("later") })
    }

    async fn answer_by_pouch(
        &mut self,
        message: &Message,
        reply: Reply,
        harm: Option<Harm>,
    ) -> Result<Outcome> {
        let Reply::Receipt(receipt) = reply else { return Ok(Outcome::said("no receipt came back")) };
        let Some(flow) = self.nation(message.from)?.flow().cloned() else {
            return Ok(Outcome::said("down"));
        };
        self.count_harm(harm, "receipt");
        match flow.settle_from_pouch(&harm_receipt(&receipt, harm)).await {
            Ok(delivered) => self.settled(message, &delivered).await,
            Err(error) => {
                let code = self.failed(message.from, &error);
                Ok(Outcome::said(if code.starts_with("P-6") { "receipt damaged".to_owned() } else { code }))
            }
        }
    }

    async fn settled(&mut self, message: &Message, delivered: &Delivered) -> Result<Outcome> {
        let said = if delivered.first { "delivered" } else { "delivered before" };
        if !self.nation(message.from)?.peril.is_down() {
            self.check_settled(message, delivered).await?;
        }
        Ok(Outcome { busy: vec![message.from], ..Outcome::said(said) })
    }

    /// The sender's node, if the same process still waits for this answer.
    pub(crate) fn waiting(&self, message: &Message) -> Result<Option<Flow>> {
        let nation = self.nation(message.from)?;
        let waits =
            self.open.get(&(message.from, message.to)) == Some(&message.id) && nation.life == message.life;
        Ok(nation.flow().filter(|_| waits).cloned())
    }

    pub(crate) fn lose(&mut self, id: MessageId) -> Outcome {
        match self.messages.get_mut(&id) {
            Some(message) if !message.lost => {
                message.lost = true;
                let kind = if message.arrived { "lost-receipt" } else { "lost-envelope" };
                self.counts.fault(kind);
                Outcome::said("lost")
            }
            _ => Outcome::said("no such message"),
        }
    }

    pub(crate) async fn time_out(&mut self, id: MessageId) -> Result<Outcome> {
        let Some(message) = self.messages.get(&id).cloned() else {
            return Ok(Outcome::said("no such message"));
        };
        let Some(flow) = self.waiting(&message)? else { return Ok(Outcome::said("nobody waits")) };
        self.open.remove(&(message.from, message.to));
        self.counts.fault("timed-out");
        self.attempt_failed(&message, &flow, "no answer in time").await
    }

    /// Remembers a receipt that left its node.
    pub(crate) fn remember(&mut self, message: &Message, receipt: &[u8]) -> Handed {
        let key = (message.to, message.from, message.attempt.envelope);
        let now = Handed { receipt: Digest::of(receipt), step: self.step };
        *self.model.handed.entry(key).or_insert(now)
    }
}
