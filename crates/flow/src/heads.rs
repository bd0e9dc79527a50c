//! Heads of logs between two States: what each showed, what each cosigned, and what contradicts.

use crate::{Flow, FlowError, log, oversight::Accusation};
use exchange::{AdmitFault, CosignedHead, LogEvidence, SettleFault};
use ledger::{Checkpoint, Hash, KeyName, SignedCheckpoint, checkpoint, cosignature};
use store::{CosignatureRow, HeadRow, Session, Write};
use vocabulary::{Digest, Failure as _, FileId, Instant, StateCode};

/// What is known of a peer's log that can contradict a new head of it.
#[derive(Debug)]
pub(crate) struct Known {
    /// The largest linked head.
    pub(crate) last: Option<Checkpoint>,
    /// Heads of the size of the new one, and of the size from which it proves.
    pub(crate) seen: Vec<Checkpoint>,
    /// An officer let the peer's log begin anew after this very head: it is not compared.
    pub(crate) set_aside: bool,
}

/// Sizes of two heads of our log: what a peer said that it holds, and what it most likely holds by now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) cosigned: u64,
    /// Our next proof to the peer begins here.
    pub(crate) shown: u64,
}

impl Flow {
    pub(crate) async fn known_heads(
        &self,
        session: &mut impl Session,
        peer: StateCode,
        log: &LogEvidence,
    ) -> Result<Known, FlowError> {
        let as_checkpoint =
            |row: &HeadRow| Checkpoint::new(KeyName::of_log(peer), row.size, Hash::from_bytes(row.root));
        let last = session.queries().head(peer).await?.as_ref().map(as_checkpoint);
        let sizes = [Some(log.inclusion.size), log.consistency.as_ref().map(|proof| proof.from)];
        let mut seen = Vec::new();
        for size in sizes.into_iter().flatten() {
            seen.extend(session.queries().heads_of_size(peer, size).await?.iter().map(as_checkpoint));
        }
        Ok(Known { last, seen, set_aside: false })
    }

    /// Our cosignature on the largest head of the peer's log that is consistent with all before it.
    pub(crate) async fn cosign_last(
        &self,
        session: &mut impl Session,
        peer: StateCode,
        now: Instant,
    ) -> Result<Option<CosignedHead>, FlowError> {
        let Some(last) = session.queries().head(peer).await? else { return Ok(None) };
        let root = Hash::from_bytes(last.root);
        let body = Checkpoint::new(KeyName::of_log(peer), last.size, root).to_string();
        let seconds = u64::try_from(now.seconds()).unwrap_or(0);
        let cosignature = cosignature::cosign(&body, self.keys.cosigner(), seconds)?;
        Ok(Some(CosignedHead { size: last.size, root, cosignature }))
    }

    /// The head of a peer's log that it must prove to follow from, as our node shows it on the road.
    pub async fn challenge(&self, peer: StateCode) -> Result<Option<CosignedHead>, FlowError> {
        let mut read = self.store.read().await?;
        self.cosign_last(&mut read, peer, self.now()).await
    }

    /// Takes note of the head of our log that a peer asks us to prove to follow from.
    pub async fn challenged(&self, peer: StateCode, head: &CosignedHead) -> Result<(), FlowError> {
        let known = self.peer(peer).await?;
        let body = Checkpoint::new(KeyName::of_log(self.us()), head.size, head.root).to_string();
        let at = known
            .verify_cosignature(&body, &head.cosignature, self.now())
            .map_err(|_| SettleFault::Cosignature)?;
        let mut write = self.store.write().await?;
        if !self.believe_cosigned(&mut write, peer, head, at).await? {
            drop(write);
            let fault = SettleFault::ForeignHead { size: head.size };
            self.accuse_of_foreign_head(peer, None, head, &[], fault.report()).await?;
            return Err(fault.into());
        }
        self.prove_from_now_on(&mut write, peer, head.size).await?;
        Ok(write.commit().await?)
    }

