//! Bytes that are not an envelope, or not the one that was sent: refused with a code, and nothing is stored.

use crate::fixture::{Node, World, post};
use reqwest::Client;

async fn serving() -> World {
    let mut world = World::new().await;
    world.a.start().await;
    world
}

/// Refused for good, with a code of the peer's family.
async fn refused(client: &Client, to: &Node, bytes: impl Into<Vec<u8>>, what: &str) -> String {
    let answer = post(client, to, bytes.into()).await;
    assert!([413, 422].contains(&answer.status.as_u16()), "{what}: {}", answer.status);
    let code = answer.code();
    assert!(code.starts_with("P-"), "{what}: {code}");
    code
}

/// Where the value of `field` begins and ends in compact JSON.
fn span(json: &str, field: &str) -> std::ops::Range<usize> {
    let begin = json.find(&format!("\"{field}\":\"")).unwrap() + field.len() + 4;
    begin..begin + json[begin..].find('"').unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_altered_in_any_byte_is_refused() {
    let world = serving().await;
    let id = world.b.plant_words(&world.a).await;
    let honest = world.b.envelope(id).await;
    let json = String::from_utf8(honest.clone()).unwrap();
    let client = world.b.client(&world.a);
    let before = world.a.mark().await;
    // When it was sent is the one value that nothing proves: it only feeds the finding about clocks.
    let (sent, sealed) = (span(&json, "sent_at"), span(&json, "sealed"));
    let positions = (0..honest.len())
        .filter(|at| !sent.contains(at))
        // Every byte of addresses, digest, salt, proof and checkpoint; every 23rd of the sealed statement.
        .filter(|at| !sealed.contains(at) || at % 23 == 0 || sealed.end - at <= 4);
    for at in positions {
        for mask in [0x01, 0x20] {
            let mut altered = honest.clone();
            altered[at] ^= mask;
            if altered[at].eq_ignore_ascii_case(&honest[at]) && is_hex(&json, at) {
                continue;
            }
            let what = format!("byte {at} ({:?})", char::from(honest[at]));
            let answer = post(&client, &world.a, altered).await;
            // Another key id in the note: the sender may have a newer key, and tries again.
            let key = answer.status.as_u16() == 409 && answer.code() == "P-920";
            assert!(key || [413, 422].contains(&answer.status.as_u16()), "{what}: {}", answer.status);
            assert!(answer.code().starts_with("P-"), "{what}: {}", answer.code());
        }
    }
    assert_eq!(world.a.mark().await, before);
    world.b.deliver(&world.a, id).await;
    world.still_works().await;
}

/// Hex and UUIDs are read in either case: the value is the same.
fn is_hex(json: &str, at: usize) -> bool {
    ["digest", "salt", "envelope"].iter().any(|field| span(json, field).contains(&at))
}

#[tokio::test(flavor = "multi_thread")]
async fn another_time_of_sending_changes_nothing_but_what_the_receipt_says_of_it() {
    let world = serving().await;
    let id = world.b.plant_words(&world.a).await;
    let honest = world.b.envelope(id).await;
    let json = String::from_utf8(honest.clone()).unwrap();
    let mut altered = honest.clone();
    altered[span(&json, "sent_at").start + 3] ^= 1;
    let receipt = world.b.hand_over(&world.a, altered).await.receipt();
    assert_eq!(world.b.hand_over(&world.a, honest).await.receipt(), receipt);
    assert!(world.b.flow.settle(id, &receipt).await.unwrap().first);
    assert!(world.a.findings(&world.b).await.contains(&"F-410".to_owned()));
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_cut_at_any_length_is_refused() {
    let world = serving().await;
    let id = world.b.plant_words(&world.a).await;
    let honest = world.b.envelope(id).await;
    let client = world.b.client(&world.a);
    let before = world.a.mark().await;
    for length in (0..16).chain((16..honest.len()).step_by(61)).chain([honest.len() - 1]) {
        let code = refused(&client, &world.a, &honest[..length], "cut").await;
        assert_eq!(code, "P-511", "{length}");
    }
    assert_eq!(world.a.mark().await, before);
    world.b.deliver(&world.a, id).await;
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_envelope_are_refused() {
    let world = serving().await;
    let id = world.b.plant_words(&world.a).await;
    let honest = String::from_utf8(world.b.envelope(id).await).unwrap();
    let client = world.b.client(&world.a);
    let before = world.a.mark().await;
    let deep = |open: &str| open.repeat(100_000);
    let with = |old: &str, new: &str| {
        let changed = honest.replacen(old, new, 1);
        assert!(changed != honest, "{old}");
        changed.into_bytes()
    };
    let index = &honest[honest.find("\"index\":").unwrap()..];
    let index = &index[..index.find([',', '}']).unwrap()];
    let size = &honest[honest.find("\"size\":").unwrap()..];
    let size = &size[..size.find([',', '}']).unwrap()];
    let field =
        |name: &str, value: &str| with(&format!("\"{name}\":"), &format!("\"{name}\":{value},\"{name}\":"));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("not UTF-8", vec![0xff, 0xfe, 0x00]),
        ("HTML", b"<html><body>502 Bad Gateway</body></html>".to_vec()),
        ("null", b"null".to_vec()),
        ("an empty array", b"[]".to_vec()),
        ("an empty object", b"{}".to_vec()),
        ("DER", vec![0x30; 4096]),
        ("nested arrays", deep("[").into_bytes()),
        ("nested objects", deep("{\"a\":").into_bytes()),
        ("nesting inside a field", format!("{{\"format\":{}", deep("[")).into_bytes()),
        ("nesting inside an unknown field", format!("{{\"x\":{}", deep("{\"x\":")).into_bytes()),
        ("two envelopes", format!("{honest}{honest}").into_bytes()),
        ("the format twice", field("format", "\"rogatory/envelope/1\"")),
        ("the digest twice", field("digest", "\"sha256:00\"")),
        ("the salt twice", field("salt", "\"00\"")),
        ("an unknown field", with("{\"format\"", "{\"colour\":\"red\",\"format\"")),
        ("an unknown field in the log", with("\"salt\"", "\"sugar\":1,\"salt\"")),
        ("another format", with("rogatory/envelope/1", "rogatory/envelope/2")),
        ("a huge format", with("rogatory/envelope/1", &"x".repeat(1 << 20))),
        ("an index beyond the log", with(index, "\"index\":18446744073709551615")),
        ("an index beyond any integer", with(index, "\"index\":184467440737095516160")),
        ("an index without end", with(index, &format!("\"index\":1{}", "0".repeat(100_000)))),
        ("an infinite index", with(index, "\"index\":1e400")),
        ("a negative index", with(index, "\"index\":-1")),
        ("a fraction", with(index, "\"index\":1.5")),
        ("a size beyond the log", with(size, "\"size\":18446744073709551615")),
        ("no size", with(size, "\"size\":0")),
        ("a State that cannot be", with("XB/contact-point", "X\u{411}/contact-point")),
        ("an office that cannot be", with("XB/contact-point", "XB/king")),
        ("a year beyond time", with("\"sent_at\":\"", "\"sent_at\":\"99999999")),
    ];
    for (what, bytes) in cases {
        refused(&client, &world.a, bytes, what).await;
    }
    let hashes = "\"hashes\":[";
    let many = format!("{hashes}{}", format!("\"{}\",", "A".repeat(43) + "=").repeat(50_000));
    refused(&client, &world.a, with(hashes, &many), "a proof without end").await;
    assert_eq!(world.a.mark().await, before);
    world.b.deliver(&world.a, id).await;
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_for_another_state_is_refused() {
    let world = serving().await;
    let id = world.b.plant_words(&world.c).await;
    let before = world.a.mark().await;
    let answer = world.b.hand_over(&world.a, world.b.envelope(id).await).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "P-520"));
    assert_eq!(world.a.mark().await, before);
    world.still_works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_that_another_state_hands_over_is_refused() {
    let world = serving().await;
    let id = world.b.plant_words(&world.a).await;
    let bytes = world.b.envelope(id).await;
    let before = world.a.mark().await;
    let answer = world.c.hand_over(&world.a, bytes).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "P-521"));
    assert_eq!(world.a.mark().await, before);
    world.b.deliver(&world.a, id).await;
    world.still_works().await;
}
