//! The log: notes, checkpoints, cosignatures, keys and tlog-proofs as text, and proofs against a tree built naively.

use crate::{
    input::{altered, way},
    scene::{EXERCISE, VECTORS},
};
use ledger::{
    AddCheckpoint, Checkpoint, Commitment, ConsistencyProof, CosignerVerifier, Hash, InclusionProof, LogVerifier, Note,
    SignatureLine, Tile, TlogProof, checkpoint,
    cosignature::{cosign, verify_cosignature},
    tile, tree,
    witness::consider,
};
use std::collections::HashMap;

/// Leaves of the largest tree that is built.
const MOST_LEAVES: u8 = 80;

pub fn run(data: &[u8]) {
    let Some((way, rest)) = way(data, 7) else { return };
    match way {
        0 => texts(rest),
        1 => signed(rest),
        2 => drop(built(rest)),
        3 => drop(claimed(rest)),
        4 => travelling(rest),
        5 => tiles(rest),
        _ => witnessed(rest),
    }
}

fn texts(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
    }
    if let Ok(line) = text.parse::<SignatureLine>() {
        assert_eq!(line.to_string().trim_end_matches('\n'), text.trim_end_matches('\n'));
    }
    if let Ok(head) = text.parse::<Checkpoint>() {
        assert_eq!(head.to_string(), text);
    }
    if let Ok(proof) = text.parse::<TlogProof>() {
        assert_eq!(proof.to_string(), text);
        let _ = proof.verify(&Commitment::from_bytes([0; 32]), VECTORS.a.log());
    }
    if let Ok(key) = LogVerifier::parse(text) {
        assert_eq!(key.vkey(), text);
    }
    if let Ok(key) = CosignerVerifier::parse(text) {
        assert_eq!(key.vkey(), text);
    }
    let _ = verify_cosignature(VECTORS.last.to_string().as_str(), text, VECTORS.b.cosigner());
    for peer in [&VECTORS.a, &EXERCISE.peer_b] {
        let Ok(head) = checkpoint::open(text, peer.log()) else { continue };
        assert_eq!(head.checkpoint().to_string(), head.body());
        let _ = head.cosigned_by(peer.cosigner());
    }
}

/// A path of a tile is the only one of that tile; contents print to what was read.
fn tiles(data: &[u8]) {
    let Some((path, content)) = std::str::from_utf8(data).ok().and_then(|text| text.split_once('\n')) else {
        return;
    };
    let Ok(tile) = path.parse::<Tile>() else { return };
    assert_eq!(tile.to_string(), path);
    let _ = (tile.is_in(u64::MAX), tile.needed());
    let width = u16::try_from(content.len() / 34).unwrap_or(u16::MAX);
    if let Ok(entries) = tile::read_bundle(content.as_bytes(), width) {
        assert_eq!(tile::bundle(&entries), content.as_bytes());
    }
    let _ = tile::read_hashes(content.as_bytes(), width);
}

/// A request to a witness: what it accepts is signed by the log.
fn witnessed(data: &[u8]) {
    let Ok(request) = AddCheckpoint::parse(data) else { return };
    let _ = request.origin();
    for last in [None, Some(&VECTORS.last)] {
        if let Ok(head) = consider(&request, VECTORS.a.log(), last) {
            assert!(checkpoint::open(&head.to_string(), VECTORS.a.log()).is_ok());
        }
    }
}

/// A checkpoint of any size, root and extension: signed it opens to itself, and cosigned it is itself and nothing else.
fn signed(data: &[u8]) {
    let Ok(head) = std::str::from_utf8(data).unwrap_or_default().parse::<Checkpoint>() else { return };
    let exercise = &*EXERCISE;
    let Ok(note) = checkpoint::sign(&head, &exercise.b.log_key) else { return };
    let opened = checkpoint::open(&note, exercise.peer_b.log()).expect("our own signature");
    assert_eq!(opened.checkpoint(), &head);
    let body = head.to_string();
    let Ok(line) = cosign(&body, &exercise.a.cosigner, 1_795_500_600) else { return };
    let at = verify_cosignature(&body, &line, exercise.peer_a.cosigner());
    assert_eq!(at, Ok(1_795_500_600));
    let other = format!("{body}x\n");
    assert!(verify_cosignature(&other, &line, exercise.peer_a.cosigner()).is_err());
    for at in [0, body.len() / 2, body.len().saturating_sub(2)] {
        let flipped =
            altered(note.as_bytes(), &[u8::try_from(at % 256).unwrap_or(0), 0, 1]).unwrap_or_default();
        let Ok(flipped) = String::from_utf8(flipped) else { continue };
        assert!(checkpoint::open(&flipped, exercise.peer_b.log()).is_err(), "an altered checkpoint");
    }
}

/// The root of RFC 9162, 2.1.1, as it is written there.
fn naive(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Hash::parent(&naive(left), &naive(right))
        }
    }
}

