//! What a lying peer tries, with real keys in hand: every one must be refused.

use crate::{
    check::LIES_FAIL,
    message::{Message, Reply},
    model::Restored,
    road::ACCUSING,
    step::{Lie, MessageId},
    world::{Outcome, World},
};
use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use exchange::{Envelope, Receipt};
use flow::HandedBy;
use ledger::{
    Checkpoint, Commitment, ConsistencyProof, Hash, InclusionProof, KeyName, checkpoint, cosignature, tree,
};
use std::collections::{BTreeMap, HashMap};
use vocabulary::{Digest, EnvelopeId, Failure as _, OfficeFunction};

/// Where a forged envelope goes and who hands it over.
struct Forged {
    bytes: Vec<u8>,
    at: usize,
    by: usize,
}

impl World {
    pub(crate) async fn lie(&mut self, id: MessageId, lie: Lie) -> Result<Outcome> {
        let Some(message) = self.messages.get(&id).cloned() else {
            return Ok(Outcome::said("no such message"));
        };
        let forged = match lie {
            Lie::RewrittenLog => self.rewritten(&message).await?,
            Lie::OtherId => {
                other_id(&message)?.map(|bytes| Forged { bytes, at: message.to, by: message.from })
            }
            Lie::OtherContent { like } => self.other_content(&message, like)?,
            Lie::WrongAddressee { at } => {
                let bytes = message.bytes.clone();
                (at != message.to && at != message.from).then_some(Forged { bytes, at, by: message.from })
            }
            Lie::WrongSender { by } => {
                let bytes = message.bytes.clone();
                (by != message.to && by != message.from).then_some(Forged { bytes, at: message.to, by })
            }
            _ => return self.lie_in_receipt(&message, lie).await,
        };
        let Some(forged) = forged else { return Ok(Outcome::said("nothing to lie about")) };
        self.hand_over_forged(&message, lie, forged).await
    }

    async fn hand_over_forged(&mut self, message: &Message, lie: Lie, forged: Forged) -> Result<Outcome> {
        let (Some(at), Some(by)) = (self.nations.get(forged.at), self.nations.get(forged.by)) else {
            return Ok(Outcome::said("no such State"));
        };
        let Some(flow) = at.flow().cloned() else { return Ok(Outcome::said("down")) };
        let by = HandedBy::Answering(by.code);
        if lie == Lie::RewrittenLog {
            self.model.lied_about.insert((forged.at, message.from));
        }
        self.counts.fault(&format!("lie-{}", lie.word()));
        let taken = flow.take_in(&forged.bytes, by).await;
        if self.nation(forged.at)?.peril.is_down() {
            return Ok(Outcome::said("died"));
        }
        Ok(Outcome::said(match taken {
            Err(error) => {
                if ACCUSING.contains(&error.code()) {
                    self.check_stopped(forged.at, message.from).await?;
                }
                self.failed(forged.at, &error)
            }
            Ok(_) => {
                self.violated(LIES_FAIL, forged.at, format!("{} was taken in", lie.word()));
                "believed".to_owned()
            }
        }))
    }

