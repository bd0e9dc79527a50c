//! Proof that a later tree only added leaves to an earlier one (RFC 9162, 2.1.4).

use super::{Coordinate, Leaves, NodeReader, ProofError, TreeError};
use super::{check_length, check_size, coordinates, hashes};
use crate::Hash;

/// The nodes that [`consistency_proof`] reads; none when `old` is 0, `new` or larger.
pub fn needed_for_consistency(old: u64, new: u64) -> Vec<Coordinate> {
    coordinates(&runs(old, new))
}

/// The proof that the first `old` leaves of the tree of `new` leaves are the older tree.
///
/// From size 0, and from a size to itself, the proof is empty.
pub fn consistency_proof(old: u64, new: u64, reader: &impl NodeReader) -> Result<Vec<Hash>, TreeError> {
    check_size(new)?;
    if old > new {
        return Err(TreeError::NotGrown { from: old, to: new });
    }
    hashes(&runs(old, new), reader)
}

/// SUBPROOF(old, D[new], true) of RFC 9162, 2.1.4.1, without recursion.
fn runs(old: u64, new: u64) -> Vec<Leaves> {
    let mut found = Vec::new();
    if old == 0 || old >= new {
        return found;
    }
    let mut around = Leaves { from: 0, to: new };
    while old != around.to {
        let middle = around.from + around.split();
        let (left, right) =
            (Leaves { from: around.from, to: middle }, Leaves { from: middle, to: around.to });
        let (inside, outside) = if old <= middle { (left, right) } else { (right, left) };
        found.push(outside);
        around = inside;
    }
    if around.from != 0 {
        found.push(around);
    }
    found.reverse();
    found
}

/// Checks the proof as RFC 9162, 2.1.4.2 says.
///
/// A tree of no leaves is consistent with any later tree by an empty proof, a tree with itself by an empty proof.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    check_length(proof)?;
    if old_size > new_size {
        return Err(ProofError::Shrank { old: old_size, new: new_size });
    }
    if old_size == 0 || old_size == new_size {
        return verify_empty_proof(old_size, old_root, new_size, new_root, proof);
    }
    let wrong_length = ProofError::WrongLength { found: proof.len() };
    let (old, new) = rebuild_roots(old_size, old_root, new_size, proof).ok_or(wrong_length)?;
    if old != *old_root {
        return Err(ProofError::WrongOldRoot { expected: *old_root, found: old });
    }
    if new != *new_root {
        return Err(ProofError::WrongRoot { expected: *new_root, found: new });
    }
    Ok(())
}

/// The two roots to which the hashes of a proof lead; `None` when they do not fit the sizes.
pub(crate) fn rebuilt(old_size: u64, old_root: &Hash, new_size: u64, proof: &[Hash]) -> Option<(Hash, Hash)> {
    check_length(proof).ok()?;
    if old_size == 0 || old_size >= new_size {
        return None;
    }
    rebuild_roots(old_size, old_root, new_size, proof)
}

fn verify_empty_proof(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if !proof.is_empty() {
        return Err(ProofError::WrongLength { found: proof.len() });
    }
    let empty = Hash::empty_root();
    if old_size == 0 && *old_root != empty {
        return Err(ProofError::WrongOldRoot { expected: *old_root, found: empty });
    }
    if old_size == new_size && old_root != new_root {
        return Err(ProofError::WrongRoot { expected: *new_root, found: *old_root });
    }
    Ok(())
}

/// The older and the newer root that the proof leads to; `None` when its length does not fit.
fn rebuild_roots(old_size: u64, old_root: &Hash, new_size: u64, proof: &[Hash]) -> Option<(Hash, Hash)> {
    let mut rest = proof.iter();
    // The older root is itself a node of the newer tree when the older size is a power of two.
    let first = if old_size.is_power_of_two() && !proof.is_empty() { old_root } else { rest.next()? };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    let (mut old, mut new) = (*first, *first);
    for hash in rest {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            old = Hash::parent(hash, &old);
            new = Hash::parent(hash, &new);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new = Hash::parent(&new, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    (last == 0).then_some((old, new))
}