/// Grows a tree, proves a leaf and an older head in it, and refuses both proofs with one bit changed.
fn built(data: &[u8]) -> Option<()> {
    let ([size, index, old, which, at, flip], rest) = data.split_first_chunk::<6>()?;
    let size = 1 + u64::from(size % MOST_LEAVES);
    let (index, old) = (u64::from(*index) % size, u64::from(*old) % (size + 1));
    let mut nodes = HashMap::new();
    let mut leaves = Vec::new();
    for leaf in 0..size {
        let seed = rest.get(usize::try_from(leaf).ok()?).copied().unwrap_or(0);
        let hash = Hash::leaf(&[seed, u8::try_from(leaf).ok()?]);
        for node in tree::append(leaf, hash, &nodes).expect("every node is there") {
            nodes.insert((node.level, node.index), node.hash);
        }
        leaves.push(hash);
    }
    let root = tree::root(size, &nodes).expect("every node is there");
    assert_eq!(root, naive(&leaves));
    let leaf = leaves.get(usize::try_from(index).ok()?)?;
    let proof = tree::inclusion_proof(index, size, &nodes).expect("the leaf is there");
    assert_eq!(tree::verify_inclusion(index, size, leaf, &proof, &root), Ok(()));
    let older = naive(leaves.get(..usize::try_from(old).ok()?)?);
    let grown = tree::consistency_proof(old, size, &nodes).expect("it grew");
    assert_eq!(tree::verify_consistency(old, &older, size, &root, &grown), Ok(()));

    let bit = |hash: &Hash| {
        let mut bytes = *hash.as_bytes();
        bytes[usize::from(at % 32)] ^= flip.max(&1);
        Hash::from_bytes(bytes)
    };
    assert!(tree::verify_inclusion(index, size, &bit(leaf), &proof, &root).is_err());
    assert!(tree::verify_inclusion(index, size, leaf, &proof, &bit(&root)).is_err());
    for (other, more) in [(index + 1, size), (index.wrapping_sub(1), size)] {
        let same = leaves.get(usize::try_from(other).unwrap_or(usize::MAX)) == Some(leaf);
        assert!(same || tree::verify_inclusion(other, more, leaf, &proof, &root).is_err());
    }
    let mut wrong = proof.clone();
    let count = wrong.len();
    if let Some(hash) = usize::from(*which).checked_rem(count).and_then(|which| wrong.get_mut(which)) {
        *hash = bit(hash);
        assert!(tree::verify_inclusion(index, size, leaf, &wrong, &root).is_err());
        wrong.pop();
        assert!(tree::verify_inclusion(index, size, leaf, &wrong, &root).is_err());
    }
    let mut wrong = grown.clone();
    let count = wrong.len();
    if let Some(hash) = usize::from(*which).checked_rem(count).and_then(|which| wrong.get_mut(which)) {
        *hash = bit(hash);
        assert!(tree::verify_consistency(old, &older, size, &root, &wrong).is_err());
    }
    if old > 0 {
        assert!(tree::verify_consistency(old, &bit(&older), size, &root, &grown).is_err());
    }
    Some(())
}

/// Sizes, places and hashes that a peer could claim: never a panic, never more hashes than the limit.
fn claimed(data: &[u8]) -> Option<()> {
    let (old, rest) = data.split_first_chunk::<8>()?;
    let (new, rest) = rest.split_first_chunk::<8>()?;
    let (old, new) = (u64::from_le_bytes(*old), u64::from_le_bytes(*new));
    let hashes: Vec<Hash> =
        rest.chunks_exact(32).filter_map(|bytes| Some(Hash::from_bytes(bytes.try_into().ok()?))).collect();
    let (first, proof) = hashes.split_first()?;
    let (second, proof) = proof.split_first()?;
    if tree::verify_inclusion(old, new, first, proof, second).is_ok() {
        assert!(old < new && proof.len() <= tree::MAX_PROOF_HASHES);
        assert!(proof.is_empty() == (new == 1));
    }
    if tree::verify_consistency(old, first, new, second, proof).is_ok() {
        assert!(old <= new && (old != new || first == second));
    }
    let empty = HashMap::new();
    let _ = tree::inclusion_proof(old, new, &empty);
    let _ = tree::consistency_proof(old, new, &empty);
    let _ = tree::append(new, *first, &empty);
    let _ = tree::root(new, &empty);
    Some(())
}

fn travelling(data: &[u8]) {
    if let Ok(proof) = serde_json::from_slice::<InclusionProof>(data) {
        assert!(proof.hashes.len() <= tree::MAX_PROOF_HASHES);
        let _ = proof.verify(&Commitment::from_bytes([0; 32]), &VECTORS.last);
        let json = serde_json::to_vec(&proof).expect("a proof becomes JSON");
        assert_eq!(serde_json::from_slice::<InclusionProof>(&json).expect("our own JSON"), proof);
    }
    if let Ok(proof) = serde_json::from_slice::<ConsistencyProof>(data) {
        assert!(proof.hashes.len() <= tree::MAX_PROOF_HASHES);
        let _ = proof.verify(&VECTORS.last, &VECTORS.last);
        let json = serde_json::to_vec(&proof).expect("a proof becomes JSON");
        assert_eq!(serde_json::from_slice::<ConsistencyProof>(&json).expect("our own JSON"), proof);
    }
}
