//! Taking in a peer's envelope by any road: durable and receipted in one transaction, no logic on its content.

use crate::{Flow, FlowError, Level};
use exchange::{
    Admission, AdmitFault, CLOCK_SKEW_MAX, CosignedHead, Envelope, RECEIVED_LABEL, Receipt, admit,
};
use ledger::{Checkpoint, Hash, KeyName, cosignature};
use register::Peer;
use store::{CopyRow, Direction, HeadRow, InboxRow, InboxState, Write};
use vocabulary::{Digest, Failure, Family, Instant, OfficeFunction, OfficeId, Report, StateCode};

/// Who handed the envelope over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedBy {
    /// A peer's node over mutual TLS.
    Peer(StateCode),
    /// A person, with a file.
    Pouch,
}

impl Flow {
    /// Makes an envelope durable and returns its signed receipt; the same envelope again returns the same bytes.
    pub async fn take_in(&self, bytes: &[u8], by: HandedBy) -> Result<Vec<u8>, FlowError> {
        let (envelope, sealed) = Envelope::from_json(bytes)?;
        let from = envelope.from.state;
        if envelope.to.state != self.us() {
            return Err(AdmitFault::OtherAddressee { us: self.us(), found: envelope.to }.into());
        }
        if let HandedBy::Peer(peer) = by
            && peer != from
        {
            return Err(AdmitFault::OtherSender { expected: peer, found: envelope.from }.into());
        }
        let peer = match self.peer(from).await {
            Err(FlowError::UnknownPeer { state }) => return Err(AdmitFault::UnknownPeer { state }.into()),
            other => other?,
        };
        let mut write = self.store.write().await?;
        if let Some(receipt) = known_receipt(&mut write, &envelope).await? {
            return Ok(receipt);
        }
        let admission = match self.admit(&mut write, &envelope, &peer).await {
            Ok(admission) => admission,
            Err(error) => {
                drop(write);
                self.keep_contradiction(&envelope, &error).await?;
                return Err(error);
            }
        };
        let now = self.now();
        let receipt = self.receipt(&mut write, &envelope, &admission, &peer, now).await?;
        if by != HandedBy::Pouch {
            self.look_at_clocks(&mut write, &envelope, now).await?;
        }
        let (leaf, receipt) = receipt;
        write
            .add_inbox(&InboxRow {
                peer: from,
                envelope: envelope.envelope,
                addressee: envelope.to,
                sealed_digest: envelope.digest,
                sealed,
                receipt: receipt.clone(),
                received_at: now,
                leaf,
                state: InboxState::Stored,
                file: None,
                code: None,
            })
            .await?;
        write
            .add_copy(&CopyRow {
                direction: Direction::Received,
                peer: from,
                envelope: envelope.envelope,
                sender: envelope.from,
                sent_at: envelope.sent_at,
                log: Some(crate::perform::json(&envelope.log)?),
                signed: None,
            })
            .await?;
        write.commit().await?;
        Ok(receipt)
    }

    async fn admit(
        &self,
        write: &mut Write,
        envelope: &Envelope,
        peer: &Peer,
    ) -> Result<Admission, FlowError> {
        let origin = KeyName::of_log(peer.state());
        let as_checkpoint =
            |row: &HeadRow| Checkpoint::new(origin.clone(), row.size, Hash::from_bytes(row.root));
        let last = write.queries().head(peer.state()).await?.as_ref().map(as_checkpoint);
        // Only a head of the same size can contradict; `admit` refuses a proof for another size than the head's.
        let size = envelope.log.inclusion.size;
        let seen: Vec<Checkpoint> =
            write.queries().heads_of_size(peer.state(), size).await?.iter().map(as_checkpoint).collect();
        Ok(admit(envelope, self.us(), peer, last.as_ref(), &seen)?)
    }