    /// A log that agrees with nothing that was shown before, signed with the sender's own log key.
    async fn rewritten(&self, message: &Message) -> Result<Option<Forged>> {
        let known = (message.to, message.from, message.attempt.envelope);
        if message.arrived || self.model.handed.contains_key(&known) || !self.nation(message.from)?.honest {
            return Ok(None);
        }
        let (sender, receiver) = (self.nation(message.from)?, self.nation(message.to)?);
        if sender.peril.is_down() || receiver.peril.is_down() {
            return Ok(None);
        }
        // Taken in by a process that died before it could say so: the same envelope again is only a duplicate.
        let inbox =
            receiver.disk().read().await?.queries().inbox(sender.code, message.attempt.envelope).await?;
        if inbox.is_some() {
            return Ok(None);
        }
        let Some(seen) = receiver.disk().read().await?.queries().head(sender.code).await? else {
            return Ok(None);
        };
        let (mut envelope, _) = Envelope::from_json(&message.bytes)?;
        let (index, size) = (envelope.log.inclusion.index, envelope.log.inclusion.size);
        if size <= seen.size || index == 0 {
            return Ok(None);
        }
        let mut leaves = Vec::new();
        let mut read = sender.disk().read().await?;
        while (leaves.len() as u64) < size {
            let batch = read.queries().ledger_leaves(leaves.len() as u64, 4096).await?;
            if batch.is_empty() {
                return Ok(None);
            }
            leaves.extend(batch);
        }
        drop(read);
        if let Some(first) = leaves.first_mut() {
            *first = *Digest::of(b"what never happened").as_bytes();
        }
        let nodes = grow(&leaves, size)?;
        let root = tree::root(size, &nodes)?;
        let head = Checkpoint::new(KeyName::of_log(sender.code), size, root);
        envelope.log.checkpoint = checkpoint::sign(&head, sender.keys().log())?;
        let hashes = tree::inclusion_proof(index, size, &nodes)?;
        envelope.log.inclusion = InclusionProof { index, size, hashes };
        let hashes = tree::consistency_proof(seen.size, size, &nodes)?;
        envelope.log.consistency = Some(ConsistencyProof { from: seen.size, to: size, hashes });
        Ok(Some(Forged { bytes: envelope.to_json()?, at: message.to, by: message.from }))
    }

    fn other_content(&self, message: &Message, like: MessageId) -> Result<Option<Forged>> {
        let Some(other) = self.messages.get(&like) else { return Ok(None) };
        if other.attempt.envelope == message.attempt.envelope
            || other.to != message.to
            || other.from != message.from
        {
            return Ok(None);
        }
        let (mut envelope, _) = Envelope::from_json(&message.bytes)?;
        let (content, sealed) = Envelope::from_json(&other.bytes)?;
        envelope.digest = content.digest;
        envelope.sealed = STANDARD.encode(sealed);
        Ok(Some(Forged { bytes: envelope.to_json()?, at: message.to, by: message.from }))
    }

    /// The forged receipt comes instead of the answer: the sender must not believe it, and tries again.
    async fn lie_in_receipt(&mut self, message: &Message, lie: Lie) -> Result<Outcome> {
        let Some(Reply::Receipt(receipt)) = message.reply.clone().filter(|_| !message.lost) else {
            return Ok(Outcome::said("no receipt to forge"));
        };
        let Some(flow) = self.waiting(message)? else { return Ok(Outcome::said("nobody waits")) };
        let Some(forged) = self.forged_receipt(message, &receipt, lie)? else {
            return Ok(Outcome::said("nothing to lie about"));
        };
        self.counts.fault(&format!("lie-{}", lie.word()));
        if lie == Lie::ReceiptWithForeignHead {
            self.model.lied_about.insert((message.from, message.to));
        }
        self.open.remove(&(message.from, message.to));
        match flow.settle(message.attempt.envelope, &forged).await {
            Err(error) => {
                if ACCUSING.contains(&error.code()) {
                    self.check_stopped(message.from, message.to).await?;
                }
                self.not_believed(message, &flow, &error).await
            }
            Ok(_) if self.nation(message.from)?.peril.is_down() => Ok(Outcome::said("died")),
            Ok(_) => {
                self.violated(LIES_FAIL, message.from, format!("{} was believed", lie.word()));
                Ok(Outcome::said("believed"))
            }
        }
    }

