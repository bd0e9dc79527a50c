//! Packages: served to their addressee alone, and fetched without believing anything that was announced.

use crate::{
    fixture::{HOUR, Node, World, answer, until},
    flood::Rude,
    receipt::serve,
};
use axum::{
    Router,
    body::Body,
    extract::{Path as Asked, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use exchange::{Announcement, Message, PackageFile};
use futures_util::StreamExt as _;
use reqwest::Method;
use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex},
};
use treaty::Kind;
use vocabulary::{Digest, EnvelopeId, FileId, OfficeFunction, PackageId};

const AUTHORITY: OfficeFunction = OfficeFunction::CentralAuthority;

/// B serves; it holds a package for A that it sealed and did not send yet.
async fn sealed() -> (World, FileId, PackageId) {
    let mut world = World::new().await;
    world.b.start().await;
    let file = world.a.ask_and_wait(&world.b, Kind::STORED_DATA).await;
    world.b.grant(file).await;
    let content = world.place.join("logs.bin");
    fs::write(&content, vec![0x5a; 100_000]).unwrap();
    let package = world.b.seal_evidence(file, &content).await;
    (world, file, package)
}

async fn ask(from: &Node, to: &Node, method: Method, path: &str, range: Option<&str>) -> reqwest::Response {
    let request = from.client(to).request(method, to.url(path));
    let request = match range {
        Some(range) => request.header("range", range),
        None => request,
    };
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_there_for_its_addressee_alone_and_only_once_it_was_sent() {
    let (world, file, package) = sealed().await;
    let (a, b, c) = (&world.a, &world.b, &world.c);
    let path = format!("/v1/packages/{package}/bagit.txt");
    let status = async |from: &Node| ask(from, b, Method::GET, &path, None).await.status().as_u16();
    assert_eq!((status(a).await, status(c).await), (404, 404), "nobody before it was sent");
    b.send_evidence(file, package).await;
    let began = async || {
        let steps = b.flow.timeline(file).await.unwrap().steps;
        steps.iter().filter(|step| step.what == "fetch-began").count()
    };
    assert_eq!(status(c).await, 404, "not another State");
    let head = ask(a, b, Method::HEAD, &path, None).await;
    assert_eq!(head.status().as_u16(), 200);
    let length: u64 = head.headers()["content-length"].to_str().unwrap().parse().unwrap();
    assert!(head.bytes().await.unwrap().is_empty());
    assert_eq!(began().await, 0, "nothing was taken yet");

    let whole = ask(a, b, Method::GET, &path, None).await;
    assert!(whole.headers()["repr-digest"].to_str().unwrap().starts_with("sha-256=:"));
    let whole = answer(whole).await.receipt();
    assert_eq!(whole.len() as u64, length);
    assert_eq!(began().await, 1);
    for (range, expected, bytes) in [
        ("bytes=0-3", 206, Some(&whole[..4])),
        ("bytes=10-", 206, Some(&whole[10..])),
        ("bytes=-5", 206, Some(&whole[whole.len() - 5..])),
        ("bytes=4000000000-", 416, None),
        ("bytes=18446744073709551615-", 416, None),
        ("bytes=5-2", 416, None),
    ] {
        let part = answer(ask(a, b, Method::GET, &path, Some(range)).await).await;
        assert_eq!(part.status.as_u16(), expected, "{range}");
        if let Some(bytes) = bytes {
            assert_eq!(part.body, bytes, "{range}");
        }
    }
    // RFC 9110, 14.2: a range means something in a `GET` only.
    assert_eq!(ask(a, b, Method::HEAD, &path, Some("bytes=0-3")).await.status().as_u16(), 200);
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        assert_eq!(ask(a, b, method, &path, None).await.status().as_u16(), 405);
    }
    assert_eq!(began().await, 1);
    b.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_a_package() {
    let (world, file, package) = sealed().await;
    world.b.send_evidence(file, package).await;
    let rude = Rude::from_to(&world.a, &world.b);
    let whole = format!("/v1/packages/{package}");
    let statuses = tokio::task::spawn_blocking(move || {
        let ask = |path: &str| {
            let mut stream = rude.connect();
            let head = format!("GET {path} HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            let text = String::from_utf8_lossy(&answer).into_owned();
            (path.to_owned(), text)
        };
        [
            format!("{whole}/../../../node.toml"),
            format!("{whole}/..%2f..%2f..%2fkeys%2flog.seed"),
            format!("{whole}/%2e%2e/%2e%2e/node.toml"),
            format!("{whole}/..%252f..%252fnode.toml"),
            format!("{whole}/..\\..\\node.toml"),
            format!("{whole}/data/..%2fbagit.txt"),
            format!("{whole}/data/../bagit.txt"),
            format!("{whole}/./bagit.txt"),
            format!("{whole}/%2fetc%2fpasswd"),
            format!("{whole}//etc/passwd"),
            format!("{whole}/bagit.txt%00"),
            format!("{whole}/bagit.txt/"),
            format!("{whole}/BAGIT.TXT"),
            format!("{whole}/data"),
            format!("{whole}/%ff%fe"),
            format!("{whole}/{}", "a".repeat(8000)),
            "/v1/packages/../../etc/passwd".to_owned(),
            "/v1/packages/not-an-id/bagit.txt".to_owned(),
            "/v1/packages/00000000-0000-0000-0000-000000000000/bagit.txt".to_owned(),
        ]
        .map(|path| ask(&path))
    })
    .await
    .unwrap();
    for (path, text) in statuses {
        let refused = text.starts_with("HTTP/1.1 404") || text.starts_with("HTTP/1.1 400");
        assert!(refused, "{path}: {}", text.lines().next().unwrap_or_default());
    }
    let path = format!("/v1/packages/{package}/bagit.txt");
    assert_eq!(ask(&world.a, &world.b, Method::GET, &path, None).await.status().as_u16(), 200);
}

/// How a false node serves every file of a package.
#[derive(Debug, Clone)]
enum Serving {
    Bytes(Vec<u8>),
    Endless,
    Status(u16),
}

type Shared = Arc<Mutex<Serving>>;

async fn false_file(State(serving): State<Shared>, Asked(_): Asked<(String, String)>) -> Response {
    let serving = serving.lock().unwrap().clone();
    match serving {
        Serving::Bytes(bytes) => (StatusCode::OK, bytes).into_response(),
        Serving::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Serving::Endless => {
            let blocks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![7_u8; 64 << 10]));
            Body::from_stream(blocks.take(1 << 24)).into_response()
        }
    }
}

