//! What the simulator knows to be true beside the nodes: it saw every receipt that was given out.

use crate::step::{FileStep, MessageId};
use ledger::Hash;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use treaty::Kind;
use vocabulary::{Digest, EnvelopeId, FileId};

/// A broken invariant.
#[derive(Debug, Clone, Serialize)]
pub struct Violation {
    pub invariant: &'static str,
    pub state: String,
    pub found: String,
    pub step: u64,
}

/// A file as the step that drafted it knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownFile {
    pub id: FileId,
    pub from: usize,
    pub to: usize,
    pub kind: Kind,
}

/// A receipt that left a node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handed {
    pub receipt: Digest,
    pub step: u64,
}

/// A State that went on from an old copy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Restored {
    pub step: u64,
    pub size: u64,
    /// The largest head of its log that each State had seen and linked.
    pub seen: BTreeMap<usize, u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    /// The last head of every State's log.
    pub heads: BTreeMap<usize, (u64, Hash)>,
    /// By giver, sender and envelope.
    pub handed: BTreeMap<(usize, usize, EnvelopeId), Handed>,
    /// By sender and envelope: the receipt it believed.
    pub settled: BTreeMap<(usize, EnvelopeId), Digest>,
    /// The sealed digest of every envelope that was put on a road.
    pub sealed: BTreeMap<EnvelopeId, Digest>,
    pub files: BTreeMap<FileStep, KnownFile>,
    pub restored: BTreeMap<usize, Restored>,
    /// Who was shown a false log of whom by somebody with the keys.
    pub lied_about: BTreeSet<(usize, usize)>,
    /// The newest message that arrived, by sender and receiver.
    pub newest: BTreeMap<(usize, usize), MessageId>,
}
