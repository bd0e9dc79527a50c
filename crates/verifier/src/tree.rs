//! The Merkle tree of a log (RFC 9162, 2.1): that an entry is in it, and that it only grew.

use crate::{
    flaw::{Flaw, Wrong, wrong},
    hash::Digest,
};

/// More are refused before any hashing.
pub(crate) const MAX_HASHES: usize = 64;

pub(crate) type Hash = [u8; 32];

/// A subtree that is complete and will never change: its height, its place among those of that height, its hash.
pub(crate) type Complete = (u32, u64, Hash);

pub(crate) fn leaf(commitment: &Hash) -> Hash {
    Digest::of(&[&[0][..], commitment].concat()).0
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Digest::of(&[&[1][..], left, right].concat()).0
}

/// `SHA-256( len(domain) || domain || len(label) || label || len(salt) || salt || len(digest) || digest )`.
pub(crate) fn commitment(label: &str, salt: &Hash, digest: &Digest) -> Hash {
    let fields: [&[u8]; 4] = [b"rogatory/commitment/v1", label.as_bytes(), salt, &digest.0];
    let bytes: Vec<u8> =
        fields.iter().flat_map(|field| [&(field.len() as u64).to_be_bytes()[..], field].concat()).collect();
    Digest::of(&bytes).0
}

/// Checks the path from entry `index` to the root of `size` entries (RFC 9162, 2.1.3.2); returns the complete
/// subtrees that the path fixes, so that two paths in one log can be compared.
pub(crate) fn included(
    index: u64,
    size: u64,
    entry: &Hash,
    path: &[Hash],
    root: &Hash,
) -> Result<Vec<Complete>, Wrong> {
    let bad = |what: &str| wrong(Flaw::Inclusion, what.to_owned());
    if index >= size || path.len() > MAX_HASHES {
        return Err(bad("the place of the entry is not in the log"));
    }
    let (mut place, mut last, mut height) = (index, size - 1, 0_u32);
    let mut here = *entry;
    let mut complete = vec![(0, index, here)];
    for beside in path {
        if last == 0 {
            return Err(bad("the path has too many hashes"));
        }
        if place & 1 == 1 || place == last {
            while place & 1 == 0 && place != 0 {
                (place, last, height) = (place >> 1, last >> 1, height + 1);
            }
            complete.push((height, place.wrapping_sub(1), *beside));
            here = node(beside, &here);
        } else {
            keep(&mut complete, height, place + 1, *beside, size);
            here = node(&here, beside);
        }
        (place, last, height) = (place >> 1, last >> 1, height + 1);
        keep(&mut complete, height, place, here, size);
    }
    if last != 0 {
        return Err(bad("the path has too few hashes"));
    }
    if here == *root {
        Ok(complete)
    } else {
        Err(bad("the path leads to another root than the one that was signed"))
    }
}

/// Keeps a subtree only if all its entries exist.
fn keep(complete: &mut Vec<Complete>, height: u32, place: u64, hash: Hash, size: u64) {
    let end = u128::from(place).saturating_add(1).checked_shl(height);
    if height < 64 && end.is_some_and(|end| end <= u128::from(size)) {
        complete.push((height, place, hash));
    }
}

