//! Three enrolled States with real nodes on loopback, a clock that can be moved, and peers that misbehave.

use casefile::incoming::{Command, Proposal};
use exchange::{Message, STATEMENT_LABEL, Statement, addressed_digest};
use flow::{Clock, Credential, Flow, HandedBy, NewExhibit, NewOfficer, NodeFolder, SealOptions, SystemClock};
use ledger::{Commitment, Hash, Salt, tree};
use mandate::Role;
use node::{Configuration, Home, InitRequest, Limits, OfficeConfiguration, Running};
use reqwest::{Client, StatusCode};
use rustls::{ClientConfig, RootCertStore, version::TLS13};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use seal::OfficeKey;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};
use store::{NodeRow, OutboxRow, Write};
use tempfile::TempDir;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use treaty::{Draft, Kind};
use vocabulary::{
    Digest, EnvelopeId, ExhibitId, FileId, Instant, OfficeFunction, OfficeId, PackageId, StateCode,
};

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
/// How long anything on loopback may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The machine's clock, moved.
#[derive(Debug, Default)]
pub(crate) struct MovedClock(AtomicI64);

impl MovedClock {
    pub(crate) fn forward(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn right(&self) {
        self.0.store(0, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Instant {
        Instant::from_micros(SystemClock.now().micros() + self.0.load(Ordering::SeqCst))
    }
}

/// One State: its folder, its officers and, while it serves, its node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) home: Home,
    pub(crate) clock: Arc<MovedClock>,
    /// As another program of the node: its own connections to the same database.
    pub(crate) flow: Flow,
    pub(crate) first: Credential,
    pub(crate) second: Credential,
    pub(crate) limits: Limits,
    running: Option<Running>,
}

/// What must not change when something is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    inbox: usize,
    quarantined: usize,
    outbox: usize,
    files: usize,
    events: usize,
    leaves: u64,
    root: String,
}

impl Mark {
    /// For times that pass: what is missed for long is committed.
    pub(crate) fn but_the_ledger(self) -> Self {
        Self { leaves: 0, root: String::new(), ..self }
    }

    /// The same with the ledger of another moment.
    pub(crate) fn with_leaves_of(self, other: &Self) -> Self {
        Self { leaves: other.leaves, root: other.root.clone(), ..self }
    }
}

/// An answer of a peer's endpoint.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

/// More words than a test's nodes have for each other at once.
const CROSSINGS: usize = 16;

impl Answer {
    /// The stable code in a refusal.
    pub(crate) fn code(&self) -> String {
        let report: vocabulary::Report = serde_json::from_slice(&self.body).unwrap_or_else(|_| {
            panic!("{}: no report: {:?}", self.status, String::from_utf8_lossy(&self.body))
        });
        report.code
    }

    /// The head of our log from which the peer wants a proof.
    fn asks_for_proof_from(&self) -> Option<exchange::CosignedHead> {
        let told: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        let head = (told["code"] == "P-528").then(|| told["head"].clone())?;
        Some(serde_json::from_value(head).unwrap())
    }

    pub(crate) fn receipt(self) -> Vec<u8> {
        assert_eq!(self.status, StatusCode::OK, "{}", String::from_utf8_lossy(&self.body));
        self.body
    }
}

impl Node {
    async fn make(place: &Path, state: &str, zone: &str) -> Self {
        let address = address();
        let office = |f: OfficeFunction| {
            let name = format!("{f} of {state}");
            (f, OfficeConfiguration { name, contact: "office@exercise.example".to_owned() })
        };
        let mut configuration = Configuration {
            state: state.parse().unwrap(),
            names: [("en".parse().unwrap(), format!("Republic of {state}"))].into(),
            zone: zone.to_owned(),
            languages: vec!["en".parse().unwrap()],
            listen: address.clone(),
            endpoint: format!("https://{address}"),
            declarations: Default::default(),
            transfer: Default::default(),
            log: Default::default(),
            time_stamp: None,
            desk: node::DeskConfiguration::default(),
            offices: OfficeFunction::ALL.into_iter().map(office).collect(),
        };
        configuration.declarations.convention_in_force = true;
        let request = InitRequest { configuration, hosts: Vec::new() };
        let home = Home::init(&place.join(state), request).await.unwrap();
        let clock = Arc::new(MovedClock::default());
        let flow = home.flow_at(clock.clone()).await.unwrap();
        let first = officer(&flow, "first.officer", &Role::ALL).await;
        let second = officer(&flow, "second.officer", &[Role::DecidingOfficer]).await;
        Self { home, clock, flow, first, second, limits: Limits::default(), running: None }
    }

