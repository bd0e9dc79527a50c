//! Bringing an envelope to a peer by any road, and believing its receipt only after checking it.

use crate::{Flow, FlowError, Level, ladder::Passed, receive::clock_report};
use casefile::{TransportEvent, outgoing, outgoing::Outgoing};
use exchange::{CLOCK_SKEW_MAX, Envelope, ProofRoad, ProofStep, SettleFault, next_attempt, settle};
use mandate::Authorized;
use store::{OutboxRow, Session as _};
use treaty::rule;
use vocabulary::{Digest, EnvelopeId, Failure, Family, FileId, Instant, Report, StateCode};

/// Envelopes of one peer tried in one round.
const ROUND: u32 = 32;

const STOPPED: &str = "the peer stopped the exchange with us";

/// An envelope to hand over now.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub envelope: EnvelopeId,
    pub peer: StateCode,
    pub file: FileId,
    pub kind: String,
    pub attempts: u32,
}

/// What a verified receipt says.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Delivered {
    pub envelope: EnvelopeId,
    pub peer: StateCode,
    pub file: FileId,
    /// By the receiver's clock.
    pub received_at: Instant,
    /// The digest of the receipt's bytes.
    pub receipt: Digest,
    /// False when this receipt was here already.
    pub first: bool,
}

impl Flow {
    /// Envelopes whose next attempt is due, oldest first, and for each peer no more than one round of them.
    pub async fn attempts_due(&self) -> Result<Vec<Attempt>, FlowError> {
        let mut read = self.store.read().await?;
        let rows = read.queries().outbox_due(self.now(), ROUND).await?;
        Ok(rows
            .into_iter()
            .map(|row| Attempt {
                envelope: row.envelope,
                peer: row.peer,
                file: row.file,
                kind: row.kind,
                attempts: row.attempts,
            })
            .collect())
    }

    /// The envelope's bytes as they go on a road now, with the newest head of our log.
    pub async fn envelope_bytes(&self, envelope: EnvelopeId) -> Result<Vec<u8>, FlowError> {
        let mut read = self.store.snapshot().await?;
        let row = read.queries().outbox(envelope).await?.ok_or(FlowError::Record { what: "an envelope" })?;
        let now = self.now();
        let seen = self.cosign_last(&mut read, row.peer, now).await?;
        let from = self.held(&mut read, row.peer).await?.map(|held| held.shown);
        let evidence = self.log_evidence(&mut read, &row.salt, row.leaf, from).await?;
        let envelope = Envelope::new(row.envelope, row.sender, row.addressee, &row.sealed, now, evidence)
            .with_seen(seen);
        Ok(envelope.to_json()?)
    }

    /// Verifies a receipt and records delivery; the first receipt stands, a later one changes nothing.
    pub async fn settle(&self, envelope: EnvelopeId, receipt: &[u8]) -> Result<Delivered, FlowError> {
        self.settle_from(envelope, receipt, ProofRoad::Https).await
    }

    async fn settle_from(
        &self,
        envelope: EnvelopeId,
        receipt: &[u8],
        road: ProofRoad,
    ) -> Result<Delivered, FlowError> {
        let row = {
            let mut read = self.store.read().await?;
            read.queries().outbox(envelope).await?.ok_or(FlowError::Record { what: "an envelope" })?
        };
        let peer = self.peer(row.peer).await?;
        let now = self.now();
        let settled = settle(receipt, self.us(), &peer, envelope, row.sealed_digest, now)
            .map_err(FlowError::from)
            .inspect_err(|error| self.look_for_newer_key(row.peer, error))?;
        let mut write = self.store.write().await?;
        if let (Some(head), Some(at)) = (&settled.cosigned, settled.cosigned_at)
            && !self.believe_cosigned(&mut write, row.peer, head, at).await?
        {
            drop(write);
            let fault = SettleFault::ForeignHead { size: head.size };
            self.accuse_of_foreign_head(row.peer, Some(row.file), head, receipt, fault.report()).await?;
            return Err(fault.into());
        }
        let (log, their) = (&settled.receipt.log, &settled.receiver_head);
        self.look_at_receiver_head(&mut write, row.peer, row.file, log, their).await?;
        let delivered = Delivered {
            envelope,
            peer: row.peer,
            file: row.file,
            received_at: settled.receipt.received_at,
            receipt: Digest::of(receipt),
            first: write.deliver_outbox(envelope, now, receipt).await?,
        };
        if delivered.first {
            // A receipt proves that some road took the envelope.
            self.note_relayed(&mut write, &row, road).await?;
            self.compare_opening(&mut write, &row, receipt).await?;
            self.record_delivery(&mut write, &row, &delivered, settled.receipt.sent_at).await?;
        }
        write.commit().await?;
        Ok(delivered)
    }

