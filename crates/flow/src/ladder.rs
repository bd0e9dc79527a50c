//! The ladder of signed proofs of an envelope: submitted, relayed, delivered, opened, and what is missing when.

use crate::{Flow, FlowError, Level};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use casefile::{Duty, Parcel, TransportEvent};
use exchange::{Message, PROOF_LABEL, Proof, ProofFault, ProofLevel, ProofRoad, ProofStep, Statement};
use std::time::Duration;
use store::{AwaitedRow, Direction, InboxRow, OutboxRow, ProofRow, Write};
use treaty::rule;
use vocabulary::{
    Digest, EnvelopeId, Failure as _, Family, Instant, OfficeFunction, OfficeId, Report, StateCode,
};

/// Awaited openings looked at in one round.
const ROUND: u32 = 256;
const HOUR: u64 = 60 * 60;
/// The thresholds of each step, the graver first: number, level and rule.
type Thresholds = [(u32, Level, &'static str); 2];
const RELAY: Thresholds = [(2, Level::Fail, "receipt.relay.fail"), (1, Level::Warn, "receipt.relay.warn")];
const DELIVERY: Thresholds =
    [(2, Level::Fail, "receipt.delivery.fail"), (1, Level::Warn, "receipt.delivery.warn")];
const OPENING: Thresholds =
    [(2, Level::Fail, "receipt.opening.fail"), (1, Level::Warn, "receipt.opening.warn")];

/// A threshold that was passed without the step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passed {
    pub(crate) step: ProofStep,
    pub(crate) number: u32,
    pub(crate) level: Level,
    pub(crate) rule: &'static str,
}

impl Flow {
    pub(crate) fn node_office(&self, state: StateCode) -> OfficeId {
        OfficeId::new(state, OfficeFunction::Node)
    }

    /// Our own word about an envelope that we sent, signed by the node; `None` as in `sign_proof`.
    pub(crate) fn sign_own(&self, proof: &Proof) -> Result<Option<Vec<u8>>, FlowError> {
        self.sign_proof(proof, OfficeFunction::Node)
    }

    /// `None` when the certificate is not valid now, or the clock says so: such a word would stand nowhere.
    fn sign_proof(&self, proof: &Proof, function: OfficeFunction) -> Result<Option<Vec<u8>>, FlowError> {
        let (key, now) = (self.keys().office(function)?, self.now());
        let certificate = key.certificate();
        if now < certificate.valid_from() || now > certificate.valid_until() {
            return Ok(None);
        }
        Ok(Some(seal::sign_cms(&proof.to_json()?, true, key.signing(), certificate, now)?))
    }

    /// A proof of `step` about an envelope of ours, by our node.
    pub(crate) fn own_proof(
        &self,
        step: ProofStep,
        envelope: EnvelopeId,
        digest: Digest,
        to: OfficeId,
    ) -> Proof {
        Proof::new(step, envelope, digest, self.node_office(self.us()), to, self.now())
    }

    /// Keeps a signed proof and commits it to the ledger; a second one of its step and number is not kept.
    pub(crate) async fn keep_proof(
        &self,
        write: &mut Write,
        direction: Direction,
        peer: StateCode,
        proof: &Proof,
        number: u32,
        signed: Vec<u8>,
    ) -> Result<bool, FlowError> {
        let step = proof.step.as_str();
        let known = write.queries().proofs(direction, peer, proof.envelope).await?;
        if known.iter().any(|known| known.step == step && known.number == number) {
            return Ok(false);
        }
        let (salt, leaf) = self.append(write, PROOF_LABEL, &Digest::of(&signed)).await?;
        let row = ProofRow {
            direction,
            peer,
            envelope: proof.envelope,
            step: step.to_owned(),
            number,
            at: proof.at,
            signed,
            salt,
            leaf,
        };
        Ok(write.add_proof(&row).await?)
    }

    /// Notes that an envelope was handed to a road; the first road stands.
    pub async fn relayed(&self, envelope: EnvelopeId, road: ProofRoad) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        let Some(row) = write.queries().outbox(envelope).await? else {
            return Err(FlowError::Record { what: "an envelope" });
        };
        self.note_relayed(&mut write, &row, road).await?;
        Ok(write.commit().await?)
    }

    pub(crate) async fn note_relayed(
        &self,
        write: &mut Write,
        row: &OutboxRow,
        road: ProofRoad,
    ) -> Result<(), FlowError> {
        if row.kind == "rejection" || self.has(write, row, ProofStep::Relayed).await? {
            return Ok(());
        }
        let mut proof = self.own_proof(ProofStep::Relayed, row.envelope, row.sealed_digest, row.addressee);
        proof.road = Some(road);
        if let Some(signed) = self.sign_own(&proof)? {
            self.keep_proof(write, Direction::Sent, row.peer, &proof, 0, signed).await?;
        }
        Ok(())
    }

    async fn has(&self, write: &mut Write, row: &OutboxRow, step: ProofStep) -> Result<bool, FlowError> {
        let known = write.queries().proofs(Direction::Sent, row.peer, row.envelope).await?;
        Ok(known.iter().any(|known| known.step == step.as_str()))
    }

    /// The word of the addressed office that it opened what came, when the sender is owed one.
    pub(crate) fn word_of_opening(
        &self,
        row: &InboxRow,
        statement: &Statement,
        signed: &[u8],
    ) -> Result<Option<(Proof, Vec<u8>)>, FlowError> {
        if matches!(statement.message, Message::Opened { .. } | Message::Rejection { .. }) {
            return Ok(None);
        }
        let mut proof = Proof::new(
            ProofStep::Opened,
            row.envelope,
            row.sealed_digest,
            row.addressee,
            statement.from,
            self.now(),
        );
        proof.receipt = Some(Digest::of(&row.receipt));
        proof.statement = Some(Digest::of(signed));
        Ok(self.sign_proof(&proof, row.addressee.function)?.map(|word| (proof, word)))
    }

    /// Keeps our word of opening and owes it to the sender.
    pub(crate) async fn owe_opening(
        &self,
        write: &mut Write,
        row: &InboxRow,
        statement: &Statement,
        (proof, word): (Proof, Vec<u8>),
    ) -> Result<(), FlowError> {
        let (from, to) = (proof.from, proof.to);
        if !self.keep_proof(write, Direction::Received, row.peer, &proof, 0, word).await? {
            return Ok(());
        }
        let parcel = Parcel::Opened { peer: row.peer, envelope: row.envelope, from, to };
        let id = format!("opened/{}/{}", row.peer, row.envelope);
        let body = crate::perform::json(&Duty::Dispatch { parcel })?;
        Ok(write.add_duty(&id, statement.file, &body, self.now()).await?)
    }

    /// The message that carries our word of opening.
    pub(crate) async fn opened_message(
        &self,
        peer: StateCode,
        envelope: EnvelopeId,
    ) -> Result<Message, FlowError> {
        let mut read = self.store.read().await?;
        let rows = read.queries().proofs(Direction::Received, peer, envelope).await?;
        let row = rows
            .iter()
            .find(|row| row.step == ProofStep::Opened.as_str())
            .ok_or(FlowError::Record { what: "a word of opening" })?;
        Ok(Message::Opened { envelope, proof: STANDARD.encode(&row.signed) })
    }

    /// Records the other office's word that it opened what we sent, after comparing it with what is here.
    pub(crate) async fn record_opened(
        &self,
        write: &mut Write,
        row: &InboxRow,
        statement: &Statement,
        envelope: EnvelopeId,
        word: &str,
    ) -> Result<(), FlowError> {
        let out_of_place = || FlowError::OutOfPlace { message: "opened", from: statement.from.to_string() };
        let sent = write.queries().outbox(envelope).await?.ok_or_else(out_of_place)?;
        let owed = sent.peer == row.peer
            && sent.file == statement.file
            && sent.addressee == statement.from
            && sent.sender == statement.to
            && !matches!(sent.kind.as_str(), "opened" | "rejection");
        if !owed {
            return Err(out_of_place());
        }
        let signed = STANDARD.decode(word).map_err(|_| ProofFault::Base64)?;
        let peer = self.peer(row.peer).await?;
        let proof = Proof::read(&signed, peer.anchor(), row.received_at)?;
        let copy = write.queries().copy(Direction::Sent, row.peer, envelope).await?;
        compare(&proof, &sent, copy.and_then(|copy| copy.signed).as_deref())?;
        let digest = Digest::of(&signed);
        if !self.keep_proof(write, Direction::Sent, row.peer, &proof, 0, signed).await? {
            return Ok(());
        }
        write.end_awaiting(envelope).await?;
        let statement = proof.statement.unwrap_or(proof.digest);
        let event = TransportEvent::Opened { envelope, statement, at: proof.at, signed: digest };
        self.record_proof(write, sent.file, event).await
    }

    /// A word of opening that came before the receipt must name this very receipt.
    pub(crate) async fn compare_opening(
        &self,
        write: &mut Write,
        row: &OutboxRow,
        receipt: &[u8],
    ) -> Result<(), FlowError> {
        let known = write.queries().proofs(Direction::Sent, row.peer, row.envelope).await?;
        let Some(opened) = known.iter().find(|known| known.step == ProofStep::Opened.as_str()) else {
            return Ok(());
        };
        let peer = self.peer(row.peer).await?;
        let proof = Proof::read(&opened.signed, peer.anchor(), opened.at)?;
        if proof.receipt == Some(Digest::of(receipt)) {
            return Ok(());
        }
        let report = ProofFault::Contradiction { envelope: row.envelope, what: "receipt" }.report();
        let id = format!("receipts/{}", row.envelope);
        self.find(write, id, Level::Fail, Some(row.file), Some(row.peer), report).await?;
        Ok(())
    }

    /// The other State rejected what we sent: its signed statement is named by our own word.
    pub(crate) async fn note_rejected(
        &self,
        write: &mut Write,
        sent: &OutboxRow,
        rejection: Digest,
        code: &str,
    ) -> Result<(), FlowError> {
        let to = self.node_office(sent.peer);
        let mut proof = self.own_proof(ProofStep::Rejected, sent.envelope, sent.sealed_digest, to);
        proof.statement = Some(rejection);
        proof.code = Some(code.to_owned());
        if let Some(signed) = self.sign_own(&proof)? {
            self.keep_proof(write, Direction::Sent, sent.peer, &proof, 0, signed).await?;
        }
        Ok(write.end_awaiting(sent.envelope).await?)
    }

    /// Signs that a step is missing at a threshold, and keeps it.
    pub(crate) async fn note_missing(
        &self,
        write: &mut Write,
        row: &OutboxRow,
        passed: Passed,
    ) -> Result<Option<Digest>, FlowError> {
        let mut proof = self.own_proof(passed.step, row.envelope, row.sealed_digest, row.addressee);
        proof.level = Some(if passed.number == 2 { ProofLevel::Fail } else { ProofLevel::Warn });
        proof.rule = Some(passed.rule.to_owned());
        let Some(signed) = self.sign_own(&proof)? else { return Ok(None) };
        let digest = Digest::of(&signed);
        self.keep_proof(write, Direction::Sent, row.peer, &proof, passed.number, signed).await?;
        Ok(Some(digest))
    }

    /// Turns what is missing of relay and opening into signed negatives, once for each threshold (policy).
    pub async fn look_for_steps(&self) -> Result<(), FlowError> {
        let now = self.now();
        let (waiting, awaited) = {
            let mut read = self.store.read().await?;
            let first = now.minus(Duration::from_secs(hours(OPENING[1].2) * HOUR));
            (read.queries().outbox_waiting().await?, read.queries().awaited(first, ROUND).await?)
        };
        for row in waiting.iter().filter(|row| row.kind != "rejection") {
            if let Some(passed) = passed(&RELAY, ProofStep::NotRelayed, row.queued_at, now) {
                self.relay_missing(row.envelope, passed).await?;
            }
        }
        for row in awaited {
            if let Some(passed) = passed(&OPENING, ProofStep::NotOpened, row.since, now) {
                self.opening_missing(&row, passed).await?;
            }
        }
        Ok(())
    }

    async fn relay_missing(&self, envelope: EnvelopeId, passed: Passed) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        // It may have gone out since the row was read.
        let Some(row) = write.queries().outbox(envelope).await? else { return Ok(()) };
        if row.delivered_at.is_some() || row.refused_at.is_some() {
            return Ok(());
        }
        let known = write.queries().proofs(Direction::Sent, row.peer, envelope).await?;
        let submitted = known.iter().any(|known| known.step == ProofStep::Submitted.as_str());
        let done = known.iter().any(|known| {
            known.step == ProofStep::Relayed.as_str()
                || known.step == passed.step.as_str() && known.number >= passed.number
        });
        // An envelope of an older program has no ladder.
        if done || !submitted {
            return Ok(());
        }
        if let Some(signed) = self.note_missing(&mut write, &row, passed).await? {
            self.tell_missing(&mut write, &row, passed, signed).await?;
            write.commit().await?;
        }
        Ok(())
    }

    async fn opening_missing(&self, awaited: &AwaitedRow, passed: Passed) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        let Some(row) = write.queries().outbox(awaited.envelope).await? else { return Ok(()) };
        let still = write.queries().awaiting(awaited.envelope).await?;
        // What was not delivered is told as that; what was refused cannot be opened.
        if row.delivered_at.is_none() || still.is_none_or(|still| still.level >= passed.number) {
            return Ok(());
        }
        write.raise_awaited(row.envelope, passed.number).await?;
        if let Some(signed) = self.note_missing(&mut write, &row, passed).await? {
            self.tell_missing(&mut write, &row, passed, signed).await?;
            write.commit().await?;
        }
        Ok(())
    }

    /// The missing step in the history of the file, and as a finding.
    async fn tell_missing(
        &self,
        write: &mut Write,
        row: &OutboxRow,
        passed: Passed,
        signed: Digest,
    ) -> Result<(), FlowError> {
        let event = TransportEvent::StepMissing {
            envelope: row.envelope,
            step: passed.step.as_str().trim_start_matches("not-").to_owned(),
            level: passed.level.as_str().to_owned(),
            rule_id: passed.rule.to_owned(),
            signed,
        };
        self.record_proof(write, row.file, event).await?;
        let hours = hours(passed.rule);
        let (code, message, remedy) = match passed.step {
            ProofStep::NotRelayed => (
                "P-948",
                format!("no road took the `{}` to `{}` within {hours} h", row.kind, row.peer),
                "look at the line to the other State, or send it by pouch: `rogatory envelope export`",
            ),
            _ => (
                "P-949",
                format!(
                    "`{}` has the `{}` and did not say within {hours} h that it was opened",
                    row.peer, row.kind
                ),
                "telephone the addressed office; the receipt proves that the envelope is there",
            ),
        };
        let report = Report {
            family: Family::PeerFault,
            code: code.to_owned(),
            message,
            clause: rule(passed.rule).map(|rule| format!("{} (policy)", rule.citation())),
            remedy: remedy.to_owned(),
        };
        let id = format!("{}/{}/{}", passed.step.as_str(), row.envelope, passed.number);
        self.find(write, id, passed.level, Some(row.file), Some(row.peer), report).await?;
        Ok(())
    }
}