    fn descriptor(&self) -> Vec<u8> {
        let now = self.flow.now();
        node::sign(&node::export(&self.home, &self.flow, now).unwrap(), &self.flow, now).unwrap()
    }

    pub(crate) async fn start(&mut self) {
        let flow = self.home.flow_at(self.clock.clone()).await.unwrap();
        self.running = Some(node::serve_with(&self.home, flow, self.limits).await.unwrap());
    }

    pub(crate) async fn stop(&mut self) {
        self.running.take().expect("the node serves").stop().await;
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub(crate) fn state(&self) -> StateCode {
        self.flow.us()
    }

    pub(crate) fn office(&self, function: OfficeFunction) -> OfficeId {
        OfficeId::new(self.state(), function)
    }

    pub(crate) fn key(&self, function: OfficeFunction) -> &OfficeKey {
        self.flow.keys().office(function).unwrap()
    }

    pub(crate) fn address(&self) -> &str {
        &self.home.configuration.listen
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.home.configuration.endpoint)
    }

    /// Serves the log to anybody, from the next start on.
    pub(crate) fn open_log(&mut self) {
        let host = self.address().trim_end_matches("8443").to_owned();
        self.home.configuration.log.listen = Some(format!("{host}8444"));
    }

    /// The address of the log that anybody can follow.
    pub(crate) fn log_url(&self, path: &str) -> String {
        format!("https://{}{path}", self.home.configuration.log.listen.as_ref().unwrap())
    }

    pub(crate) fn folder(&self) -> &NodeFolder {
        &self.home.folder
    }

    /// What TLS shows of this node: its chain and key.
    pub(crate) fn identity(&self) -> Identity {
        let (chain, key) = self.flow.keys().tls_pem().unwrap();
        Identity::from_pem(&chain, &key)
    }

    /// A client that speaks to `to` as this State's node.
    pub(crate) fn client(&self, to: &Self) -> Client {
        client(tls_to(to, Some(self.identity())))
    }

    pub(crate) async fn hand_over(&self, to: &Self, envelope: Vec<u8>) -> Answer {
        post(&self.client(to), to, envelope).await
    }

    pub(crate) async fn mark(&self) -> Mark {
        let audit = self.audit().await;
        Mark {
            inbox: audit.received,
            quarantined: audit.quarantined,
            outbox: audit.sent,
            files: audit.files,
            events: audit.events,
            leaves: audit.leaves,
            root: audit.root,
        }
    }

    /// The audit, which must find nothing wrong.
    pub(crate) async fn audit(&self) -> flow::Audit {
        let audit = self.flow.audit().await.unwrap();
        assert!(audit.troubles.is_empty(), "{}: {:?}", self.state(), audit.troubles);
        audit
    }

    /// Codes of the findings about `peer`.
    pub(crate) async fn findings(&self, peer: &Self) -> Vec<String> {
        let found = self.flow.findings().await.unwrap();
        found.into_iter().filter(|f| f.peer == Some(peer.state())).map(|f| f.report.code).collect()
    }

    pub(crate) async fn outbox(&self, envelope: EnvelopeId) -> OutboxRow {
        let mut read = self.flow.store().read().await.unwrap();
        read.queries().outbox(envelope).await.unwrap().unwrap()
    }

    pub(crate) async fn inbox(&self, from: &Self, envelope: EnvelopeId) -> Option<store::InboxRow> {
        let mut read = self.flow.store().read().await.unwrap();
        read.queries().inbox(from.state(), envelope).await.unwrap()
    }

    /// Signs `message` with `signer`, seals it and puts it in the outbox as if the State had said it.
    ///
    /// The node's own workers leave it alone; `deliver` brings it.
    pub(crate) async fn plant(
        &self,
        to: &Self,
        file: FileId,
        function: OfficeFunction,
        signer: &OfficeKey,
        message: Message,
    ) -> EnvelopeId {
        let recipient = to.key(function).certificate().clone();
        self.plant_sealed(to, file, function, signer, message, recipient).await
    }

