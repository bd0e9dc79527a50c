//! Two States of an exercise and a bundle between them, made with the node's own code; what a test changes is packed again.

use exchange::{
    CosignedHead, Envelope, LogEvidence, Message, RECEIVED_LABEL, Receipt, STATEMENT_LABEL, Statement,
    addressed_digest,
};
use ledger::{
    Checkpoint, Commitment, CosignerKey, Hash, InclusionProof, KeyName, LogKey, Salt, TlogProof, checkpoint,
    cosignature, tree,
};
use register::{Declarations, Descriptor, OfficeEntry};
use seal::{Issued, Root, TimeStampAuthority, TimeStampQuery};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use verifier::Trust;
use vocabulary::{
    Digest, EnvelopeId, FileId, Instant, OfficeFunction,
    OfficeFunction::{ContactPoint, Node as NodeOffice},
    OfficeId, StateCode,
};
use zeroize::Zeroizing;

const FROM: &str = "2026-01-01T00:00:00Z";
const UNTIL: &str = "2036-01-01T00:00:00Z";
pub(crate) const NOW: &str = "2026-11-24T06:10:00Z";
pub(crate) const FILE: &str = "0193a8f0-0000-7000-8000-0000000000f1";
pub(crate) const ONE: &str = "0193a8f0-0000-7000-8000-0000000000e1";
pub(crate) const TWO: &str = "0193a8f0-0000-7000-8000-0000000000e2";
const EVENT: &str = "rogatory/event/1";
pub(crate) const PROOF: &str = "rogatory/proof/1";
/// 2026-11-24T06:10:30Z.
const CONFIRMED: u64 = 1_795_500_630;

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn minute(minute: u8) -> Instant {
    at(&format!("2026-11-24T06:{minute:02}:00Z"))
}

/// A node's own log, kept whole in memory.
#[derive(Default, Clone)]
pub(crate) struct Log {
    nodes: HashMap<(u8, u64), Hash>,
    pub(crate) size: u64,
}

impl Log {
    pub(crate) fn append(&mut self, commitment: &Commitment) -> u64 {
        for node in tree::append(self.size, commitment.leaf_hash(), &self.nodes).unwrap() {
            self.nodes.insert((node.level, node.index), node.hash);
        }
        self.size += 1;
        self.size - 1
    }

    fn root(&self, size: u64) -> Hash {
        tree::root(size, &self.nodes).unwrap()
    }
}

/// An opened entry of a log.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) leaf: u64,
    salt: [u8; 32],
    digest: Digest,
    label: &'static str,
}

/// One State: everything that its node holds.
pub(crate) struct Node {
    pub(crate) state: StateCode,
    pub(crate) root: Root,
    pub(crate) offices: BTreeMap<OfficeFunction, Issued>,
    pub(crate) log_key: LogKey,
    pub(crate) cosigner: CosignerKey,
    pub(crate) log: Log,
}

impl Node {
    pub(crate) fn new(code: &str, seed: u8) -> Self {
        let state: StateCode = code.parse().unwrap();
        let root =
            Root::generate(state, "Republic of Exercise", at(FROM), at("2046-01-01T00:00:00Z")).unwrap();
        let issue = |function: OfficeFunction| {
            let office = OfficeId::new(state, function);
            (function, root.issue_office(&office, "Exercise office", at(FROM), at(UNTIL)).unwrap())
        };
        Self {
            state,
            offices: OfficeFunction::ALL.into_iter().map(issue).collect(),
            root,
            log_key: LogKey::from_seed(KeyName::of_log(state), &Zeroizing::new([seed; 32])),
            cosigner: CosignerKey::from_seed(KeyName::of_cosigner(state), &Zeroizing::new([seed + 100; 32])),
            log: Log::default(),
        }
    }

    pub(crate) fn office(&self, function: OfficeFunction) -> OfficeId {
        OfficeId::new(self.state, function)
    }

    pub(crate) fn sign(&self, function: OfficeFunction, content: &[u8], when: Instant) -> Vec<u8> {
        let key = self.offices[&function].office_key().unwrap();
        seal::sign_cms(content, true, key.signing(), key.certificate(), when).unwrap()
    }

