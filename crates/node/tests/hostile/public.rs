//! Strangers at the public log, and witnesses: what they can read, what they cannot do, and what they find.

use crate::{
    fixture::{World, at_rest, client, tls_to, until},
    log::Face,
};
use ledger::{AddCheckpoint, CosignerVerifier, LogVerifier, Note, checkpoint, tile::new_tiles};
use node::{Limits, WitnessConfiguration, WitnessHome, WitnessHomeConfiguration};
use reqwest::{Client, StatusCode, header};
use std::{fs, path::Path, process::Command};

async fn text(client: &Client, url: String) -> String {
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

fn witness(world: &World, name: &str, logs: Vec<String>) -> (WitnessHome, String) {
    let configuration = WitnessHomeConfiguration {
        name: name.to_owned(),
        listen: "127.0.0.1:0".to_owned(),
        tls_certificate: None,
        tls_key: None,
        logs,
    };
    let home = WitnessHome::create(&world.place.join(name), &configuration).unwrap();
    let vkey = home.vkey();
    (home, vkey)
}

/// What `openssl` says of the log's line on a note; `None` where it is not installed.
fn openssl_believes(folder: &Path, note: &str, vkey: &str) -> Option<bool> {
    fs::write(folder.join("note"), note).unwrap();
    fs::write(folder.join("vkey"), vkey).unwrap();
    let script = r#"set -e
V=$(cat vkey); NAME=${V%%+*}
echo "$V" | cut -d+ -f3- | base64 -d | tail -c +2 > pub
{ printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; cat pub; } > pub.der
openssl pkey -pubin -inform DER -in pub.der -out pub.pem
L=$(grep -n '^$' note | tail -1 | cut -d: -f1); head -n $((L-1)) note > text
grep "^— $NAME " note | awk '{print $3}' | base64 -d | tail -c +5 > sig
openssl pkeyutl -verify -pubin -inkey pub.pem -rawin -in text -sigfile sig"#;
    Command::new("openssl").arg("version").output().ok()?;
    let run = Command::new("bash").args(["-c", script]).current_dir(folder).output().unwrap();
    Some(run.status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_follows_the_log_without_a_certificate_and_sees_no_content() {
    let mut world = World::new().await;
    world.a.open_log();
    let (home, vkey) = witness(&world, "oversight.example", vec![world.a.flow.keys().log().vkey()]);
    let running = home.serve(Limits::default()).await.unwrap();
    let asked =
        WitnessConfiguration { url: format!("http://{}", running.address()), vkey: vkey.clone(), root: None };
    world.a.home.configuration.log.witnesses.push(asked);
    world.a.start().await;
    world.b.start().await;
    for _ in 0..2 {
        world.b.ask_and_wait(&world.a, treaty::Kind::PRESERVATION).await;
    }
    at_rest(&world.a).await;
    let cosigner = CosignerVerifier::parse(&vkey).unwrap();
    let size = world.a.flow.log_size().await.unwrap();
    until("the witness's cosignature", async || {
        (world.a.flow.witnessed_by(&cosigner).await.unwrap() == size).then_some(())
    })
    .await;

    let stranger = client(tls_to(&world.a, None));
    let answer = stranger.get(world.a.log_url("/checkpoint")).send().await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "public, max-age=2");
    let note = answer.text().await.unwrap();
    let log_key = world.a.flow.keys().log().vkey();
    let log = LogVerifier::parse(&log_key).unwrap();
    let head = checkpoint::open(&note, &log).unwrap();
    assert_eq!(head.checkpoint().size(), size);
    head.cosigned_by(&cosigner).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    if let Some(believed) = openssl_believes(scratch.path(), &note, &log_key) {
        assert!(believed);
        let forged = note.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size + 1), 1);
        assert_eq!(openssl_believes(scratch.path(), &forged, &log_key), Some(false));
    }

    // Every tile, as a mirror takes it, holds; and the export writes the same files.
    let (mirror, exported) = (world.place.join("mirror"), world.place.join("exported"));
    for tile in new_tiles(0, size) {
        let answer = stranger.get(world.a.log_url(&format!("/{tile}"))).send().await.unwrap();
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        let path = mirror.join(tile.to_string());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, answer.bytes().await.unwrap()).unwrap();
    }
    fs::write(mirror.join("checkpoint"), &note).unwrap();
    let checked = node::check_log(&mirror, &log, std::slice::from_ref(&cosigner)).unwrap();
    assert_eq!((checked.size, checked.files as usize), (size, new_tiles(0, size).count()));
    let done = node::export_log(&world.a.flow, &exported).await.unwrap();
    assert_eq!((done.size, done.before), (size, 0));
    for tile in new_tiles(0, size) {
        let read = |place: &Path| fs::read(place.join(tile.to_string())).unwrap();
        assert_eq!(read(&mirror), read(&exported));
    }
    assert_eq!(node::export_log(&world.a.flow, &exported).await.unwrap().written, 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tile_is_not_there_and_no_path_leads_out() {
    let mut world = World::new().await;
    world.a.open_log();
    world.a.start().await;
    world.a.ask(&world.b, treaty::Kind::PRESERVATION).await;
    at_rest(&world.a).await;
    let stranger = client(tls_to(&world.a, None));
    for path in [
        "/",
        "/node.toml",
        "/tile/0/001",
        "/tile/0/000",
        "/tile/9/000",
        "/tile/0/0",
        "/tile/entries/000",
        "/tile/entries/000.p/256",
        "/tile/..%2f..%2fnode.toml",
        "/tile/0/%2e%2e/%2e%2e/keys/log.seed",
        "/tile/0/x999/x999/x999/x999/999",
        "/v1/descriptor",
        "/v1/inbox",
        "/checkpoint/",
        &format!("/tile/0/{}", "x000/".repeat(500)),
    ] {
        let answer = stranger.get(world.a.log_url(path)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(answer.bytes().await.unwrap().is_empty());
    }
    let answer = stranger.delete(world.a.log_url("/checkpoint")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    let answer =
        stranger.post(world.a.log_url("/add-checkpoint")).body(vec![b'a'; 1 << 20]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // The peers' door still asks for a certificate.
    assert!(stranger.get(world.a.url("/v1/descriptor")).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_answers_as_the_specification_says_and_remembers_over_a_restart() {
    let world = World::new().await;
    let (honest, other) = (Face::of(5), Face::of_kind(5, 8));
    let (grown, rewritten) = (Face::of(13), Face::of_kind(13, 8));
    let (home, _) = witness(&world, "w.example", vec![world.a.flow.keys().log().vkey()]);
    let mut running = home.serve(Limits::default()).await.unwrap();
    let stranger = Client::builder().no_proxy().build().unwrap();
    let ask = async |address: std::net::SocketAddr, request: AddCheckpoint| {
        let url = format!("http://{address}/add-checkpoint");
        let answer = stranger.post(url).body(request.to_string()).send().await.unwrap();
        let kind = answer.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
        (answer.status().as_u16(), kind.unwrap_or_default(), answer.text().await.unwrap())
    };
    let (status, _, line) = ask(running.address(), honest.asks(&world.a, 0, 5)).await;
    assert_eq!(status, 200);
    Note::parse(&format!("{}{line}", honest.asks(&world.a, 0, 5).note)).unwrap();
    running.stop().await;
    running =
        WitnessHome::open(&world.place.join("w.example")).unwrap().serve(Limits::default()).await.unwrap();
    let address = running.address();
    let stale = ask(address, grown.asks(&world.a, 0, 13)).await;
    assert_eq!((stale.0, stale.1.as_str(), stale.2.as_str()), (409, "text/x.tlog.size", "5\n"));
    assert_eq!(ask(address, other.asks(&world.a, 5, 5)).await.0, 409);
    assert_eq!(ask(address, rewritten.asks(&world.a, 5, 13)).await.0, 422);
    assert_eq!(ask(address, honest.asks(&world.b, 0, 5)).await.0, 404);
    let mut forged = honest.asks(&world.a, 5, 5);
    forged.note = forged.note.replacen("\n5\n", "\n6\n", 1);
    assert_eq!(ask(address, forged).await.0, 403);
    let mut larger = honest.asks(&world.a, 5, 5);
    larger.old = 6;
    assert_eq!(ask(address, larger).await.0, 400);
    assert_eq!(ask(address, grown.asks(&world.a, 5, 13)).await.0, 200);
    running.stop().await;
    let (heads, contradictions) =
        WitnessHome::open(&world.place.join("w.example")).unwrap().memory().await.unwrap();
    assert_eq!((heads[0].size, contradictions.len()), (13, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_a_witness_of_its_peers_and_two_faces_shown_by_a_stranger_stop_the_exchange() {
    let mut world = World::new().await;
    world.a.open_log();
    world.a.start().await;
    let id = world.b.plant_words(&world.a).await;
    world.b.deliver(&world.a, id).await;
    let stranger = client(tls_to(&world.a, None));
    let ask = async |request: String| {
        let answer = stranger.post(world.a.log_url("/add-checkpoint")).body(request).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    // The receipts and the witness share one memory.
    let (request, _) = world.b.flow.witness_request(0).await.unwrap().unwrap();
    let (status, seen) = ask(request.to_string()).await;
    let seen: u64 = seen.trim_end().parse().unwrap();
    assert_eq!((status, seen > 0), (409, true));
    let (request, size) = world.b.flow.witness_request(seen).await.unwrap().unwrap();
    let (status, line) = ask(request.to_string()).await;
    assert_eq!(status, 200);
    let cosigner = CosignerVerifier::parse(&world.a.flow.keys().cosigner().vkey()).unwrap();
    world.b.flow.witnessed(&cosigner, size, &line).await.unwrap();

    assert_eq!(ask("old 0\n\nnonsense".to_owned()).await.0, 404);
    assert!(world.a.flow.halts().await.unwrap().is_empty());
    let face = Face::of_kind(size, 8);
    assert_eq!(ask(face.asks(&world.b, size, size).to_string()).await.0, 409);
    assert_eq!(world.a.flow.halts().await.unwrap()[0].peer, world.b.state());
    let findings = world.a.flow.findings().await.unwrap();
    assert!(findings.iter().any(|found| found.report.code == "P-524" && found.evidence.len() == 3));
    assert_eq!(ask(request.to_string()).await.0, 403);
    let published = text(&stranger, world.a.log_url("/checkpoint")).await;
    assert!(published.starts_with("xa.log.rogatory\n"));
}
