//! The bundle of a file: every statement, receipt, proof, checkpoint and time-stamp, for somebody without a node.

use crate::{Flow, FlowError, log, log::EVENT_LABEL, perform::json, rung::LADDER};
use casefile::TransportEvent;
use exchange::{
    CosignedHead, Envelope, LogEvidence, PROOF_LABEL, ProofStep, RECEIVED_LABEL, Receipt, STATEMENT_LABEL,
    addressed_digest,
};
use ledger::{Hash, InclusionProof, SignedCheckpoint, TlogProof, checkpoint, cosignature};
use mandate::{Authorized, Permission, Permitted};
use register::Peer;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};
use store::{Direction, InboxRow, OutboxRow, ProofRow, Session, Snapshot};
use treaty::Kind;
use vocabulary::{Digest, EnvelopeId, FileId, Instant, OfficeFunction, StateCode};

const FORMAT: &str = "rogatory/bundle/1";
const README: &str = include_str!("bundle_readme.txt");
const MANIFEST: &str = "manifest-sha256.txt";
const MANIFEST_SIGNATURE: &str = "manifest-sha256.p7s";

/// The order to take a bundle out of the node.
#[derive(Debug, Clone, Copy)]
pub struct ExportFile {
    /// With statements, drafts and texts.
    pub content: bool,
}

impl Permitted for ExportFile {
    fn permission(&self) -> Option<Permission> {
        Some(Permission::Open)
    }
}

/// What the node knows and this crate does not.
#[derive(Debug, Clone, Default)]
pub struct BundleOptions {
    /// Our own signed descriptor, as peers have it.
    pub descriptor: Option<Vec<u8>>,
    /// Certificates of the time-stamp authorities, in PEM; a convenience only.
    pub authorities: Vec<String>,
}

/// One envelope in the index.
#[derive(Debug, Clone, Serialize)]
pub struct BundleLetter {
    pub dir: String,
    pub envelope: EnvelopeId,
    pub direction: &'static str,
    pub statement: String,
    pub digest: Digest,
    pub steps: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Index {
    format: &'static str,
    file: FileId,
    exporter: StateCode,
    other: StateCode,
    side: &'static str,
    kind: Kind,
    made_at: Instant,
    content: bool,
    envelopes: Vec<BundleLetter>,
    events: usize,
    demonstration_stamps: bool,
}

/// The tree of a bundle, by path, and what it holds.
#[derive(Debug, Clone)]
pub struct Bundle {
    pub files: BTreeMap<String, Vec<u8>>,
    pub envelopes: Vec<BundleLetter>,
    pub events: usize,
    pub content: bool,
    /// Some time-stamp comes from an authority for demonstrations: its time proves nothing.
    pub demonstration_stamps: bool,
    /// The digest of the manifest, which names every other file.
    pub manifest: Digest,
}

#[derive(Serialize)]
struct Opening<'a> {
    label: &'a str,
    salt: String,
    digest: Digest,
    leaf: u64,
}

/// A salted commitment in a log.
struct Leaf<'a> {
    label: &'a str,
    salt: [u8; 32],
    digest: Digest,
    leaf: u64,
}

/// One letter of either direction, until it is written.
enum Letter {
    Sent(Box<OutboxRow>),
    Received(Box<InboxRow>),
}

impl Letter {
    fn order(&self) -> (Instant, u64) {
        match self {
            Self::Sent(row) => (row.queued_at, row.leaf),
            Self::Received(row) => (row.received_at, row.leaf),
        }
    }

    fn envelope(&self) -> EnvelopeId {
        match self {
            Self::Sent(row) => row.envelope,
            Self::Received(row) => row.envelope,
        }
    }
}

/// A bundle while it is built, from one moment of the store.
struct Builder<'a> {
    flow: &'a Flow,
    session: Snapshot,
    peer: Arc<Peer>,
    content: bool,
    files: BTreeMap<String, Vec<u8>>,
    /// Sizes of our heads that carry time-stamps used here.
    stamped: BTreeSet<u64>,
    demonstration: bool,
}