    pub(crate) fn commit(&mut self, label: &'static str, digest: Digest) -> Entry {
        let mut salt = [0x5a; 32];
        salt[..8].copy_from_slice(&self.log.size.to_be_bytes());
        let leaf = self.log.append(&Commitment::new(label, &Salt::from_bytes(salt), &digest));
        Entry { leaf, salt, digest, label }
    }

    pub(crate) fn head(&self, size: u64) -> Checkpoint {
        Checkpoint::new(KeyName::of_log(self.state), size, self.log.root(size))
    }

    fn inclusion(&self, leaf: u64, size: u64) -> InclusionProof {
        InclusionProof {
            index: leaf,
            size,
            hashes: tree::inclusion_proof(leaf, size, &self.log.nodes).unwrap(),
        }
    }

    fn evidence(&self, entry: &Entry, from: Option<u64>) -> LogEvidence {
        let size = self.log.size;
        LogEvidence {
            salt: hex::encode(entry.salt),
            inclusion: self.inclusion(entry.leaf, size),
            checkpoint: checkpoint::sign(&self.head(size), &self.log_key).unwrap(),
            consistency: from.map(|from| ledger::ConsistencyProof {
                from,
                to: size,
                hashes: tree::consistency_proof(from, size, &self.log.nodes).unwrap(),
            }),
        }
    }

    /// A head with the line of another State's cosigner.
    pub(crate) fn signed_head(&self, size: u64, cosigner: &CosignerKey) -> ledger::SignedCheckpoint {
        let note = checkpoint::sign(&self.head(size), &self.log_key).unwrap();
        let mut head = checkpoint::open(&note, self.log_key.verifier()).unwrap();
        let line = cosignature::cosign(head.body(), cosigner, CONFIRMED).unwrap();
        head.add_cosignature(&line, cosigner.verifier()).unwrap();
        head
    }

    fn descriptor(&self) -> Vec<u8> {
        let entry = |(function, issued): (&OfficeFunction, &Issued)| OfficeEntry {
            office: *function,
            name: format!("The {function}"),
            article: "41".to_owned(),
            contact: "office@example.org".to_owned(),
            certificate: issued.certificate_pem(),
        };
        let descriptor = Descriptor {
            format: Descriptor::format(),
            state: self.state,
            names: BTreeMap::from([("en".parse().unwrap(), "Republic of Exercise".to_owned())]),
            sequence: 1,
            issued: at("2026-11-01T00:00:00Z"),
            valid_until: at("2035-11-01T00:00:00Z"),
            languages: vec!["en".parse().unwrap()],
            zone: "Africa/Nairobi".to_owned(),
            endpoint: format!("https://{}.example:8443", self.state.lower()),
            offices: self.offices.iter().map(entry).collect(),
            declarations: Declarations { convention_in_force: true, ..Declarations::default() },
            root: self.root.certificate_pem(),
            log: self.log_key.vkey(),
            cosigner: self.cosigner.vkey(),
            retired: Vec::new(),
        };
        self.root.sign(&descriptor.to_json().unwrap(), at("2026-11-01T00:00:00Z")).unwrap()
    }
}

/// A signed proof of a step.
pub(crate) fn proof(
    signer: (&Node, OfficeFunction),
    to: OfficeId,
    step: &str,
    envelope: &str,
    digest: Digest,
    when: Instant,
    more: Value,
) -> Vec<u8> {
    let from = signer.0.office(signer.1);
    let mut value = json!({"format": "rogatory/proof/1", "step": step, "envelope": envelope, "digest": digest,
        "from": from, "to": to, "at": when});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    signer.0.sign(signer.1, value.to_string().as_bytes(), when)
}

/// The two States, the authority and the files.
pub(crate) struct World {
    pub(crate) a: Node,
    pub(crate) b: Node,
    pub(crate) authority: TimeStampAuthority,
    pub(crate) files: Files,
    pub(crate) index: Vec<Value>,
    /// Documents whose proofs are written when the logs are complete: stem, owner is A, entry.
    pub(crate) pending: Vec<(String, bool, Entry)>,
    pub(crate) events: Vec<Value>,
}