    /// Settles a receipt that came by the pouch: it names its own envelope, once a peer's signature stands.
    pub async fn settle_from_pouch(&self, receipt: &[u8]) -> Result<Delivered, FlowError> {
        let mut last = None;
        for peer in self.peers().await? {
            match seal::verify_cms_attached(receipt, peer.anchor(), self.now()) {
                Ok(verified) => {
                    let named: exchange::Receipt = serde_json::from_slice(verified.value())
                        .map_err(|error| SettleFault::Json { line: error.line(), column: error.column() })?;
                    return self.settle_from(named.envelope, receipt, ProofRoad::Pouch).await;
                }
                Err(error) => last = Some(SettleFault::Signature(error)),
            }
        }
        Err(last.map_or(FlowError::Record { what: "a peer: no State is enrolled" }, FlowError::Settle))
    }

    async fn record_delivery(
        &self,
        write: &mut store::Write,
        row: &OutboxRow,
        delivered: &Delivered,
        sent_at: Instant,
    ) -> Result<(), FlowError> {
        let proof = TransportEvent::Delivered {
            envelope: row.envelope,
            sealed: row.sealed_digest,
            receipt: delivered.receipt,
            received_at: delivered.received_at,
        };
        // A rejection is about an envelope and belongs to no file.
        if row.kind != "rejection" {
            self.record_proof(write, row.file, proof).await?;
        }
        let skew = delivered.received_at.since(sent_at).max(sent_at.since(delivered.received_at));
        if sent_at.since(delivered.received_at) > CLOCK_SKEW_MAX || skew > CLOCK_SKEW_MAX && row.attempts == 0
        {
            let id = format!("clock/{}/{}", row.peer, self.now().seconds() / 3600);
            let report = clock_report(row.peer, sent_at, delivered.received_at);
            self.find(write, id, Level::Warn, Some(row.file), Some(row.peer), report).await?;
        }
        if row.kind != "request" {
            return Ok(());
        }
        let command = outgoing::Command::ReportDelivered {
            envelope: row.envelope,
            receipt: delivered.receipt,
            received_at: delivered.received_at,
        };
        match self.perform_in::<Outgoing>(write, row.file, &Authorized::reported(command)?, &[]).await {
            // Withdrawn or closed before the receipt came: the proof stands, the legal state does not change.
            Err(FlowError::Refused(_)) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Puts the next attempt off; `trouble` is one line without personal data.
    pub async fn attempt_failed(&self, attempt: &Attempt, trouble: &str) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        let next = next_attempt(self.now(), attempt.attempts);
        write.retry_outbox(attempt.envelope, next, trouble).await?;
        Ok(write.commit().await?)
    }

    /// The peer's node refused the envelope for good: the attempts end and people are told.
    pub async fn attempt_refused(&self, attempt: &Attempt, report: &Report) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        // A receipt that came by another road meanwhile stands.
        let known = write.queries().outbox(attempt.envelope).await?;
        if known.is_none_or(|known| known.delivered_at.is_some() || known.refused_at.is_some()) {
            return Ok(());
        }
        let code: String = report.code.chars().take(8).collect();
        write.refuse_outbox(attempt.envelope, self.now(), &code).await?;
        let proof = TransportEvent::RefusedByPeer { envelope: attempt.envelope, code: code.clone() };
        self.record_proof(&mut write, attempt.file, proof).await?;
        let shown = Report {
            family: Family::PeerFault,
            code: "P-544".to_owned(),
            message: format!("the node of `{}` refused the `{}` ({code})", attempt.peer, attempt.kind),
            clause: Some("spec/02-exchange.md, admission".to_owned()),
            remedy:
                "speak to the other State's operators; export the envelope again when the cause is mended"
                    .to_owned(),
        };
        let id = format!("refused/{}", attempt.envelope);
        self.find(&mut write, id, Level::Fail, Some(attempt.file), Some(attempt.peer), shown).await?;
        Ok(write.commit().await?)
    }

