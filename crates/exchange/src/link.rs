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

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{Hash, KeyName, tree};
    use std::collections::HashMap;

    /// One history for each kind.
    struct Log(HashMap<(u8, u64), Hash>);

    impl Log {
        fn of_kind(kind: u8) -> Self {
            let mut nodes = HashMap::new();
            for leaf in 0..20_u8 {
                for node in tree::append(leaf.into(), Hash::leaf(&[kind, leaf]), &nodes).unwrap() {
                    nodes.insert((node.level, node.index), node.hash);
                }
            }
            Self(nodes)
        }

        fn head(&self, size: u64) -> Checkpoint {
            let root = tree::root(size, &self.0).unwrap();
            Checkpoint::new(KeyName::of_log("XA".parse().unwrap()), size, root)
        }

        fn proof(&self, from: u64, to: u64) -> ConsistencyProof {
            ConsistencyProof { from, to, hashes: tree::consistency_proof(from, to, &self.0).unwrap() }
        }
    }

    #[test]
    fn a_head_is_linked_by_a_proof_from_the_largest_linked_one_and_by_nothing_else() {
        let log = Log::of_kind(1);
        let (last, head) = (log.head(6), log.head(13));
        assert_eq!(link(None, None, &[], &head), Ok(true), "the first head");
        assert_eq!(link(Some(&log.proof(6, 13)), Some(&last), &[], &head), Ok(true));
        assert_eq!(link(None, Some(&last), &[], &head), Ok(false), "no proof");
        assert_eq!(link(None, Some(&head), &[], &head), Ok(true), "the same head");
        assert_eq!(link(Some(&log.proof(3, 6)), Some(&head), &[], &last), Ok(false), "an older head");
        let from_another = log.proof(3, 13);
        assert_eq!(link(Some(&from_another), Some(&last), &[], &head), Ok(false));
        assert_eq!(link(Some(&from_another), Some(&last), &[log.head(3)], &head), Ok(false));
    }

    #[test]
    fn a_proof_that_fails_from_any_head_that_was_seen_is_a_contradiction() {
        let (log, other) = (Log::of_kind(1), Log::of_kind(2));
        let head = other.head(13);
        assert!(link(Some(&other.proof(6, 13)), Some(&log.head(6)), &[], &head).is_err());
        let seen = [log.head(3)];
        assert!(link(Some(&other.proof(3, 13)), Some(&other.head(6)), &seen, &head).is_err());
        assert!(other.proof(6, 13).contradicts(&log.head(6), &head), "the proof itself shows it");
        let mut altered = other.proof(6, 13);
        altered.hashes[0] = Hash::empty_root();
        assert!(!altered.contradicts(&other.head(6), &head), "an altered proof shows nothing");
        assert!(!other.proof(6, 13).contradicts(&other.head(6), &head));
    }
}