impl World {
    /// Two States without a bundle.
    pub(crate) fn new_empty() -> Self {
        Self {
            a: Node::new("XA", 1),
            b: Node::new("XB", 2),
            authority: TimeStampAuthority::generate("Exercise", at(FROM), at(UNTIL)).unwrap(),
            files: Files::new(),
            index: Vec::new(),
            pending: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A request of XA with everything on it, and a decision of XB.
    pub(crate) fn new() -> Self {
        let mut world = Self::new_empty();
        world.b.commit(EVENT, Digest::of(b"of another file"));
        world.event(
            1,
            json!({"ladder": "legal", "event": {"type": "drafted", "draft": Digest::of(b"the draft")}}),
        );
        let draft = Digest::of(b"the draft").hex();
        world.put(&format!("objects/{draft}"), b"the draft".to_vec());
        world.request();
        world.decision();
        world.write_events();
        world.states();
        world.write_proofs();
        world.stamp();
        world.seal_up();
        world
    }

    pub(crate) fn put(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), bytes.into());
    }

    fn event(&mut self, at: u8, body: Value) {
        let mut event = json!({"version": 1, "file": FILE, "at": minute(at), "actor": "ana.cruz"});
        event.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        self.events.push(event);
    }

    fn transport(&mut self, at: u8, event: Value) {
        self.event(at, json!({"ladder": "transport", "event": event}));
    }

    fn request(&mut self) {
        let dir = format!("envelopes/001-{ONE}");
        let (digest, statement, receipt) = self.exchange(
            &dir,
            ONE,
            true,
            Message::Consultation { text: "Would one record help?".to_owned() },
        );
        let addressee = self.b.office(ContactPoint);
        let own = |world: &World, step: &str, minute_of: u8, more: Value| {
            proof((&world.a, NodeOffice), addressee, step, ONE, digest, minute(minute_of), more)
        };
        let submitted = own(self, "submitted", 2, json!({}));
        let relayed = own(self, "relayed", 3, json!({"road": "https"}));
        let late = own(self, "not-delivered", 4, json!({"level": "warn", "rule": "receipt.delivery.warn"}));
        let opened = proof(
            (&self.b, ContactPoint),
            self.a.office(ContactPoint),
            "opened",
            ONE,
            digest,
            minute(12),
            json!({"receipt": Digest::of(&receipt), "statement": Digest::of(&statement)}),
        );
        self.transport(
            2,
            json!({"proof": "submitted", "envelope": ONE, "statement": "consultation", "sealed": digest}),
        );
        self.transport(4, json!({"proof": "receipt-missing", "envelope": ONE, "level": "warn", "rule_id": "receipt.delivery.warn"}));
        self.transport(
            11,
            json!({"proof": "delivered", "envelope": ONE, "sealed": digest,
            "receipt": Digest::of(&receipt), "received_at": at(NOW)}),
        );
        self.transport(
            13,
            json!({"proof": "opened", "envelope": ONE, "statement": Digest::of(&statement),
            "at": minute(12), "signed": Digest::of(&opened)}),
        );
        for (name, bytes) in
            [("submitted", submitted), ("relayed", relayed), ("not-delivered-1", late), ("opened", opened)]
        {
            self.keep(&format!("{dir}/proof-{name}"), bytes);
        }
        self.list(
            "001",
            ONE,
            "sent",
            digest,
            &["submitted", "relayed", "not-delivered", "delivered", "opened"],
        );
    }

    fn decision(&mut self) {
        let dir = format!("envelopes/002-{TWO}");
        let (digest, _, receipt) =
            self.exchange(&dir, TWO, false, Message::Consultation { text: "It would.".to_owned() });
        self.transport(
            15,
            json!({"proof": "received", "envelope": TWO, "statement": "consultation", "sealed": digest,
            "receipt": Digest::of(&receipt)}),
        );
        self.list("002", TWO, "received", digest, &["delivered"]);
    }

    /// A signed proof that the exporter keeps and commits.
    pub(crate) fn keep(&mut self, stem: &str, bytes: Vec<u8>) {
        let entry = self.a.commit(PROOF, Digest::of(&bytes));
        self.pending.push((stem.to_owned(), true, entry));
        self.put(&format!("{stem}.p7m"), bytes);
    }

    fn list(&mut self, number: &str, id: &str, direction: &str, digest: Digest, steps: &[&str]) {
        self.index.push(json!({"dir": format!("{number}-{id}"), "envelope": id, "direction": direction,
            "statement": "consultation", "digest": digest, "steps": steps}));
    }

