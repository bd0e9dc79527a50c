//! The Merkle tree of RFC 6962 and RFC 9162 over stored nodes: append, root, and who must be loaded first.

mod consistency;
mod inclusion;

pub(crate) use consistency::rebuilt;
pub use consistency::{consistency_proof, needed_for_consistency, verify_consistency};
pub use inclusion::{inclusion_proof, needed_for_inclusion, verify_inclusion};

use crate::Hash;
use std::collections::HashMap;
use vocabulary::{Failure, Family};

/// The most leaves a tree may hold: positions fit a signed 64-bit column.
pub const MAX_SIZE: u64 = i64::MAX as u64;
/// The most hashes a proof may have; a tree of `MAX_SIZE` leaves needs 63 for inclusion, 64 for consistency.
pub const MAX_PROOF_HASHES: usize = 64;

/// The level (0 is the leaf hashes) and the index within the level of a complete subtree.
pub type Coordinate = (u8, u64);

/// Gives the hash of a complete subtree: of the leaves `index << level` up to `(index + 1) << level`.
pub trait NodeReader {
    fn node(&self, level: u8, index: u64) -> Option<Hash>;
}

impl NodeReader for HashMap<Coordinate, Hash> {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.get(&(level, index)).copied()
    }
}

/// A complete subtree that an append has finished; the store keeps it for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewNode {
    pub level: u8,
    pub index: u64,
    pub hash: Hash,
}

/// Our own tree cannot answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    #[error("the node at level {level}, index {index} is not in the store")]
    NodeMissing { level: u8, index: u64 },
    #[error("leaf {index} is not in a tree of {size} leaves")]
    OutsideTree { index: u64, size: u64 },
    #[error("a tree of {from} leaves cannot have grown to {to}")]
    NotGrown { from: u64, to: u64 },
    #[error("a tree of {size} leaves is larger than {MAX_SIZE}")]
    TooLarge { size: u64 },
}

impl Failure for TreeError {
    fn family(&self) -> Family {
        Family::Fault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::NodeMissing { .. } => "F-281",
            Self::OutsideTree { .. } => "F-282",
            Self::NotGrown { .. } => "F-283",
            Self::TooLarge { .. } => "F-284",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("RFC 9162, 2.1".to_owned())
    }
    fn remedy(&self) -> String {
        match self {
            Self::NodeMissing { .. } => "stop the node and restore the ledger from a backup: it lost a node",
            Self::OutsideTree { .. } | Self::NotGrown { .. } => "ask for a leaf or size that the tree has",
            Self::TooLarge { .. } => "start a new log under a new origin",
        }
        .to_owned()
    }
}

/// A proof that does not prove what it was sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("a proof of {found} hashes is longer than {MAX_PROOF_HASHES}")]
    TooLong { found: usize },
    #[error("leaf {index} is not in a tree of {size} leaves")]
    OutsideTree { index: u64, size: u64 },
    #[error("a proof of {found} hashes does not fit the shape of the tree")]
    WrongLength { found: usize },
    #[error("the proof leads to the root `{found}`, not to `{expected}`")]
    WrongRoot { expected: Hash, found: Hash },
    #[error("the log shrank from {old} leaves to {new}")]
    Shrank { old: u64, new: u64 },
    #[error("the proof rebuilds the older root as `{found}`, not as `{expected}`")]
    WrongOldRoot { expected: Hash, found: Hash },
    #[error("the proof is for a tree of {found} leaves, the checkpoint for {expected}")]
    OtherSize { expected: u64, found: u64 },
}

impl Failure for ProofError {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "P-201",
            Self::OutsideTree { .. } => "P-202",
            Self::WrongLength { .. } => "P-203",
            Self::WrongRoot { .. } => "P-204",
            Self::Shrank { .. } => "P-205",
            Self::WrongOldRoot { .. } => "P-206",
            Self::OtherSize { .. } => "P-207",
        }
    }
    fn clause(&self) -> Option<String> {
        match self {
            Self::Shrank { .. } | Self::WrongOldRoot { .. } => Some("RFC 9162, 2.1.4.2".to_owned()),
            _ => Some("RFC 9162, 2.1.3.2 and 2.1.4.2".to_owned()),
        }
    }
    fn remedy(&self) -> String {
        match self {
            Self::Shrank { .. } | Self::WrongOldRoot { .. } => {
                "keep both signed checkpoints, stop the exchange with this log and tell its State"
            }
            _ => "keep the proof and the checkpoint and ask the sender for a proof that fits",
        }
        .to_owned()
    }
}

