//! The ladder of a file as people and machines read it: each envelope's proven and missing steps.

use crate::{Flow, FlowError, Level, ladder};
use exchange::{Proof, ProofLevel, ProofRoad, ProofStep};
use serde::Serialize;
use store::{Direction, ProofRow, Session};
use vocabulary::{Digest, EnvelopeId, FileId, Instant, OfficeFunction, OfficeId, StateCode};

/// One proven step, or a signed negative.
#[derive(Debug, Clone, Serialize)]
pub struct Rung {
    pub step: String,
    /// By the signer's clock.
    pub at: Instant,
    /// Who signed it.
    pub by: OfficeId,
    /// The digest of the signed bytes.
    pub signed: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub road: Option<ProofRoad>,
    /// The digest of the signed statement that the step names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<ProofLevel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The threshold of the rule, in hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The leaf of our log that commits the proof; a receipt that came is in the other State's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u64>,
}

/// A threshold that lies ahead for a step that is not proven.
#[derive(Debug, Clone, Serialize)]
pub struct Ahead {
    pub step: &'static str,
    pub level: Level,
    pub rule: &'static str,
    pub at: Instant,
}

/// One envelope and its ladder.
#[derive(Debug, Clone, Serialize)]
pub struct EnvelopeProofs {
    pub envelope: EnvelopeId,
    pub direction: &'static str,
    pub statement: String,
    pub from: OfficeId,
    pub to: OfficeId,
    /// The digest of the sealed bytes, which every step names.
    pub digest: Digest,
    pub rungs: Vec<Rung>,
    pub ahead: Vec<Ahead>,
}

impl Flow {
    /// The ladder of every envelope of a file, in order of time.
    pub async fn proofs(&self, file: FileId) -> Result<Vec<EnvelopeProofs>, FlowError> {
        let timeline = self.timeline(file).await?;
        let mut read = self.store.read().await?;
        let mut all = Vec::with_capacity(timeline.letters.len());
        for letter in timeline.letters {
            let envelope = match letter.direction {
                "sent" => self.sent_ladder(&mut read, letter.envelope).await?,
                _ => {
                    let peer = timeline.file.other();
                    self.received_ladder(&mut read, peer, letter.envelope, letter.statement).await?
                }
            };
            // At one instant the ledger knows what came first.
            let leaf = envelope.rungs.iter().filter_map(|rung| rung.leaf).min();
            all.push((letter.at, leaf, envelope));
        }
        all.sort_by_key(|(at, leaf, _)| (*at, *leaf));
        Ok(all.into_iter().map(|(.., ladder)| ladder).collect())
    }

    async fn sent_ladder(
        &self,
        session: &mut impl Session,
        envelope: EnvelopeId,
    ) -> Result<EnvelopeProofs, FlowError> {
        let row =
            session.queries().outbox(envelope).await?.ok_or(FlowError::Record { what: "an envelope" })?;
        let proofs = session.queries().proofs(Direction::Sent, row.peer, envelope).await?;
        let peer = self.peer(row.peer).await?;
        let mut rungs = Vec::new();
        for proof in &proofs {
            let theirs = proof.step == ProofStep::Opened.as_str();
            let anchor = if theirs { peer.anchor().clone() } else { self.own_anchor()? };
            rungs.push(rung(&Proof::read(&proof.signed, &anchor, proof.at)?, proof));
        }
        if let (Some(receipt), Some(at)) = (&row.receipt, row.delivered_at) {
            let settled = exchange::settle(receipt, self.us(), &peer, envelope, row.sealed_digest, at)?;
            rungs.push(delivered(settled.receipt.from, settled.receipt.received_at, receipt, None));
        }
        rungs.sort_by_key(|rung| place(&rung.step));
        let ahead = ladder::ahead(&row, &proofs, self.now());
        Ok(EnvelopeProofs {
            envelope,
            direction: "sent",
            statement: row.kind,
            from: row.sender,
            to: row.addressee,
            digest: row.sealed_digest,
            rungs,
            ahead,
        })
    }

    async fn received_ladder(
        &self,
        session: &mut impl Session,
        peer: StateCode,
        envelope: EnvelopeId,
        statement: String,
    ) -> Result<EnvelopeProofs, FlowError> {
        let row = session
            .queries()
            .inbox(peer, envelope)
            .await?
            .ok_or(FlowError::Record { what: "an envelope" })?;
        let receipt = self.read_receipt(&row.receipt, row.received_at)?;
        let mut rungs = vec![delivered(receipt.from, receipt.received_at, &row.receipt, Some(row.leaf))];
        for proof in session.queries().proofs(Direction::Received, peer, envelope).await? {
            rungs.push(rung(&Proof::read(&proof.signed, &self.own_anchor()?, proof.at)?, &proof));
        }
        Ok(EnvelopeProofs {
            envelope,
            direction: "received",
            statement,
            from: receipt.to,
            to: row.addressee,
            digest: row.sealed_digest,
            rungs,
            ahead: Vec::new(),
        })
    }
}

fn rung(proof: &Proof, row: &ProofRow) -> Rung {
    Rung {
        step: proof.step.as_str().to_owned(),
        at: proof.at,
        by: proof.from,
        signed: Digest::of(&row.signed),
        road: proof.road,
        statement: proof.statement,
        level: proof.level,
        hours: proof.rule.as_deref().map(ladder::hours),
        rule: proof.rule.clone(),
        code: proof.code.clone(),
        leaf: Some(row.leaf),
    }
}

/// The receipt itself proves delivery.
fn delivered(by: OfficeId, at: Instant, receipt: &[u8], leaf: Option<u64>) -> Rung {
    Rung {
        step: "delivered".to_owned(),
        at,
        by: OfficeId::new(by.state, OfficeFunction::Node),
        signed: Digest::of(receipt),
        road: None,
        statement: None,
        level: None,
        rule: None,
        hours: None,
        code: None,
        leaf,
    }
}

/// The steps in the order of the ladder; a negative stands before the step that it misses.
pub(crate) const LADDER: [&str; 8] =
    ["submitted", "not-relayed", "relayed", "not-delivered", "delivered", "rejected", "not-opened", "opened"];

fn place(step: &str) -> usize {
    LADDER.iter().position(|known| *known == step).unwrap_or(LADDER.len())
}