    /// One statement, sealed, committed, sent and receipted; gives digest, statement and receipt.
    fn exchange(
        &mut self,
        dir: &str,
        id: &str,
        from_a: bool,
        message: Message,
    ) -> (Digest, Vec<u8>, Vec<u8>) {
        let (from, to) = if from_a { (&mut self.a, &mut self.b) } else { (&mut self.b, &mut self.a) };
        let (envelope, file): (EnvelopeId, FileId) = (id.parse().unwrap(), FILE.parse().unwrap());
        let (sender, addressee) = (from.office(ContactPoint), to.office(ContactPoint));
        let statement =
            Statement::new(envelope, file, sender, addressee, minute(1), message).to_json().unwrap();
        let signed = from.sign(ContactPoint, &statement, minute(2));
        let recipient = to.offices[&ContactPoint].certificate().clone();
        let sealed = seal::encrypt_cms(&signed, &[recipient]).unwrap();
        let digest = Digest::of(&sealed);
        let entry = from.commit(STATEMENT_LABEL, addressed_digest(envelope, sender, addressee, &digest));
        let first = from.log.size;
        from.commit(EVENT, Digest::of(b"something between"));
        let letter = Envelope::new(
            envelope,
            sender,
            addressee,
            &sealed,
            minute(3),
            from.evidence(&entry, Some(first)),
        );
        let received = to.commit(RECEIVED_LABEL, digest);
        let head = from.head(from.log.size);
        let line = cosignature::cosign(&head.to_string(), &to.cosigner, CONFIRMED).unwrap();
        let receipt = Receipt {
            format: Receipt::format(),
            envelope,
            digest,
            from: to.office(NodeOffice),
            to: sender,
            received_at: at(NOW),
            sent_at: minute(3),
            head: Some(CosignedHead { size: head.size(), root: *head.root(), cosignature: line }),
            log: to.evidence(&received, None),
        };
        let receipt = to.sign(NodeOffice, &serde_json::to_vec(&receipt).unwrap(), at(NOW));
        self.pending.push((format!("{dir}/statement"), from_a, entry));
        self.pending.push((format!("{dir}/receipt"), !from_a, received));
        self.put(&format!("{dir}/envelope.json"), letter.to_json().unwrap());
        self.put(&format!("{dir}/statement.p7m"), signed.clone());
        self.put(&format!("{dir}/receipt.p7m"), receipt.clone());
        (digest, signed, receipt)
    }

    /// Chains the events and commits each.
    pub(crate) fn write_events(&mut self) {
        let mut previous = Value::Null;
        for (sequence, mut event) in self.events.clone().into_iter().enumerate() {
            event["sequence"] = json!(sequence);
            event["previous"] = previous;
            let bytes = event.to_string().into_bytes();
            previous = json!(Digest::of(&bytes));
            let entry = self.a.commit(EVENT, Digest::of(&bytes));
            self.pending.push((format!("events/{sequence:04}"), true, entry));
            self.put(&format!("events/{sequence:04}.json"), bytes);
        }
    }

    fn states(&mut self) {
        for (code, root, descriptor, log, cosigner) in [&self.a, &self.b].map(|node| {
            let (log, cosigner) = (node.log_key.vkey(), node.cosigner.vkey());
            (node.state, node.root.certificate_pem(), node.descriptor(), log, cosigner)
        }) {
            self.put(&format!("states/{code}/root.pem"), root);
            self.put(&format!("states/{code}/descriptor-1.p7m"), descriptor);
            self.put(&format!("states/{code}/log.vkey"), format!("{log}\n"));
            self.put(&format!("states/{code}/cosigner.vkey"), format!("{cosigner}\n"));
        }
    }

    fn write_proofs(&mut self) {
        for (stem, of_a, entry) in std::mem::take(&mut self.pending) {
            self.write_proof(&stem, of_a, &entry);
        }
    }

    /// A proof under the newest head, which the other State confirmed.
    pub(crate) fn write_proof(&mut self, stem: &str, of_a: bool, entry: &Entry) {
        let (node, other) = if of_a { (&self.a, &self.b) } else { (&self.b, &self.a) };
        let head = node.signed_head(node.log.size, &other.cosigner);
        let proof = TlogProof::new(&node.inclusion(entry.leaf, node.log.size), &head).unwrap().to_string();
        let opening = json!({"label": entry.label, "salt": hex::encode(entry.salt), "digest": entry.digest,
            "leaf": entry.leaf});
        self.put(&format!("{stem}.tlog-proof"), proof);
        self.put(&format!("{stem}.commitment.json"), opening.to_string());
    }