impl Flow {
    /// Builds the bundle of a file; `note_export` records that it was taken out.
    pub async fn bundle(
        &self,
        export: &Authorized<ExportFile>,
        file: FileId,
        options: &BundleOptions,
    ) -> Result<Bundle, FlowError> {
        let view = self.view(file).await?;
        let mut builder = Builder {
            flow: self,
            session: self.store.snapshot().await?,
            peer: self.peer(view.other()).await?,
            content: export.command().content,
            files: BTreeMap::new(),
            stamped: BTreeSet::new(),
            demonstration: false,
        };
        let envelopes = builder.letters(file).await?;
        let events = builder.events(file).await?;
        builder.states(options)?;
        builder.heads(options).await?;
        let index = Index {
            format: FORMAT,
            file,
            exporter: self.us(),
            other: view.other(),
            side: view.side().as_str(),
            kind: view.kind(),
            made_at: self.now(),
            content: builder.content,
            envelopes: envelopes.clone(),
            events,
            demonstration_stamps: builder.demonstration,
        };
        builder.close(&index)
    }

    /// Records who took the bundle out of the node.
    pub async fn note_export(
        &self,
        export: &Authorized<ExportFile>,
        file: FileId,
        bundle: &Bundle,
    ) -> Result<(), FlowError> {
        let event = TransportEvent::Exported { manifest: bundle.manifest, content: bundle.content };
        let mut write = self.store.write().await?;
        self.record_proof_by(&mut write, file, event, export.actor().clone()).await?;
        Ok(write.commit().await?)
    }
}