    /// Keeps a verified cosignature on a head of our log; false when the head is not ours.
    ///
    /// A foreign head that was cosigned before an officer resumed the peer is passed over.
    pub(crate) async fn believe_cosigned(
        &self,
        write: &mut Write,
        peer: StateCode,
        head: &CosignedHead,
        cosigned_at: u64,
    ) -> Result<bool, FlowError> {
        if !self.is_ours(write, head).await? {
            let resumed = self.resumed_at(write, peer).await?;
            return Ok(
                resumed.is_some_and(|at| u64::try_from(at.seconds()).is_ok_and(|at| cosigned_at <= at))
            );
        }
        write
            .keep_cosignature(&CosignatureRow {
                peer,
                size: head.size,
                root: *head.root.as_bytes(),
                line: head.cosignature.clone(),
                received_at: self.now(),
            })
            .await?;
        // An answer that crossed what we showed since tells nothing new.
        if self.held(write, peer).await?.is_none_or(|held| head.size > held.cosigned) {
            self.prove_from_now_on(write, peer, head.size).await?;
        }
        Ok(true)
    }

    /// The peer holds the head of this size as the last one that it could link.
    pub(crate) async fn prove_from_now_on(
        &self,
        write: &mut Write,
        peer: StateCode,
        size: u64,
    ) -> Result<(), FlowError> {
        self.keep_held(write, peer, Held { cosigned: size, shown: size }).await
    }

    /// A receipt shows the peer the head of size `shown`, which it can link when it holds the one of size `from`.
    pub(crate) async fn shown_in_receipt(
        &self,
        write: &mut Write,
        peer: StateCode,
        from: Option<u64>,
        shown: u64,
    ) -> Result<(), FlowError> {
        self.keep_held(write, peer, Held { cosigned: from.unwrap_or(0), shown }).await
    }

    async fn keep_held(&self, write: &mut Write, peer: StateCode, held: Held) -> Result<(), FlowError> {
        let bytes = [held.cosigned.to_be_bytes(), held.shown.to_be_bytes()].concat();
        Ok(write.put_setting(&held_by(peer), &bytes).await?)
    }

    /// What the peer holds of our log, as far as we know; nothing before the first exchange.
    pub(crate) async fn held(
        &self,
        session: &mut impl Session,
        peer: StateCode,
    ) -> Result<Option<Held>, FlowError> {
        let Some(kept) = session.queries().setting(&held_by(peer)).await? else { return Ok(None) };
        match kept.as_chunks::<8>() {
            ([cosigned, shown], []) => {
                Ok(Some(Held { cosigned: u64::from_be_bytes(*cosigned), shown: u64::from_be_bytes(*shown) }))
            }
            _ => Err(FlowError::Record { what: "what a peer holds of our log" }),
        }
    }

    pub(crate) async fn is_ours(
        &self,
        session: &mut impl Session,
        head: &CosignedHead,
    ) -> Result<bool, FlowError> {
        let size = session.queries().ledger_size().await?;
        Ok(head.size <= size && log::root(session, head.size).await? == head.root)
    }

    /// Looks at the head of the peer's log in its receipt; a contradiction stops the exchange and the receipt stands.
    pub(crate) async fn look_at_receiver_head(
        &self,
        write: &mut Write,
        peer: StateCode,
        file: FileId,
        log: &LogEvidence,
        head: &SignedCheckpoint,
    ) -> Result<(), FlowError> {
        let body = head.checkpoint();
        if write.queries().is_set_aside(peer, body.size(), body.root().as_bytes()).await? {
            return Ok(());
        }
        let known = self.known_heads(write, peer, log).await?;
        let split = known.seen.iter().chain(&known.last).find(|known| known.contradicts(body));
        let linked = match split {
            Some(known) => Err(AdmitFault::SplitView { size: known.size() }),
            None => exchange::link(log.consistency.as_ref(), known.last.as_ref(), &known.seen, body)
                .map_err(AdmitFault::Rewritten),
        };
        let linked = match linked {
            Ok(linked) => linked,
            Err(fault) => {
                self.accuse_of_heads(write, peer, Some(file), log, &fault).await?;
                false
            }
        };
        write
            .keep_head(&HeadRow {
                peer,
                size: body.size(),
                root: *body.root().as_bytes(),
                note: head.to_string(),
                linked,
                seen_at: self.now(),
            })
            .await?;
        Ok(())
    }