    /// The newest head of A with a time-stamp of the demonstration authority.
    fn stamp(&mut self) {
        let size = self.a.log.size;
        let head = self.a.signed_head(size, &self.b.cosigner);
        let text = head.body().to_owned();
        self.put(&format!("heads/XA/{size}.checkpoint"), head.to_string());
        let token = self.token(text.as_bytes());
        self.put(&format!("heads/XA/{size}.tsr"), token);
        self.put(&format!("heads/XA/{size}.text"), text);
    }

    pub(crate) fn token(&self, bytes: &[u8]) -> Vec<u8> {
        let query = TimeStampQuery::new(Digest::of(bytes), [3; 16]).to_der().unwrap();
        self.authority.answer(&query, [5; 16], at("2026-11-24T07:00:00Z")).unwrap()
    }

    pub(crate) fn index(&self) -> Value {
        json!({"format": "rogatory/bundle/1", "file": FILE, "exporter": "XA", "other": "XB", "side": "outgoing",
            "kind": "preservation", "made_at": "2026-11-25T00:00:00Z", "content": true, "envelopes": self.index,
            "events": self.events.len(), "demonstration_stamps": true})
    }

    fn seal_up(&mut self) {
        let index = serde_json::to_vec_pretty(&self.index()).unwrap();
        self.put("bundle.json", index);
        self.put("README.txt", "Read the report.\n");
        self.pack();
    }

    /// Packs what is there, by the exporter's node: what a lying exporter would do.
    pub(crate) fn pack(&mut self) {
        let office = &self.a.offices[&NodeOffice];
        pack(&mut self.files, office);
    }

    /// The path of the only file that begins and ends so.
    pub(crate) fn path(&self, begins: &str, ends: &str) -> String {
        let mut found = self.files.keys().filter(|path| path.starts_with(begins) && path.ends_with(ends));
        found.next().unwrap_or_else(|| panic!("no {begins}…{ends}")).clone()
    }

    pub(crate) fn zip(&self) -> Vec<u8> {
        let files: Vec<(&str, &[u8])> =
            self.files.iter().map(|(name, body)| (name.as_str(), body.as_slice())).collect();
        zip(&files)
    }

    /// What a careful reader brings: both fingerprints and the root of the authority.
    pub(crate) fn trust(&self) -> Trust {
        let mut trust = Trust::default();
        for node in [&self.a, &self.b] {
            let print = register::Fingerprint::of(node.root.certificate().fingerprint());
            trust.add_fingerprint(&format!("{}={print}", node.state)).unwrap();
        }
        trust.add_authority(self.authority.root().to_pem().as_bytes()).unwrap();
        trust
    }
}

/// Writes the packing list and signs it by this office.
pub(crate) fn pack(files: &mut Files, office: &Issued) {
    files.retain(|path, _| !path.starts_with("manifest-sha256."));
    let line = |(path, body): (&String, &Vec<u8>)| format!("{}  {path}\n", Digest::of(body).hex());
    let list: String = files.iter().map(line).collect();
    let key = office.office_key().unwrap();
    let when = at("2026-11-25T00:00:00Z");
    let signature = seal::sign_cms(list.as_bytes(), false, key.signing(), key.certificate(), when).unwrap();
    files.insert("manifest-sha256.txt".to_owned(), list.into_bytes());
    files.insert("manifest-sha256.p7s".to_owned(), signature);
}

/// A ZIP of stored entries, also of names that nobody should accept.
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let length = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
        let short = |n: usize| u16::try_from(n).unwrap().to_le_bytes();
        let offset = length(body.len());
        let middle = [
            &[10, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..],
            &crc32(content).to_le_bytes(),
            &length(content.len()),
            &length(content.len()),
            &short(name.len()),
            &[0, 0],
        ]
        .concat();
        body.extend([b"PK\x03\x04", &middle[..], name.as_bytes(), content].concat());
        directory.extend([b"PK\x01\x02\x0a\x00", &middle[..], &[0; 10], &offset, name.as_bytes()].concat());
    }
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    let (start, size) = (u32::try_from(body.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size.to_le_bytes(), &start.to_le_bytes(), &[0, 0]]
        .concat();
    [body, directory, end].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    };
    !bytes.iter().fold(u32::MAX, step)
}
