//! A peer that answers something else than its receipt: the envelope stays undelivered and is tried again.

use crate::fixture::{Identity, Node, World, until};
use axum::{Router, body::Bytes, extract::State, http::StatusCode, response::IntoResponse};
use axum_server::{Handle, tls_rustls::RustlsConfig};
use casefile::outgoing::Outgoing;
use exchange::Receipt;
use flow::HandedBy;
use rustls::{ServerConfig, version::TLS13};
use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    time::Duration,
};
use treaty::Kind;
use vocabulary::{EnvelopeId, FileId, OfficeFunction};

/// What the false node answers to everything, and how often it was asked.
#[derive(Debug, Default)]
struct Script {
    status: u16,
    body: Vec<u8>,
    location: Option<String>,
    asked: usize,
}

/// A server with the real TLS key of a State that says what it is told to say.
#[derive(Debug)]
pub(crate) struct FalseNode {
    script: Arc<Mutex<Script>>,
    handle: Handle<SocketAddr>,
}

impl FalseNode {
    /// In the place of `node`, which does not serve now.
    fn start(node: &Node) -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new().fallback(told).with_state(Arc::clone(&script));
        Self { script, handle: serve(node, router) }
    }

    fn say(&self, status: u16, body: impl Into<Vec<u8>>) {
        let mut script = self.script.lock().unwrap();
        *script = Script { status, body: body.into(), location: None, asked: 0 };
    }

    fn asked(&self) -> usize {
        self.script.lock().unwrap().asked
    }

    fn stop(self) {
        self.handle.shutdown();
    }
}

/// Serves `router` at the address of `node` with its TLS key, whoever comes.
pub(crate) fn serve(node: &Node, router: Router) -> Handle<SocketAddr> {
    serve_as(node, node, router)
}

/// Serves `router` at the address of `node` with the TLS key of `who`.
pub(crate) fn serve_as(node: &Node, who: &Node, router: Router) -> Handle<SocketAddr> {
    let Identity(chain, key) = who.identity();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let listener = TcpListener::bind(node.address()).unwrap();
    let handle = Handle::new();
    let config = RustlsConfig::from_config(Arc::new(config));
    let server = axum_server::from_tcp_rustls(listener, config).unwrap().handle(handle.clone());
    tokio::spawn(server.serve(router.into_make_service()));
    handle
}

async fn told(State(script): State<Arc<Mutex<Script>>>, _body: Bytes) -> axum::response::Response {
    let mut script = script.lock().unwrap();
    script.asked += 1;
    let status = StatusCode::from_u16(script.status).unwrap();
    match &script.location {
        Some(location) => (status, [("location", location.clone())]).into_response(),
        None => (status, script.body.clone()).into_response(),
    }
}

/// A's node is about to deliver to a false B; the receipt that the true B gave lies in B's store.
struct Scene {
    world: World,
    file: FileId,
    id: EnvelopeId,
    truth: Vec<u8>,
    false_node: FalseNode,
}

impl Scene {
    async fn set() -> Self {
        let mut world = World::new().await;
        let false_node = FalseNode::start(&world.b);
        false_node.say(503, "");
        world.a.start().await;
        let file = world.a.ask(&world.b, Kind::PRESERVATION).await;
        let id = sent(&world.a, file).await;
        let bytes = world.a.envelope(id).await;
        let truth = world.b.flow.take_in(&bytes, HandedBy::Peer(world.a.state())).await.unwrap();
        Self { world, file, id, truth, false_node }
    }

    /// The true receipt, changed and signed by `signer`.
    fn forged(&self, signer: &seal::OfficeKey, change: impl FnOnce(&mut Receipt)) -> Vec<u8> {
        let (b, now) = (&self.world.b, self.world.b.flow.now());
        let anchor = b.flow.keys().root().unwrap().anchor().clone();
        let verified = seal::verify_cms_attached(&self.truth, &anchor, now).unwrap();
        let mut receipt: Receipt = serde_json::from_slice(verified.value()).unwrap();
        change(&mut receipt);
        let json = serde_json::to_vec(&receipt).unwrap();
        seal::sign_cms(&json, true, signer.signing(), signer.certificate(), now).unwrap()
    }

    /// The false node says `body`; A does not believe it and tries again.
    async fn disbelieved(&self, status: u16, body: Vec<u8>, trouble: &str) {
        self.false_node.say(status, body);
        let (a, before) = (&self.world.a, self.world.a.outbox(self.id).await.attempts);
        until(trouble, async || {
            // Backoff is by the clock, and clocks can be moved.
            a.clock.forward(Duration::from_secs(60));
            let row = a.outbox(self.id).await;
            let found = row.trouble.unwrap_or_default();
            (row.attempts > before + 1 && found.contains(trouble)).then_some(())
        })
        .await;
        assert!(self.false_node.asked() > 0);
        self.undelivered().await;
    }

    async fn undelivered(&self) {
        let a = &self.world.a;
        let row = a.outbox(self.id).await;
        assert!(row.delivered_at.is_none() && row.receipt.is_none() && row.refused_at.is_none());
        assert!(a.flow.outgoing(self.file).await.unwrap().delivered.is_none());
        assert_eq!(deliveries(a, self.file).await, 0);
        a.audit().await;
    }