    /// Two signed heads that cannot be of one log: both are kept, and the exchange stops.
    pub(crate) async fn accuse_of_heads(
        &self,
        write: &mut Write,
        peer: StateCode,
        file: Option<FileId>,
        log: &LogEvidence,
        fault: &AdmitFault,
    ) -> Result<(), FlowError> {
        let before = match (fault, &log.consistency) {
            (AdmitFault::Rewritten(_), Some(proof)) => proof.from,
            _ => log.inclusion.size,
        };
        let known = write.queries().heads_of_size(peer, before).await?;
        let proof = crate::perform::json(log)?;
        let mut evidence: Vec<&[u8]> = known.iter().map(|row| row.note.as_bytes()).collect();
        evidence.push(log.checkpoint.as_bytes());
        evidence.push(&proof);
        let finding = format!("log/{peer}/{}", Digest::of(log.checkpoint.as_bytes()).hex());
        self.accuse(write, Accusation { peer, finding, file, report: fault.report(), evidence }).await
    }

    /// A peer cosigned a head that is not ours: its cosignature, our own head and what carried it are kept.
    pub(crate) async fn accuse_of_foreign_head(
        &self,
        peer: StateCode,
        file: Option<FileId>,
        head: &CosignedHead,
        carried: &[u8],
        report: vocabulary::Report,
    ) -> Result<(), FlowError> {
        let mut write = self.store.write().await?;
        let body = Checkpoint::new(KeyName::of_log(self.us()), head.size, head.root).to_string();
        let theirs = format!("{body}\n{}\n", head.cosignature.trim_end());
        let size = write.queries().ledger_size().await?.min(head.size);
        let root = log::root(&mut write, size).await?;
        let ours =
            checkpoint::sign(&Checkpoint::new(KeyName::of_log(self.us()), size, root), self.keys.log())?;
        let mut evidence = vec![theirs.as_bytes(), ours.as_bytes()];
        if !carried.is_empty() {
            evidence.push(carried);
        }
        let finding = format!("foreign-head/{peer}/{}", Digest::of(body.as_bytes()).hex());
        self.accuse(&mut write, Accusation { peer, finding, file, report, evidence }).await?;
        Ok(write.commit().await?)
    }
}

