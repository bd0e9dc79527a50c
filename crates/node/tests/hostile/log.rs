//! A log that shows two faces or rewrites its past: refused, and both signed heads are kept as evidence.

use crate::fixture::{Node, World};
use exchange::{Envelope, LogEvidence, STATEMENT_LABEL};
use ledger::{
    AddCheckpoint, Checkpoint, Commitment, ConsistencyProof, Hash, InclusionProof, KeyName, Salt, checkpoint,
    tree,
};
use std::collections::HashMap;
use vocabulary::{Digest, EnvelopeId};

/// Another history than the one the node keeps.
#[derive(Default)]
pub(crate) struct Face {
    nodes: HashMap<(u8, u64), Hash>,
    size: u64,
}

impl Face {
    pub(crate) fn of(leaves: u64) -> Self {
        Self::of_kind(leaves, 7)
    }

    /// Another history for each kind.
    pub(crate) fn of_kind(leaves: u64, kind: u8) -> Self {
        let mut face = Self::default();
        for leaf in 0..leaves {
            let salt = Salt::from_bytes([kind; 32]);
            face.append(&Commitment::new("rogatory/event/1", &salt, &Digest::of(&leaf.to_be_bytes())));
        }
        face
    }

    fn append(&mut self, commitment: &Commitment) {
        for node in tree::append(self.size, commitment.leaf_hash(), &self.nodes).unwrap() {
            self.nodes.insert((node.level, node.index), node.hash);
        }
        self.size += 1;
    }

    /// What a witness is asked for this history as if it were the node's.
    pub(crate) fn asks(&self, node: &Node, old: u64, size: u64) -> AddCheckpoint {
        let root = tree::root(size, &self.nodes).unwrap();
        let head = Checkpoint::new(KeyName::of_log(node.state()), size, root);
        let proof = tree::consistency_proof(old, size, &self.nodes).unwrap();
        AddCheckpoint { old, proof, note: checkpoint::sign(&head, node.flow.keys().log()).unwrap() }
    }

    /// The planted envelope, committed as the last leaf of this history and signed with the real log key.
    async fn show(mut self, node: &Node, id: EnvelopeId, from: Option<u64>) -> Vec<u8> {
        let (mut envelope, _) = Envelope::from_json(&node.envelope(id).await).unwrap();
        let salt = Salt::from_bytes([9; 32]);
        self.append(&Commitment::new(STATEMENT_LABEL, &salt, &envelope.committed()));
        let (size, root) = (self.size, tree::root(self.size, &self.nodes).unwrap());
        let head = Checkpoint::new(KeyName::of_log(node.state()), size, root);
        let hashes = tree::inclusion_proof(size - 1, size, &self.nodes).unwrap();
        envelope.log = LogEvidence {
            salt: hex::encode([9; 32]),
            inclusion: InclusionProof { index: size - 1, size, hashes },
            checkpoint: checkpoint::sign(&head, node.flow.keys().log()).unwrap(),
            consistency: from.map(|from| ConsistencyProof {
                from,
                to: size,
                hashes: tree::consistency_proof(from, size, &self.nodes).unwrap(),
            }),
        };
        envelope.to_json().unwrap()
    }
}

/// The size of the log in an envelope, and its signed head.
fn head(bytes: &[u8]) -> (u64, String) {
    let (envelope, _) = Envelope::from_json(bytes).unwrap();
    (envelope.log.inclusion.size, envelope.log.checkpoint)
}

async fn refused_with_evidence(world: &World, honest: &str, forged: Vec<u8>, code: &str) {
    let before = world.a.mark().await;
    let answer = world.b.hand_over(&world.a, forged.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (409, code));
    // The halt itself stands in the ledger, and nothing else changed.
    assert_eq!(world.a.mark().await.with_leaves_of(&before), before);
    let findings = world.a.flow.findings().await.unwrap();
    let found = findings.iter().find(|finding| finding.report.code == code).unwrap();
    assert_eq!((found.level, found.peer), (flow::Level::Fail, Some(world.b.state())));
    let mut read = world.a.flow.store().read().await.unwrap();
    let heads = read.queries().heads(world.b.state()).await.unwrap();
    assert!(heads.iter().any(|head| head.note == honest));
    let (_, note) = head(&forged);
    let kept = read.queries().object(Digest::of(note.as_bytes())).await.unwrap();
    assert_eq!(kept.as_deref(), Some(note.as_bytes()));
    let named = [honest, &note].map(|note| Digest::of(note.as_bytes()));
    assert!(named.iter().all(|digest| found.evidence.contains(digest)), "{:?}", found.evidence);
    // Told again, it is the same finding, and nothing is exchanged any more.
    let again = world.b.hand_over(&world.a, forged).await;
    assert_eq!((again.status.as_u16(), again.code().as_str()), (409, "R-901"));
    assert_eq!(world.a.flow.findings().await.unwrap().len(), findings.len());
    assert_eq!(world.a.flow.halts().await.unwrap().len(), 1);
}

/// After the officers spoke, what waited is delivered.
async fn resumed(world: &World, id: EnvelopeId) {
    world.a.flow.resume(&world.a.second, world.b.state(), "a test of theirs", false).await.unwrap();
    world.b.deliver(&world.a, id).await;
    world.still_works().await;
}

async fn seen() -> (World, EnvelopeId, u64, String) {
    let mut world = World::new().await;
    world.a.start().await;
    for _ in 0..3 {
        let id = world.b.plant_words(&world.a).await;
        world.b.deliver(&world.a, id).await;
    }
    let id = world.b.plant_words(&world.a).await;
    let bytes = world.b.envelope(id).await;
    let (size, note) = head(&bytes);
    world.b.deliver(&world.a, id).await;
    crate::fixture::at_rest(&world.a).await;
    let next = world.b.plant_words(&world.a).await;
    (world, next, size, note)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_heads_of_one_size_are_refused_and_kept() {
    let (world, id, size, note) = seen().await;
    let forged = Face::of(size - 1).show(&world.b, id, None).await;
    refused_with_evidence(&world, &note, forged, "P-524").await;
    resumed(&world, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_history_is_refused_and_kept() {
    let (world, id, size, note) = seen().await;
    let forged = Face::of(size + 5).show(&world.b, id, Some(size)).await;
    refused_with_evidence(&world, &note, forged, "P-525").await;
    resumed(&world, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_a_proof_from_the_last_one_is_asked_for_it() {
    let (world, id, size, _) = seen().await;
    let before = world.a.mark().await;
    let unproven = Face::of(size + 5).show(&world.b, id, None).await;
    let answer = world.b.hand_over(&world.a, unproven).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (409, "P-528"));
    let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(told["head"]["size"].as_u64(), Some(size));
    assert_eq!(world.a.mark().await, before);
    world.b.deliver(&world.a, id).await;
    world.still_works().await;
}