/// What an office says it opened must be what we sent, and the receipt the one that its node gave.
pub(crate) fn compare(proof: &Proof, sent: &OutboxRow, signed: Option<&[u8]>) -> Result<(), ProofFault> {
    let other = |what| ProofFault::Contradiction { envelope: sent.envelope, what };
    if proof.step != ProofStep::Opened {
        return Err(other("step"));
    }
    if proof.envelope != sent.envelope || proof.digest != sent.sealed_digest {
        return Err(other("envelope"));
    }
    if proof.from != sent.addressee || proof.to != sent.sender {
        return Err(other("office"));
    }
    if sent.receipt.as_ref().is_some_and(|receipt| proof.receipt != Some(Digest::of(receipt))) {
        return Err(other("receipt"));
    }
    if signed.is_some_and(|signed| proof.statement != Some(Digest::of(signed))) {
        return Err(other("statement"));
    }
    Ok(())
}

/// The next threshold of each step that an envelope of ours still lacks.
pub(crate) fn ahead(row: &OutboxRow, proofs: &[ProofRow], now: Instant) -> Vec<crate::Ahead> {
    let has = |step: ProofStep| proofs.iter().any(|known| known.step == step.as_str());
    let delivered = row.delivered_at.is_some();
    let open = row.refused_at.is_none() && has(ProofStep::Submitted);
    let opens = !matches!(row.kind.as_str(), "opened" | "rejection");
    let steps = [
        ("relayed", RELAY, open && !delivered && !has(ProofStep::Relayed)),
        ("delivered", DELIVERY, open && !delivered),
        ("opened", OPENING, open && opens && !has(ProofStep::Opened) && !has(ProofStep::Rejected)),
    ];
    let waiting = steps.into_iter().filter(|(.., waits)| *waits);
    waiting
        .filter_map(|(step, thresholds, _)| {
            let due = |rule| row.queued_at.plus(Duration::from_secs(hours(rule) * HOUR));
            let next = thresholds.into_iter().rev().find(|(.., rule)| due(rule) > now)?;
            Some(crate::Ahead { step, level: next.1, rule: next.2, at: due(next.2) })
        })
        .collect()
}