    /// The peer's node said that it stopped the exchange with us: people are told, and the envelope is kept.
    pub async fn attempt_halted(&self, attempt: &Attempt) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        let now = self.now();
        write.retry_outbox(attempt.envelope, next_attempt(now, attempt.attempts), STOPPED).await?;
        let shown = Report {
            family: Family::PeerFault,
            code: "P-902".to_owned(),
            message: format!("the node of `{}` stopped the exchange with us", attempt.peer),
            clause: Some("spec/03-ledger.md, halts".to_owned()),
            remedy: "telephone the other State; the envelopes wait here and are tried again".to_owned(),
        };
        let id = format!("halted-by/{}/{}", attempt.peer, now.seconds() / 86_400);
        self.find(&mut write, id, Level::Fail, None, Some(attempt.peer), shown).await?;
        Ok(write.commit().await?)
    }

    /// Turns missing receipts into findings, once for each threshold (policy).
    pub async fn look_for_receipts(&self) -> Result<(), FlowError> {
        let now = self.now();
        let waiting = {
            let mut read = self.store.read().await?;
            read.queries().outbox_waiting().await?
        };
        for row in waiting {
            let waited = now.since(row.queued_at);
            for (threshold, level, id) in
                [(2, Level::Fail, "receipt.delivery.fail"), (1, Level::Warn, "receipt.delivery.warn")]
            {
                let hours = rule(id).and_then(|rule| rule.number()).unwrap_or(24);
                if row.thresholds < threshold && waited.as_secs() >= u64::from(hours) * 3600 {
                    self.receipt_missing(&row, threshold, level, id, hours).await?;
                    break;
                }
            }
        }
        Ok(())
    }

    async fn receipt_missing(
        &self,
        row: &OutboxRow,
        threshold: u32,
        level: Level,
        rule_id: &'static str,
        hours: u32,
    ) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        // The receipt may have come since the row was read.
        let waits = write.queries().outbox(row.envelope).await?.is_some_and(|known| {
            known.delivered_at.is_none() && known.refused_at.is_none() && known.thresholds < threshold
        });
        if !waits {
            return Ok(());
        }
        write.pass_threshold(row.envelope, threshold).await?;
        let step = ProofStep::NotDelivered;
        let passed = Passed { step, number: threshold, level, rule: rule_id };
        self.note_missing(&mut write, row, passed).await?;
        let proof = TransportEvent::ReceiptMissing {
            envelope: row.envelope,
            level: level.as_str().to_owned(),
            rule_id: rule_id.to_owned(),
        };
        self.record_proof(&mut write, row.file, proof).await?;
        let report = Report {
            family: Family::PeerFault,
            code: "P-545".to_owned(),
            message: format!(
                "no receipt of `{}` for the `{}` sent more than {hours} h ago",
                row.peer, row.kind
            ),
            clause: rule(rule_id).map(|rule| format!("{} (policy)", rule.citation())),
            remedy: "telephone the other State, or send the envelope by pouch: `rogatory envelope export`"
                .to_owned(),
        };
        let id = format!("missing/{}/{threshold}", row.envelope);
        self.find(&mut write, id, level, Some(row.file), Some(row.peer), report).await?;
        Ok(write.commit().await?)
    }

    /// An envelope of a file that can go into the pouch; `None` chooses the oldest one without a receipt.
    pub async fn exportable(&self, file: FileId, wanted: Option<EnvelopeId>) -> Result<Attempt, FlowError> {
        let mut read = self.store.read().await?;
        let rows = read.queries().outbox_of(file).await?;
        let chosen = match wanted {
            Some(id) => rows.into_iter().find(|row| row.envelope == id),
            None => {
                // Words of opening go after everything else.
                let mut waiting: Vec<_> = rows.into_iter().filter(|row| row.delivered_at.is_none()).collect();
                waiting.sort_by_key(|row| row.kind == "opened");
                waiting.into_iter().next()
            }
        };
        chosen
            .map(|row| Attempt {
                envelope: row.envelope,
                peer: row.peer,
                file: row.file,
                kind: row.kind,
                attempts: row.attempts,
            })
            .ok_or_else(|| {
                casefile::Refused::Rule {
                    code: "R-552",
                    what: "the file has no envelope that waits for a receipt".to_owned(),
                    clause: "spec/02-exchange.md, pouch".to_owned(),
                    remedy: "name one with `--envelope` (`rogatory file show FILE` lists them)".to_owned(),
                }
                .into()
            })
    }
}