    /// The true node serves again, and the true receipt is believed, once.
    async fn comes_right(mut self) {
        self.false_node.stop();
        self.world.a.clock.right();
        until("the address", async || TcpListener::bind(self.world.b.address()).ok().map(drop)).await;
        self.world.b.start().await;
        let (a, file) = (&self.world.a, self.file);
        until("the receipt", async || {
            // What the wrong clock put off is brought forward; an attempt under way puts the next one off again.
            a.flow.bring_forward().await.unwrap();
            a.flow.outgoing(file).await.unwrap().delivered
        })
        .await;
        assert_eq!(deliveries(a, file).await, 1);
        assert_eq!(a.outbox(self.id).await.receipt.unwrap(), self.truth);
        self.world.still_works().await;
    }
}

/// The envelope of the request in `file`.
pub(crate) async fn sent(node: &Node, file: FileId) -> EnvelopeId {
    until("the sealed request", async || {
        let timeline = node.flow.timeline(file).await.unwrap();
        timeline.letters.first().map(|letter| letter.envelope)
    })
    .await
}

/// How often the file says that its request was delivered: by proof, and by law.
pub(crate) async fn deliveries(node: &Node, file: FileId) -> usize {
    let steps = node.flow.timeline(file).await.unwrap().steps;
    let by = |ladder: &str| steps.iter().filter(|s| s.what == "delivered" && s.ladder == ladder).count();
    let known: Outgoing = node.flow.outgoing(file).await.unwrap();
    assert_eq!(by("legal"), usize::from(known.delivered.is_some()));
    by("transport")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_receipt_proves_nothing() {
    let scene = Scene::set().await;
    for (status, body, trouble) in [
        (200, b"thank you".to_vec(), "P-622"),
        (200, Vec::new(), "P-622"),
        (200, vec![0x30; 1 << 20], "too long"),
        (204, Vec::new(), "answered 204"),
        (422, b"no".to_vec(), "answered 422"),
        (500, b"<html>".to_vec(), "answered 500"),
    ] {
        scene.disbelieved(status, body, trouble).await;
    }
    scene.comes_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_by_another_hand_or_about_something_else_proves_nothing() {
    let scene = Scene::set().await;
    let (a, b, c) = (&scene.world.a, &scene.world.b, &scene.world.c);
    let node = b.key(OfficeFunction::Node);
    let old = a.plant_words(b).await;
    let bytes = a.envelope(old).await;
    let of_another = b.flow.take_in(&bytes, HandedBy::Peer(a.state())).await.unwrap();
    a.flow.settle(old, &of_another).await.unwrap();
    let mut altered = scene.truth.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    for (body, trouble) in [
        (of_another, "P-534"),
        (scene.forged(c.key(OfficeFunction::Node), |_| {}), "P-605"),
        (scene.forged(b.key(OfficeFunction::ContactPoint), |_| {}), "P-531"),
        (scene.forged(node, |receipt| receipt.envelope = old), "P-534"),
        (scene.forged(node, |receipt| receipt.digest = vocabulary::Digest::of(b"x")), "P-534"),
        (scene.forged(node, |receipt| receipt.to = c.office(OfficeFunction::ContactPoint)), "P-533"),
        (scene.forged(node, |receipt| receipt.log.salt = "00".repeat(32)), "P-535"),
        (scene.forged(node, |receipt| receipt.head.as_mut().unwrap().size += 1), "P-536"),
        (altered, "P-"),
    ] {
        scene.disbelieved(200, body, trouble).await;
    }
    scene.comes_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let scene = Scene::set().await;
    scene.false_node.say(307, "");
    scene.false_node.script.lock().unwrap().location = Some(scene.world.c.url("/v1/inbox"));
    let elsewhere = FalseNode::start(&scene.world.c);
    elsewhere.say(200, scene.truth.clone());
    until("another attempt", async || {
        scene.world.a.clock.forward(Duration::from_secs(60));
        (scene.false_node.asked() > 2).then_some(())
    })
    .await;
    assert_eq!(elsewhere.asked(), 0);
    scene.undelivered().await;
    elsewhere.stop();
    scene.comes_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_good_ends_the_attempts_and_the_pouch_still_proves_delivery() {
    let scene = Scene::set().await;
    let (a, id) = (&scene.world.a, scene.id);
    let report = vocabulary::Report {
        family: vocabulary::Family::PeerFault,
        code: "P-520".to_owned(),
        message: "no".to_owned(),
        clause: None,
        remedy: "none".to_owned(),
    };
    scene.false_node.say(422, serde_json::to_vec(&report).unwrap());
    until("the refusal", async || {
        a.clock.forward(Duration::from_secs(60));
        a.outbox(id).await.refused_at
    })
    .await;
    until("the finding", async || {
        a.findings(&scene.world.b).await.contains(&"P-544".to_owned()).then_some(())
    })
    .await;
    let asked = scene.false_node.asked();
    a.clock.forward(Duration::from_secs(3600));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(scene.false_node.asked(), asked);
    // The receipt comes back by hand: the proof stands whatever the node said.
    a.clock.right();
    assert!(a.flow.settle_from_pouch(&scene.truth).await.unwrap().first);
    assert_eq!(deliveries(a, scene.file).await, 1);
    a.audit().await;
    let mut world = scene.world;
    scene.false_node.stop();
    until("the address", async || TcpListener::bind(world.b.address()).ok().map(drop)).await;
    world.b.start().await;
    world.still_works().await;
}