pub(crate) fn hours(id: &str) -> u64 {
    rule(id).and_then(|rule| rule.number()).map_or(24, u64::from)
}

/// The gravest threshold that has passed since `since`.
fn passed(thresholds: &Thresholds, step: ProofStep, since: Instant, now: Instant) -> Option<Passed> {
    let waited = now.since(since).as_secs();
    thresholds.iter().find(|(.., id)| waited >= hours(id) * HOUR).map(|(number, level, rule)| Passed {
        step,
        number: *number,
        level: *level,
        rule,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        HandedBy,
        fixture::{Pair, Side},
    };
    use treaty::Kind;
    use vocabulary::FileId;

    const HOURS: Duration = Duration::from_secs(HOUR);

    /// The steps that a side shows of the request of a file.
    async fn steps(side: &Side, file: FileId) -> Vec<String> {
        let ladders = side.flow.proofs(file).await.unwrap();
        let request = ladders.into_iter().find(|ladder| ladder.statement == "request").unwrap();
        request.rungs.into_iter().map(|rung| rung.step).collect()
    }

    /// A request in A's outbox.
    async fn submitted(pair: &Pair) -> (FileId, EnvelopeId) {
        let file = pair.approve(Kind::PRESERVATION, None).await;
        pair.a.flow.discharge_due().await.unwrap();
        (file, pair.a.flow.attempts_due().await.unwrap()[0].envelope)
    }

    /// Brings an envelope to B and gives its receipt.
    async fn taken(pair: &Pair, envelope: EnvelopeId) -> Vec<u8> {
        let bytes = pair.a.flow.envelope_bytes(envelope).await.unwrap();
        pair.b.flow.take_in(&bytes, HandedBy::Pouch).await.unwrap()
    }

    #[tokio::test]
    async fn each_step_is_signed_once_by_the_one_who_can_say_it_and_both_sides_hold_the_same_words() {
        let pair = Pair::new().await;
        let file = pair.ask(Kind::PRESERVATION, None).await;
        pair.grant(file).await;
        assert_eq!(steps(&pair.a, file).await, ["submitted", "relayed", "delivered", "opened"]);
        assert_eq!(steps(&pair.b, file).await, ["delivered", "opened"]);
        let (ours, theirs) =
            (pair.a.flow.proofs(file).await.unwrap(), pair.b.flow.proofs(file).await.unwrap());
        assert_eq!(ours.len(), 4, "two statements and their words of opening");
        for ladder in &ours {
            let other = theirs.iter().find(|other| other.envelope == ladder.envelope).unwrap();
            assert_eq!((ladder.digest, ladder.from, ladder.to), (other.digest, other.from, other.to));
            let (sent, received) = if ladder.direction == "sent" { (ladder, other) } else { (other, ladder) };
            for rung in &received.rungs {
                let same = sent.rungs.iter().find(|one| one.step == rung.step).unwrap();
                assert_eq!((same.signed, same.by, same.at), (rung.signed, rung.by, rung.at));
            }
            assert!(sent.ahead.is_empty(), "{:?}", sent.ahead);
        }
        let opened = ours[0].rungs.last().unwrap();
        assert_eq!(opened.by, "XB/contact-point".parse().unwrap(), "the office says it, not its node");
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_word_of_opening_is_not_answered_with_another() {
        let pair = Pair::new().await;
        let file = pair.ask(Kind::PRESERVATION, None).await;
        pair.settle().await;
        let ladders = pair.b.flow.proofs(file).await.unwrap();
        let words: Vec<&str> = ladders.iter().map(|ladder| ladder.statement.as_str()).collect();
        assert_eq!(words, ["request", "opened"]);
        for side in [&pair.a, &pair.b] {
            assert_eq!(side.flow.audit().await.unwrap().waiting, 0);
        }
    }

    #[tokio::test]
    async fn a_file_that_ended_still_says_and_takes_that_its_last_statement_was_opened() {
        let pair = Pair::new().await;
        let file = pair.ask(Kind::PRESERVATION, None).await;
        pair.a.flow.withdraw(&pair.a.first, file, "the person was found").await.unwrap();
        pair.settle().await;
        let ladders = pair.a.flow.proofs(file).await.unwrap();
        let withdrawal = ladders.iter().find(|ladder| ladder.statement == "withdrawal").unwrap();
        assert_eq!(withdrawal.rungs.last().unwrap().step, "opened");
        assert!(pair.a.flow.findings().await.unwrap().is_empty());
        pair.audit().await;
    }

    #[tokio::test]
    async fn what_is_missing_is_signed_at_each_threshold_once_and_never_after_the_step() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        let (file, envelope) = submitted(&pair).await;
        for (hours, expected) in [
            (0, &["submitted"][..]),
            (1, &["submitted", "not-relayed"]),
            (2, &["submitted", "not-relayed"]),
            (12, &["submitted", "not-relayed", "not-relayed", "not-delivered"]),
        ] {
            pair.clock.set(flow.proofs(file).await.unwrap()[0].rungs[0].at.plus(HOURS * hours));
            for _ in 0..2 {
                flow.look_for_steps().await.unwrap();
                flow.look_for_receipts().await.unwrap();
            }
            assert_eq!(steps(&pair.a, file).await, expected, "after {hours} h");
        }
        // The road takes it, the receipt comes, and the negatives stay as they were.
        flow.relayed(envelope, ProofRoad::Pouch).await.unwrap();
        let receipt = taken(&pair, envelope).await;
        flow.settle_from_pouch(&receipt).await.unwrap();
        pair.clock.forward(HOURS * 12);
        flow.look_for_receipts().await.unwrap();
        for _ in 0..2 {
            flow.look_for_steps().await.unwrap();
        }
        let before = [
            "submitted",
            "not-relayed",
            "not-relayed",
            "relayed",
            "not-delivered",
            "delivered",
            "not-opened",
        ];
        assert_eq!(steps(&pair.a, file).await, before, "no receipt is missed after it came");
        pair.clock.forward(HOURS * 12);
        pair.settle().await;
        flow.look_for_steps().await.unwrap();
        assert_eq!(
            steps(&pair.a, file).await,
            [&before[..], &["opened"]].concat(),
            "opened in time for the second"
        );
        let ladder = &flow.proofs(file).await.unwrap()[0];
        for rung in ladder.rungs.iter().filter(|rung| rung.step.starts_with("not-")) {
            assert!(rung.rule.is_some() && rung.level.is_some(), "{rung:?}");
        }
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_word_of_opening_that_comes_before_the_receipt_is_kept_and_compared_with_it() {
        let pair = Pair::new().await;
        let (file, envelope) = submitted(&pair).await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        let receipt = taken(&pair, envelope).await;
        b.record_stored().await.unwrap();
        b.discharge_due().await.unwrap();
        let word = b.attempts_due().await.unwrap()[0].envelope;
        a.take_in(&b.envelope_bytes(word).await.unwrap(), HandedBy::Pouch).await.unwrap();
        a.record_stored().await.unwrap();
        assert_eq!(steps(&pair.a, file).await, ["submitted", "opened"]);
        a.settle_from_pouch(&receipt).await.unwrap();
        assert_eq!(steps(&pair.a, file).await, ["submitted", "relayed", "delivered", "opened"]);
        assert!(a.findings().await.unwrap().is_empty());
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_word_about_other_bytes_another_receipt_or_another_statement_contradicts() {
        let pair = Pair::new().await;
        let (_, envelope) = submitted(&pair).await;
        let mut read = pair.a.flow.store().read().await.unwrap();
        let mut sent = read.queries().outbox(envelope).await.unwrap().unwrap();
        sent.receipt = Some(b"receipt".to_vec());
        let mut good = Proof::new(
            ProofStep::Opened,
            envelope,
            sent.sealed_digest,
            sent.addressee,
            sent.sender,
            sent.queued_at,
        );
        good.receipt = Some(Digest::of(b"receipt"));
        good.statement = Some(Digest::of(b"statement"));
        assert_eq!(compare(&good, &sent, Some(b"statement")), Ok(()));
        let refused = |change: &dyn Fn(&mut Proof)| {
            let mut bad = good.clone();
            change(&mut bad);
            match compare(&bad, &sent, Some(b"statement")) {
                Err(ProofFault::Contradiction { what, .. }) => what,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused(&|bad| bad.step = ProofStep::Submitted), "step");
        assert_eq!(refused(&|bad| bad.digest = Digest::of(b"other")), "envelope");
        assert_eq!(refused(&|bad| bad.from = "XB/node".parse().unwrap()), "office");
        assert_eq!(refused(&|bad| bad.receipt = Some(Digest::of(b"other"))), "receipt");
        assert_eq!(refused(&|bad| bad.statement = Some(Digest::of(b"other"))), "statement");
    }
}