fn serve_falsely(node: &Node) -> (axum_server::Handle<std::net::SocketAddr>, Shared) {
    let serving: Shared = Arc::new(Mutex::new(Serving::Status(404)));
    let route = axum::routing::get(false_file);
    let router =
        Router::new().route("/v1/packages/{package}/{*name}", route).with_state(Arc::clone(&serving));
    (serve(node, router), serving)
}

fn announcement(files: &[(&str, u64, Digest)]) -> Announcement {
    let files: Vec<PackageFile> = files
        .iter()
        .map(|(name, size, digest)| PackageFile { name: (*name).to_owned(), size: *size, digest: *digest })
        .collect();
    Announcement {
        sent: Vec::new(),
        package: PackageId::from_uuid(uuid::Uuid::now_v7()),
        tag_manifest: Digest::of(b"a manifest"),
        bytes: files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size)),
        files,
        parts: None,
        exhibits: Vec::new(),
        available_until: None,
    }
}

/// B says with its real key that a package can be fetched for `file`.
pub(crate) async fn announce(world: &World, file: FileId, announcement: Announcement) -> EnvelopeId {
    let (a, b) = (&world.a, &world.b);
    let message = Message::Evidence(announcement);
    let id = b.plant(a, file, AUTHORITY, b.key(AUTHORITY), message).await;
    let bytes = b.envelope(id).await;
    let receipt = a.flow.take_in(&bytes, flow::HandedBy::Peer(b.state())).await.unwrap();
    b.flow.settle(id, &receipt).await.unwrap();
    id
}

