//! Proof that a leaf is in a tree (RFC 9162, 2.1.3).

use super::{Coordinate, Leaves, NodeReader, ProofError, TreeError};
use super::{check_length, check_size, coordinates, hashes};
use crate::Hash;

/// The nodes that [`inclusion_proof`] reads; none when the tree has no such leaf.
pub fn needed_for_inclusion(index: u64, size: u64) -> Vec<Coordinate> {
    coordinates(&siblings(index, size))
}

/// The siblings of leaf `index` from the leaf's own to the root's child.
pub fn inclusion_proof(index: u64, size: u64, reader: &impl NodeReader) -> Result<Vec<Hash>, TreeError> {
    check_size(size)?;
    if index >= size {
        return Err(TreeError::OutsideTree { index, size });
    }
    hashes(&siblings(index, size), reader)
}

/// PATH(index, D[size]) of RFC 9162, 2.1.3.1, without recursion.
fn siblings(index: u64, size: u64) -> Vec<Leaves> {
    if index >= size {
        return Vec::new();
    }
    let mut around = Leaves { from: 0, to: size };
    let mut found = Vec::new();
    while around.count() > 1 {
        let middle = around.from + around.split();
        let (left, right) =
            (Leaves { from: around.from, to: middle }, Leaves { from: middle, to: around.to });
        let (inside, sibling) = if index < middle { (left, right) } else { (right, left) };
        found.push(sibling);
        around = inside;
    }
    found.reverse();
    found
}

/// Checks the proof as RFC 9162, 2.1.3.2 says.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf_hash: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    check_length(proof)?;
    if index >= size {
        return Err(ProofError::OutsideTree { index, size });
    }
    let wrong_length = ProofError::WrongLength { found: proof.len() };
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf_hash);
    for sibling in proof {
        if last == 0 {
            return Err(wrong_length);
        }
        if node & 1 == 1 || node == last {
            hash = Hash::parent(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = Hash::parent(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong_length);
    }
    if hash != *root {
        return Err(ProofError::WrongRoot { expected: *root, found: hash });
    }
    Ok(())
}