/// The nodes that [`append`] reads.
pub fn needed_for_append(size: u64) -> Vec<Coordinate> {
    (0..size.trailing_ones().min(u64::BITS - 1)).map(|level| (level as u8, (size >> level) - 1)).collect()
}

/// The nodes that leaf number `size` completes, lowest first; the new size is `size + 1`.
pub fn append(size: u64, leaf_hash: Hash, reader: &impl NodeReader) -> Result<Vec<NewNode>, TreeError> {
    if size >= MAX_SIZE {
        return Err(TreeError::TooLarge { size });
    }
    let mut node = NewNode { level: 0, index: size, hash: leaf_hash };
    let mut new = vec![node];
    for (level, index) in needed_for_append(size) {
        let left = read(reader, (level, index))?;
        node = NewNode { level: level + 1, index: index / 2, hash: Hash::parent(&left, &node.hash) };
        new.push(node);
    }
    Ok(new)
}

/// The nodes that [`root`] reads.
pub fn needed_for_root(size: u64) -> Vec<Coordinate> {
    Leaves { from: 0, to: size }.complete_subtrees()
}

/// The root of the tree of the first `size` leaves.
pub fn root(size: u64, reader: &impl NodeReader) -> Result<Hash, TreeError> {
    check_size(size)?;
    if size == 0 {
        return Ok(Hash::empty_root());
    }
    Leaves { from: 0, to: size }.hash(reader)
}

/// A run of leaves that is a subtree in the recursion of RFC 9162, 2.1.1; never empty but for an empty tree.
#[derive(Debug, Clone, Copy)]
struct Leaves {
    from: u64,
    to: u64,
}

impl Leaves {
    fn count(self) -> u64 {
        self.to - self.from
    }

    /// The largest power of two smaller than the count; the count is at least 2.
    fn split(self) -> u64 {
        1 << (self.count() - 1).ilog2()
    }

    /// Left to right, each as large as fits.
    fn complete_subtrees(self) -> Vec<Coordinate> {
        let mut found = Vec::new();
        let mut from = self.from;
        while from < self.to {
            let level = (self.to - from).ilog2();
            found.push((level as u8, from >> level));
            from += 1 << level;
        }
        found
    }

    fn hash(self, reader: &impl NodeReader) -> Result<Hash, TreeError> {
        let mut right_to_left = self.complete_subtrees().into_iter().rev();
        let last = right_to_left.next().ok_or(TreeError::OutsideTree { index: self.from, size: self.to })?;
        let mut hash = read(reader, last)?;
        for left in right_to_left {
            hash = Hash::parent(&read(reader, left)?, &hash);
        }
        Ok(hash)
    }
}

fn read(reader: &impl NodeReader, (level, index): Coordinate) -> Result<Hash, TreeError> {
    reader.node(level, index).ok_or(TreeError::NodeMissing { level, index })
}

fn check_size(size: u64) -> Result<(), TreeError> {
    if size > MAX_SIZE { Err(TreeError::TooLarge { size }) } else { Ok(()) }
}

/// Each hash of a proof is the hash of one run of leaves.
fn coordinates(runs: &[Leaves]) -> Vec<Coordinate> {
    runs.iter().flat_map(|run| run.complete_subtrees()).collect()
}

fn hashes(runs: &[Leaves], reader: &impl NodeReader) -> Result<Vec<Hash>, TreeError> {
    runs.iter().map(|run| run.hash(reader)).collect()
}