impl Builder<'_> {
    fn put(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), bytes.into());
    }

    async fn letters(&mut self, file: FileId) -> Result<Vec<BundleLetter>, FlowError> {
        let sent = self.session.queries().outbox_of(file).await?;
        let received = self.session.queries().inbox_of(file).await?;
        let sent =
            sent.into_iter().filter(|row| row.kind != "rejection").map(|row| Letter::Sent(Box::new(row)));
        let mut letters: Vec<Letter> =
            sent.chain(received.into_iter().map(|row| Letter::Received(Box::new(row)))).collect();
        letters.sort_by_key(Letter::order);
        let mut index = Vec::with_capacity(letters.len());
        for (number, letter) in (1_usize..).zip(&letters) {
            let dir = format!("{number:03}-{}", letter.envelope());
            index.push(match letter {
                Letter::Sent(row) => self.sent(&dir, row).await?,
                Letter::Received(row) => self.received(&dir, row).await?,
            });
        }
        Ok(index)
    }

    async fn sent(&mut self, dir: &str, row: &OutboxRow) -> Result<BundleLetter, FlowError> {
        let place = format!("envelopes/{dir}");
        let digest = addressed_digest(row.envelope, row.sender, row.addressee, &row.sealed_digest);
        let leaf = Leaf { label: STATEMENT_LABEL, salt: salt(&row.salt)?, digest, leaf: row.leaf };
        let proof = self.own_leaf(&format!("{place}/statement"), &leaf).await?;
        let log = LogEvidence {
            salt: hex::encode(&row.salt),
            inclusion: InclusionProof {
                index: row.leaf,
                size: proof.1.checkpoint().size(),
                hashes: proof.0.hashes().to_vec(),
            },
            checkpoint: checkpoint::sign(proof.1.checkpoint(), self.flow.keys().log())?,
            consistency: None,
        };
        let envelope =
            Envelope::new(row.envelope, row.sender, row.addressee, &row.sealed, row.queued_at, log);
        self.put(format!("{place}/envelope.json"), envelope.to_json()?);
        self.statement(&place, Direction::Sent, row.envelope).await?;
        let mut steps = self.proofs(&place, Direction::Sent, row.envelope).await?;
        if steps.iter().any(|step| step == ProofStep::Rejected.as_str()) {
            self.rejection(&place, row).await?;
        }
        if let Some(receipt) = &row.receipt {
            self.put(format!("{place}/receipt.p7m"), receipt.clone());
            self.their_receipt(&place, row, receipt).await?;
            steps.push("delivered".to_owned());
        }
        Ok(BundleLetter {
            dir: dir.to_owned(),
            envelope: row.envelope,
            direction: "sent",
            statement: row.kind.clone(),
            digest: row.sealed_digest,
            steps: in_order(steps),
        })
    }

    async fn received(&mut self, dir: &str, row: &InboxRow) -> Result<BundleLetter, FlowError> {
        let place = format!("envelopes/{dir}");
        let copy = self.session.queries().copy(Direction::Received, row.peer, row.envelope).await?;
        let receipt = self.flow.read_receipt(&row.receipt, row.received_at)?;
        let leaf = Leaf {
            label: RECEIVED_LABEL,
            salt: salt_of(&receipt.log)?,
            digest: row.sealed_digest,
            leaf: row.leaf,
        };
        self.put(format!("{place}/receipt.p7m"), row.receipt.clone());
        self.own_leaf(&format!("{place}/receipt"), &leaf).await?;
        if let Some(copy) = &copy
            && let Some(log) = &copy.log
        {
            let log: LogEvidence =
                serde_json::from_slice(log).map_err(|_| FlowError::Record { what: "log evidence" })?;
            let digest = addressed_digest(row.envelope, copy.sender, row.addressee, &row.sealed_digest);
            let (from, to) = (copy.sender, row.addressee);
            self.their_leaf(
                &format!("{place}/statement"),
                STATEMENT_LABEL,
                digest,
                &log,
                receipt.head.as_ref(),
            )
            .await?;
            let envelope = Envelope::new(row.envelope, from, to, &row.sealed, copy.sent_at, log);
            self.put(format!("{place}/envelope.json"), envelope.to_json()?);
        }
        let word = self.statement(&place, Direction::Received, row.envelope).await?;
        let mut steps = self.proofs(&place, Direction::Received, row.envelope).await?;
        steps.push("delivered".to_owned());
        Ok(BundleLetter {
            dir: dir.to_owned(),
            envelope: row.envelope,
            direction: "received",
            statement: word.unwrap_or_else(|| "statement".to_owned()),
            digest: row.sealed_digest,
            steps: in_order(steps),
        })
    }

    /// The signed statement, with content; gives the word for its message.
    async fn statement(
        &mut self,
        place: &str,
        direction: Direction,
        envelope: EnvelopeId,
    ) -> Result<Option<String>, FlowError> {
        let peer = self.peer.state();
        let copy = self.session.queries().copy(direction, peer, envelope).await?;
        let Some(copy) = copy else { return Ok(None) };
        let (at, Some(signed)) = (copy.sent_at, copy.signed) else { return Ok(None) };
        let word = match direction {
            Direction::Sent => None,
            Direction::Received => {
                let verified = seal::verify_cms_attached(&signed, self.peer.anchor(), at);
                verified
                    .ok()
                    .and_then(|verified| exchange::Statement::from_json(verified.value()).ok())
                    .map(|statement| statement.message.word().to_owned())
            }
        };
        if self.content {
            self.put(format!("{place}/statement.p7m"), signed);
        }
        Ok(word)
    }

    /// The other State's signed rejection, which came in an envelope of no file.
    async fn rejection(&mut self, place: &str, row: &OutboxRow) -> Result<(), FlowError> {
        let about = FileId::from_uuid(*row.envelope.as_uuid());
        for known in
            self.session.queries().inbox_of(about).await?.iter().filter(|known| known.peer == row.peer)
        {
            let copy = self.session.queries().copy(Direction::Received, known.peer, known.envelope).await?;
            if let Some(signed) = copy.and_then(|copy| copy.signed) {
                self.put(format!("{place}/rejection.p7m"), signed);
            }
        }
        Ok(())
    }

    /// The signed proofs of an envelope, each with its place in our log; gives the steps proven.
    async fn proofs(
        &mut self,
        place: &str,
        direction: Direction,
        envelope: EnvelopeId,
    ) -> Result<Vec<String>, FlowError> {
        let rows = self.session.queries().proofs(direction, self.peer.state(), envelope).await?;
        let mut steps = Vec::new();
        for row in rows {
            let name = proof_name(&row);
            let digest = Digest::of(&row.signed);
            let leaf = Leaf { label: PROOF_LABEL, salt: row.salt, digest, leaf: row.leaf };
            self.own_leaf(&format!("{place}/{name}"), &leaf).await?;
            self.put(format!("{place}/{name}.p7m"), row.signed);
            steps.push(row.step);
        }
        Ok(steps)
    }

    async fn events(&mut self, file: FileId) -> Result<usize, FlowError> {
        let rows = self.session.queries().events(file).await?;
        let count = rows.len();
        let mut named = BTreeSet::new();
        for row in rows {
            let place = format!("events/{:04}", row.sequence);
            let digest = Digest::of(&row.body);
            let leaf = Leaf { label: EVENT_LABEL, salt: salt(&row.salt)?, digest, leaf: row.leaf };
            self.own_leaf(&place, &leaf).await?;
            if self.content {
                let value: serde_json::Value =
                    serde_json::from_slice(&row.body).map_err(|_| FlowError::Record { what: "an event" })?;
                digests(&value, &mut named);
            }
            self.put(format!("{place}.json"), row.body);
        }
        for digest in named {
            if let Some(body) = self.session.queries().object(digest).await? {
                self.put(format!("objects/{}", digest.hex()), body);
            }
        }
        Ok(count)
    }

    /// A leaf of our log under the first head that the other State cosigned, else under the newest head.
    async fn own_leaf(
        &mut self,
        place: &str,
        leaf: &Leaf<'_>,
    ) -> Result<(TlogProof, SignedCheckpoint), FlowError> {
        let cosigned = self.session.queries().cosignature_covering(self.peer.state(), leaf.leaf).await?;
        let size = match cosigned {
            Some(known) => known.size,
            None => self.session.queries().ledger_size().await?,
        };
        self.commitment(place, leaf)?;
        let (proof, head) = self.own_proof(leaf.leaf, size).await?;
        self.put(format!("{place}.tlog-proof"), proof.to_string());
        if let Some(stamp) = self.session.queries().stamp_covering(leaf.leaf).await? {
            let (stamped, _) = self.own_proof(leaf.leaf, stamp.size).await?;
            self.put(format!("{place}.stamped.tlog-proof"), stamped.to_string());
            self.stamped.insert(stamp.size);
        }
        Ok((proof, head))
    }

    async fn own_proof(&mut self, leaf: u64, size: u64) -> Result<(TlogProof, SignedCheckpoint), FlowError> {
        let head = self.own_head(size).await?;
        let inclusion = log::inclusion_in(&mut self.session, leaf, size).await?;
        let proof = TlogProof::new(&inclusion, &head)
            .map_err(|_| FlowError::Record { what: "a proof of inclusion" })?;
        Ok((proof, head))
    }

    /// Our head of this size with every cosignature that is known and stands.
    async fn own_head(&mut self, size: u64) -> Result<SignedCheckpoint, FlowError> {
        let note = self.flow.signed_head(&mut self.session, size).await?;
        Ok(checkpoint::open(&note, self.flow.keys().log().verifier())?)
    }

    async fn their_receipt(&mut self, place: &str, row: &OutboxRow, signed: &[u8]) -> Result<(), FlowError> {
        let at = row.delivered_at.unwrap_or_else(|| self.flow.now());
        let Ok(verified) = seal::verify_cms_attached(signed, self.peer.anchor(), at) else { return Ok(()) };
        let receipt: Receipt =
            serde_json::from_slice(verified.value()).map_err(|_| FlowError::Record { what: "a receipt" })?;
        let place = format!("{place}/receipt");
        self.their_leaf(&place, RECEIVED_LABEL, row.sealed_digest, &receipt.log, None).await
    }

    /// A leaf of the other State's log, as it came, with our cosignature when we found its head consistent.
    async fn their_leaf(
        &mut self,
        place: &str,
        label: &str,
        digest: Digest,
        evidence: &LogEvidence,
        cosigned: Option<&CosignedHead>,
    ) -> Result<(), FlowError> {
        // A head under a key that no descriptor names cannot be opened here; the envelope still carries it.
        let Ok(mut head) = self.peer.open_vouched_head(&evidence.checkpoint) else { return Ok(()) };
        if let Some(line) = self.our_cosignature(&head, cosigned).await? {
            let _ = head.add_cosignature(&line, self.flow.keys().cosigner().verifier());
        }
        let proof = TlogProof::new(&evidence.inclusion, &head)
            .map_err(|_| FlowError::Record { what: "a proof of inclusion" })?;
        let leaf = Leaf { label, salt: salt_of(evidence)?, digest, leaf: evidence.inclusion.index };
        self.commitment(place, &leaf)?;
        self.put(format!("{place}.tlog-proof"), proof.to_string());
        Ok(())
    }

    /// The cosignature that we gave on the other State's head, or give now because it was proven consistent.
    async fn our_cosignature(
        &mut self,
        head: &SignedCheckpoint,
        cosigned: Option<&CosignedHead>,
    ) -> Result<Option<String>, FlowError> {
        let (size, root) = (head.checkpoint().size(), *head.checkpoint().root());
        if let Some(given) = cosigned.filter(|given| given.size == size && given.root == root) {
            return Ok(Some(given.cosignature.clone()));
        }
        let known = self.session.queries().heads_of_size(self.peer.state(), size).await?;
        if !known.iter().any(|known| known.linked && Hash::from_bytes(known.root) == root) {
            return Ok(None);
        }
        let seconds = u64::try_from(self.flow.now().seconds()).unwrap_or(0);
        Ok(Some(cosignature::cosign(head.body(), self.flow.keys().cosigner(), seconds)?))
    }

    fn commitment(&mut self, place: &str, leaf: &Leaf<'_>) -> Result<(), FlowError> {
        let opening =
            Opening { label: leaf.label, salt: hex::encode(leaf.salt), digest: leaf.digest, leaf: leaf.leaf };
        let bytes = json(&opening)?;
        self.put(format!("{place}.commitment.json"), bytes);
        Ok(())
    }

    fn states(&mut self, options: &BundleOptions) -> Result<(), FlowError> {
        let (keys, us) = (self.flow.keys(), self.flow.us());
        let (root, log, cosigner) = (keys.root_certificate_pem()?, keys.log().vkey(), keys.cosigner().vkey());
        self.put(format!("states/{us}/root.pem"), root);
        self.put(format!("states/{us}/log.vkey"), format!("{log}\n"));
        self.put(format!("states/{us}/cosigner.vkey"), format!("{cosigner}\n"));
        if let Some(signed) = &options.descriptor
            && let Ok(known) = Peer::read(signed, self.flow.now())
        {
            let sequence = known.descriptor().sequence;
            self.put(format!("states/{us}/descriptor-{sequence}.p7m"), signed.clone());
        }
        let (peer, other) = (Arc::clone(&self.peer), self.peer.state());
        let theirs = peer.descriptor();
        self.put(format!("states/{other}/root.pem"), theirs.root.clone());
        self.put(format!("states/{other}/log.vkey"), format!("{}\n", theirs.log));
        self.put(format!("states/{other}/cosigner.vkey"), format!("{}\n", theirs.cosigner));
        Ok(())
    }

    async fn heads(&mut self, options: &BundleOptions) -> Result<(), FlowError> {
        let (us, other) = (self.flow.us(), self.peer.state());
        for signed in self.flow.descriptors(other).await? {
            let known = Peer::read(&signed, self.flow.now())?;
            let (sequence, peer) = (known.descriptor().sequence, Arc::clone(&self.peer));
            let newest = peer.descriptor();
            self.put(format!("states/{other}/descriptor-{sequence}.p7m"), signed);
            for (name, key, now) in [
                ("log", &known.descriptor().log, &newest.log),
                ("cosigner", &known.descriptor().cosigner, &newest.cosigner),
            ] {
                if key != now {
                    self.put(format!("states/{other}/{name}-{sequence}.vkey"), format!("{key}\n"));
                }
            }
        }
        for size in std::mem::take(&mut self.stamped) {
            let Some(stamp) = self.session.queries().stamp_covering(size.saturating_sub(1)).await? else {
                continue;
            };
            let head = self.own_head(size).await?.to_string();
            self.demonstration |= stamp.demonstration;
            self.put(format!("heads/{us}/{size}.checkpoint"), head);
            self.put(format!("heads/{us}/{size}.text"), stamp.text);
            self.put(format!("heads/{us}/{size}.tsr"), stamp.token);
        }
        for (number, pem) in (1_usize..).zip(&options.authorities) {
            self.put(format!("heads/authorities/{number}.pem"), pem.clone());
        }
        Ok(())
    }

    /// Adds the index, the explanation and the signed manifest.
    fn close(mut self, index: &Index) -> Result<Bundle, FlowError> {
        let mut pretty =
            serde_json::to_vec_pretty(index).map_err(|_| FlowError::Record { what: "an index" })?;
        pretty.push(b'\n');
        self.put("bundle.json", pretty);
        self.put("README.txt", README);
        let mut manifest = String::new();
        for (path, bytes) in &self.files {
            let _ = writeln!(manifest, "{}  {path}", Digest::of(bytes).hex());
        }
        let key = self.flow.keys().office(OfficeFunction::Node)?;
        let signature =
            seal::sign_cms(manifest.as_bytes(), false, key.signing(), key.certificate(), self.flow.now())?;
        let digest = Digest::of(manifest.as_bytes());
        self.put(MANIFEST, manifest);
        self.put(MANIFEST_SIGNATURE, signature);
        Ok(Bundle {
            files: self.files,
            envelopes: index.envelopes.clone(),
            events: index.events,
            content: index.content,
            demonstration_stamps: index.demonstration_stamps,
            manifest: digest,
        })
    }
}