/// Every path under the folder but the database and what arrives.
fn outside_arriving(folder: &Path) -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = path.display().to_string();
            if name.ends_with("packages/arriving") || name.contains(".sqlite3") {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.insert(name);
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(folder, &mut found);
    found
}

/// Bytes that lie in the folder of what arrives.
fn arrived(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => arrived(&entry.path()),
            Ok(about) => about.len(),
            Err(_) => 0,
        })
        .sum()
}

/// The trouble of the open duty to fetch in `file`, after one more attempt than `attempts`.
async fn put_off(node: &Node, file: FileId, attempts: u32) -> (u32, String) {
    until("the fetch put off", async || {
        node.clock.forward(HOUR / 60);
        let mut read = node.flow.store().read().await.unwrap();
        let duties = read.queries().duties_open().await.unwrap();
        let row = duties.into_iter().find(|duty| duty.file == file && duty.attempts > attempts)?;
        Some((row.attempts, row.trouble.unwrap()))
    })
    .await
}

/// A's request for stored data, delivered to B by hand; nobody serves yet.
async fn asked_by_hand(world: &World) -> FileId {
    let file = world.a.ask(&world.b, Kind::STORED_DATA).await;
    world.a.pouch(&world.b).await;
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_that_cannot_be_true_is_quarantined() {
    let mut world = World::new().await;
    let file = asked_by_hand(&world).await;
    let one = Digest::of(b"x");
    let mut wrong_sum = announcement(&[("bagit.txt", 10, one)]);
    wrong_sum.bytes = 11;
    let many: Vec<(String, u64, Digest)> =
        (0..5000).map(|number| (format!("data/{number}"), 1, one)).collect();
    let many: Vec<(&str, u64, Digest)> = many.iter().map(|(n, s, d)| (n.as_str(), *s, *d)).collect();
    let folder = outside_arriving(world.a.folder().path());
    for (announcement, code) in [
        (announcement(&[("../../keys/log.seed", 10, one)]), "P-508"),
        (announcement(&[("/etc/passwd", 10, one)]), "P-508"),
        (announcement(&[("data/../../x", 10, one)]), "P-508"),
        (announcement(&[("", 10, one)]), "P-508"),
        (announcement(&[("a\u{0}b", 10, one)]), "P-508"),
        (announcement(&[("bagit.txt", 1, one), ("bagit.txt", 1, one)]), "P-508"),
        (announcement(&[("a", u64::MAX, one), ("b", u64::MAX, one)]), "P-508"),
        (wrong_sum, "P-508"),
    ] {
        let file = asked_by_hand(&world).await;
        let before = world.a.flow.outgoing(file).await.unwrap();
        let id = announce(&world, file, announcement).await;
        world.a.flow.record_stored().await.unwrap();
        assert_eq!(world.a.inbox(&world.b, id).await.unwrap().code.as_deref(), Some(code));
        assert_eq!(world.a.flow.outgoing(file).await.unwrap(), before);
    }
    assert_eq!(outside_arriving(world.a.folder().path()), folder);
    // Many files are nothing wrong in themselves.
    let id = announce(&world, file, announcement(&many)).await;
    world.a.flow.record_stored().await.unwrap();
    assert_eq!(world.a.inbox(&world.b, id).await.unwrap().code, None);
    world.a.start().await;
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_serves_is_cut_at_its_announced_size_and_checked_as_it_arrives() {
    let mut world = World::new().await;
    let file = asked_by_hand(&world).await;
    let true_bytes = b"the bytes that were announced".to_vec();
    let size = true_bytes.len() as u64;
    let listed = [("bagit.txt", size, Digest::of(&true_bytes))];
    announce(&world, file, announcement(&listed)).await;
    let (handle, serving) = serve_falsely(&world.b);
    world.a.start().await;
    let a = &world.a;
    let folder = outside_arriving(a.folder().path());
    let mut attempts = 0;
    let mut other = true_bytes.clone();
    other[3] ^= 1;
    for (served, reason) in [
        (Serving::Endless, "P-580: the part `bagit.txt` is not what was announced, 3 times"),
        (Serving::Bytes(other), "P-580: the part `bagit.txt` is not what was announced, 3 times"),
        (Serving::Bytes(true_bytes[..5].to_vec()), "F-706: the package did not arrive: the transfer was cut"),
        (Serving::Status(404), "F-706: the package did not arrive: the peer answered 404"),
        (Serving::Status(416), "F-706: the package did not arrive: the peer answered 416"),
        (Serving::Status(302), "F-706: the package did not arrive: the peer answered 302"),
        (Serving::Status(500), "F-706: the package did not arrive: the peer answered 500"),
    ] {
        *serving.lock().unwrap() = served.clone();
        // An attempt under way may still have seen what was served before.
        attempts = put_off(a, file, attempts + 1).await.0;
        let (now, trouble) = put_off(a, file, attempts).await;
        attempts = now;
        assert!(trouble.starts_with(reason), "{served:?}: {trouble}");
        let arriving = a.folder().path().join("packages/arriving");
        assert!(arrived(&arriving) <= size, "{served:?}: {} bytes", arrived(&arriving));
    }
    assert_eq!(outside_arriving(a.folder().path()), folder);
    assert!(a.flow.outgoing(file).await.unwrap().evidence.unwrap().verified.is_none());

    // Every file as announced, and still no package that anybody signed.
    *serving.lock().unwrap() = Serving::Bytes(true_bytes);
    let b = &world.b;
    until("the finding", async || {
        a.clock.forward(HOUR / 60);
        let findings = a.flow.findings().await.unwrap();
        let about = |f: &flow::Finding| f.file == Some(file) && f.report.code.starts_with("P-");
        findings.iter().any(about).then_some(())
    })
    .await;
    assert!(a.flow.outgoing(file).await.unwrap().evidence.unwrap().verified.is_none());
    assert!(!a.folder().path().join("packages/received").exists());
    assert_eq!(outside_arriving(a.folder().path()), folder);
    handle.shutdown();
    a.clock.right();
    until("the address", async || TcpListener::bind(b.address()).ok().map(drop)).await;
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_fetch_works_after_a_false_one() {
    let mut world = World::new().await;
    let file = asked_by_hand(&world).await;
    world.b.grant(file).await;
    let content = world.place.join("logs.bin");
    fs::write(&content, vec![0x5a; 300_000]).unwrap();
    let package = world.b.seal_evidence(file, &content).await;
    world.b.send_evidence(file, package).await;
    until("the announcement", async || {
        world.b.pouch(&world.a).await;
        world.a.flow.outgoing(file).await.unwrap().evidence
    })
    .await;
    let (handle, serving) = serve_falsely(&world.b);
    *serving.lock().unwrap() = Serving::Endless;
    world.a.start().await;
    let (attempts, trouble) = put_off(&world.a, file, 0).await;
    assert!(trouble.starts_with("P-580"), "{trouble}");
    *serving.lock().unwrap() = Serving::Bytes(vec![1, 2, 3]);
    put_off(&world.a, file, attempts + 1).await;
    handle.shutdown();
    until("the address", async || TcpListener::bind(world.b.address()).ok().map(drop)).await;
    world.b.start().await;
    let a = &world.a;
    until("the package", async || {
        a.clock.forward(HOUR / 60);
        a.flow.outgoing(file).await.unwrap().evidence.and_then(|evidence| evidence.verified)
    })
    .await;
    assert!(a.flow.verify_evidence(file).await.unwrap().1.is_valid());
    a.clock.right();
    world.still_works().await;
}