    async fn plant_sealed(
        &self,
        to: &Self,
        file: FileId,
        function: OfficeFunction,
        signer: &OfficeKey,
        message: Message,
        recipient: seal::Certificate,
    ) -> EnvelopeId {
        let envelope = EnvelopeId::from_uuid(uuid::Uuid::now_v7());
        let kind = message.word().to_owned();
        let (from, addressee) = (self.office(function), to.office(function));
        let now = self.flow.now();
        let statement = Statement::new(envelope, file, from, addressee, now, message).to_json().unwrap();
        let sealed: seal::Sealed = seal::seal(&statement, signer, &[recipient], now).unwrap();
        let mut write = self.flow.store().write().await.unwrap();
        let committed = addressed_digest(envelope, from, addressee, &sealed.digest());
        let (salt, leaf) = append(&mut write, &committed).await;
        let row = OutboxRow {
            envelope,
            peer: to.state(),
            sender: from,
            addressee,
            file,
            kind,
            sealed_digest: sealed.digest(),
            sealed: sealed.into_der(),
            salt,
            leaf,
            queued_at: now,
            next_attempt: now,
            attempts: 0,
            trouble: None,
            thresholds: 0,
            delivered_at: None,
            refused_at: None,
            receipt: None,
        };
        write.add_outbox(&row).await.unwrap();
        // What was refused is not tried again.
        write.refuse_outbox(envelope, now, "planted").await.unwrap();
        write.commit().await.unwrap();
        envelope
    }

    /// Words addressed to `to` that only `other` can open.
    pub(crate) async fn plant_sealed_for(&self, other: &Self, to: &Self) -> EnvelopeId {
        let contact = OfficeFunction::ContactPoint;
        let (key, recipient) = (self.key(contact), other.key(contact).certificate().clone());
        let words = Message::Consultation { text: "words for somebody else".to_owned() };
        self.plant_sealed(to, new_file(), contact, key, words, recipient).await
    }

    /// An ordinary message of the contact point about a file that nobody knows.
    pub(crate) async fn plant_words(&self, to: &Self) -> EnvelopeId {
        let contact = OfficeFunction::ContactPoint;
        let text = "words about a file that nobody knows".to_owned();
        self.plant(to, new_file(), contact, self.key(contact), Message::Consultation { text }).await
    }

    pub(crate) async fn envelope(&self, envelope: EnvelopeId) -> Vec<u8> {
        self.flow.envelope_bytes(envelope).await.unwrap()
    }

    /// Hands a planted envelope over, with the proof that it is asked for, and settles its receipt.
    pub(crate) async fn deliver(&self, to: &Self, envelope: EnvelopeId) -> Vec<u8> {
        let mut answer = self.hand_over(to, self.envelope(envelope).await).await;
        // A word of the other node may cross each attempt, as it may cross those of a worker.
        for _ in 0..CROSSINGS {
            let Some(head) = answer.asks_for_proof_from() else { break };
            self.flow.challenged(to.state(), &head).await.unwrap();
            answer = self.hand_over(to, self.envelope(envelope).await).await;
        }
        let receipt = answer.receipt();
        assert!(self.flow.settle(envelope, &receipt).await.unwrap().first);
        receipt
    }

    /// Drafts, submits and approves a request to `to`.
    pub(crate) async fn ask(&self, to: &Self, kind: Kind) -> FileId {
        let mut draft = example(kind, self.flow.now());
        draft.to = Some(to.state());
        let file = self.flow.draft(&self.first, &draft).await.unwrap().file.file;
        let (checked, _) = self.flow.submit(&self.first, file).await.unwrap();
        assert!(!checked.checked.has_must(), "{:#?}", checked.checked.findings);
        self.flow.approve(&self.second, file).await.unwrap();
        file
    }

    /// Asks, and waits until both sides hold the proof and the file; `to` must serve.
    pub(crate) async fn ask_and_wait(&self, to: &Self, kind: Kind) -> FileId {
        let file = self.ask(to, kind).await;
        until("a request with its receipt", async || {
            self.work_by_hand(&[to]).await;
            to.work_by_hand(&[]).await;
            let delivered = self.flow.outgoing(file).await.unwrap().delivered.is_some();
            (delivered && to.flow.incoming(file).await.is_ok()).then_some(())
        })
        .await;
        file
    }

