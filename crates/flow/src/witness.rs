//! Our node as a witness of its peers' logs (C2SP tlog-witness), with the same memory as the receipts.

use crate::{Flow, FlowError, oversight::Accusation};
use exchange::AdmitFault;
use ledger::{
    AddCheckpoint, Checkpoint, ConsistencyProof, Hash, KeyName, ProofError, WitnessRefusal, checkpoint,
    witness::consider,
};
use register::Peer;
use std::sync::Arc;
use store::{HeadRow, Write};
use vocabulary::{Digest, Failure as _};

impl Flow {
    /// Decides on a request of anybody and returns the line with our cosignature, once it is durable that we gave it.
    pub async fn witness(&self, body: &[u8]) -> Result<String, FlowError> {
        let request = AddCheckpoint::parse(body)?;
        let peer = self.log_of(&request).await?;
        // Before the write lock is taken: who has no signature of the log costs a verification and no more.
        let shown = checkpoint::open(&request.note, peer.log()).map_err(WitnessRefusal::NotSigned)?;
        let mut write = self.store.write().await?;
        let last = self.last_head(&mut write, &peer).await?;
        let (size, root) = (shown.checkpoint().size(), *shown.checkpoint().root().as_bytes());
        self.not_halted(&mut write, peer.state()).await?;
        if write.queries().is_set_aside(peer.state(), size, &root).await? {
            return Err(WitnessRefusal::Unproven(ProofError::WrongLength { found: 0 }).into());
        }
        let known = write.queries().heads_of_size(peer.state(), size).await?;
        if known.iter().any(|row| row.root != root) {
            self.keep_two_heads(write, &peer, &request, shown.checkpoint(), last).await?;
            return Err(WitnessRefusal::OtherRoot { size }.into());
        }
        match consider(&request, peer.log(), last.as_ref()) {
            Ok(_) => {}
            Err(refusal @ WitnessRefusal::Unproven(_)) => {
                self.keep_two_heads(write, &peer, &request, shown.checkpoint(), last).await?;
                return Err(refusal.into());
            }
            Err(refusal) => return Err(refusal.into()),
        }
        write
            .keep_head(&HeadRow {
                peer: peer.state(),
                size,
                root,
                note: request.note.clone(),
                linked: true,
                seen_at: self.now(),
            })
            .await?;
        let cosigned = self.cosign_last(&mut write, peer.state(), self.now()).await?;
        write.commit().await?;
        let cosigned = cosigned.ok_or(FlowError::Record { what: "the head that was just kept" })?;
        Ok(format!("{}\n", cosigned.cosignature.trim_end()))
    }

    async fn log_of(&self, request: &AddCheckpoint) -> Result<Arc<Peer>, FlowError> {
        let peers = self.peers().await?;
        let known = peers.into_iter().find(|peer| peer.log().name().as_str() == request.origin());
        Ok(known.ok_or(WitnessRefusal::UnknownOrigin)?)
    }

    async fn last_head(&self, write: &mut Write, peer: &Peer) -> Result<Option<Checkpoint>, FlowError> {
        let row = write.queries().head(peer.state()).await?;
        let name = KeyName::of_log(peer.state());
        Ok(row.map(|row| Checkpoint::new(name, row.size, Hash::from_bytes(row.root))))
    }

    /// Stops the exchange when what a stranger brought proves by itself that the log contradicts itself.
    async fn keep_two_heads(
        &self,
        mut write: Write,
        peer: &Peer,
        request: &AddCheckpoint,
        head: &Checkpoint,
        last: Option<Checkpoint>,
    ) -> Result<(), FlowError> {
        let proof = ConsistencyProof { from: request.old, to: head.size(), hashes: request.proof.clone() };
        let known = write.queries().heads_of_size(peer.state(), head.size()).await?;
        let split = known.iter().find(|row| row.root != *head.root().as_bytes());
        let rewritten = last.filter(|last| proof.contradicts(last, head));
        let (fault, before) = match (split, rewritten) {
            (Some(other), _) => (AdmitFault::SplitView { size: other.size }, other.note.clone()),
            (None, Some(last)) => {
                let known = write.queries().heads_of_size(peer.state(), last.size()).await?;
                let note = known.into_iter().next().map(|row| row.note).unwrap_or_default();
                let root = ProofError::WrongOldRoot { expected: *last.root(), found: *head.root() };
                (AdmitFault::Rewritten(root), note)
            }
            (None, None) => return Ok(()),
        };
        let body = request.to_string();
        let accusation = Accusation {
            peer: peer.state(),
            finding: format!("log/{}/{}", peer.state(), Digest::of(request.note.as_bytes()).hex()),
            file: None,
            report: fault.report(),
            evidence: vec![before.as_bytes(), request.note.as_bytes(), body.as_bytes()],
        };
        self.accuse(&mut write, accusation).await?;
        Ok(write.commit().await?)
    }
}