impl From<&FlowError> for Report {
    fn from(error: &FlowError) -> Self {
        error.report()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HandedBy, fixture::Pair};
    use std::time::Duration;
    use treaty::Kind;

    /// A request that waits for its receipt, as a worker read it from the outbox.
    async fn waiting(pair: &Pair) -> (FileId, OutboxRow, Attempt) {
        let file = pair.approve(Kind::PRESERVATION, None).await;
        pair.a.flow.discharge_due().await.unwrap();
        let attempt = pair.a.flow.attempts_due().await.unwrap().remove(0);
        let mut read = pair.a.flow.store().read().await.unwrap();
        let row = read.queries().outbox(attempt.envelope).await.unwrap().unwrap();
        (file, row, attempt)
    }

    async fn proofs(pair: &Pair, file: FileId) -> Vec<String> {
        let steps = pair.a.flow.timeline(file).await.unwrap().steps;
        steps.into_iter().filter(|step| step.ladder == "transport").map(|step| step.what).collect()
    }

    #[tokio::test]
    async fn a_worker_that_read_the_outbox_before_the_receipt_came_adds_nothing_after_it() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        let (file, row, attempt) = waiting(&pair).await;
        pair.settle().await;
        flow.receipt_missing(&row, 2, Level::Fail, "receipt.delivery.fail", 24).await.unwrap();
        flow.attempt_refused(&attempt, &clock_report(row.peer, row.queued_at, row.queued_at)).await.unwrap();
        assert_eq!(proofs(&pair, file).await, ["submitted", "delivered", "opened", "received"]);
        assert!(flow.findings().await.unwrap().is_empty());
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_missing_receipt_is_found_at_each_threshold_once_and_stays_history() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        let (file, ..) = waiting(&pair).await;
        let hour = Duration::from_secs(3600);
        for (later, found) in [
            (hour * 12 - Duration::from_micros(1), 0),
            (Duration::from_micros(1), 1),
            (hour * 12, 2),
            (hour * 99, 2),
        ] {
            pair.clock.forward(later);
            for _ in 0..2 {
                flow.look_for_receipts().await.unwrap();
                assert_eq!(flow.findings().await.unwrap().len(), found);
            }
        }
        pair.settle().await;
        flow.look_for_receipts().await.unwrap();
        assert_eq!(
            proofs(&pair, file).await,
            ["submitted", "receipt-missing", "receipt-missing", "delivered", "opened", "received"]
        );
        pair.audit().await;
    }

    #[tokio::test]
    async fn the_first_receipt_stands_and_the_same_one_again_changes_nothing() {
        let pair = Pair::new().await;
        let (file, row, _) = waiting(&pair).await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        let bytes = a.envelope_bytes(row.envelope).await.unwrap();
        let receipt = b.take_in(&bytes, HandedBy::Peer(a.us())).await.unwrap();
        assert!(a.settle(row.envelope, &receipt).await.unwrap().first);
        let again = a.settle_from_pouch(&receipt).await.unwrap();
        assert!(!again.first);
        assert_eq!(b.take_in(&bytes, HandedBy::Pouch).await.unwrap(), receipt);
        assert_eq!(proofs(&pair, file).await, ["submitted", "delivered"]);
    }
}
