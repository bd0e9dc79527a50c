//! Whether a head of a peer's log follows from the heads that were seen before.

use ledger::{Checkpoint, ConsistencyProof, ProofError};

/// True when `head` is proven to follow from `last`, the largest linked head; the first head is believed.
///
/// A proof from any head in `seen` must hold, whether it links or not; a proof from one that was not seen says
/// nothing. No proof is no contradiction: envelopes overtake each other in the pouch.
pub fn link(
    proof: Option<&ConsistencyProof>,
    last: Option<&Checkpoint>,
    seen: &[Checkpoint],
    head: &Checkpoint,
) -> Result<bool, ProofError> {
    let Some(last) = last else { return Ok(true) };
    if let Some(proof) = proof.filter(|proof| proof.from < head.size()) {
        for before in seen.iter().chain([last]).filter(|before| before.size() == proof.from) {
            proof.verify(before, head)?;
        }
    }
    Ok(last.size() == head.size()
        || head.size() > last.size() && proof.is_some_and(|proof| proof.from == last.size()))
}