/// The name of a proof's files: the step, and the threshold when it has one.
pub(crate) fn proof_name(row: &ProofRow) -> String {
    match row.number {
        0 => format!("proof-{}", row.step),
        number => format!("proof-{}-{number}", row.step),
    }
}

/// The steps in the order of the ladder, each once.
fn in_order(steps: Vec<String>) -> Vec<String> {
    LADDER.into_iter().filter(|step| steps.iter().any(|known| known == step)).map(str::to_owned).collect()
}

fn salt(bytes: &[u8]) -> Result<[u8; 32], FlowError> {
    bytes.try_into().map_err(|_| FlowError::Record { what: "a salt" })
}

fn salt_of(evidence: &LogEvidence) -> Result<[u8; 32], FlowError> {
    let digest = Digest::from_hex(&evidence.salt).map_err(|_| FlowError::Record { what: "a salt" })?;
    Ok(*digest.as_bytes())
}

/// Every digest that stands as a text anywhere in an event.
fn digests(value: &serde_json::Value, found: &mut BTreeSet<Digest>) {
    match value {
        serde_json::Value::String(text) => found.extend(text.parse::<Digest>().ok()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| digests(item, found)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| digests(field, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Pair;
    use exchange::{Message, Statement};
    use vocabulary::Failure as _;

    async fn bundle(side: &crate::fixture::Side, file: FileId, content: bool) -> Bundle {
        let order = side.flow.authorize(&side.first, ExportFile { content }).await.unwrap();
        side.flow.bundle(&order, file, &BundleOptions::default()).await.unwrap()
    }

    fn named(bundle: &Bundle, ending: &str) -> usize {
        bundle.files.keys().filter(|path| path.ends_with(ending)).count()
    }

    #[tokio::test]
    async fn a_bundle_holds_each_word_with_its_place_in_a_log_and_content_only_when_asked() {
        let pair = Pair::new().await;
        let file = pair.ask(Kind::PRESERVATION, None).await;
        pair.grant(file).await;
        for side in [&pair.a, &pair.b] {
            let whole = bundle(side, file, true).await;
            assert_eq!(named(&whole, "/statement.p7m"), 4);
            assert_eq!(named(&whole, "/receipt.p7m"), 4);
            assert_eq!(named(&whole, "/statement.tlog-proof"), 4);
            assert_eq!(named(&whole, "/receipt.tlog-proof"), 4);
            assert_eq!(named(&whole, "/proof-opened.p7m"), 2);
            assert_eq!(named(&whole, ".tlog-proof"), named(&whole, ".commitment.json"));
            assert!(whole.files.keys().any(|path| path.starts_with("objects/")));
            let bare = bundle(side, file, false).await;
            assert_eq!(named(&bare, "/statement.p7m"), 0);
            assert!(bare.files.keys().all(|path| !path.starts_with("objects/")));
            assert_eq!(named(&bare, ".tlog-proof"), named(&whole, ".tlog-proof"));
            // Nobody reads the facts of the request in a bundle without content.
            for (path, bytes) in bare.files.iter().filter(|(path, _)| !path.ends_with("README.txt")) {
                let text = String::from_utf8_lossy(bytes);
                assert!(!text.contains("\"draft\":{"), "{path}");
            }
        }
    }

    #[tokio::test]
    async fn an_export_is_permitted_recorded_with_its_actor_and_named_by_its_manifest() {
        let pair = Pair::new().await;
        let file = pair.ask(Kind::PRESERVATION, None).await;
        let a = &pair.a;
        let refused = a.flow.authorize(&a.second, ExportFile { content: false }).await.unwrap_err();
        assert_eq!(refused.code(), "R-151");
        let order = a.flow.authorize(&a.first, ExportFile { content: true }).await.unwrap();
        let bundle = a.flow.bundle(&order, file, &BundleOptions::default()).await.unwrap();
        a.flow.note_export(&order, file, &bundle).await.unwrap();
        let last = a.flow.timeline(file).await.unwrap().steps.pop().unwrap();
        assert_eq!((last.what.as_str(), last.ladder), ("exported", "transport"));
        assert_eq!(last.actor, a.first.id);
        assert_eq!(last.detail["manifest"], bundle.manifest.to_string());
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_rejection_stands_in_the_bundle_as_the_other_state_signed_it() {
        let pair = Pair::new().await;
        let file = pair.ask(Kind::PRESERVATION, None).await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        // A decision is not for the requesting State to say.
        let envelope = EnvelopeId::from_uuid(a.new_uuid().unwrap());
        let offices = ["XA/contact-point", "XB/contact-point"].map(|office| office.parse().unwrap());
        let message = Message::Decision {
            decision: exchange::Decision::Granted { conditions: None },
            officers: [pair.a.first.id.clone(), pair.a.second.id.clone()],
        };
        let [from, to] = offices;
        let statement = Statement::new(envelope, file, from, to, a.now(), message).to_json().unwrap();
        let key = a.keys().office(OfficeFunction::ContactPoint).unwrap();
        let peer = a.peer(b.us()).await.unwrap();
        let to_whom = std::slice::from_ref(peer.office(OfficeFunction::ContactPoint).unwrap());
        let sealed: seal::Sealed = seal::seal(&statement, key, to_whom, a.now()).unwrap();
        let mut write = a.store().write().await.unwrap();
        let committed = addressed_digest(envelope, from, to, &sealed.digest());
        let (salt, leaf) = a.append(&mut write, STATEMENT_LABEL, &committed).await.unwrap();
        let known = write.queries().outbox_of(file).await.unwrap().remove(0);
        let row = OutboxRow {
            envelope,
            kind: "decision".to_owned(),
            sealed_digest: sealed.digest(),
            sealed: sealed.into_der(),
            salt: salt.to_vec(),
            leaf,
            delivered_at: None,
            receipt: None,
            ..known
        };
        write.add_outbox(&row).await.unwrap();
        write.commit().await.unwrap();
        pair.settle().await;
        let bundle = bundle(&pair.a, file, true).await;
        let letter = bundle.envelopes.iter().find(|letter| letter.envelope == envelope).unwrap();
        assert_eq!(letter.steps, ["relayed", "delivered", "rejected"]);
        let signed = &bundle.files[&format!("envelopes/{}/rejection.p7m", letter.dir)];
        let verified = seal::verify_cms_attached(signed, peer.anchor(), a.now()).unwrap();
        assert_eq!(verified.signer(), "XB/node".parse().unwrap());
        let proofs = a.proofs(file).await.unwrap();
        let ladder = proofs.iter().find(|ladder| ladder.envelope == envelope).unwrap();
        let rejected = ladder.rungs.last().unwrap();
        assert_eq!((rejected.step.as_str(), rejected.code.as_deref()), ("rejected", Some("P-541")));
        assert_eq!(rejected.statement, Some(Digest::of(signed)));
        pair.audit().await;
    }
}
