//! Taking in a peer's envelope by any road: durable and receipted in one transaction, no logic on its content.

use crate::{Flow, FlowError, Level};
use exchange::{
    Admission, AdmitFault, CLOCK_SKEW_MAX, Envelope, RECEIVED_LABEL, Receipt, SettleFault, admit,
};
use register::Peer;
use store::{CopyRow, Direction, HeadRow, InboxRow, InboxState, Write};
use vocabulary::{Failure, Family, Instant, OfficeFunction, OfficeId, Report, StateCode};

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Who handed the envelope over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedBy {
    /// A peer's node over mutual TLS, which can be asked at once for a proof that is missing.
    Answering(StateCode),
    /// A peer's node.
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
        if let HandedBy::Peer(peer) | HandedBy::Answering(peer) = by
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
        self.not_halted(&mut write, from).await?;
        let admission = match self.admit(&mut write, &envelope, &peer, by).await {
            Ok(admission) => admission,
            Err(error) => {
                drop(write);
                self.look_for_newer_key(from, &error);
                self.keep_contradiction(&envelope, &peer, by, &error).await?;
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
        by: HandedBy,
    ) -> Result<Admitted, FlowError> {
        let mut known = self.known_heads(write, peer.state(), &envelope.log).await?;
        if let Ok(shown) = peer.open_head(&envelope.log.checkpoint, self.now()) {
            let (size, root) = (shown.checkpoint().size(), shown.checkpoint().root());
            known.set_aside = write.queries().is_set_aside(peer.state(), size, root.as_bytes()).await?;
        }
        let (last, seen) = match known.set_aside {
            true => (None, &[][..]),
            false => (known.last.as_ref(), known.seen.as_slice()),
        };
        let mut admission = admit(envelope, self.us(), peer, last, seen, self.now())?;
        admission.linked &= !known.set_aside;
        if let (Some(seen), Some(at)) = (&envelope.seen, admission.seen_at)
            && !self.believe_cosigned(write, peer.state(), seen, at).await?
        {
            return Err(AdmitFault::ForeignSeen { size: seen.size }.into());
        }
        match known.last {
            Some(last) if !admission.linked && matches!(by, HandedBy::Answering(_)) => {
                Err(AdmitFault::NotLinked { size: last.size() }.into())
            }
            _ => Ok(Admitted { admission, set_aside: known.set_aside }),
        }
    }

    /// Signs the receipt and keeps the head it cosigns, in the transaction that makes the envelope durable.
    async fn receipt(
        &self,
        write: &mut Write,
        envelope: &Envelope,
        admitted: &Admitted,
        peer: &Peer,
        now: Instant,
    ) -> Result<(u64, Vec<u8>), FlowError> {
        let head = admitted.admission.head.checkpoint();
        if !admitted.set_aside {
            write
                .keep_head(&HeadRow {
                    peer: peer.state(),
                    size: head.size(),
                    root: *head.root().as_bytes(),
                    note: envelope.log.checkpoint.clone(),
                    linked: admitted.admission.linked,
                    seen_at: now,
                })
                .await?;
        }
        let cosigned = self.cosign_last(write, peer.state(), now).await?;
        // From what the sender says that it saw of our log, else from what it most likely holds.
        let from = match &envelope.seen {
            Some(seen) if self.is_ours(write, seen).await? => Some(seen.size),
            _ => self.held(write, peer.state()).await?.map(|held| held.shown),
        };
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
            log: self.log_evidence(write, &salt, leaf, from).await?,
        };
        self.shown_in_receipt(write, peer.state(), from, receipt.log.inclusion.size).await?;
        let key = self.keys.office(OfficeFunction::Node)?;
        let json = crate::perform::json(&receipt)?;
        Ok((leaf, seal::sign_cms(&json, true, key.signing(), key.certificate(), now)?))
    }

    /// A key that no descriptor names may stand in a newer one.
    pub(crate) fn look_for_newer_key(&self, peer: StateCode, error: &FlowError) {
        let unknown = match error {
            FlowError::Admit(AdmitFault::Checkpoint(error)) | FlowError::Settle(SettleFault::Key(error)) => {
                error.may_be_newer()
            }
            _ => false,
        };
        if unknown {
            self.want_descriptor(peer);
        }
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

    /// A contradiction is kept as evidence although the envelope is refused, and stops the exchange.
    async fn keep_contradiction(
        &self,
        envelope: &Envelope,
        peer: &Peer,
        by: HandedBy,
        error: &FlowError,
    ) -> Result<(), FlowError> {
        let FlowError::Admit(fault) = error else { return Ok(()) };
        let state = peer.state();
        if let (AdmitFault::ForeignSeen { .. }, Some(seen)) = (fault, &envelope.seen) {
            return self.accuse_of_foreign_head(state, None, seen, &[], fault.report()).await;
        }
        if !matches!(fault, AdmitFault::SplitView { .. } | AdmitFault::Rewritten(_)) {
            return Ok(());
        }
        let mut write = self.store.write().await?;
        if self.is_conclusive(&mut write, envelope, peer, by, fault).await? {
            self.accuse_of_heads(&mut write, state, None, &envelope.log, fault).await?;
        } else {
            let id = format!("unproven/{state}/{}", self.now().seconds() / DAY_SECONDS);
            self.find(&mut write, id, Level::Warn, None, Some(state), fault.report()).await?;
        }
        Ok(write.commit().await?)
    }

    /// Two signed heads of one size speak for themselves. The proof beside a head is not signed: one that fails
    /// speaks when it rebuilds the signed head and another older one, or when it came over TLS unaltered.
    async fn is_conclusive(
        &self,
        write: &mut Write,
        envelope: &Envelope,
        peer: &Peer,
        by: HandedBy,
        fault: &AdmitFault,
    ) -> Result<bool, FlowError> {
        if matches!(fault, AdmitFault::SplitView { .. }) || matches!(by, HandedBy::Answering(_)) {
            return Ok(true);
        }
        let known = self.known_heads(write, peer.state(), &envelope.log).await?;
        let (Some(proof), Ok(head)) =
            (&envelope.log.consistency, peer.open_head(&envelope.log.checkpoint, self.now()))
        else {
            return Ok(false);
        };
        Ok(known.seen.iter().any(|before| proof.contradicts(before, head.checkpoint())))
    }
}

/// An envelope that may be stored; the head of one whose sender's log began anew may be from before.
struct Admitted {
    admission: Admission,
    set_aside: bool,
}

/// Clocks that differ, or a message that a cut line or a frozen process held back: from one message nobody can tell.
///
/// Shown on both sides, never a reason to lose a message.
pub(crate) fn clock_report(peer: StateCode, ours: Instant, theirs: Instant) -> Report {
    let seconds = ours.since(theirs).max(theirs.since(ours)).as_secs();
    Report {
        family: Family::Fault,
        code: "F-410".to_owned(),
        message: format!(
            "our clock said {ours} and the clock of `{peer}` said {theirs}: they differ, or the message was under \
             way, by {seconds} s"
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