fn check_length(proof: &[Hash]) -> Result<(), ProofError> {
    if proof.len() > MAX_PROOF_HASHES { Err(ProofError::TooLong { found: proof.len() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tlog_tiles::tlog;

    /// A store that counts on exactly the nodes that were loaded for the call.
    #[derive(Default, Clone)]
    struct Log {
        nodes: HashMap<Coordinate, Hash>,
        size: u64,
    }

    impl Log {
        fn of(size: u64) -> Self {
            let mut log = Self::default();
            (0..size).for_each(|n| log.push(leaf(n)));
            log
        }

        fn push(&mut self, leaf: Hash) {
            let new = append(self.size, leaf, &self.only(&needed_for_append(self.size))).unwrap();
            self.nodes.extend(new.into_iter().map(|node| ((node.level, node.index), node.hash)));
            self.size += 1;
        }

        fn only(&self, needed: &[Coordinate]) -> HashMap<Coordinate, Hash> {
            needed.iter().map(|at| (*at, self.nodes[at])).collect()
        }

        fn root(&self, size: u64) -> Hash {
            root(size, &self.only(&needed_for_root(size))).unwrap()
        }

        fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
            inclusion_proof(index, size, &self.only(&needed_for_inclusion(index, size))).unwrap()
        }

        fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
            consistency_proof(old, new, &self.only(&needed_for_consistency(old, new))).unwrap()
        }
    }

    fn leaf(n: u64) -> Hash {
        Hash::leaf(&n.to_be_bytes())
    }

    /// MTH of RFC 6962, 2.1, as it is written there.
    fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::empty_root(),
            [one] => *one,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                Hash::parent(&naive_root(&leaves[..k]), &naive_root(&leaves[k..]))
            }
        }
    }

    /// PATH of RFC 6962, 2.1.1, as it is written there.
    fn naive_inclusion(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(k);
        let (mut path, other) =
            if m < k { (naive_inclusion(m, left), right) } else { (naive_inclusion(m - k, right), left) };
        path.push(naive_root(other));
        path
    }

    /// SUBPROOF of RFC 6962, 2.1.2, as it is written there.
    fn naive_consistency(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if whole { Vec::new() } else { vec![naive_root(leaves)] };
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(k);
        let (mut path, other) = if m <= k {
            (naive_consistency(m, left, whole), right)
        } else {
            (naive_consistency(m - k, right, false), left)
        };
        path.push(naive_root(other));
        path
    }

    fn flipped(hash: &Hash, bit: usize) -> Hash {
        let mut bytes = *hash.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        Hash::from_bytes(bytes)
    }

    #[test]
    fn the_published_roots_of_rfc_6962_implementations_come_out() {
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut log = Log::default();
        for data in leaves {
            assert_eq!(hex::encode(log.root(log.size).as_bytes()), roots[log.size as usize]);
            log.push(Hash::leaf(&hex::decode(data).unwrap()));
        }
        assert_eq!(hex::encode(log.root(8).as_bytes()), roots[8]);
    }

    #[test]
    fn every_proof_up_to_70_leaves_is_the_naive_one_and_verifies() {
        let log = Log::of(70);
        let leaves: Vec<Hash> = (0..70).map(leaf).collect();
        for size in 0..=70 {
            let root = log.root(size);
            let first = &leaves[..size as usize];
            assert_eq!(root, naive_root(first));
            for at in 0..size {
                let inclusion = log.inclusion(at, size);
                assert_eq!(inclusion, naive_inclusion(at as usize, first));
                verify_inclusion(at, size, &leaf(at), &inclusion, &root).unwrap();
            }
            for old in 0..=size {
                let consistency = log.consistency(old, size);
                if old > 0 {
                    assert_eq!(consistency, naive_consistency(old as usize, first, true));
                }
                verify_consistency(old, &log.root(old), size, &root, &consistency).unwrap();
            }
        }
    }

    #[test]
    fn a_true_proof_for_another_leaf_index_or_size_is_refused() {
        let log = Log::of(33);
        for size in 1..=33 {
            let root = log.root(size);
            for at in 0..size {
                let proof = log.inclusion(at, size);
                for other in (0..size + 2).filter(|other| *other != at) {
                    let verified = verify_inclusion(other, size, &leaf(at), &proof, &root);
                    assert!(verified.is_err(), "{at} as {other} of {size}");
                }
                assert!(verify_inclusion(at, size, &leaf(at + 1), &proof, &root).is_err());
            }
            for old in 1..size {
                let proof = log.consistency(old, size);
                for other in (0..size + 2).filter(|other| *other != old) {
                    let verified = verify_consistency(other, &log.root(old), size, &root, &proof);
                    assert!(verified.is_err(), "{old} as {other} of {size}");
                }
            }
        }
    }

    #[test]
    fn proofs_have_the_length_of_the_tree_and_no_other() {
        let log = Log::of(13);
        let (root, old_root) = (log.root(13), log.root(6));
        let (inclusion, consistency) = (log.inclusion(5, 13), log.consistency(6, 13));
        for cut in 0..inclusion.len() {
            let verified = verify_inclusion(5, 13, &leaf(5), &inclusion[..cut], &root);
            assert_eq!(verified, Err(ProofError::WrongLength { found: cut }));
        }
        for cut in 0..consistency.len() {
            let verified = verify_consistency(6, &old_root, 13, &root, &consistency[..cut]);
            assert_eq!(verified, Err(ProofError::WrongLength { found: cut }));
        }
        let longer = |proof: &[Hash]| [proof, &[leaf(0)]].concat();
        let verified = verify_inclusion(5, 13, &leaf(5), &longer(&inclusion), &root);
        assert_eq!(verified, Err(ProofError::WrongLength { found: 5 }));
        let verified = verify_consistency(6, &old_root, 13, &root, &longer(&consistency));
        assert_eq!(verified, Err(ProofError::WrongLength { found: consistency.len() + 1 }));
        let endless = vec![leaf(0); 65];
        let too_long = Err(ProofError::TooLong { found: 65 });
        assert_eq!(verify_inclusion(5, u64::MAX, &leaf(5), &endless, &root), too_long);
        assert_eq!(verify_consistency(5, &root, u64::MAX, &root, &endless), too_long);
    }

    #[test]
    fn a_log_that_shrank_or_shows_two_roots_for_one_size_is_found() {
        let log = Log::of(9);
        let (nine, eight) = (log.root(9), log.root(8));
        assert_eq!(verify_consistency(9, &nine, 8, &eight, &[]), Err(ProofError::Shrank { old: 9, new: 8 }));
        let two_faced = ProofError::WrongRoot { expected: eight, found: nine };
        assert_eq!(verify_consistency(9, &nine, 9, &eight, &[]), Err(two_faced));
        let rewritten = verify_consistency(8, &leaf(0), 9, &nine, &log.consistency(8, 9));
        assert!(rewritten.is_err());
        let not_empty = ProofError::WrongOldRoot { expected: eight, found: Hash::empty_root() };
        assert_eq!(verify_consistency(0, &eight, 9, &nine, &[]), Err(not_empty));
        assert_eq!(verify_consistency(0, &Hash::empty_root(), 9, &nine, &[]), Ok(()));
        let padded = verify_consistency(9, &nine, 9, &nine, &[leaf(1)]);
        assert_eq!(padded, Err(ProofError::WrongLength { found: 1 }));
    }

    #[test]
    fn a_lost_node_is_named() {
        let log = Log::of(8);
        let mut nodes = log.nodes.clone();
        nodes.remove(&(2, 1));
        assert_eq!(inclusion_proof(0, 8, &nodes), Err(TreeError::NodeMissing { level: 2, index: 1 }));
        assert_eq!(inclusion_proof(8, 8, &nodes), Err(TreeError::OutsideTree { index: 8, size: 8 }));
        assert_eq!(consistency_proof(9, 8, &nodes), Err(TreeError::NotGrown { from: 9, to: 8 }));
        assert_eq!(append(MAX_SIZE, leaf(0), &nodes), Err(TreeError::TooLarge { size: MAX_SIZE }));
        assert_eq!(root(u64::MAX, &nodes), Err(TreeError::TooLarge { size: u64::MAX }));
    }

    #[test]
    fn what_must_be_loaded_grows_with_the_logarithm() {
        for size in [1_000, 1_000_000, MAX_SIZE] {
            let levels = 64 - size.leading_zeros() as usize;
            assert!(needed_for_append(size - 1).len() <= levels);
            assert!(needed_for_root(size).len() <= levels);
            for at in [0, size / 3, size - 1] {
                assert!(needed_for_inclusion(at, size).len() <= 2 * levels);
                assert!(needed_for_consistency(at, size).len() <= 2 * levels);
            }
        }
        assert_eq!(needed_for_append(u64::MAX).len(), 63);
    }

    #[test]
    fn an_append_makes_fewer_than_two_nodes_on_average() {
        let log = Log::of(1000);
        assert!(log.nodes.len() < 2000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_flipped_bit_makes_an_inclusion_proof_fail(
            (size, at) in (1u64..600).prop_flat_map(|size| (Just(size), 0..size)),
            (place, bit) in (any::<prop::sample::Index>(), 0usize..256),
        ) {
            let log = Log::of(size);
            let (leaf, root, proof) = (leaf(at), log.root(size), log.inclusion(at, size));
            prop_assert_eq!(verify_inclusion(at, size, &leaf, &proof, &root), Ok(()));
            prop_assert!(verify_inclusion(at, size, &flipped(&leaf, bit), &proof, &root).is_err());
            prop_assert!(verify_inclusion(at, size, &leaf, &proof, &flipped(&root, bit)).is_err());
            if !proof.is_empty() {
                let mut bad = proof.clone();
                let place = place.index(bad.len());
                bad[place] = flipped(&bad[place], bit);
                prop_assert!(verify_inclusion(at, size, &leaf, &bad, &root).is_err());
            }
        }

        #[test]
        fn any_flipped_bit_makes_a_consistency_proof_fail(
            (size, old) in (2u64..600).prop_flat_map(|size| (Just(size), 1..size)),
            (place, bit) in (any::<prop::sample::Index>(), 0usize..256),
        ) {
            let log = Log::of(size);
            let (old_root, root, proof) = (log.root(old), log.root(size), log.consistency(old, size));
            prop_assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));
            prop_assert!(verify_consistency(old, &flipped(&old_root, bit), size, &root, &proof).is_err());
            prop_assert!(verify_consistency(old, &old_root, size, &flipped(&root, bit), &proof).is_err());
            let mut bad = proof;
            let place = place.index(bad.len());
            bad[place] = flipped(&bad[place], bit);
            prop_assert!(verify_consistency(old, &old_root, size, &root, &bad).is_err());
        }

        #[test]
        fn hostile_sizes_and_proofs_never_panic(
            sizes in any::<(u64, u64)>(),
            bytes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        ) {
            let proof: Vec<Hash> = bytes.into_iter().map(Hash::from_bytes).collect();
            let (a, b) = sizes;
            prop_assert!(verify_inclusion(a, b, &leaf(0), &proof, &leaf(1)).is_err());
            let _ = verify_consistency(a, &leaf(0), b, &leaf(1), &proof);
            let _ = (needed_for_inclusion(a, b), needed_for_consistency(a, b), needed_for_root(a));
        }

        #[test]
        fn another_author_s_verifier_accepts_our_proofs_and_ours_accepts_theirs(
            (size, old, at) in (2u64..400).prop_flat_map(|size| (Just(size), 1..size, 0..size)),
        ) {
            let log = Log::of(size);
            let theirs = Oracle::of(size);
            let (root, old_root) = (log.root(size), log.root(old));
            prop_assert_eq!(tlog::tree_hash(size, &theirs).unwrap(), to_oracle(&root));

            let inclusion = log.inclusion(at, size).iter().map(to_oracle).collect();
            tlog::check_record(&inclusion, size, to_oracle(&root), at, to_oracle(&leaf(at))).unwrap();
            let consistency = log.consistency(old, size).iter().map(to_oracle).collect();
            tlog::check_tree(&consistency, size, to_oracle(&root), old, to_oracle(&old_root)).unwrap();

            let inclusion = from_oracle(tlog::prove_record(size, at, &theirs).unwrap());
            prop_assert_eq!(verify_inclusion(at, size, &leaf(at), &inclusion, &root), Ok(()));
            let consistency = from_oracle(tlog::prove_tree(size, old, &theirs).unwrap());
            prop_assert_eq!(verify_consistency(old, &old_root, size, &root, &consistency), Ok(()));
        }
    }

    /// The tree as another author's crate stores it.
    struct Oracle(Vec<tlog::Hash>);

    impl Oracle {
        fn of(size: u64) -> Self {
            let mut stored = Self(Vec::new());
            for n in 0..size {
                let new = tlog::stored_hashes(n, &n.to_be_bytes(), &stored).unwrap();
                stored.0.extend(new);
            }
            stored
        }
    }

    impl tlog::HashReader for Oracle {
        fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
            Ok(indexes.iter().map(|at| self.0[*at as usize]).collect())
        }
    }

    fn to_oracle(hash: &Hash) -> tlog::Hash {
        tlog::Hash(*hash.as_bytes())
    }

    fn from_oracle(hashes: Vec<tlog::Hash>) -> Vec<Hash> {
        hashes.into_iter().map(|hash| Hash::from_bytes(hash.0)).collect()
    }
}
