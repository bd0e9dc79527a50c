//! The proof that a document is in a log, as it travels in a bundle: a tlog-proof and the opening of its entry.

use crate::{
    encoding::{hex32, unbase64},
    flaw::{Flaw, Wrong, wrong},
    hash::Digest,
    json::Json,
    note::{NoteKey, SignedHead, decimal, hash},
    tree::{self, Complete, Hash, MAX_HASHES},
};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
const MAX_BYTES: usize = 160 << 10;
const MAX_EXTRA_BYTES: usize = 4 << 10;

/// A document that is in a log, under a head that the log signed.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub head: SignedHead,
    pub index: u64,
    /// The subtrees that the proof fixes for ever.
    pub complete: Vec<Complete>,
}

/// The opening of an entry: label, salt and the digest of the document (spec/03, 3.1).
pub(crate) struct Opening {
    pub label: String,
    pub salt: Hash,
    pub digest: Digest,
    index: u64,
}

impl Opening {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Wrong> {
        let json = Json::parse(bytes)?;
        json.exactly(&["label", "salt", "digest", "leaf"])?;
        let salt =
            hex32(json.text("salt")?).ok_or_else(|| wrong(Flaw::Commitment, "the salt is not 32 bytes"))?;
        Ok(Self {
            label: json.text("label")?.to_owned(),
            salt,
            digest: json.digest("digest")?,
            index: json.count("leaf")?,
        })
    }

    /// The commitment, which must be of `label` and of the document with `digest`.
    pub(crate) fn commitment(&self, label: &str, digest: &Digest) -> Result<Hash, Wrong> {
        if self.label != label {
            let found: String = self.label.chars().take(64).collect();
            return Err(wrong(Flaw::Commitment, format!("the entry is a `{found}`, expected `{label}`")));
        }
        if self.digest != *digest {
            let what = format!("the entry is about `{}`, the document is `{digest}`", self.digest);
            return Err(wrong(Flaw::Commitment, what));
        }
        Ok(tree::commitment(label, &self.salt, digest))
    }

    /// The proof must be of the place that the opening names.
    pub(crate) fn is_at(&self, logged: &Logged) -> Result<(), Wrong> {
        if self.index == logged.index {
            Ok(())
        } else {
            let what = format!("the proof is of entry {}, the opening of entry {}", logged.index, self.index);
            Err(wrong(Flaw::Commitment, what))
        }
    }
}

/// Reads a `.tlog-proof` (C2SP tlog-proof v1) and checks it for this commitment and the log of these keys.
pub(crate) fn read(bytes: &[u8], commitment: &Hash, logs: &[NoteKey]) -> Result<Logged, Wrong> {
    let bad = |what: &str| wrong(Flaw::Inclusion, format!("the proof {what}"));
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_BYTES);
    let text = text.ok_or_else(|| bad("is not a text of at most 163840 bytes"))?;
    let (top, note) = text.split_once("\n\n").ok_or_else(|| bad("has no head of the log"))?;
    let mut lines = top.split('\n').peekable();
    if lines.next() != Some(HEADER) {
        return Err(bad("is of another format"));
    }
    let extra = lines.next_if(|line| line.starts_with("extra ")).and_then(|line| line.strip_prefix("extra "));
    if extra.is_some_and(|extra| unbase64(extra).is_none_or(|bytes| bytes.len() > MAX_EXTRA_BYTES)) {
        return Err(bad("has a malformed extra line"));
    }
    let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
    let index = index.ok_or_else(|| bad("has no place of the entry"))?;
    let path: Option<Vec<Hash>> = lines.take(MAX_HASHES + 1).map(hash).collect();
    let path = path.ok_or_else(|| bad("has a malformed hash"))?;
    let head = SignedHead::open(note, logs)?;
    let complete = tree::included(index, head.head.size, &tree::leaf(commitment), &path, &head.head.root)?;
    Ok(Logged { head, index, complete })
}

/// The log evidence inside an envelope or a receipt (spec/02, 2.6).
pub(crate) struct Inside {
    pub logged: Logged,
    /// A proof of growth from an earlier head: its size and hashes.
    pub growth: Option<(u64, Vec<Hash>)>,
    pub salt: Hash,
}

pub(crate) fn inside(json: &Json, label: &str, digest: &Digest, logs: &[NoteKey]) -> Result<Inside, Wrong> {
    json.exactly(&["salt", "inclusion", "checkpoint", "consistency?"])?;
    let salt =
        hex32(json.text("salt")?).ok_or_else(|| wrong(Flaw::Commitment, "the salt is not 32 bytes"))?;
    let head = SignedHead::open(json.text("checkpoint")?, logs)?;
    let proof = json.get("inclusion")?;
    proof.exactly(&["index", "size", "hashes"])?;
    let (index, path) = (proof.count("index")?, hashes(proof)?);
    if proof.count("size")? != head.head.size {
        return Err(wrong(Flaw::Inclusion, "the proof and the head are of different sizes"));
    }
    let entry = tree::leaf(&tree::commitment(label, &salt, digest));
    let complete = tree::included(index, head.head.size, &entry, &path, &head.head.root)?;
    let growth = match json.member("consistency") {
        None | Some(Json::Null) => None,
        Some(growth) => {
            growth.exactly(&["from", "to", "hashes"])?;
            if growth.count("to")? != head.head.size {
                return Err(wrong(Flaw::SplitView, "the proof of growth leads to another size"));
            }
            Some((growth.count("from")?, hashes(growth)?))
        }
    };
    Ok(Inside { logged: Logged { head, index, complete }, growth, salt })
}

fn hashes(json: &Json) -> Result<Vec<Hash>, Wrong> {
    let items = json.list("hashes")?;
    let read = |item: &Json| match item {
        Json::Text(text) => hash(text),
        _ => None,
    };
    let hashes: Option<Vec<Hash>> = items.iter().take(MAX_HASHES + 1).map(read).collect();
    hashes.ok_or_else(|| wrong(Flaw::Inclusion, "a hash is malformed"))
}
