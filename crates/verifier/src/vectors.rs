//! The published vectors of the ledger, judged by this second implementation.

use crate::{
    hash::Digest,
    instant::Instant,
    log_proof,
    note::{Line, NoteKey, SignedHead, Use, confirmation, hash},
    tree,
};
use serde_json::Value;
use std::path::PathBuf;

fn cases(name: &str) -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors/ledger");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let cases = value["cases"].as_array().unwrap().clone();
    assert!(cases.len() > 10);
    cases
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap()
}

fn bytes(case: &Value, name: &str) -> [u8; 32] {
    hash(text(case, name)).unwrap()
}

fn path(case: &Value) -> Vec<[u8; 32]> {
    case["hashes"].as_array().unwrap().iter().map(|one| hash(one.as_str().unwrap()).unwrap()).collect()
}

#[test]
fn commitments_are_those_of_the_vectors() {
    for case in cases("commitment") {
        let digest = Digest::parse(text(&case, "digest")).unwrap();
        let own = tree::commitment(text(&case, "label"), &bytes(&case, "salt"), &digest);
        assert_eq!(own == bytes(&case, "commitment"), case["opens"] == true, "{}", case["name"]);
        if case["opens"] == true {
            assert_eq!(tree::leaf(&own), bytes(&case, "leaf_hash"));
        }
    }
}

#[test]
fn inclusion_and_growth_are_judged_as_the_vectors_say() {
    for case in cases("inclusion") {
        let (index, size) = (case["index"].as_u64().unwrap(), case["size"].as_u64().unwrap());
        let entry = tree::leaf(&bytes(&case, "leaf"));
        let judged = tree::included(index, size, &entry, &path(&case), &bytes(&case, "root"));
        assert_eq!(judged.is_ok(), case["expect"] == "ok", "{}: {judged:?}", case["name"]);
    }
    for case in cases("consistency") {
        let (from, to) = (case["old_size"].as_u64().unwrap(), case["new_size"].as_u64().unwrap());
        let judged = tree::grew(from, &bytes(&case, "old_root"), to, &bytes(&case, "new_root"), &path(&case));
        assert_eq!(judged.is_ok(), case["expect"] == "ok", "{}: {judged:?}", case["name"]);
    }
}

#[test]
fn keys_and_heads_are_judged_as_the_vectors_say() {
    for case in cases("key") {
        let kind = if case["kind"] == "log" { Use::Log } else { Use::Cosigner };
        let judged = NoteKey::parse(text(&case, "vkey"), kind);
        assert_eq!(judged.is_ok(), case["expect"] == "ok", "{}: {judged:?}", case["name"]);
    }
    for case in cases("checkpoint") {
        let key = NoteKey::parse(text(&case, "vkey"), Use::Log).unwrap();
        let judged = SignedHead::open(text(&case, "note"), &[key]);
        assert_eq!(judged.is_ok(), case["expect"] == "ok", "{}: {judged:?}", case["name"]);
    }
}

#[test]
fn confirmations_are_judged_as_the_vectors_say() {
    // A text that is no head never comes so far: it is read first.
    for case in cases("cosignature").iter().filter(|case| case["name"] != "not a checkpoint") {
        let key = NoteKey::parse(text(case, "vkey"), Use::Cosigner).unwrap();
        let judged =
            Line::parse(text(case, "line")).and_then(|line| confirmation(text(case, "body"), &line, &key));
        let seconds = case["expect"].as_i64().map(Instant::from_seconds);
        assert_eq!(judged.as_ref().ok().copied(), seconds, "{}: {judged:?}", case["name"]);
    }
}

#[test]
fn proofs_in_one_file_are_judged_as_the_vectors_say() {
    for case in cases("tlog-proof") {
        let log = NoteKey::parse(text(&case, "log"), Use::Log).unwrap();
        let cosigner = NoteKey::parse(text(&case, "cosigner"), Use::Cosigner).unwrap();
        let judged = log_proof::read(text(&case, "text").as_bytes(), &bytes(&case, "leaf"), &[log]);
        let judged = judged.and_then(|logged| logged.head.confirmed_by(&cosigner));
        let seconds = case["expect"].as_i64().map(Instant::from_seconds);
        assert_eq!(judged.as_ref().ok().copied().flatten(), seconds, "{}: {judged:?}", case["name"]);
    }
}