    /// Does what the workers of a node do, while it does not serve; envelopes go only to nodes that do.
    pub(crate) async fn work_by_hand(&self, serving: &[&Self]) {
        if self.running.is_some() {
            return;
        }
        self.flow.record_stored().await.unwrap();
        self.flow.discharge_due().await.unwrap();
        for attempt in self.flow.attempts_due().await.unwrap() {
            if let Some(to) = serving.iter().find(|to| to.state() == attempt.peer) {
                self.deliver(to, attempt.envelope).await;
            }
        }
    }

    /// The requested State grants a file that it received.
    pub(crate) async fn grant(&self, file: FileId) {
        self.flow.triage(&self.first, file, false, None).await.unwrap();
        let proposal = Proposal::Grant { conditions: None };
        self.flow.propose(&self.first, file, proposal).await.unwrap();
        self.flow.decide(&self.second, file).await.unwrap();
    }

    /// Takes `content` in as an exhibit and seals it.
    pub(crate) async fn seal_evidence(&self, file: FileId, content: &Path) -> PackageId {
        let (none, zero) = (Digest::of(b""), uuid::Uuid::nil());
        let exhibit = ExhibitId::from_uuid(zero);
        let command = Command::TakeExhibit { exhibit, record: none, files: 0, bytes: 0, tree: none };
        let officer = self.flow.authorize(&self.first, command).await.unwrap();
        let watch = &mut |_| std::ops::ControlFlow::Continue(());
        let new = NewExhibit { path: content, name: "logs", why: "order 12", carry: evidence::Carry::Files };
        self.flow.take_exhibit(&officer, file, new, watch).await.unwrap();
        let package = PackageId::from_uuid(zero);
        let command = Command::SealEvidence { package, tag_manifest: none, bytes: 0, announcement: none };
        let officer = self.flow.authorize(&self.first, command).await.unwrap();
        self.flow
            .seal_evidence(&officer, file, &SealOptions::default(), watch)
            .await
            .unwrap()
            .1
            .label
            .package_id
    }

    pub(crate) async fn send_evidence(&self, file: FileId, package: PackageId) {
        let command = self.flow.authorize(&self.first, Command::SendEvidence { package }).await.unwrap();
        self.flow.send_evidence(&command, file).await.unwrap();
    }

    /// Brings everything that is due to `to` without any network, as the pouch does.
    pub(crate) async fn pouch(&self, to: &Self) {
        self.flow.discharge_due().await.unwrap();
        for attempt in self.flow.attempts_due().await.unwrap() {
            let bytes = self.envelope(attempt.envelope).await;
            let receipt = to.flow.take_in(&bytes, HandedBy::Peer(self.state())).await.unwrap();
            self.flow.settle(attempt.envelope, &receipt).await.unwrap();
        }
        to.flow.record_stored().await.unwrap();
    }
}

async fn officer(flow: &Flow, id: &str, roles: &[Role]) -> Credential {
    let id: vocabulary::OfficerId = id.parse().unwrap();
    let new = NewOfficer { id: id.clone(), name: id.to_string(), roles: roles.iter().copied().collect() };
    let token = flow.add_officer(new).await.unwrap();
    Credential { id, token }
}

/// An address of its own for every node of every test: loopback is 127.0.0.0/8.
fn address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    format!("127.{}.{}.{}:8443", 1 + (process >> 8) % 250, process % 256, 1 + number % 250)
}

/// Appends a commitment to the ledger in `write`, as `flow` does it.
async fn append(write: &mut Write, digest: &Digest) -> (Vec<u8>, u64) {
    let salt = keys::random_bytes::<32>().unwrap();
    let commitment = Commitment::new(STATEMENT_LABEL, &Salt::from_bytes(salt), digest);
    let size = write.queries().ledger_size().await.unwrap();
    let mut nodes = HashMap::new();
    for (level, index) in tree::needed_for_append(size) {
        let row = write.queries().ledger_node(level, index).await.unwrap().unwrap();
        nodes.insert((level, index), Hash::from_bytes(row.hash));
    }
    write.append_leaf(size, commitment.as_bytes()).await.unwrap();
    for node in tree::append(size, commitment.leaf_hash(), &nodes).unwrap() {
        let row = NodeRow { level: node.level, position: node.index, hash: *node.hash.as_bytes() };
        write.add_node(&row).await.unwrap();
    }
    (salt.to_vec(), size)
}

pub(crate) fn new_file() -> FileId {
    FileId::from_uuid(uuid::Uuid::now_v7())
}