/// Checks that the tree of `to` entries begins with the tree of `from` (RFC 9162, 2.1.4.2).
pub(crate) fn grew(from: u64, old: &Hash, to: u64, new: &Hash, path: &[Hash]) -> Result<(), Wrong> {
    let bad = |what: &str| wrong(Flaw::SplitView, what.to_owned());
    if from > to || path.len() > MAX_HASHES {
        return Err(bad("the log shrank"));
    }
    if from == to || from == 0 {
        let empty = from != 0 || *old == Digest::of(&[]).0;
        let same = from != to || old == new;
        let holds = path.is_empty() && empty && same;
        return if holds { Ok(()) } else { Err(bad("the log was rewritten")) };
    }
    let mut path = path.to_vec();
    if from.is_power_of_two() {
        path.insert(0, *old);
    }
    let (mut place, mut last) = (from - 1, to - 1);
    while place & 1 == 1 {
        (place, last) = (place >> 1, last >> 1);
    }
    let (first, rest) = path.split_first().ok_or_else(|| bad("the proof of growth is too short"))?;
    let (mut older, mut newer) = (*first, *first);
    for beside in rest {
        if last == 0 {
            return Err(bad("the proof of growth is too long"));
        }
        if place & 1 == 1 || place == last {
            older = node(beside, &older);
            newer = node(beside, &newer);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            newer = node(&newer, beside);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    let holds = last == 0 && older == *old && newer == *new;
    if holds {
        Ok(())
    } else {
        Err(bad("the log was rewritten: the later head does not begin with the earlier one"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: u64) -> Vec<Hash> {
        (0..count).map(|n| leaf(&Digest::of(&n.to_be_bytes()).0)).collect()
    }

    /// RFC 9162, 2.1.1, by recursion.
    fn root(entries: &[Hash]) -> Hash {
        match entries {
            [] => Digest::of(&[]).0,
            [one] => *one,
            _ => {
                let at = entries.len().next_power_of_two() / 2;
                node(&root(&entries[..at]), &root(&entries[at..]))
            }
        }
    }

    /// RFC 9162, 2.1.3.1.
    fn path(index: usize, entries: &[Hash]) -> Vec<Hash> {
        if entries.len() == 1 {
            return Vec::new();
        }
        let at = entries.len().next_power_of_two() / 2;
        let (mut rest, beside) = if index < at {
            (path(index, &entries[..at]), root(&entries[at..]))
        } else {
            (path(index - at, &entries[at..]), root(&entries[..at]))
        };
        rest.push(beside);
        rest
    }

    /// RFC 9162, 2.1.4.1.
    fn growth(from: usize, entries: &[Hash], whole: bool) -> Vec<Hash> {
        if from == entries.len() {
            return if whole { Vec::new() } else { vec![root(entries)] };
        }
        let at = entries.len().next_power_of_two() / 2;
        let (mut rest, beside) = if from <= at {
            (growth(from, &entries[..at], whole), root(&entries[at..]))
        } else {
            (growth(from - at, &entries[at..], false), root(&entries[..at]))
        };
        rest.push(beside);
        rest
    }

    #[test]
    fn every_entry_of_every_small_log_is_included_and_nothing_else() {
        for size in 1..=33_u64 {
            let all = entries(size);
            let root_hash = root(&all);
            for index in 0..size {
                let way = path(usize::try_from(index).unwrap(), &all);
                let entry = all[usize::try_from(index).unwrap()];
                let complete = included(index, size, &entry, &way, &root_hash).unwrap();
                for (height, place, hash) in complete {
                    let (from, to) = ((place << height) as usize, ((place + 1) << height) as usize);
                    assert_eq!(hash, root(&all[from..to]), "{size} {index} {height} {place}");
                }
                assert!(included(index, size, &[7; 32], &way, &root_hash).is_err());
                assert!(included(index, size, &entry, &way, &[7; 32]).is_err());
                assert!(included(index, size, &entry, &[&way[..], &[[1; 32]]].concat(), &root_hash).is_err());
                if let Some((_, shorter)) = way.split_last() {
                    assert!(included(index, size, &entry, shorter, &root_hash).is_err());
                }
            }
            assert!(included(size, size, &all[0], &[], &root_hash).is_err());
        }
        assert!(included(u64::MAX - 1, u64::MAX, &[0; 32], &[[0; 32]; 64], &[0; 32]).is_err());
    }

    #[test]
    fn every_growth_is_believed_and_no_rewrite() {
        let all = entries(33);
        for to in 1..=33 {
            for from in 1..=to {
                let way = growth(from, &all[..to], true);
                let (old, new) = (root(&all[..from]), root(&all[..to]));
                assert_eq!(grew(from as u64, &old, to as u64, &new, &way), Ok(()), "{from} {to}");
                assert!(grew(from as u64, &[7; 32], to as u64, &new, &way).is_err());
                assert!(grew(from as u64, &old, to as u64, &[7; 32], &way).is_err());
            }
        }
        assert!(grew(5, &[0; 32], 4, &[0; 32], &[]).is_err());
    }
}