    fn forged_receipt(&self, message: &Message, receipt: &[u8], lie: Lie) -> Result<Option<Vec<u8>>> {
        let giver = self.nation(message.to)?;
        let now = giver.disk_flow().now();
        let verified = seal::verify_cms_attached(receipt, giver.peer.anchor(), now)?;
        let mut words: Receipt = serde_json::from_slice(verified.value())?;
        let mut signer = (message.to, OfficeFunction::Node);
        match lie {
            Lie::ReceiptForOtherDigest => words.digest = Digest::of(b"other bytes"),
            Lie::ReceiptForOtherEnvelope { like } => {
                let Some(other) = self.messages.get(&like) else { return Ok(None) };
                let same_way = other.from == message.from && other.to == message.to;
                let other_one = other.attempt.envelope != message.attempt.envelope;
                return Ok(match &other.reply {
                    Some(Reply::Receipt(receipt)) if same_way && other_one => Some(receipt.clone()),
                    _ => None,
                });
            }
            Lie::ReceiptOfOtherOffice => signer.1 = OfficeFunction::ContactPoint,
            Lie::ReceiptOfOtherState { by } if by != message.to => signer.0 = by,
            Lie::ReceiptOutsideLog => words.log.salt = Digest::of(b"another salt").hex(),
            Lie::ReceiptWithForeignHead => match &mut words.head {
                Some(head) => {
                    head.root = Hash::from_bytes(*Digest::of(b"a root that never was").as_bytes());
                    let log = KeyName::of_log(self.nation(message.from)?.code);
                    let body = Checkpoint::new(log, head.size, head.root).to_string();
                    // Later than any resumption: what was cosigned before one is not held against a peer.
                    let seconds = u64::try_from(now.seconds())? + 2 * 24 * 3600;
                    head.cosignature = cosignature::cosign(&body, giver.keys().cosigner(), seconds)?;
                }
                None => return Ok(None),
            },
            _ => return Ok(None),
        }
        let Some(nation) = self.nations.get(signer.0) else { return Ok(None) };
        let key = nation.keys().office(signer.1)?;
        let signed =
            seal::sign_cms(&serde_json::to_vec(&words)?, true, key.signing(), key.certificate(), now)?;
        Ok(Some(signed))
    }

    /// The State goes on from an old copy of its database: from there its log has two continuations.
    pub(crate) async fn restore(&mut self, state: usize) -> Result<Outcome> {
        if !self.nation_mut(state)?.restore().await? {
            return Ok(Outcome::said("no copy"));
        }
        self.counts.fault("rewritten-by-restore");
        self.open.retain(|(from, _), _| *from != state);
        self.model.heads.remove(&state);
        let size = self.nation(state)?.disk().read().await?.queries().ledger_size().await?;
        let code = self.nation(state)?.code;
        let mut seen = BTreeMap::new();
        for (number, nation) in self.nations.iter().enumerate() {
            if number == state || nation.peril.is_down() {
                continue;
            }
            if let Some(head) = nation.disk().read().await?.queries().head(code).await? {
                seen.insert(number, head.size);
            }
        }
        self.model.restored.insert(state, Restored { step: self.step, size, seen });
        Ok(Outcome { busy: vec![state], ..Outcome::said(format!("restored at {size}")) })
    }
}

/// The same sealed bytes as a message of their own.
fn other_id(message: &Message) -> Result<Option<Vec<u8>>> {
    let (mut envelope, _) = Envelope::from_json(&message.bytes)?;
    let id = Digest::of(envelope.envelope.to_string().as_bytes());
    let bytes: [u8; 16] = id.as_bytes().first_chunk().copied().context("16 bytes of a digest")?;
    envelope.envelope = EnvelopeId::from_uuid(uuid::Builder::from_random_bytes(bytes).into_uuid());
    Ok(Some(envelope.to_json()?))
}

fn grow(leaves: &[[u8; 32]], size: u64) -> Result<HashMap<(u8, u64), Hash>> {
    let mut nodes = HashMap::new();
    for (number, leaf) in (0..size).zip(leaves) {
        for node in tree::append(number, Commitment::from_bytes(*leaf).leaf_hash(), &nodes)? {
            nodes.insert((node.level, node.index), node.hash);
        }
    }
    Ok(nodes)
}