/// The template of the kind, with its dates set from `now`.
pub(crate) fn example(kind: Kind, now: Instant) -> Draft {
    let mut draft = Draft::from_toml(treaty::template(kind)).unwrap();
    if draft.expected_mla_date.is_some() {
        draft.expected_mla_date = Some(now.plus(DAY * 30).date_in(&jiff::tz::TimeZone::UTC));
    }
    if let Some(confidentiality) = &mut draft.confidentiality {
        confidentiality.until = Some(now.plus(DAY * 180));
    }
    if let Some(safeguards) = &mut draft.safeguards {
        safeguards.valid_from = Some(now.minus(DAY));
        safeguards.valid_until = Some(now.plus(DAY * 120));
    }
    for item in &mut draft.items {
        item.from = Some(now.minus(DAY * 40));
        item.until = Some(now.minus(DAY * 39));
    }
    draft
}

/// A TLS certificate and its key.
pub(crate) struct Identity(pub(crate) Vec<CertificateDer<'static>>, pub(crate) PrivateKeyDer<'static>);

impl Identity {
    pub(crate) fn from_pem(chain: &str, key: &str) -> Self {
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).map(Result::unwrap).collect();
        Self(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
    }
}

/// TLS 1.3 towards the node of `to`, with whatever is shown of ourselves.
pub(crate) fn tls_to(to: &Node, identity: Option<Identity>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let root = to.flow.keys().root_certificate_pem().unwrap();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(Identity(chain, key)) => config.with_client_auth_cert(chain, key).unwrap(),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

pub(crate) fn client(config: ClientConfig) -> Client {
    Client::builder().use_preconfigured_tls(config).no_proxy().timeout(PATIENCE).build().unwrap()
}

pub(crate) async fn post(client: &Client, to: &Node, body: impl Into<reqwest::Body>) -> Answer {
    answer(client.post(to.url("/v1/inbox")).body(body).send().await.unwrap()).await
}

pub(crate) async fn answer(response: reqwest::Response) -> Answer {
    Answer { status: response.status(), body: response.bytes().await.unwrap().to_vec() }
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Waits until the node has opened what it took in, so that its ledger is at rest.
pub(crate) async fn at_rest(node: &Node) {
    let mut last = node.mark().await;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = node.mark().await;
        if now == last {
            return;
        }
        last = now;
    }
}

/// Tests of one binary run side by side; what measures the process runs alone.
static TURN: RwLock<()> = RwLock::const_new(());

/// Held as long as the test runs.
#[derive(Debug)]
pub(crate) enum Turn {
    Beside { _turn: RwLockReadGuard<'static, ()> },
    Alone { _turn: RwLockWriteGuard<'static, ()> },
}

/// Three States, each enrolled with the others; none serves yet.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) a: Node,
    pub(crate) b: Node,
    pub(crate) c: Node,
    pub(crate) place: PathBuf,
    _folder: TempDir,
    _turn: Turn,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::in_turn(Turn::Beside { _turn: TURN.read().await }, None).await
    }

    pub(crate) async fn alone() -> Self {
        Self::in_turn(Turn::Alone { _turn: TURN.write().await }, None).await
    }

    /// As `new`, with the folder of B in `place`, which may be a disk of its own.
    pub(crate) async fn with_b_in(place: &Path) -> Self {
        Self::in_turn(Turn::Beside { _turn: TURN.read().await }, Some(place)).await
    }

    async fn in_turn(turn: Turn, of_b: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_owned();
        let a = Node::make(&place, "XA", "Europe/Paris").await;
        let b = Node::make(of_b.unwrap_or(&place), "XB", "Asia/Ho_Chi_Minh").await;
        let c = Node::make(&place, "XC", "America/Lima").await;
        for (node, others) in [(&a, [&b, &c]), (&b, [&a, &c]), (&c, [&a, &b])] {
            for other in others {
                node.flow.enrol(&other.descriptor()).await.unwrap();
            }
        }
        Self { a, b, c, place, _folder: folder, _turn: turn }
    }

    /// The honest exchange still works in both directions, and every invariant holds on both sides.
    pub(crate) async fn still_works(&self) {
        self.b.ask_and_wait(&self.a, Kind::PRESERVATION).await;
        for node in [&self.a, &self.b] {
            node.audit().await;
        }
    }
}
