//! The vectors of `spec/vectors/ledger`, made by a second implementation of `spec/03-ledger.md`, good and bad.

use ledger::{
    CheckpointError, Commitment, CosignerKey, CosignerVerifier, Hash, KeyError, LogKey, LogVerifier, Salt,
    TlogProof, checkpoint, cosignature, tree,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{collections::HashMap, fs, path::Path};
use vocabulary::{Digest, Failure};
use zeroize::Zeroizing;

fn read<T: DeserializeOwned>(name: &str) -> T {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors/ledger");
    let text = fs::read_to_string(folder.join(name)).expect("the vector file is there");
    serde_json::from_str(&text).expect("the vector file has this shape")
}

#[derive(Deserialize)]
struct Cases<T> {
    cases: Vec<T>,
}

/// `"ok"`, the returned number, or the code of the failure.
fn outcome<T: Into<Value>, E: Failure>(result: Result<T, E>) -> Value {
    result.map_or_else(|failure| failure.code().into(), Into::into)
}

fn ok<E>(result: Result<(), E>) -> Result<&'static str, E> {
    result.map(|()| "ok")
}

#[derive(Deserialize)]
struct CommitmentCase {
    name: String,
    label: String,
    salt: Salt,
    digest: Digest,
    commitment: Commitment,
    leaf_hash: Hash,
    opens: bool,
}

#[test]
fn commitments_open_as_the_vectors_say() {
    let vectors: Cases<CommitmentCase> = read("commitment.json");
    for case in vectors.cases {
        let opens = case.commitment.opens_to(&case.label, &case.salt, &case.digest);
        assert_eq!(opens, case.opens, "{}", case.name);
        assert_eq!(case.commitment.leaf_hash(), case.leaf_hash, "{}", case.name);
    }
}

#[derive(Deserialize)]
struct TreeVector {
    leaves: Vec<Commitment>,
    roots: Vec<Hash>,
}

#[test]
fn roots_are_those_of_the_vectors() {
    let vector: TreeVector = read("tree.json");
    let mut nodes = HashMap::new();
    for (size, leaf) in vector.leaves.iter().enumerate() {
        let size = size as u64;
        assert_eq!(tree::root(size, &nodes), Ok(vector.roots[size as usize]));
        let new = tree::append(size, leaf.leaf_hash(), &nodes).unwrap();
        nodes.extend(new.into_iter().map(|node| ((node.level, node.index), node.hash)));
    }
    let size = vector.leaves.len();
    assert_eq!(tree::root(size as u64, &nodes), Ok(vector.roots[size]));
}

#[derive(Deserialize)]
struct InclusionCase {
    name: String,
    leaf: Commitment,
    index: u64,
    size: u64,
    hashes: Vec<Hash>,
    root: Hash,
    expect: Value,
}

#[test]
fn inclusion_proofs_are_judged_as_the_vectors_say() {
    let vectors: Cases<InclusionCase> = read("inclusion.json");
    for case in vectors.cases {
        let leaf = case.leaf.leaf_hash();
        let result = tree::verify_inclusion(case.index, case.size, &leaf, &case.hashes, &case.root);
        assert_eq!(outcome(ok(result)), case.expect, "{}", case.name);
    }
}

#[derive(Deserialize)]
struct ConsistencyCase {
    name: String,
    old_size: u64,
    old_root: Hash,
    new_size: u64,
    new_root: Hash,
    hashes: Vec<Hash>,
    expect: Value,
}

#[test]
fn consistency_proofs_are_judged_as_the_vectors_say() {
    let vectors: Cases<ConsistencyCase> = read("consistency.json");
    for case in vectors.cases {
        let (old, new) = (&case.old_root, &case.new_root);
        let result = tree::verify_consistency(case.old_size, old, case.new_size, new, &case.hashes);
        assert_eq!(outcome(ok(result)), case.expect, "{}", case.name);
    }
}

#[derive(Deserialize)]
struct KeyCase {
    name: String,
    vkey: String,
    kind: String,
    expect: Value,
    seed: Option<Salt>,
}

