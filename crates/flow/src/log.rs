//! Our own log inside a session: append, root, proofs, signed heads.

use crate::{Flow, FlowError};
use exchange::LogEvidence;
use ledger::{
    Checkpoint, Commitment, ConsistencyProof, Hash, InclusionProof, KeyName, Salt, TreeError, checkpoint,
    tree,
};
use std::collections::HashMap;
use store::{NodeRow, Session, Write};
use vocabulary::Digest;

/// The label of a commitment to an event's bytes.
pub(crate) const EVENT_LABEL: &str = "rogatory/event/1";

impl Flow {
    /// Appends a salted commitment to `digest` and returns the salt and the leaf's number.
    pub(crate) async fn append(
        &self,
        write: &mut Write,
        label: &str,
        digest: &Digest,
    ) -> Result<([u8; 32], u64), FlowError> {
        let salt = self.random::<32>()?;
        let commitment = Commitment::new(label, &Salt::from_bytes(salt), digest);
        let size = write.queries().ledger_size().await?;
        let nodes = load(write, tree::needed_for_append(size)).await?;
        let added = tree::append(size, commitment.leaf_hash(), &nodes)?;
        write.append_leaf(size, commitment.as_bytes()).await?;
        for node in added {
            write
                .add_node(&NodeRow { level: node.level, position: node.index, hash: *node.hash.as_bytes() })
                .await?;
        }
        Ok((salt, size))
    }

    /// The head of our log as it is in this session, unsigned.
    pub(crate) async fn head(&self, session: &mut impl Session) -> Result<Checkpoint, FlowError> {
        let size = session.queries().ledger_size().await?;
        Ok(Checkpoint::new(KeyName::of_log(self.us()), size, root(session, size).await?))
    }

    /// Proof that leaf `leaf` with `salt` is in our log, which grew from the first `from` leaves.
    pub(crate) async fn log_evidence(
        &self,
        session: &mut impl Session,
        salt: &[u8],
        leaf: u64,
        from: Option<u64>,
    ) -> Result<LogEvidence, FlowError> {
        let head = self.head(session).await?;
        let size = head.size();
        let inclusion = inclusion_in(session, leaf, size).await?;
        let consistency = match from {
            Some(from) if from > 0 && from < size => {
                let nodes = load(session, tree::needed_for_consistency(from, size)).await?;
                let hashes = tree::consistency_proof(from, size, &nodes)?;
                Some(ConsistencyProof { from, to: size, hashes })
            }
            _ => None,
        };
        Ok(LogEvidence {
            salt: hex::encode(salt),
            inclusion,
            checkpoint: checkpoint::sign(&head, self.keys.log())?,
            consistency,
        })
    }
}

/// The path from leaf `leaf` to the root of the first `size` leaves.
pub(crate) async fn inclusion_in(
    session: &mut impl Session,
    leaf: u64,
    size: u64,
) -> Result<InclusionProof, FlowError> {
    let nodes = load(session, tree::needed_for_inclusion(leaf, size)).await?;
    Ok(InclusionProof { index: leaf, size, hashes: tree::inclusion_proof(leaf, size, &nodes)? })
}

/// The root of the first `size` leaves.
pub(crate) async fn root(session: &mut impl Session, size: u64) -> Result<Hash, FlowError> {
    let nodes = load(session, tree::needed_for_root(size)).await?;
    Ok(tree::root(size, &nodes)?)
}

pub(crate) async fn load(
    session: &mut impl Session,
    needed: Vec<(u8, u64)>,
) -> Result<HashMap<(u8, u64), Hash>, FlowError> {
    let rows = session.queries().ledger_nodes(&needed).await?;
    let nodes: HashMap<_, _> =
        rows.into_iter().map(|row| ((row.level, row.position), Hash::from_bytes(row.hash))).collect();
    match needed.into_iter().find(|place| !nodes.contains_key(place)) {
        Some((level, index)) => Err(TreeError::NodeMissing { level, index }.into()),
        None => Ok(nodes),
    }
}