fn held_by(peer: StateCode) -> String {
    format!("held/{peer}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        HandedBy,
        fixture::{Pair, Side},
    };
    use exchange::Envelope;
    use std::{fs, time::Duration};
    use store::Store;
    use treaty::Kind;

    /// The node as it was: its database is copied, and opened later as a second history.
    struct Copy {
        flow: Flow,
        _folder: tempfile::TempDir,
    }

    async fn copied(side: &Side) -> Copy {
        let folder = tempfile::tempdir().unwrap();
        let from = side.flow.folder().database();
        let to = folder.path().join("copy.sqlite3");
        for end in ["", "-wal"] {
            let (from, to) = (format!("{}{end}", from.display()), format!("{}{end}", to.display()));
            if fs::exists(&from).unwrap() {
                fs::copy(from, to).unwrap();
            }
        }
        let store = Store::open(&to).await.unwrap();
        Copy { flow: Flow { store, ..side.flow.clone() }, _folder: folder }
    }

    /// Carries what is due one way; what is refused is put off.
    async fn carry(from: &Flow, to: &Flow) -> Vec<Result<(), FlowError>> {
        from.record_stored().await.unwrap();
        from.discharge_due().await.unwrap();
        let mut done = Vec::new();
        for attempt in from.attempts_due().await.unwrap() {
            let bytes = from.envelope_bytes(attempt.envelope).await.unwrap();
            done.push(match to.take_in(&bytes, HandedBy::Peer(from.us())).await {
                Ok(receipt) => from.settle(attempt.envelope, &receipt).await.map(|_| ()),
                Err(error) => Err(error),
            });
        }
        done
    }

    async fn halted(flow: &Flow) -> usize {
        flow.halts().await.unwrap().len()
    }

    /// Both heads that a finding names, as they are kept.
    async fn evidence(flow: &Flow, code: &str) -> Vec<Vec<u8>> {
        let findings = flow.findings().await.unwrap();
        let found = findings.iter().find(|found| found.report.code == code).expect("there is a finding");
        let mut kept = Vec::new();
        for digest in &found.evidence {
            let mut read = flow.store().read().await.unwrap();
            kept.push(read.queries().object(*digest).await.unwrap().unwrap());
        }
        kept
    }

    async fn file_words(pair: &Pair, from: &Flow) {
        let draft = crate::fixture::example(Kind::PRESERVATION, from.now(), None);
        let file = from.draft(&pair.a.first, &draft).await.unwrap().file.file;
        from.submit(&pair.a.first, file).await.unwrap();
        from.approve(&pair.a.second, file).await.unwrap();
    }

    #[tokio::test]
    async fn every_head_of_an_honest_exchange_is_linked_on_both_sides() {
        let pair = Pair::new().await;
        for _ in 0..3 {
            pair.ask(Kind::PRESERVATION, None).await;
        }
        let file = pair.ask(Kind::PRESERVATION, None).await;
        pair.grant(file).await;
        pair.ask(Kind::PRESERVATION, None).await;
        for side in [&pair.a, &pair.b] {
            let mut read = side.flow.store().read().await.unwrap();
            let unlinked = read.queries().heads_unlinked().await.unwrap();
            assert!(unlinked.is_empty(), "{}: {unlinked:?}", side.flow.us());
        }
        assert_eq!((halted(&pair.a.flow).await, halted(&pair.b.flow).await), (0, 0));
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_sender_restored_from_a_copy_stops_at_its_next_message() {
        let pair = Pair::new().await;
        pair.ask(Kind::PRESERVATION, None).await;
        let old = copied(&pair.a).await;
        pair.ask(Kind::PRESERVATION, None).await;
        pair.ask(Kind::PRESERVATION, None).await;
        file_words(&pair, &old.flow).await;
        pair.clock.forward(Duration::from_secs(1));
        let error = carry(&old.flow, &pair.b.flow).await.remove(0).unwrap_err();
        // Its receipt names a head that this history never had, or its head is another one of the same size.
        assert!(["P-537", "P-524"].contains(&error.code()), "{}", error.code());
        assert_eq!(halted(&old.flow).await + halted(&pair.b.flow).await, 1);
        assert!(old.flow.attempts_due().await.unwrap().is_empty() || halted(&pair.b.flow).await == 1);
    }

    #[tokio::test]
    async fn a_receiver_restored_from_a_copy_stops_when_it_is_told_what_was_seen() {
        let pair = Pair::new().await;
        pair.ask(Kind::PRESERVATION, None).await;
        let old = copied(&pair.b).await;
        pair.ask(Kind::PRESERVATION, None).await;
        pair.ask(Kind::PRESERVATION, None).await;
        pair.approve(Kind::PRESERVATION, None).await;
        let error = carry(&pair.a.flow, &old.flow).await.remove(0).unwrap_err();
        assert_eq!(error.code(), "P-529");
        assert_eq!((halted(&old.flow).await, halted(&pair.a.flow).await), (1, 0));
        let kept = evidence(&old.flow, "P-529").await;
        assert_eq!(kept.len(), 2);
        assert!(kept.iter().all(|note| note.starts_with(b"xb.log.rogatory\n")));
        // It says so to whoever comes, and nothing was stored.
        pair.clock.forward(Duration::from_secs(600));
        let error = carry(&pair.a.flow, &old.flow).await.remove(0).unwrap_err();
        assert_eq!(error.code(), "R-901");
    }

    #[tokio::test]
    async fn a_receiver_restored_from_a_copy_is_found_by_its_receipt_and_the_receipt_stands() {
        let pair = Pair::new().await;
        pair.ask(Kind::PRESERVATION, None).await;
        let old = copied(&pair.b).await;
        pair.ask(Kind::PRESERVATION, None).await;
        let file = pair.approve(Kind::PRESERVATION, None).await;
        pair.a.flow.discharge_due().await.unwrap();
        let attempt = pair.a.flow.attempts_due().await.unwrap().remove(0);
        let bytes = pair.a.flow.envelope_bytes(attempt.envelope).await.unwrap();
        // A node that does not look at what was seen of its log.
        let (envelope, _) = Envelope::from_json(&bytes).unwrap();
        let blind = envelope.with_seen(None).to_json().unwrap();
        let receipt = old.flow.take_in(&blind, HandedBy::Peer(pair.a.flow.us())).await.unwrap();
        assert!(pair.a.flow.settle(attempt.envelope, &receipt).await.unwrap().first);
        assert!(pair.a.flow.outgoing(file).await.unwrap().delivered.is_some());
        assert_eq!(halted(&pair.a.flow).await, 1);
        let findings = pair.a.flow.findings().await.unwrap();
        let code = findings[0].report.code.clone();
        assert!(["P-524", "P-525"].contains(&code.as_str()), "{code}");
        let kept = evidence(&pair.a.flow, &code).await;
        assert!(kept.len() >= 3 && kept[..2].iter().all(|note| note.starts_with(b"xb.log.rogatory\n")));
        pair.a.flow.audit().await.unwrap();
    }

    #[tokio::test]
    async fn two_states_begin_anew_after_one_lost_its_log_and_the_old_heads_stay() {
        let pair = Pair::new().await;
        pair.ask(Kind::PRESERVATION, None).await;
        let old = copied(&pair.b).await;
        pair.ask(Kind::PRESERVATION, None).await;
        pair.approve(Kind::PRESERVATION, None).await;
        carry(&pair.a.flow, &old.flow).await.remove(0).unwrap_err();
        pair.clock.forward(Duration::from_secs(600));
        // The officers speak; B knows that it was restored, A lets B's log begin anew.
        let first = &pair.b.second;
        old.flow.resume(first, pair.a.flow.us(), "restored from the copy of Monday", false).await.unwrap();
        let refused = pair.a.flow.resume(&pair.a.second, old.flow.us(), "they called", true).await;
        assert_eq!(refused.unwrap_err().code(), "R-902", "A had not stopped");
        pair.a.flow.halt(&pair.a.second, old.flow.us(), "they called").await.unwrap();
        pair.a.flow.resume(&pair.a.second, old.flow.us(), "restored from a copy", true).await.unwrap();
        let mut said = 0;
        for _ in 0..3 {
            pair.clock.forward(Duration::from_secs(600));
            for done in carry(&pair.a.flow, &old.flow).await {
                done.unwrap();
                said += 1;
            }
            file_words(&pair, &pair.a.flow).await;
        }
        assert!(said >= 3);
        assert_eq!((halted(&pair.a.flow).await, halted(&old.flow).await), (0, 0));
        let mut read = pair.a.flow.store().read().await.unwrap();
        assert!(!read.queries().heads_before(old.flow.us()).await.unwrap().is_empty());
        let unlinked = read.queries().heads_unlinked().await.unwrap();
        assert!(unlinked.is_empty(), "{unlinked:?}");
        assert!(pair.a.flow.audit().await.unwrap().troubles.is_empty());
    }

    #[tokio::test]
    async fn a_proof_that_was_altered_on_its_way_accuses_nobody() {
        let pair = Pair::new().await;
        // The head before has no size of a power of two: the proof itself shows the older root.
        for _ in 0..2 {
            pair.ask(Kind::PRESERVATION, None).await;
        }
        pair.approve(Kind::PRESERVATION, None).await;
        pair.a.flow.discharge_due().await.unwrap();
        let attempt = pair.a.flow.attempts_due().await.unwrap().remove(0);
        let bytes = pair.a.flow.envelope_bytes(attempt.envelope).await.unwrap();
        let (mut envelope, _) = Envelope::from_json(&bytes).unwrap();
        let proof = envelope.log.consistency.as_mut().unwrap();
        proof.hashes[0] = Hash::from_bytes([7; 32]);
        let error = pair.b.flow.take_in(&envelope.to_json().unwrap(), HandedBy::Pouch).await.unwrap_err();
        assert_eq!(error.code(), "P-525");
        assert_eq!(halted(&pair.b.flow).await, 0);
        let findings = pair.b.flow.findings().await.unwrap();
        assert_eq!((findings.len(), findings[0].level), (1, crate::Level::Warn));
        pair.settle().await;
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_node_that_can_be_asked_is_asked_for_the_proof_and_gives_it() {
        let pair = Pair::new().await;
        pair.ask(Kind::PRESERVATION, None).await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        // B's receipt is lost: A does not know which of its heads B saw last.
        pair.approve(Kind::PRESERVATION, None).await;
        a.discharge_due().await.unwrap();
        let lost = a.attempts_due().await.unwrap().remove(0);
        b.take_in(&a.envelope_bytes(lost.envelope).await.unwrap(), HandedBy::Answering(a.us()))
            .await
            .unwrap();
        pair.approve(Kind::PRESERVATION, None).await;
        a.discharge_due().await.unwrap();
        let next = a.attempts_due().await.unwrap().pop().unwrap();
        assert_ne!(next.envelope, lost.envelope);
        let bytes = a.envelope_bytes(next.envelope).await.unwrap();
        let error = b.take_in(&bytes, HandedBy::Answering(a.us())).await.unwrap_err();
        assert_eq!(error.code(), "P-528");
        let head = b.challenge(a.us()).await.unwrap().unwrap();
        a.challenged(b.us(), &head).await.unwrap();
        let bytes = a.envelope_bytes(next.envelope).await.unwrap();
        let receipt = b.take_in(&bytes, HandedBy::Answering(a.us())).await.unwrap();
        a.settle(next.envelope, &receipt).await.unwrap();
        pair.settle().await;
        assert_eq!((halted(a).await, halted(b).await), (0, 0));
        pair.audit().await;
    }
    /// The first envelope that is due, as it goes on the road now.
    async fn first_due(from: &Flow) -> (vocabulary::EnvelopeId, Vec<u8>) {
        from.discharge_due().await.unwrap();
        let envelope = from.attempts_due().await.unwrap().remove(0).envelope;
        (envelope, from.envelope_bytes(envelope).await.unwrap())
    }

    /// B's first word overtakes B's receipt for the request: the receipt says less than A showed since.
    #[tokio::test]
    async fn a_receipt_that_was_overtaken_leaves_no_proof_to_be_asked_for() {
        let pair = Pair::new().await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        let file = pair.approve(Kind::PRESERVATION, None).await;
        let (request, bytes) = first_due(a).await;
        let overtaken = b.take_in(&bytes, HandedBy::Answering(a.us())).await.unwrap();
        b.record_stored().await.unwrap();
        let (opened, bytes) = first_due(b).await;
        let receipt = a.take_in(&bytes, HandedBy::Answering(b.us())).await.unwrap();
        b.settle(opened, &receipt).await.unwrap();
        a.settle(request, &overtaken).await.unwrap();
        a.consult(&pair.a.first, file, "words").await.unwrap();
        let (words, bytes) = first_due(a).await;
        let receipt = b.take_in(&bytes, HandedBy::Answering(a.us())).await.unwrap();
        a.settle(words, &receipt).await.unwrap();
        pair.settle().await;
        pair.audit().await;
    }
}