#[test]
fn verifier_keys_are_judged_as_the_vectors_say() {
    let vectors: Cases<KeyCase> = read("key.json");
    for case in vectors.cases {
        let result: Result<String, KeyError> = match case.kind.as_str() {
            "log" => LogVerifier::parse(&case.vkey).map(|key| key.vkey()),
            "cosigner" => CosignerVerifier::parse(&case.vkey).map(|key| key.vkey()),
            kind => panic!("{kind}"),
        };
        let expect = if case.expect == "ok" { json!(case.vkey) } else { case.expect };
        assert_eq!(outcome(result), expect, "{}", case.name);
        if let Some(seed) = case.seed {
            let seed = Zeroizing::new(*seed.as_bytes());
            let name = case.vkey.split('+').next().unwrap().parse().unwrap();
            let made = if case.kind == "log" {
                LogKey::from_seed(name, &seed).vkey()
            } else {
                CosignerKey::from_seed(name, &seed).vkey()
            };
            assert_eq!(made, case.vkey, "{}", case.name);
        }
    }
}

#[derive(Deserialize)]
struct CheckpointCase {
    name: String,
    vkey: String,
    note: String,
    expect: Value,
}

#[test]
fn checkpoints_are_judged_as_the_vectors_say() {
    let vectors: Cases<CheckpointCase> = read("checkpoint.json");
    for case in vectors.cases {
        let key = LogVerifier::parse(&case.vkey).unwrap();
        let result: Result<String, CheckpointError> =
            checkpoint::open(&case.note, &key).map(|head| head.to_string());
        let expect = if case.expect == "ok" { json!(case.note) } else { case.expect };
        assert_eq!(outcome(result), expect, "{}", case.name);
    }
}

#[derive(Deserialize)]
struct CosignatureCase {
    name: String,
    vkey: String,
    body: String,
    line: String,
    expect: Value,
}

#[test]
fn cosignatures_are_judged_as_the_vectors_say() {
    let vectors: Cases<CosignatureCase> = read("cosignature.json");
    for case in vectors.cases {
        let key = CosignerVerifier::parse(&case.vkey).unwrap();
        let result = cosignature::verify_cosignature(&case.body, &case.line, &key);
        assert_eq!(outcome(result), case.expect, "{}", case.name);
    }
}

#[derive(Deserialize)]
struct TlogProofCase {
    name: String,
    leaf: Commitment,
    log: String,
    cosigner: String,
    text: String,
    expect: Value,
}

#[test]
fn tlog_proofs_are_judged_as_the_vectors_say() {
    let vectors: Cases<TlogProofCase> = read("tlog-proof.json");
    for case in vectors.cases {
        let log = LogVerifier::parse(&case.log).unwrap();
        let cosigner = CosignerVerifier::parse(&case.cosigner).unwrap();
        let proof = case.text.parse::<TlogProof>().and_then(|proof| proof.verify(&case.leaf, &log));
        let found = match proof {
            Ok(head) => outcome(head.cosigned_by(&cosigner)),
            Err(failure) => failure.code().into(),
        };
        assert_eq!(found, case.expect, "{}", case.name);
    }
}

/// What our signer writes is what the second implementation wrote, byte for byte.
#[test]
fn our_signatures_are_the_bytes_of_the_vectors() {
    let keys: Cases<KeyCase> = read("key.json");
    let seed = |n: usize| Zeroizing::new(*keys.cases[n].seed.unwrap().as_bytes());
    let log = LogKey::from_seed("xa.log.rogatory".parse().unwrap(), &seed(0));
    let cosigner = CosignerKey::from_seed("xb.witness.rogatory".parse().unwrap(), &seed(1));
    let checkpoints: Cases<CheckpointCase> = read("checkpoint.json");
    let note = &checkpoints.cases[0].note;
    let head = checkpoint::open(note, log.verifier()).unwrap();
    assert_eq!(&checkpoint::sign(head.checkpoint(), &log).unwrap(), note);
    let cosignatures: Cases<CosignatureCase> = read("cosignature.json");
    let expected = &cosignatures.cases[0];
    let line = cosignature::cosign(&expected.body, &cosigner, expected.expect.as_u64().unwrap());
    assert_eq!(line.unwrap(), expected.line);
}