    /// Signs the receipt and keeps the head it cosigns, in the transaction that makes the envelope durable.
    async fn receipt(
        &self,
        write: &mut Write,
        envelope: &Envelope,
        admission: &Admission,
        peer: &Peer,
        now: Instant,
    ) -> Result<(u64, Vec<u8>), FlowError> {
        let head = admission.head.checkpoint();
        write
            .keep_head(&HeadRow {
                peer: peer.state(),
                size: head.size(),
                root: *head.root().as_bytes(),
                note: envelope.log.checkpoint.clone(),
                linked: admission.linked,
                seen_at: now,
            })
            .await?;
        let cosigned = self.cosign_last(write, peer, now).await?;
        let (salt, leaf) = self.append(write, RECEIVED_LABEL, &envelope.digest).await?;
        let node = OfficeId::new(self.us(), OfficeFunction::Node);
        let receipt = Receipt {
            format: Receipt::format(),
            envelope: envelope.envelope,
            digest: envelope.digest,
            from: node,
            to: envelope.from,
            received_at: now,
            sent_at: envelope.sent_at,
            head: cosigned,
            log: self.log_evidence(write, &salt, leaf, None).await?,
        };
        let key = self.keys.office(OfficeFunction::Node)?;
        let json = crate::perform::json(&receipt)?;
        Ok((leaf, seal::sign_cms(&json, true, key.signing(), key.certificate(), now)?))
    }

    /// Our cosignature on the largest head of the peer's log that is consistent with all before it.
    async fn cosign_last(
        &self,
        write: &mut Write,
        peer: &Peer,
        now: Instant,
    ) -> Result<Option<CosignedHead>, FlowError> {
        let Some(last) = write.queries().head(peer.state()).await? else { return Ok(None) };
        let root = Hash::from_bytes(last.root);
        let body = Checkpoint::new(KeyName::of_log(peer.state()), last.size, root).to_string();
        let seconds = u64::try_from(now.seconds()).unwrap_or(0);
        let cosignature = cosignature::cosign(&body, self.keys.cosigner(), seconds)?;
        Ok(Some(CosignedHead { size: last.size, root, cosignature }))
    }

    async fn look_at_clocks(
        &self,
        write: &mut Write,
        envelope: &Envelope,
        now: Instant,
    ) -> Result<(), FlowError> {
        let skew = now.since(envelope.sent_at).max(envelope.sent_at.since(now));
        if skew <= CLOCK_SKEW_MAX {
            return Ok(());
        }
        let peer = envelope.from.state;
        let id = format!("clock/{peer}/{}", now.seconds() / 3600);
        self.find(write, id, Level::Warn, None, Some(peer), clock_report(peer, now, envelope.sent_at))
            .await?;
        Ok(())
    }

    /// A contradiction in a peer's log is kept as evidence although the envelope is refused.
    async fn keep_contradiction(&self, envelope: &Envelope, error: &FlowError) -> Result<(), FlowError> {
        if !matches!(error, FlowError::Admit(AdmitFault::SplitView { .. } | AdmitFault::Rewritten(_))) {
            return Ok(());
        }
        let mut write = self.store.write().await?;
        let note = envelope.log.checkpoint.as_bytes();
        write.put_object(note, self.now()).await?;
        let id = format!("log/{}/{}", envelope.from.state, Digest::of(note).hex());
        self.find(&mut write, id, Level::Fail, None, Some(envelope.from.state), error.report()).await?;
        Ok(write.commit().await?)
    }
}

/// Clocks that differ: shown on both sides, never a reason to lose a message.
pub(crate) fn clock_report(peer: StateCode, ours: Instant, theirs: Instant) -> Report {
    let seconds = ours.since(theirs).max(theirs.since(ours)).as_secs();
    Report {
        family: Family::Fault,
        code: "F-410".to_owned(),
        message: format!(
            "our clock said {ours} and the clock of `{peer}` said {theirs}: they differ by {seconds} s"
        ),
        clause: Some("spec/02-exchange.md, clocks".to_owned()),
        remedy: "check the time service on both machines; receipts name both times".to_owned(),
    }
}

/// The receipt that was given for this very envelope; another use of its id or bytes is refused.
async fn known_receipt(write: &mut Write, envelope: &Envelope) -> Result<Option<Vec<u8>>, FlowError> {
    let peer = envelope.from.state;
    if let Some(known) = write.queries().inbox(peer, envelope.envelope).await? {
        if known.sealed_digest == envelope.digest {
            return Ok(Some(known.receipt));
        }
        return Err(AdmitFault::IdReused {
            envelope: envelope.envelope,
            expected: known.sealed_digest,
            found: envelope.digest,
        }
        .into());
    }
    match write.queries().inbox_by_digest(peer, envelope.digest).await? {
        Some(before) => Err(AdmitFault::Replayed { envelope: envelope.envelope, before }.into()),
        None => Ok(None),
    }
}
